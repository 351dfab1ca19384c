from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.answer import ask
from rag.answering.quotes import MAX_ANNOUNCED, quotes
from rag.types import Citation, CitedPassage, Passage, ScoredPassage, Scores, Span
from support.letter_encoder import LetterEncoder, snapshot_of

ENCODER = LetterEncoder()
START = 100


def cited(text: str, *marked: str, rank: int = 1, score: float = 1.0) -> CitedPassage:
    """A hit on a passage at character 100 of its document, with these sentences marked."""
    end = START + len(text)
    passage = Passage(f"p{rank}", "a.md", "s", START, end, text, "")
    places = [(START + text.index(each), len(each)) for each in marked]
    citation = Citation(
        "a.md", "A", "text/markdown", (), "0" * 64, START, end, 1, 1, None, None, text
    )
    scores = Scores(None, None, None, None, score)
    spans = tuple(Span(at, at + length) for at, length in places)
    return CitedPassage(rank, ScoredPassage(passage, score, scores), citation, spans)


def texts(*hits: CitedPassage) -> list[str]:
    return [quote.text for quote in quotes(hits)]


def test_the_marked_sentence_is_quoted_with_its_place() -> None:
    [quote] = quotes([cited("Figs rot. Bees hum.", "Bees hum.")])
    assert (quote.text, quote.char_start, quote.char_end) == ("Bees hum.", 110, 119)
    assert (quote.citation, quote.passage_id, quote.document_id) == (1, "p1", "a.md")


def test_of_the_first_three_passages_those_nearly_as_good_as_the_best_are_quoted() -> None:
    scores = (1.0, 0.86, 0.84, 0.99)
    hits = [cited("Bees hum.", "Bees hum.", rank=i, score=s) for i, s in enumerate(scores, 1)]
    assert [quote.citation for quote in quotes(hits)] == [1, 2]


def test_the_best_passage_is_quoted_even_if_its_score_is_below_zero() -> None:
    assert texts(cited("Bees hum.", "Bees hum.", score=-0.5)) == ["Bees hum."]


def test_sentences_with_only_markup_between_them_are_one_quote() -> None:
    rows = "| a | 1 |\n| b | 2 |\n\nBees hum."
    assert texts(cited(rows, "| a | 1 |", "| b | 2 |")) == ["| a | 1 |\n| b | 2 |"]
    assert texts(cited(rows, "| a | 1 |", "Bees hum.")) == ["| a | 1 |", "Bees hum."]


@pytest.mark.parametrize(
    "block",
    [
        "- figs\n- plums",
        "\n1. figs\n\n2. plums\n   and more",
        "\n```sh\ncut\n\nserve\n```",
        "\n| a | b |\n| --- | --- |\n| 1 | 2 |",
        "\r\n* figs\r\n* plums",
    ],
)
def test_what_a_sentence_announces_is_quoted_with_it(block: str) -> None:
    text = f"Bees hum. **Bring these:**\n{block}"
    announced = f"**Bring these:**\n{block}"
    assert texts(cited(f"{text}\n\nThen rest.", "**Bring these:**")) == [announced]
    assert texts(cited(text, "**Bring these:**")) == [announced]


def test_a_long_block_is_not_quoted_with_the_sentence_that_announces_it() -> None:
    text = f"Bring these:\n\n- {'figs ' * MAX_ANNOUNCED}"
    assert texts(cited(text, "Bring these:")) == ["Bring these:"]


def test_a_colon_at_the_end_of_a_passage_announces_nothing() -> None:
    assert texts(cited("Bring these:\n", "Bring these:")) == ["Bring these:"]


def test_a_sentence_in_the_block_that_another_announces_is_quoted_once() -> None:
    text = "Bring these:\n- figs\n- plums"
    assert texts(cited(text, "Bring these:", "- plums")) == [text]


def test_without_a_marked_sentence_the_best_passage_is_quoted_whole() -> None:
    assert texts(cited("Figs rot."), cited("Bees hum.", rank=2)) == ["Figs rot."]
    assert quotes([]) == ()


@given(
    st.lists(
        st.sampled_from(
            ["Bees hum. ", "Figs:\n", "- a\n", "\n", "| x | 1 |\n", "```\n", "\r", "é😀"]
        ),
        min_size=1,
    ).map("".join),
    st.data(),
)
def test_every_quote_is_the_text_at_its_place_and_none_overlap(
    text: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=4)))
    spans = [Span(START + a, START + b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    base = cited(text)
    hit = CitedPassage(1, base.hit, base.citation, tuple(spans))
    found = quotes([hit])
    assert found
    for quote in found:
        assert quote.text == text[quote.char_start - START : quote.char_end - START]
    ends = [START, *(quote.char_end for quote in found)]
    assert all(end <= quote.char_start for end, quote in zip(ends, found, strict=False))
    assert all(
        any(
            quote.char_start <= span.char_start and span.char_end <= quote.char_end
            for quote in found
        )
        for span in spans
    )


@pytest.mark.parametrize("question", ["apples red", "figs", "zebra yak", "quinces: xenon?", "  "])
@pytest.mark.parametrize("top_k", [1, 3])
def test_quotes_are_of_passages_returned_and_there_are_none_if_and_only_if_it_abstains(
    tmp_path: Path, question: str, top_k: int
) -> None:
    snapshot = snapshot_of(
        tmp_path, a="# Fruit\n\nApples are red. Figs rot.\n", b="Take figs:\n\n- old\n- oily\n"
    )
    answer = ask(snapshot, ENCODER, question, top_k=top_k)
    assert (answer.quotes == ()) == answer.abstained
    for quote in answer.quotes:
        passage = answer.passages[quote.citation - 1].hit.passage
        assert (quote.passage_id, quote.document_id) == (passage.id, passage.document_id)
        text = snapshot.documents[quote.document_id].text
        assert quote.text == text[quote.char_start : quote.char_end]
        assert passage.start <= quote.char_start < quote.char_end <= passage.end


def test_the_notices_of_the_documents_quoted_are_given_once(tmp_path: Path) -> None:
    front = "---\nnotice: 'Ask a <b>baker</b>,\n  first.'\n---\n\n"
    snapshot = snapshot_of(
        tmp_path, a=f"{front}Figs rot.\n", b=f"{front}Figs reek.\n", c="Bees hum.\n"
    )
    assert ask(snapshot, ENCODER, "figs").notices == ("Ask a <b>baker</b>, first.",)
    assert ask(snapshot, ENCODER, "bees hum").notices == ()
    assert ask(snapshot, ENCODER, "zebra yak").notices == ()
