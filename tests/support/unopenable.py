"""Makes the opening of a file fail, whichever library opens it and whatever user runs the tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Refusal:
    """The error with which the opening of a path fails, and how many times it still does."""

    code: int
    times: int


refusals: dict[str, Refusal] = {}


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook; there is no removing it, so it stays and goes by `refusals`."""
    refusal = refusals.get(str(arguments[0])) if event == "open" else None
    if refusal and refusal.times:
        refusal.times -= 1
        raise OSError(refusal.code, os.strerror(refusal.code), str(arguments[0]))


sys.addaudithook(refuse)


@contextmanager
def refusing(path: Path, code: int, times: int = 1000) -> Iterator[None]:
    """Meanwhile, opening the file fails so many times with that error."""
    refusals[str(path)] = Refusal(code, times)
    try:
        yield
    finally:
        del refusals[str(path)]
