import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.types.user_folder import user_folder


def homeless() -> Path:
    """As `Path.home` for a user that the system does not know, without HOME."""
    raise RuntimeError("Could not determine home directory.")


def test_the_folder_is_in_the_one_that_the_variable_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert user_folder("XDG_CACHE_HOME", ".cache", homeless) == tmp_path / "caches" / "rag"


def test_the_folder_is_in_the_home_if_the_variable_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    expected = tmp_path / ".cache" / "rag"
    assert user_folder("XDG_CACHE_HOME", ".cache", lambda: tmp_path) == expected


def test_a_user_without_a_home_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert user_folder("XDG_CACHE_HOME", ".cache", homeless) is None


def test_a_home_that_cannot_be_written_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    (tmp_path / "home").touch()
    assert user_folder("XDG_CACHE_HOME", ".cache", lambda: tmp_path / "home") is None


def test_the_libraries_choose_their_folders_if_the_home_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    names = ("TORCHINDUCTOR_CACHE_DIR", "MPLCONFIGDIR")
    code = (
        "import os, eval\n"
        "from rag.encoders.process import set_torch_environment\n"
        "set_torch_environment()\n"
        f"print(*(os.environ.get(name) for name in {names}))"
    )
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment = {**environment, "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": ""}
    found = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True
    )
    assert found.stdout == "None None\n", found.stderr
