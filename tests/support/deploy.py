"""The files of docs/deploy, and the tools that check them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.places import ROOT

DEPLOY = ROOT / "docs" / "deploy"


def tool(name: str) -> str:
    """The path of a tool; skips if it is not installed."""
    beside = Path(sys.executable).parent
    found = shutil.which(name) or shutil.which(name, path=f"{beside}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def accepted(*command: object) -> str:
    """What the tool prints; fails with it unless the tool exits with 0."""
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
