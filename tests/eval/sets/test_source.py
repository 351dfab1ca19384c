"""What kind of corpus it is, which pairs it holds, and what is refused."""

import re
from pathlib import Path

import pytest

from eval.sets.evalset import Judgment
from eval.sets.faq import query_id
from eval.sets.source import is_table, make_set, read_source
from rag.building.build import index_corpus
from rag.types.errors import UsageError
from support.faq_corpus import SOIL, TEXT, WATER, source
from support.letter_encoder import LetterEncoder
from support.places import ROOT

SHARED = ROOT.parent / "shared"


def test_a_corpus_with_text_beside_its_faq_is_judged_on_that_text(tmp_path: Path) -> None:
    found = make_set(source(tmp_path), None, [])
    assert (found.name, found.kind, found.origin, found.pairs) == (
        "lupines",
        "documents",
        "silver",
        2,
    )
    water, ground = found.queries
    assert (water.text, water.answer) == ("How much water?", "Little water: rain gives enough.")
    assert water.sections == ("lupines.md#faq/how-much-water",)
    assert found.qrels == {water.id: {WATER: 2}, ground.id: {SOIL: 2}}


def test_hand_judgments_come_before_silver_ones_which_are_scored_against_them(
    tmp_path: Path,
) -> None:
    water = query_id("How much water?")
    judged = [Judgment(water, WATER, 2, "says so"), Judgment(water, SOIL, 1, "in part")]
    found = make_set(source(tmp_path), None, judged)
    ground = query_id("Which ground?")
    assert (found.origin, found.qrels[water]) == ("mixed", {WATER: 2, SOIL: 1})
    assert found.qrels[ground] == {SOIL: 2}
    assert found.trust is not None
    assert (found.trust.precision, found.trust.recall, found.trust.queries) == (1.0, 0.5, 1)
    judged.append(Judgment(ground, SOIL, 2, "says so"))
    assert make_set(source(tmp_path), None, judged).origin == "hand"


def test_a_table_may_be_handed_over_and_may_name_its_gold(tmp_path: Path) -> None:
    table = tmp_path / "faq.csv"
    table.write_text(f"question,answer,gold\nRain?,Rain.,{WATER}\nLime?,Lime harms.,{SOIL}\n")
    found = make_set(source(tmp_path), table, [])
    assert (found.origin, found.qrels[query_id("Rain?")]) == ("table", {WATER: 2})
    assert found.queries[0].sections == ()


def test_nothing_but_faq_makes_each_answer_its_questions_gold(tmp_path: Path) -> None:
    corpus = source(tmp_path, "# Page\n\nSource: X\n\n" + TEXT[TEXT.index("## FAQ") :] * 2)
    found = make_set(corpus, None, [])
    assert (found.kind, found.pairs, len(found.queries)) == ("faq-only", 4, 2)
    assert [sorted(judged.values()) for judged in found.qrels.values()] == [[2, 2], [2, 2]]


def test_a_table_alone_is_a_corpus_of_nothing_but_faq(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text('question,answer\nWhy rain?,"It\nhelps."\nWhy soil?,Roots.\n')
    corpus = read_source([tmp_path / "faq.csv"])
    found = make_set(corpus, None, [])
    assert (found.kind, found.queries[0].answer) == ("faq-only", "It\nhelps.")
    passages = index_corpus(corpus.corpus, LetterEncoder(), faq="answers").passages
    assert [passage.text for passage in passages] == ["It\nhelps.", "Roots."]
    assert {passage.section_id for passage in passages} == {
        section for judged in found.qrels.values() for section in judged
    }


def test_a_jsonl_is_a_table_where_it_holds_questions(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"question": "A?", "answer": "B"}\n')
    (tmp_path / "b.jsonl").write_text('{"_id": "1", "title": "", "text": "B"}\n')
    (tmp_path / "c.jsonl").write_text("")
    found = [is_table(tmp_path / name) for name in ("a.jsonl", "b.jsonl", "c.jsonl", "no.csv")]
    assert found == [True, False, False, False]
    assert not is_table(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT[: TEXT.index("## FAQ")], "holds no FAQ: looked for .*`--faq FILE.csv`"),
        (TEXT[: TEXT.index("### Which")], "one FAQ pair only"),
        (TEXT.replace("Which ground", "how much WATER"), "asked twice, first 'How much water"),
        (
            TEXT[: TEXT.index("## FAQ")] + "## FAQ\n\n### A?\n\nZebras.\n\n### B?\n\nQuaggas.\n",
            "no section of the documents supports any of the 2 answers",
        ),
    ],
)
def test_a_corpus_that_makes_no_set_is_told_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_set(source(tmp_path, text), None, [])


def test_a_table_that_names_no_section_of_the_corpus_is_refused(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("question,answer,gold\nA?,B,x#top\nC?,D,\n")
    with pytest.raises(UsageError, match="none of the 1 judged sections is in this corpus"):
        make_set(source(tmp_path), tmp_path / "faq.csv", [])


def test_every_pair_of_the_pages_is_found() -> None:
    folder = SHARED / "data" / "faq_pages"
    if not folder.is_dir():
        pytest.skip(f"{folder.name} is not there")
    pages = [path.read_text(encoding="utf-8") for path in sorted((folder / "docs").glob("*.md"))]
    counted = sum(len(re.findall(r"^### ", page, flags=re.MULTILINE)) for page in pages)
    found = make_set(read_source([folder]), None, [])
    assert (len(pages), found.pairs, found.kind) == (167, counted, "faq-only")
