from __future__ import annotations

import asyncio
from pathlib import Path

from rag.serving.board import Board, Figure, make_board


def test_figures_of_all_workers_are_seen_by_each(tmp_path: Path) -> None:
    whole = make_board(tmp_path / "board", 2)
    one, other = (Board(tmp_path / "board", worker, 2) for worker in range(2))
    one.add(Figure.HITS, 2)
    other.add(Figure.HITS, 3)
    other.set(Figure.WAITING, 4)
    for board in (whole, one, other):
        assert (board.total(Figure.HITS), board.total(Figure.WAITING)) == (5, 4)
    whole.forget(1)
    assert (one.total(Figure.HITS), other.total(Figure.WAITING)) == (2, 0)


def test_a_worker_waits_until_the_others_serve_the_same(tmp_path: Path) -> None:
    make_board(tmp_path / "board", 2)
    one, other = (Board(tmp_path / "board", worker, 2) for worker in range(2))
    one.serve("5b1e0c9d7a42")

    async def agree() -> bool:
        waiting = asyncio.create_task(one.agreed())
        await asyncio.sleep(0.1)
        had_to_wait = not waiting.done()
        other.serve("5b1e0c9d7a42")
        await waiting
        return had_to_wait

    assert asyncio.run(agree())
    assert one.serving == 2


def test_a_worker_does_not_wait_for_ever(tmp_path: Path) -> None:
    make_board(tmp_path / "board", 2)
    board = Board(tmp_path / "board", 0, 2)
    board.serve("5b1e0c9d7a42")
    asyncio.run(board.agreed(seconds=0.1))
    assert board.serving == 1
