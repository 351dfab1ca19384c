"""Canaries: what they are, and what is said of those that are not answered."""

from pathlib import Path

import pytest

from rag.checks.canaries import Canary, read_canaries
from rag.checks.gate import judge
from rag.index.snapshot import Snapshot
from rag.types.errors import UsageError
from support.letter_encoder import LetterEncoder
from support.topics_corpus import LETTERS, garden

ENCODER = LetterEncoder()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """19 topics, each answered by its section, in 20 documents."""
    return garden(tmp_path_factory.mktemp("garden"))


def test_canaries_that_are_answered_pass(before: Snapshot) -> None:
    canaries = [
        Canary("What babo bumi?"),
        Canary("beko bilu", "topic-b.md"),
        Canary("beko bilu", section="BABO"),
        Canary("beko bilu", "topic-b.md", "babo"),
    ]
    assert judge(None, before, ENCODER, canaries).reasons == ()


def test_broken_canaries_are_refused_with_what_came_instead(
    before: Snapshot, tmp_path: Path
) -> None:
    canaries = [
        Canary("ceko cilu", section="cabo"),
        Canary("beko bilu bona", "topic-b.md"),
        Canary("ttt uuu www"),
    ]
    after = garden(tmp_path, LETTERS[1:], faq=LETTERS)
    (reason,) = judge(before, after, ENCODER, canaries).reasons
    assert reason.startswith("of 3 canaries, 2 answered before and 1 now: 'beko bilu bon")
    assert "a' is answered by zzz-faq.md:3 and " in reason and ", not from topic-b.md, " in reason
    assert "'ttt uuu www' has no answer (confidence 0." in reason
    assert reason.endswith(": check that their documents are there, or correct the canaries")


def test_a_first_build_must_answer_the_canaries(before: Snapshot) -> None:
    (reason,) = judge(None, before, ENCODER, [Canary("beko bilu", "other.md")]).reasons
    assert reason.startswith("of 1 canary, 0 answered before and 0 now: ")


def test_canaries_are_read_from_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "canaries.jsonl"
    path.write_text(
        '{"question": "Why?"}\n\n{"question": "How\u2028?", "document_id": "a.md", "section": "A"}',
        encoding="utf-8",
    )
    assert read_canaries(path) == (Canary("Why?"), Canary("How\u2028?", "a.md", "A"))


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "3",
        "[1]",
        "{}",
        '{"question": ""}',
        '{"question": " "}',
        '{"question": null}',
        '{"question": 5}',
        '{"question": "Why?", "section": 5}',
        '{"question": "Why?", "document_id": ""}',
        '{"question": "Why?", "heading": "A"}',
    ],
)
def test_a_line_that_is_no_canary_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "canaries.jsonl"
    path.write_text('{"question": "Why?"}\n' + line)
    with pytest.raises(UsageError, match=r"canaries\.jsonl:2.*[:;] write one \{\"question\""):
        read_canaries(path)


def test_a_file_without_canaries_or_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "canaries.jsonl"
    with pytest.raises(UsageError, match=r"canaries\.jsonl cannot be read"):
        read_canaries(path)
    path.write_text("\n")
    with pytest.raises(UsageError, match="holds no canary"):
        read_canaries(path)
