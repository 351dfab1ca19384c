"""`import rag`: which names a program may use, how they are called, and what they import."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import rag
from support.letter_encoder import LetterEncoder, corpus

HEAVY = ["bm25s", "faiss", "fastapi", "numpy", "onnxruntime", "scipy", "torch", "typer"]
FRUIT = "# Fruit\n\nBlue plums ripen late.\n\n# Nuts\n\nHazelnuts grow wild.\n"


def test_the_public_names_are_these() -> None:
    assert rag.__all__ == [
        "Answer",
        "Citation",
        "CitedPassage",
        "Document",
        "Encoder",
        "Filters",
        "Index",
        "Passage",
        "Quote",
        "RagError",
        "SavedCitation",
        "ScoredPassage",
        "Scores",
        "Section",
        "Span",
        "Verdict",
        "ask",
        "build",
        "open_encoder",
        "open_index",
        "verify",
    ]
    assert set(rag.__all__) <= set(dir(rag))


def test_the_functions_are_called_like_this() -> None:
    functions = (rag.open_index, rag.build, rag.ask, rag.verify)
    assert [list(inspect.signature(each).parameters) for each in functions] == [
        ["folder", "encoder"],
        ["paths", "folder", "encoder", "strict", "progress"],
        ["index", "question", "top_k", "mode", "filters"],
        ["index", "citation"],
    ]


def test_every_public_name_says_what_it_is() -> None:
    assert all(inspect.getdoc(getattr(rag, name)) for name in rag.__all__)


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'rag' has no attribute 'opn_index'"):
        rag.opn_index  # noqa: B018


def imported(code: str, *arguments: str) -> list[str]:
    """Which of the heavy packages a program has imported when it ends."""
    code += f"\nimport json, sys; print(json.dumps(sorted({HEAVY} & sys.modules.keys())))"
    code = code.replace(str(HEAVY), f"set({HEAVY})")
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_importing_it_imports_nothing_heavy() -> None:
    assert imported("import rag") == []


def test_asking_and_verifying_import_neither_torch_nor_web_framework_nor_bm25s(
    tmp_path: Path,
) -> None:
    folder = str(tmp_path / "index")
    rag.build([corpus(tmp_path / "docs", fruit=FRUIT)], folder)
    code = (
        "import rag, sys\nindex = rag.open_index(sys.argv[1])\n"
        "answer = rag.ask(index, 'Which plums ripen late?')\n"
        "assert rag.verify(index, answer.passages[0].citation).status == 'valid'"
    )
    assert imported(code, folder) == ["faiss", "numpy", "onnxruntime"]


def test_what_is_built_is_live_and_answers(tmp_path: Path) -> None:
    docs, folder, encoder = corpus(tmp_path / "docs", fruit=FRUIT), tmp_path / "i", LetterEncoder()
    built = rag.build([docs], folder, encoder=encoder)
    opened = rag.open_index(folder, encoder=encoder)
    assert opened.snapshot.id == built.snapshot.id == (folder / "CURRENT").read_text().strip()
    answer = rag.ask(opened, "blue plums", top_k=1)
    (passage,) = answer.passages
    assert passage.citation.quote == FRUIT[slice(*map(FRUIT.index, ("Blue", "\n\n# Nuts")))]


def test_one_path_needs_no_list(tmp_path: Path) -> None:
    docs, encoder = corpus(tmp_path / "docs", fruit=FRUIT), LetterEncoder()
    ids = {
        rag.build(given, tmp_path / "index", encoder=encoder).snapshot.id
        for given in (docs, str(docs), [docs])
    }
    assert len(ids) == 1


def test_a_citation_is_verified_against_the_index_that_is_given(tmp_path: Path) -> None:
    encoder = LetterEncoder()
    docs = corpus(tmp_path / "docs", fruit=FRUIT)
    before = rag.build([docs], tmp_path / "index", encoder=encoder)
    citation = rag.ask(before, "blue plums").passages[0].citation
    corpus(docs, fruit="# Contents\n\nTwo parts.\n\n" + FRUIT)
    after = rag.build([docs], tmp_path / "index", encoder=encoder)
    assert [rag.verify(index, citation).status for index in (before, after)] == ["valid", "moved"]


def test_what_is_skipped_is_logged_or_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    docs = corpus(tmp_path / "docs", fruit=FRUIT, todo="")
    rag.build([docs], tmp_path / "index", encoder=LetterEncoder())
    assert caplog.messages == [
        "2 files: 1 indexed, 1 skipped (empty 1)",
        "skipped todo.md: empty: the file is empty; write something into it or remove it",
    ]
    with pytest.raises(rag.RagError, match=r"todo\.md: empty: the file is empty"):
        rag.build([docs], tmp_path / "index", encoder=LetterEncoder(), strict=True)


def test_mistakes_are_rag_errors(tmp_path: Path) -> None:
    index = rag.build([corpus(tmp_path, fruit=FRUIT)], tmp_path / "i", encoder=LetterEncoder())
    with pytest.raises(rag.RagError, match="the question is empty"):
        rag.ask(index, " ")
    for top_k in (0, 51):
        with pytest.raises(rag.RagError, match=f"top_k is {top_k}: ask for 1 to 50 passages"):
            rag.ask(index, "plums", top_k=top_k)
    with pytest.raises(rag.RagError, match="is not text in UTF-8: write it again"):
        rag.ask(index, "plum\udcff")
    with pytest.raises(rag.RagError, match="mode is 'late': choose one of hybrid, dense, bm25"):
        rag.ask(index, "plums", mode="late")  # type: ignore[arg-type]
    with pytest.raises(rag.RagError, match="no index in"):
        rag.open_index(tmp_path / "none", encoder=LetterEncoder())
