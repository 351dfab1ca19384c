"""The figures of servers that took turns, from turns that are worked out on paper."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.speed import side_by_side
from eval.speed.load import Load
from eval.speed.servers import Memory, Running
from eval.speed.side_by_side import Turn, in_turns, materials, own_server, ratios, summary


def turn(start: float, milliseconds: float, resident: int) -> Turn:
    """A turn of four requests over each number of connections, all equally fast."""
    load = Load(4 * milliseconds / 1000, (milliseconds,) * 4)
    return Turn(start, {1: load, 8: load}, Memory(resident, resident // 2))


def test_ratios_are_ours_over_theirs_turn_by_turn() -> None:
    found = ratios([turn(1, 10, 100), turn(1, 20, 100)], [turn(4, 40, 400), turn(8, 80, 400)])
    assert found["requests_per_second, 1"]["median"] == 4
    assert found["p99, 8"] == {"median": 0.25, "low": 0.25, "high": 0.25}
    assert found["start"] == {"median": 0.1875, "low": 0.125, "high": 0.25}
    assert found["proportional memory"]["median"] == 0.25


def test_each_server_gets_every_question_and_they_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, Sequence[str]]] = []

    def load(running: Running, questions: Sequence[str], connections: int) -> Load:
        asked.append((running.port, questions))
        return Load(running.port, (float(running.port),) * len(questions))

    monkeypatch.setattr(side_by_side, "load", load)
    server, questions = own_server(tmp_path), [f"{number}?" for number in range(40)]
    found = in_turns([Running(server, 0, port, 0.0) for port in (1, 2)], questions, 1)
    assert [port for port, _ in asked] == [1, 2] * 3
    assert [each for port, part in asked for each in part if port == 2] == questions
    assert found == [Load(3, (1.0,) * 40), Load(6, (2.0,) * 40)]


def test_a_server_has_its_shortest_start_and_its_most_memory() -> None:
    found = summary([turn(3, 10, 100), turn(2, 10, 300), turn(4, 10, 200)])
    assert found["start_seconds"] == 2
    assert found["memory"] == {"resident": 300, "proportional": 150}
    assert found["connections"]["8"]["p50"] == 10


def test_no_question_of_a_material_is_asked_twice(tmp_path: Path) -> None:
    [sample] = materials(tmp_path, 50)
    assert len(set(sample.questions)) == 50


def test_our_server_remembers_no_answers(tmp_path: Path) -> None:
    assert own_server(tmp_path).environment["RAG_CACHE"] == "0"


def test_a_server_keeps_its_compiled_modules() -> None:
    code = "from eval.speed.servers import environment; print(*environment())"
    given = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    found = subprocess.run(
        [sys.executable, "-c", code], env=given, stdout=subprocess.PIPE, text=True
    )
    assert "PATH" in found.stdout.split()
    assert "PYTHONDONTWRITEBYTECODE" not in found.stdout.split()
