"""Byte strings over a socket, each after its length, and numbers; with deadlines."""

from __future__ import annotations

import socket
import struct
import time

_NUMBER = struct.Struct(">Q")
_CHUNK = 1 << 20


def send_number(channel: socket.socket, number: int) -> None:
    """Sends a number from 0 to 2**64 - 1."""
    channel.sendall(_NUMBER.pack(number))


def send(channel: socket.socket, *parts: bytes, until: float | None = None) -> None:
    """Sends the length and the bytes of each part. Raises TimeoutError after `until` (monotonic).

    Small parts go out together, so that the other end wakes once.
    """
    waiting = b""
    for part in parts:
        waiting += _NUMBER.pack(len(part))
        if len(part) > _CHUNK:
            _send(channel, waiting, until)
            _send(channel, part, until)
            waiting = b""
        else:
            waiting += part
    _send(channel, waiting, until)


def number(channel: socket.socket, until: float | None = None) -> int:
    """The number that comes next, which may be a length. Raises EOFError and TimeoutError."""
    found: int = _NUMBER.unpack(receive(channel, _NUMBER.size, until))[0]
    return found


def receive(channel: socket.socket, size: int, until: float | None = None) -> bytes:
    """So many bytes. Raises EOFError if the other end closes before, and TimeoutError."""
    content = bytearray()
    while len(content) < size:
        channel.settimeout(_left(until))
        part = channel.recv(min(size - len(content), _CHUNK))
        if not part:
            raise EOFError
        content += part
    return bytes(content)


def _send(channel: socket.socket, content: bytes, until: float | None) -> None:
    channel.settimeout(_left(until))
    channel.sendall(content)


def _left(until: float | None) -> float | None:
    """The seconds that are left. Raises TimeoutError if none are."""
    if until is None:
        return None
    if (left := until - time.monotonic()) <= 0:
        raise TimeoutError
    return left
