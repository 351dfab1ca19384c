"""What is needed to repeat a figure; and the results files of studies."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.encoders import Encoder
from rag.types.errors import UsageError

RESULTS = Path("eval/results")
CACHE = Path("index/cache/snapshots")
DIGITS = 6
# Figures written by one command do not make the next one's code another.
_BUT_RESULTS = ("--", ":(top)", ":(top,exclude)eval/results")


def provenance(command: str, encoder: Encoder) -> dict[str, Any]:
    """Command, commit, machine, and the sha256 of the model's weights and of the head's file."""
    return {
        "command": command,
        "commit": commit(),
        "machine": machine(),
        "model_sha256": encoder.sha256,
        "head_sha256": encoder.head_sha256,
    }


def commit(folder: Path = Path(__file__).parent) -> str:
    """The commit that a folder is at, `+` if files have changed since, or `unknown`."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", *_BUT_RESULTS)
        return head + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> dict[str, str]:
    """Processor, cores, system and Python; no names."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def write_outcome(path: Path, outcome: Mapping[str, Any]) -> None:
    """Write figures as JSON, keys in the order given, numbers to six digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded(outcome), indent=1) + "\n", encoding="utf-8")


def read_outcome(path: Path) -> dict[str, Any]:
    """The figures of a file; raises UsageError if it holds none."""
    try:
        outcome: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} is no results file ({error}): docs/evaluation.md says which study writes it"
        ) from error
    return outcome


def rounded(value: Any) -> Any:
    """Plain JSON values with numbers to six digits."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(each) for each in value]
    return value


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "--no-optional-locks", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or sys.platform
