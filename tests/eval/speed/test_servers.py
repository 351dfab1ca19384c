"""A server as a process: it is measured once all of it answers."""

import sys
from pathlib import Path

from eval.speed.load import get
from eval.speed.servers import ServerCommand, environment, started


def test_a_server_is_given_once_it_is_whole(tmp_path: Path) -> None:
    said = iter([False, False, True])
    asked: list[int] = []

    def is_whole(port: int) -> bool:
        asked.append(port)
        return next(said)

    server = ServerCommand(
        "files",
        lambda port: [sys.executable, "-m", "http.server", str(port), "-d", str(tmp_path)],
        lambda name: get(f"/{name}"),
        environment(),
        is_whole,
    )
    (tmp_path / "answer").write_text("yes")
    with started(server, "answer", tmp_path / "log") as running:
        assert asked == [running.port] * 3
