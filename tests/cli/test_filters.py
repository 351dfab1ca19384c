"""The filters of `rag ask`, in one command and in a session."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import rag
from rag.cli.filters import OPTIONS, checked, described, refined
from rag.cli.main import main
from rag.types import NO_FILTERS, Filters
from rag.types.errors import UsageError
from support.file_trees import write
from support.letter_encoder import LetterEncoder

PLUMS = "---\ndate: 2026-03-05\n---\n# Plums\n\n## Colour\n\nPlums are blue.\n"
CORPUS = {
    "guides/plums.md": PLUMS,
    "guides/old/plums.txt": "Plums were red.\n",
    "pears.md": "# Pears\n\nPears are green, plums are blue.\n",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("orchard")
    for name, text in CORPUS.items():
        write(folder / "docs" / name, text)
    with pytest.raises(SystemExit):
        main(["build", str(folder / "docs"), "--index", str(folder / "index")])
    return folder / "index"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> rag.Index:
    folder = tmp_path_factory.mktemp("letters")
    for name, text in CORPUS.items():
        write(folder / "docs" / name, text)
    return rag.build([folder / "docs"], folder / "index", encoder=LetterEncoder())


def asked(index: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["ask", "what colour are plums", "--index", str(index), *arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], {"guides/plums.md", "guides/old/plums.txt", "pears.md"}),
        (["--document", "pears.md"], {"pears.md"}),
        (
            ["--document", "pears.md", "--document", "guides/plums.md"],
            {"pears.md", "guides/plums.md"},
        ),
        (["--section", "colour"], {"guides/plums.md"}),
        (["--folder", "guides"], {"guides/plums.md", "guides/old/plums.txt"}),
        (["--folder", "guides", "--type", "md"], {"guides/plums.md"}),
        (["--type", "txt", "--type", "MD"], {*CORPUS}),
        (["--since", "2026-03-05", "--until", "2026-03-05"], {"guides/plums.md"}),
    ],
)
def test_a_question_is_answered_from_what_the_filters_let_through(
    built: Path, capsys: pytest.CaptureFixture[str], given: list[str], found: set[str]
) -> None:
    asked(built, "--json", *given)
    passages = json.loads(capsys.readouterr().out)["passages"]
    assert {passage["citation"]["document_id"] for passage in passages} == found


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (
            ["--document", "pear.md"],
            "--document 'pear.md' is no document of the index: did you mean 'pears.md'? "
            "`rag report` lists them",
        ),
        (
            ["--folder", "guide"],
            "--folder 'guide' is a folder without documents: did you mean 'guides'? "
            "give it as `rag report` lists it",
        ),
        (
            ["--section", "Colours"],
            "--section 'Colours' is no heading of the index: did you mean 'Colour'? "
            "give a whole heading, not a title",
        ),
        (
            ["--type", "pdf", "--type", "docx"],
            "--type 'pdf', 'docx' ends the name of no document: give an ending such as md",
        ),
        (["--since", "2026-3-1"], "--since '2026-3-1' is no day: write it as 2026-03-01"),
        (["--until", "2026-02-30"], "--until '2026-02-30' is no day: write it as 2026-03-01"),
        (
            ["--since", "2026-05-01", "--until", "2026-04-01"],
            "--since 2026-05-01 is after --until 2026-04-01: swap them",
        ),
        (
            ["--since", "2026-03-06"],
            "--since '2026-03-06' is later than the date of every document: give an earlier day",
        ),
        (
            ["--until", "2026-03-04"],
            "--until '2026-03-04' is before the date of every document: give a later day",
        ),
        (["--folder", ""], "--folder is empty: give a value, or leave it out"),
    ],
)
def test_a_value_that_nothing_has_is_named_with_the_fix(
    built: Path, capsys: pytest.CaptureFixture[str], given: list[str], error: str
) -> None:
    assert asked(built, *given) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"error: {error}\n")


def test_an_abstention_says_what_was_searched(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each filter has documents, but no document has all."""
    assert asked(built, "--document", "pears.md", "--folder", "guides") == 4
    assert capsys.readouterr().err == ("only this was searched: document pears.md, folder guides\n")


def test_every_filter_of_a_question_is_an_option() -> None:
    assert list(OPTIONS) == list(Filters.__dataclass_fields__)


def test_documents_are_checked_by_their_ids_of_the_index(snapshot: rag.Index) -> None:
    given = replace(NO_FILTERS, document_id=("guides/plums.md",), type=(".MD",))
    assert checked(snapshot.snapshot, given) == given


def test_a_filter_is_refined_by_the_name_of_its_option() -> None:
    filters = refined(refined(NO_FILTERS, "document", "a.md"), "document", "b.md")
    filters = refined(refined(filters, "folder", "x"), "folder", "y")
    assert described(filters) == "document a.md, document b.md, folder y"
    with pytest.raises(UsageError, match="colour is no filter: choose document, section"):
        refined(NO_FILTERS, "colour", "blue")
