"""`rag backup` and `rag restore`, with the bundled model."""

from __future__ import annotations

import hashlib
import json
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from rag.cli.main import main

TEXT = "# Fruit\n\nFruit grows on trees.\n\n## FAQ\n\nQ: Which fruit is red?\nA: Apples are red.\n"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit:
        main([str(each) for each in arguments])
    return int(exit.value.code or 0)


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of `index` beside it, which has a key."""
    folder = tmp_path_factory.mktemp("backup")
    (folder / "fruit.md").write_text(TEXT)
    index = ("--index", folder / "index")
    assert run("build", folder / "fruit.md", *index) == 0
    assert run("keys", "add", "--name", "support", *index) == 0
    assert run("backup", folder / "file", *index) == 0
    return folder / "file"


def answers(index: Path, capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """What is answered, without the time that it took."""
    given = []
    for question in ("Which fruit is red?", "Who pays?"):
        capsys.readouterr()
        run("ask", question, "--json", "--index", index)
        given.append(json.loads(capsys.readouterr().out))
        del given[-1]["took_ms"]
    return given


def made_with(source: Path, version: str, target: Path) -> Path:
    """A copy of a backup that says that another version has made it."""
    with tarfile.open(source) as archive, tarfile.open(target, "w") as copy:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            raw = content.read()
            if member.name.startswith("backup-"):
                raw = json.dumps({**json.loads(raw), "made_with": version}).encode()
                member.name = f"backup-{hashlib.sha256(raw).hexdigest()}.json"
                member.size = len(raw)
            copy.addfile(member, BytesIO(raw))
    return target


@pytest.mark.parametrize("version", ["", "99.1.0"])
def test_a_restored_index_answers_the_same_whichever_version_made_the_backup(
    backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    source = made_with(backup, version, tmp_path / "copy") if version else backup
    assert run("restore", source, "--index", tmp_path / "new") == 0
    assert capsys.readouterr().out.endswith(" is live\n")
    assert answers(tmp_path / "new", capsys) == answers(backup.with_name("index"), capsys)
    assert run("keys", "list", "--index", tmp_path / "new") == 0
    assert "support" in capsys.readouterr().out


def test_a_backup_says_what_it_holds_and_replaces_nothing(
    backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = ("--index", backup.with_name("index"))
    assert run("backup", tmp_path / "file", *index) == 0
    assert ", keys.json, " in capsys.readouterr().out
    assert run("backup", tmp_path / "file", *index) == 2
    assert "exists already" in capsys.readouterr().err
    assert run("restore", tmp_path / "file", *index) == 2
    assert "index" in capsys.readouterr().err
