"""The server: the address it listens on, and what it says when it starts."""

from __future__ import annotations

import errno
import json
import shlex
import socket

import uvicorn
from starlette.types import ASGIApp

from rag.counted import counted
from rag.errors import BusyError, UsageError
from rag.snapshot import Snapshot


def server_of(app: ASGIApp) -> uvicorn.Server:
    """The server that runs the application: one process, its requests not logged."""
    config = uvicorn.Config(app, server_header=False, proxy_headers=False, log_level="warning")
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises BusyError, UsageError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fix = "stop what runs there, or choose another port by RAG_PORT"
            raise BusyError(f"port {port} is in use: {fix}") from error
        cure = "choose another --host or --port"
        raise UsageError(f"cannot listen on {host}:{port} ({error.strerror}): {cure}") from error


def greeting(snapshot: Snapshot, host: str, port: int) -> str:
    """Where to go, and a question to ask there, taken from the index."""
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    paths = [s.heading_path for s in snapshot.sections.values() if s.kind == "faq"]
    paths += [s.heading_path for s in snapshot.sections.values() if s.heading_path]
    body = json.dumps({"question": paths[0][-1] if paths else "What is this?"}, ensure_ascii=False)
    counts = snapshot.manifest.counts
    return (
        f"{counted(counts.documents, 'document')}, {counted(counts.passages, 'passage')} "
        f"at {address}\n"
        f"curl -s {address}/ask -H 'content-type: application/json' -d {shlex.quote(body)}"
    )
