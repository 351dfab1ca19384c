"""Other converters, each in a process of its own, under a Python that has it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from eval.studies.views import View, view_of_html, view_of_markdown

_SCRIPT = Path(__file__).with_name("convert.py")


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converter made of a file, None if it could not read it, and the seconds it took."""

    view: View | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Converter:
    """A converter that is running."""

    name: str
    _input: IO[str]
    _output: IO[str]

    def convert(self, path: Path, page: int = 0) -> Converted:
        """The file as the converter reads it; of a PDF one page alone, if a page is given."""
        self._input.write(json.dumps([str(path), page]) + "\n")
        self._input.flush()
        line = self._output.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with {path}; leave the file or converter out")
        answer = json.loads(line)
        seconds = float(answer["seconds"])
        if "error" in answer:
            return Converted(None, seconds)
        view = view_of_html if answer["markup"] == "html" else view_of_markdown
        return Converted(view(answer["text"]), seconds)


@contextmanager
def started(python: Path, names: Sequence[str]) -> Iterator[list[Converter]]:
    """The named converters, run by `python`; they end with the block."""
    processes = [
        subprocess.Popen(
            [python, _SCRIPT, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name in names
    ]
    try:
        yield [
            Converter(name, _pipe(process.stdin), _pipe(process.stdout))
            for name, process in zip(names, processes, strict=True)
        ]
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
