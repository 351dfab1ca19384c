"""Sessions of browsers: a cookie that stands for a key, and that a script cannot read.

The page cannot add a header when it links to an original file, so a key in its storage would not
do; and a key in a cookie would be sent to other services on the same host, at other ports. The
cookie therefore holds a signature by this service, which ends with it, with the key, or after some
hours.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from starlette.requests import cookie_parser

from rag.serving import Key, Keys

COOKIE = "rag_session"
SECONDS = 12 * 3600


class Sessions:
    """Finds the key of a request: in its header Authorization, or else by its session."""

    def __init__(self, keys: Keys, secret: bytes, now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._secret = secret
        self._now = now

    def key(self, headers: list[tuple[bytes, bytes]]) -> Key | None:
        """The valid key of a request with these headers, or None."""
        given = [value for name, value in headers if name == b"authorization"]
        if given:
            key = self._keys.find(_bearer(given[0])) if len(given) == 1 else None
        else:
            key = self._of_cookies([value for name, value in headers if name == b"cookie"])
        return None if key is None or self._keys.has_expired(key) else key

    def begin(self, token: str) -> tuple[Key, str] | None:
        """The valid key of that token, and the value of the cookie; None if there is none."""
        key = self._keys.find(token.encode())
        if key is None or self._keys.has_expired(key):
            return None
        until = int(self._now()) + SECONDS
        return key, f"{key.id}.{until}.{self._signature(key, until)}"

    def _of_cookies(self, cookies: list[bytes]) -> Key | None:
        # Other services on the same host name set what they like. The standard library's parser
        # gives up at the first cookie that it does not understand.
        sent = cookie_parser("; ".join(each.decode("latin-1") for each in cookies))
        value = sent.get(COOKIE, "")
        id, _, rest = value.partition(".")
        until, _, signature = rest.partition(".")
        key = self._keys.of_id(id)
        if key is None or not until.isdecimal() or len(until) > 12 or int(until) < self._now():
            return None
        same = hmac.compare_digest(signature.encode(), self._signature(key, int(until)).encode())
        return key if same else None

    def _signature(self, key: Key, until: int) -> str:
        return hmac.digest(self._secret, f"{key.sha256} {until}".encode(), "sha256").hex()


def _bearer(value: bytes) -> bytes:
    scheme, _, token = value.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""
