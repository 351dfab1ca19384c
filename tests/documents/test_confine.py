"""What the process that parses may not do, tried from within it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from support.file_trees import write
from support.places import ROOT

linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="the kernel of Linux enforces it",
)

TRY = """
import os, socket, sys
from rag.documents.confine import KILL, confine, refuse_calls
code = compile(sys.argv[1], "tried", "exec")
confine()
try:
    exec(code)
except OSError as error:
    os.write(1, error.strerror.encode())
else:
    os.write(1, b"done")
"""


# An editable installation finds the package where it was written, which is on no path.
FINDER = f"""
import importlib.util, sys
class Finder:
    def find_spec(name, path=None, target=None):
        if name == "rag":
            return importlib.util.spec_from_file_location("rag", {str(ROOT / "rag/__init__.py")!r})
sys.meta_path.insert(0, Finder)
"""


def tried(code: str, path: Path | None = None) -> tuple[int, str]:
    """The exit code of a confined process, and what became of the code that it ran."""
    environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
    command = [sys.executable, "-P", "-c", TRY, code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=path)
    return done.returncode, done.stdout


@linux
@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/passwd')",
        "os.listdir('/etc')",
        "open({folder!r} + '/secret')",
        "open({folder!r} + '/new', 'w')",
        "os.mkdir({folder!r} + '/new')",
        "os.unlink({folder!r} + '/secret')",
        "os.rename({folder!r} + '/secret', {folder!r} + '/new')",
        "socket.socket()",
        "socket.socket(type=socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_files_sockets_and_programs_are_refused(tmp_path: Path, code: str) -> None:
    (tmp_path / "secret").write_text("secret")
    assert tried(code.format(folder=str(tmp_path))) == (0, "Permission denied")
    assert os.listdir(tmp_path) == ["secret"]


def test_modules_are_still_loaded() -> None:
    assert tried("import lxml.etree, pypdfium2.raw, email.parser") == (0, "done")


def test_modules_of_an_editable_installation_are_still_loaded(tmp_path: Path) -> None:
    write(tmp_path / "sitecustomize.py", FINDER)
    assert tried("import rag.documents.readers.pdf", tmp_path) == (0, "done")


@linux
def test_a_refused_call_can_end_the_process() -> None:
    assert tried("refuse_calls(KILL); socket.socket()")[0] == -31
