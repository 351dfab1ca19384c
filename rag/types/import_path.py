"""Where another interpreter finds the modules of this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[2])


def import_path(path: Sequence[str], package: str = _PACKAGE) -> str:
    """The PYTHONPATH with which a child imports what this process imports.

    A program that runs in a checkout, without an installation, finds the package in the working
    folder, which is '' in its path and another one later: there its place is written out.
    """
    found = [*filter(None, path)]
    if "" in path and package not in found:
        found.append(package)
    return os.pathsep.join(found)


def with_import_path(**variables: str) -> dict[str, str]:
    """The environment of this process for a child, with that PYTHONPATH and these variables."""
    return {**os.environ, "PYTHONPATH": import_path(sys.path), **variables}
