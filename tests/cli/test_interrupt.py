"""An interrupt ends every command quietly, whatever it is doing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.letter_encoder import corpus


def interrupted(cwd: Path, when: str, *command: str, option: str = "-u") -> tuple[int, str]:
    """How a command ends, and what it says, if it is interrupted when it says something."""
    with subprocess.Popen(
        [sys.executable, *option.split(), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        # A terminal interrupts the whole group.
        process_group=0,
        # A shell's background job has interrupts ignored, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout
        said = ""
        while when not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGINT)
        said += process.stdout.read()
        return process.wait(), said


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("info", "rag.types"),
        ("info", "numpy.linalg"),
        ("info", "pydantic"),
        ("info", "onnxruntime"),
        ("serve", "faiss"),
        ("serve", "uvicorn"),
    ],
)
def test_while_it_is_imported(tmp_path: Path, command: str, module: str) -> None:
    # Python tells each module that a statement has imported.
    code, said = interrupted(tmp_path, f" {module}\n", "-m", "rag", command, option="-X importtime")
    assert code == 130, said
    assert "Traceback" not in said and "KeyboardInterrupt" not in said


def write_many(folder: Path) -> Path:
    """Documents that take a while to encode, with an FAQ."""
    texts = {f"d{n}": f"# Part {n}\n\n" + f"Fruit {n} is sweet and round. " * 60 for n in range(80)}
    water = "# Water\n\nLupines want little water, and rain gives them enough of it.\n"
    pairs = (
        "How much water?\nA: Lupines want little water.",
        "Is rain enough?\nA: Rain is enough.",
    )
    faq = "# FAQ\n\n" + "".join(f"Q: {pair}\n\n" for pair in pairs)
    return corpus(folder, **texts, water=water, faq=faq)


@pytest.mark.parametrize("command", ["build", "watch"])
def test_while_it_encodes(tmp_path: Path, command: str) -> None:
    write_many(tmp_path / "many")
    code, said = interrupted(tmp_path, "passages encoded", "-m", "rag", command, "many")
    assert code == 130, said
    assert "Traceback" not in said and "error" not in said
    assert not (tmp_path / "index" / "CURRENT").exists()


def test_while_it_evaluates(tmp_path: Path) -> None:
    write_many(tmp_path / "many")
    run = [sys.executable, "-m", "rag", "eval", "build", "many"]
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    code, said = interrupted(tmp_path, "passages encoded", "-m", "eval", "run", "many")
    assert code == 130, said
    assert "Traceback" not in said and "Exception" not in said


def test_while_it_serves(tmp_path: Path) -> None:
    corpus(tmp_path / "few", a="Apples are red.")
    build = [sys.executable, "-m", "rag", "build", "few"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    code, said = interrupted(tmp_path, "curl", "-m", "rag", "serve", "--port", "0")
    assert code == 130, said
    assert "Traceback" not in said and "Exception" not in said
