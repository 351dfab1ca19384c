"""`rag keys`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rag.cli.main import main
from rag.serving.keys import Keys


def run(index: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["keys", *arguments, "--index", str(index)])
    return int(exit.value.code or 0)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def test_key_is_shown_once_listed_without_its_secret_and_revoked(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--scope", "read", "--expires", "12h", "--paths", "guides/*", "--name", "bob")
    assert run(index, "add", *given) == 0
    out, err = capsys.readouterr()
    token = out.strip()
    key = Keys(index.parent / "index.keys.json").find(token.encode())
    assert key is not None and (key.name, key.paths) == ("bob", ("guides/*",))
    assert token not in err and "keep what follows" in err
    assert run(index, "list") == 0
    out, _ = capsys.readouterr()
    assert re.fullmatch(rf"{key.id} bob: read, sees guides/\*, expires \S+ \S+ UTC\n", out)
    assert run(index, "list", "--json") == 0
    [shown] = json.loads(capsys.readouterr().out)["keys"]
    assert set(shown) == {"id", "scope", "created", "expires", "name", "paths"}
    assert run(index, "revoke", key.id) == 0
    assert capsys.readouterr().out.endswith(": revoked\n")
    assert run(index, "list") == 0
    assert capsys.readouterr().err == f"there are no keys in {index}.keys.json\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--scope", "root"), "--scope is 'root': choose one of read, build, admin"),
        (("--expires", "never"), "as in 90d"),
        (("--scope", "admin", "--paths", "a*"), "give it read"),
    ],
)
def test_wrong_options_name_the_fix(
    index: Path, capsys: pytest.CaptureFixture[str], given: tuple[str, ...], said: str
) -> None:
    assert run(index, "add", *given) == 2
    assert said in capsys.readouterr().err
