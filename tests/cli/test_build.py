"""`rag build` with the gate, with the bundled model."""

from pathlib import Path

import pytest
import torch

from rag.cli.main import main
from rag.store.versions import current_id
from support.file_trees import write


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    return int(exit.value.code or 0)


FRUIT = {
    "red": "Apples are red, and so are ripe cherries.",
    "green": "Pears stay green until late autumn.",
    "blue": "Plums have a blue skin with a dusty bloom.",
    "brown": "Figs turn brown when they are dried.",
}


def orchard(folder: Path, **texts: str) -> str:
    """A folder with a document for each text, and no other."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(f"# {name}\n\n{text}\n")
    return str(folder)


def test_a_refused_build_exits_with_6_and_a_forced_one_is_listed_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index, canaries = str(tmp_path / "index"), tmp_path / "canaries.jsonl"
    canaries.write_text('{"question": "Which fruit has a blue skin?", "document_id": "blue.md"}')
    gate = ("--gate", "--canaries", str(canaries), "--index", index)
    assert run("build", orchard(tmp_path / "corpus", **FRUIT), *gate) == 0
    assert capsys.readouterr().err.endswith("gate passed (n 0)\n")
    before, worse = current_id(tmp_path / "index"), orchard(tmp_path / "corpus", red=FRUIT["red"])
    assert run("build", worse, *gate) == 6
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"error: the gate refuses the new snapshot, {before} stays live")
    assert "4 documents before, 1 now" in said and "of 1 canary, 1 answered before" in said
    assert current_id(tmp_path / "index") == before
    assert run("build", worse, *gate, "--force") == 0
    assert "gate overruled (n 0): 4 documents before, 1 now" in capsys.readouterr().err
    assert run("versions", "--index", index) == 0
    assert "forced, 4 documents before, 1 now" in capsys.readouterr().out.splitlines()[0]


def test_the_gate_is_set_by_environment_and_left_out_by_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_GATE", "1")
    index = str(tmp_path / "index")
    assert run("build", orchard(tmp_path / "corpus", **FRUIT), "--index", index) == 0
    worse = orchard(tmp_path / "corpus", red=FRUIT["red"])
    assert run("build", worse, "--index", index) == 6
    assert run("build", worse, "--index", index, "--no-gate") == 0


def test_canaries_without_a_gate_are_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--canaries", "canaries.jsonl", "--index", str(tmp_path / "index"))
    assert run("build", orchard(tmp_path / "corpus", **FRUIT), *given) == 2
    assert "--canaries requires --gate" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_build_on_a_device_that_is_missing_says_so_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAG_DEVICE", "cuda")
    write(tmp_path / "docs" / "a.md", "Ants.")
    assert run("build", str(tmp_path / "docs"), "--index", str(tmp_path / "index")) == 2
    assert "RAG_DEVICE is 'cuda', and torch" in capsys.readouterr().err
    assert not (tmp_path / "index").exists()


def test_only_builds_know_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--index", str(tmp_path / "index"))
    write(tmp_path / "docs" / "a.md", "# Ants\n\nAnts hum all day.")
    assert run("build", str(tmp_path / "docs"), *where) == 0
    monkeypatch.setenv("RAG_DEVICE", "cuda:42")
    assert run("ask", "what do ants do?", *where) == 0
    assert "Ants hum" in capsys.readouterr().out


def test_a_device_of_another_kind_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAG_DEVICE", "gpu")
    assert run("build", str(tmp_path), "--index", str(tmp_path / "index")) == 2
    assert "RAG_DEVICE or --device is 'gpu'" in capsys.readouterr().err
