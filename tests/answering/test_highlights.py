"""What is marked is what a sentence-by-sentence reckoning marks, and no question tokenises."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rag.answering.alignment import ABOVE, BEFORE, LEAST, align
from rag.answering.highlights import _count, _digits, _numbers_in, _numbers_of, highlights
from rag.answering.profile import profile_of
from rag.answering.search import Query, encode_query
from rag.documents.markable import markable
from rag.encoders.base import Encoder
from rag.encoders.open import open_encoder
from rag.index.late_interaction import LateInteraction, best_similarities
from rag.index.sentence_spans import marks
from rag.index.snapshot import Snapshot
from rag.text import stems, words
from rag.types import Passage, Span
from support.builds import build_snapshot
from support.letter_encoder import LetterEncoder, snapshot_of
from support.places import ROOT

PAPER = LetterEncoder()
SAMPLE = ROOT / "corpus" / "car-t-lupus.md"


def reckoned(snapshot: Snapshot, encoder: Encoder, question: str, passage: Passage) -> list[Span]:
    """The sentences to mark, worked out from the passage's text alone, one by one."""
    query = encode_query(question, encoder)
    section, text = snapshot.sections[passage.section_id], passage.text
    body = max(0, section.body_start - passage.start) if section.kind == "faq" else 0
    starts = [start for start, _ in encoder.word_pieces(text)]
    rows = snapshot.tokens.rows(snapshot.row(passage))
    pieces, near = rows[-len(starts) :], partial(best_similarities, query.tokens)
    spans = markable(text, body)
    first = starts.index(min(place for place in starts if place >= spans[0][0]))
    # The heading or question above, if there is one.
    above = rows[: len(rows) - len(starts) + first]
    told = near(above, np.array([0]))[0] if len(above) else np.zeros(len(query.tokens), np.float32)
    weights = np.clip(1 - told, LEAST, 1)
    lent = told - np.float32(ABOVE)
    scored = []
    header, before = None, 0
    for start, end in spans:
        if " | " in text[before:start]:
            # The rows of a table borrow from what stands between them and the sentence above.
            held = [at for at, place in enumerate(starts) if before <= place < start]
            header = near(pieces[held], np.array([0]))[0] - ABOVE if before else lent
        elif " | " not in text[start:end]:
            header = None
        if header is not None:
            lent = header
        held = [at for at, place in enumerate(starts) if start <= place < end]
        own = near(pieces[held], np.array([0]))[0]
        best = np.maximum(own, lent)
        rest = float(np.average(np.maximum(best, 0), weights=weights))
        score = (float(np.maximum(best, told).mean()) + rest) / 2
        scored.append((-score, Span(passage.start + start, passage.start + end)))
        lent, before = own - BEFORE, end
    close = profile_of(snapshot.manifest.model).close
    order = sorted(range(len(scored)), key=lambda at: (scored[at][0], at))[:2]
    near = [at for at in order if scored[at][0] <= scored[order[0]][0] + close]
    return [scored[at][1] for at in sorted(near)]


def marks_of(
    snapshot: Snapshot, query: Query, passages: Sequence[Passage]
) -> list[tuple[Span, ...]]:
    close = profile_of(snapshot.manifest.model).close
    interaction = LateInteraction(query.tokens, snapshot.tokens)
    return highlights(query, passages, align(snapshot, interaction, passages), close)


@pytest.fixture(scope="module")
def real() -> Encoder:
    return open_encoder("bundled", "onnx", 1)


def test_all_passages_at_once_are_marked_as_each_by_itself(real: Encoder) -> None:
    snapshot = build_snapshot([SAMPLE], real)
    marked = 0
    for question in ("Which procedure collects the T cells?", "who took part", "is it safe?", "é"):
        found = marks_of(snapshot, encode_query(question, real), snapshot.passages)
        for spans, passage in zip(found, snapshot.passages, strict=True):
            assert list(spans) == reckoned(snapshot, real, question, passage)
            marked += len(spans)
    assert marked > 4 * len(snapshot.passages)


FRUIT = """# Fruit

Apples rot. Bees hum. Oily apples reek.

## FAQ

### Why do figs rot?

Old age. Zest keeps.
"""


@pytest.fixture
def fruit(tmp_path: Path) -> Snapshot:
    return snapshot_of(tmp_path, fruit=FRUIT)


def quoted(snapshot: Snapshot, question: str, passages: list[Passage]) -> list[list[str]]:
    query = encode_query(question, PAPER)
    text = snapshot.documents["fruit.md"].text
    return [
        [text[span.char_start : span.char_end] for span in spans]
        for spans in marks_of(snapshot, query, passages)
    ]


def test_each_passage_in_the_order_given_has_its_own_sentences(fruit: Snapshot) -> None:
    first, pair = fruit.passages
    assert quoted(fruit, "zest bees", [pair, first]) == [["Zest keeps."], ["Bees hum."]]
    assert quoted(fruit, "zest", [pair]) == [["Zest keeps."]]
    assert quoted(fruit, "apples", [first]) == [["Apples rot.", "Oily apples reek."]]


def test_the_question_of_a_pair_is_not_marked(fruit: Snapshot) -> None:
    assert quoted(fruit, "figs zest", [fruit.passages[1]]) == [["Zest keeps."]]


def test_without_tokens_or_passages_nothing_is_marked(fruit: Snapshot) -> None:
    assert quoted(fruit, " ", list(fruit.passages)) == [[], []]
    assert quoted(fruit, "zest", []) == []


def test_a_passage_without_sentences_leaves_the_others_theirs(fruit: Snapshot) -> None:
    of = fruit.marks.of
    without = replace(fruit, marks=marks([of(0)[:0], of(1)]))
    assert quoted(without, "zest", list(fruit.passages)) == [[], ["Zest keeps."]]
    assert quoted(without, "zest", list(fruit.passages[:1])) == [[]]


def test_the_nearest_sentence_is_the_first_that_holds_most(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, a="Figs rot. Oily apples reek. Figs rot.")

    def nearest(question: str) -> str:
        asked = LateInteraction(encode_query(question, PAPER).tokens, snapshot.tokens)
        [aligned] = align(snapshot, asked, snapshot.passages)
        return snapshot.passages[0].text[slice(*aligned.nearest)]

    assert nearest("oily apples") == "Oily apples reek."
    assert nearest("figs") == "Figs rot."
    assert nearest("") == ""


def test_only_rows_with_the_number_asked_for_are_marked(real: Encoder, tmp_path: Path) -> None:
    head = "# Inn\n\n## Rates\n\n| Name | Price |\n|---|---|\n"
    rows = "\n".join(f"| Room {i} | {7 * i} euros |" for i in range(1, 10))
    log = "- 1.1.2: adds a lock\n- 1.2.1: saves the key\n- 2.1.1: adds a bell"
    items = "\n".join(f"{i}. Take step {i + 1}." for i in range(1, 4))
    page = tmp_path / "inn.md"
    page.write_text(f"{head}{rows}\n\n## Way\n\n{items}\n\n## Log\n\n{log}\n")
    snapshot = build_snapshot([page], real)

    def marked(question: str, passage: int) -> list[str]:
        query, text = encode_query(question, real), snapshot.documents["inn.md"].text
        (found,) = marks_of(snapshot, query, [snapshot.passages[passage]])
        return [text[span.char_start : span.char_end] for span in found]

    assert marked("What does room 6 cost?", 0) == ["| Room 6 | 42 euros |"]
    assert marked("Which room costs 21 euros?", 0) == ["| Room 3 | 21 euros |"]
    assert marked("How is step 3 taken?", 1) == ["2. Take step 3."]
    assert marked("What changed in version 1.2.1?", 2) == ["- 1.2.1: saves the key"]


def test_a_sentence_may_borrow_the_words_of_the_one_before(tmp_path: Path) -> None:
    """.5 + (1 - .25) / 2 for what follows the figs, and (1 + 1 + .75) / 3 beside them."""
    text = "# Fruit\n\nFigs grow here. They keep zest. Nuts keep zest. Bees hum."
    snapshot = snapshot_of(tmp_path, fruit=text)
    assert quoted(snapshot, "figs zest", list(snapshot.passages)) == [["They keep zest."]]
    assert quoted(snapshot, "nuts zest", list(snapshot.passages)) == [["Nuts keep zest."]]


def test_the_first_answer_to_a_question_may_borrow_its_words(tmp_path: Path) -> None:
    """(.9 + .9) / 2 for the first, (1 + 0) / 2 for the second."""
    text = "# FAQ\n\n## Who keeps zest?\n\nOld age. Knaves do."
    snapshot = snapshot_of(tmp_path, fruit=text)
    assert quoted(snapshot, "keep zest", list(snapshot.passages)) == [["Old age."]]


def test_in_prose_a_number_adds_to_the_words_and_does_not_replace_them(
    real: Encoder, tmp_path: Path
) -> None:
    answer = "Before the war the Japanese quarter of the town was the Old Port."
    page = tmp_path / "a.md"
    page.write_text(f"# Town\n\n## Quarters\n\n{answer} In 1940 there were 94 births.\n")
    snapshot = build_snapshot([page], real)
    query = encode_query("Which quarter was mostly Japanese in 1940?", real)
    [spans] = marks_of(snapshot, query, snapshot.passages)
    text = snapshot.documents["a.md"].text
    assert answer in [text[span.char_start : span.char_end] for span in spans]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("How many of the 12,500 units?", "They made 12500 units."),
        ("Which disk of 2TB?", "It has 2 TB of disk."),
        ("What is in section 1.2.1?", "See 1.2.1 for that."),
        ("How large is 40 m³?", "The tank holds ４０ cubic metres."),
        ("Who came in 1998?", "In 19\u00ad98 he came."),
    ],
)
def test_a_number_is_found_in_whatever_form_it_is_written(asked: str, sentence: str) -> None:
    numbers = _numbers_of(asked, stems(words(asked)))
    found = numbers & _numbers_in(sentence)
    assert found
    assert _count(numbers, [_digits(number) for number in numbers], sentence) == len(found)
    assert _count(numbers, [_digits(number) for number in numbers], "There is no 7 here.") == 0


@pytest.mark.parametrize(
    "sentence",
    [
        "3. On 2024-05-07 at 10:30 some 1,250 of 12 kg, 1990's 2TB and A.1.2 cost 1.000,50.",
        "No number is here.",
        "v2.1\nor (5)? It's 7's",
    ],
)
def test_the_words_around_numbers_do_not_change_them(sentence: str) -> None:
    # A text with other than ASCII characters is read whole.
    assert _numbers_in(sentence) == _numbers_in(f"{sentence} é")
