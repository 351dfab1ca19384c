"""`rag build` with the gate, with the bundled model."""

from pathlib import Path

import pytest

from rag.cli.main import main
from rag.store.versions import current_id


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
