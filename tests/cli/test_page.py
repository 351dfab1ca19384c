"""`rag open`: the page of a service that is running, in the browser that the user has."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from rag.cli.main import main
from rag.cli.page import is_alive


@contextmanager
def answering(body: bytes) -> Iterator[int]:
    """A server that answers everything with this body; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def opened(folder: Path, port: int, browser: str) -> subprocess.CompletedProcess[str]:
    """`rag open`, with this program as the only browser."""
    program = folder / "browser"
    program.write_text(f"#!/bin/sh\n{browser}\n")
    program.chmod(0o755)
    code = "import sys; from rag.cli.main import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, "open", "--port", str(port)],
        env={**os.environ, "BROWSER": f"{program} %s", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_page_of_the_running_service_is_opened(tmp_path: Path) -> None:
    with answering(b'{"status":"ok"}') as port:
        done = opened(tmp_path, port, f'echo "$1" > {tmp_path}/address')
    address = f"http://127.0.0.1:{port}/"
    assert (done.returncode, done.stdout) == (0, f"{address}\n")
    assert (tmp_path / "address").read_text() == f"{address}\n"


def test_nothing_is_opened_or_started_without_a_service(tmp_path: Path) -> None:
    with answering(b'{"status":"ok"}') as port:
        pass
    done = opened(tmp_path, port, f"touch {tmp_path}/opened")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: no service answers at http://127.0.0.1:{port}/: start `rag serve`, or name its"
        " --port\n"
    )
    assert not (tmp_path / "opened").exists()


def test_a_port_without_service_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(b"") as port:
        pass
    with pytest.raises(SystemExit) as exit:
        main(("open", "--port", str(port), "--host", "::1"))
    assert exit.value.code == 1
    assert f"no service answers at http://[::1]:{port}/" in capsys.readouterr().err


@pytest.mark.parametrize(("body", "alive"), [(b'{"status":"ok"}', True), (b"<html>", False)])
def test_another_program_on_the_port_is_no_service(body: bytes, alive: bool) -> None:
    with answering(body) as port:
        assert is_alive("127.0.0.1", port) is alive
