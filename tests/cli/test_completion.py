"""Completion of commands and options, installed as the help says and asked for by a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rag
from support.file_trees import write
from support.letter_encoder import LetterEncoder


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "rag"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom rag.__main__ import main\nmain()\n")
    program.chmod(0o755)
    home = {**os.environ, "HOME": str(tmp_path), "PATH": f"{program.parent}:{os.environ['PATH']}"}
    # The program asks which shell it was started from.
    command = ["bash", "-c", "rag --install-completion; exit $?"]
    done = subprocess.run(command, env=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert completed("rag", "ro", home=home) == ["rollback"]
    assert completed("rag", "ask", "--fol", home=home) == ["--folder"]
    assert completed("rag", "ask", "--format", "m", home=home) == ["md"]
    docs = {"guides/plums.md": "Plums.", "pears.txt": "Pears."}
    for name, text in docs.items():
        write(tmp_path / "docs" / name, text)
    rag.build([tmp_path / "docs"], tmp_path / "index", encoder=LetterEncoder())
    ask = ("rag", "ask", "--index", str(tmp_path / "index"))
    assert completed(*ask, "--document", "gu", home=home) == ["guides/plums.md"]
    assert completed(*ask, "--folder", "", home=home) == ["guides"]
    assert completed(*ask, "--type", "", home=home) == ["md", "txt"]
    nowhere = ("rag", "ask", "--index", str(tmp_path / "none"))
    assert completed(*nowhere, "--document", "gu", home=home) == []


def completed(*words: str, home: dict[str, str]) -> list[str]:
    """What bash offers for the last of these words, with the completion that was installed."""
    script = (
        'source ~/.bashrc; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
        " $(complete -p rag | sed 's/.*-F \\([^ ]*\\).*/\\1/') rag; echo \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], env=home, capture_output=True, text=True, check=True
    )
    return done.stdout.split()
