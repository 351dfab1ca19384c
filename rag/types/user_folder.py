"""The folders that a user has for caches and for the state of programs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def user_folder(variable: str, in_home: str, home: Callable[[], Path] = Path.home) -> Path | None:
    """This program's folder in the one that the variable names, or else in that of the home.

    None if the user has no home, as some have in a container, or may not write there.
    """
    try:
        folder = Path(os.environ.get(variable) or home() / in_home) / "rag"
    except RuntimeError:
        return None
    # `os.path` takes a folder that may not be looked at for missing; `Path` raises.
    there = next(each for each in (folder, *folder.parents) if os.path.exists(each))
    return folder if os.access(there, os.W_OK | os.X_OK) else None
