"""What the service answers, and how that differs between two versions of the code.

    python tests/answers.py ask CORPUS QUESTIONS.jsonl > before.json     (at the one commit)
    python tests/answers.py ask CORPUS QUESTIONS.jsonl > after.json      (at the other)
    python tests/answers.py compare before.json after.json

Each question is asked with the default settings, and once more with an explanation of ten
passages. Left out of the comparison: the time taken, the index version and addresses that hold it.
Exit code 1 says that something other than the last digits of numbers differs.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from rag.answering import ask
from rag.encoders.open import open_encoder
from rag.serving import Serving
from service import create_app
from support.builds import build_snapshot

ASKED: tuple[dict[str, Any], ...] = ({}, {"explain": True, "top_k": 10})
LEFT_OUT = frozenset({"took_ms", "version", "url"})
# Differences of numbers up to here come of adding in another order.
DIGITS = 1e-4
SHOWN = 20


def answers(corpus: Path, questions: Path) -> list[dict[str, Any]]:
    """The JSON of each answer."""
    encoder = open_encoder("bundled", "onnx", 1)
    snapshot = build_snapshot([corpus], encoder)
    serving = Serving(snapshot, partial(ask, snapshot, encoder))
    rows = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    with TestClient(create_app(serving), base_url="http://127.0.0.1") as client:
        return [
            client.post("/ask", json={"question": row["question"], **more}).json()
            for row in rows
            for more in ASKED
        ]


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each value that differs, with where it is."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys() - LEFT_OUT):
            if key not in LEFT_OUT:
                yield from differences(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for at, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{at}]")
    elif one != other:
        yield path, one, other


def compare(before: Path, after: Path) -> int:
    """Prints what differs; returns the exit code."""
    found = list(differences(json.loads(before.read_text()), json.loads(after.read_text())))
    digits: dict[str, float] = defaultdict(float)
    others = []
    for path, one, other in found:
        if isinstance(one, float) and isinstance(other, float) and abs(one - other) <= DIGITS:
            name = path.rpartition(".")[2]
            digits[name] = max(digits[name], abs(one - other))
        else:
            others.append(f"{path}: {one!s:.60} -> {other!s:.60}")
    for name, most in sorted(digits.items()):
        print(f"{name}: numbers differ by at most {most:.1e}")
    print("\n".join(others[:SHOWN]))
    print(f"{len(others)} other differences")
    return 1 if others else 0


def main(command: str, first: str, second: str) -> int:
    """Runs `ask` or `compare`; returns the exit code."""
    if command == "compare":
        return compare(Path(first), Path(second))
    print(json.dumps(answers(Path(first), Path(second)), indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
