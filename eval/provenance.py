"""Results files of studies: figures, and what is needed to repeat them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.running.result import commit, machine
from rag.encoders import Encoder
from rag.errors import UsageError

RESULTS = Path("eval/results")
CACHE = Path("index/cache/snapshots")
DIGITS = 6


def provenance(command: str, encoder: Encoder) -> dict[str, Any]:
    """Command, commit, machine, and the sha256 of the model's weights and of the head's file."""
    return {
        "command": command,
        "commit": commit(),
        "machine": machine(),
        "model_sha256": encoder.sha256,
        "head_sha256": encoder.head_sha256,
    }


def write_outcome(path: Path, outcome: Mapping[str, Any]) -> None:
    """Write figures as JSON, keys in the order given, numbers to six digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(outcome), indent=1) + "\n", encoding="utf-8")


def read_outcome(path: Path) -> dict[str, Any]:
    """The figures of a file; raises UsageError if it holds none."""
    try:
        outcome: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} is no results file ({error}): docs/evaluation.md says which study writes it"
        ) from error
    return outcome


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(each) for each in value]
    return value
