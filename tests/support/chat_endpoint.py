"""A real HTTP server that speaks the protocol of chat completions, and what it was asked."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-very-secret"


@dataclass(frozen=True)
class Asked:
    """A request: its headers in lower case, and its body."""

    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][1]["content"])

    @property
    def passages(self) -> list[str]:
        """What stands between the markers that the rules name, the question last."""
        [marker] = set(re.findall(r"<<(\w+) passage 1>>", self.system))
        return re.findall(rf"<<{marker} [^>]*\d*>>\n(.*?)\n<<{marker} end>>", self.user, re.DOTALL)

    @property
    def outside(self) -> str:
        """The user's message without what stands between the markers."""
        [marker] = set(re.findall(r"<<(\w+) passage 1>>", self.system))
        return re.sub(rf"<<{marker} [^>]*>>\n.*?\n<<{marker} end>>", "", self.user, flags=re.DOTALL)


@dataclass
class Chat:
    """A server that runs: where, what it was asked, and whether clients left within a response."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)


# Writes a response to a request: the status line and all that follows.
Reply = Callable[["Handler", Asked], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat: Chat
    reply: Reply

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked({**headers, ":path": self.path}, json.loads(raw))
        self.chat.asked.append(asked)
        self.close_connection = True
        try:
            self.reply(asked)
        except (BrokenPipeError, ConnectionResetError):
            self.chat.left.set()

    def begin(self, status: int = 200, media_type: str = "text/event-stream") -> None:
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("connection", "close")
        self.end_headers()

    def send(self, raw: bytes) -> None:
        self.wfile.write(raw)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def event(text: str, finish: str | None = None) -> bytes:
    """A part of a text, as OpenAI's API streams it."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return b"data: %s\n\n" % json.dumps({"id": "c", "choices": [choice]}).encode()


def writes(*parts: str, pause: float = 0.0) -> Reply:
    """A reply that streams these parts and ends well."""

    def reply(handler: Handler, asked: Asked) -> None:
        handler.begin()
        handler.send(b": welcome\n\n" + event(""))
        for part in parts:
            handler.send(event(part))
            time.sleep(pause)
        handler.send(event("", "stop") + b"data: [DONE]\n\n")

    return reply


def refuses(status: int) -> Reply:
    """A reply that refuses, and repeats the key as careless servers do."""

    def reply(handler: Handler, asked: Asked) -> None:
        handler.begin(status, "application/json")
        handler.send(json.dumps({"error": asked.headers.get("authorization")}).encode())

    return reply


def sends(raw: bytes, media_type: str = "text/event-stream", wait: float = 0.0) -> Reply:
    """A reply of these bytes, which then ends."""

    def reply(handler: Handler, asked: Asked) -> None:
        handler.begin(media_type=media_type)
        handler.send(raw)
        time.sleep(wait)

    return reply


def goes_on(handler: Handler, asked: Asked) -> None:
    """A reply that writes until its client leaves."""
    handler.begin()
    for at in range(2000):
        handler.send(event(f"Line {at} goes on [1]. "))
        time.sleep(0.01)


@contextmanager
def chatting(reply: Reply) -> Iterator[Chat]:
    """While it lasts, a server replies so."""
    chat = Chat("")
    bound = {"chat": chat, "reply": lambda self, asked: reply(self, asked)}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), bound))
    server.daemon_threads = True
    chat.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield chat
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
