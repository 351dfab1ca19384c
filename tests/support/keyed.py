"""A service with keys: one for each scope, one that is limited, and ones that do not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi import FastAPI

from rag.serving.keys import Keys, KeyScope, add_key
from rag.serving.live import Serving
from rag.serving.upkeep import Upkeep
from rag.web.access import Door
from rag.web.watched import Watcher
from service import create_app
from support.live_index import IDLE, folder_of

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LIMITED_TO = "guides/*"


@dataclass(frozen=True)
class Keyed:
    """The file of keys, and the token of each."""

    file: Path
    tokens: dict[str, str]

    def door(self) -> Door:
        """A door that these keys open."""
        return Door(keys=Keys(self.file, lambda: NOW), secret=b"s" * 32)

    def headers(self, kind: str) -> dict[str, str]:
        """What a request sends with the key of that kind; nothing for `no key`."""
        return {"authorization": f"Bearer {self.tokens[kind]}"} if kind in self.tokens else {}


def keyed_in(folder: Path) -> Keyed:
    """Keys of all kinds in a file of that folder."""
    file = folder / "index.keys.json"

    def token(scope: KeyScope, *paths: str, days: int = 1) -> str:
        return add_key(file, scope, days * DAY, paths=paths, now=lambda: NOW)[1]

    return Keyed(
        file,
        {
            "wrong": "rag_00000000_" + "x" * 43,
            "expired": token("admin", days=0),
            "read": token("read"),
            "build": token("build"),
            "admin": token("admin"),
            "limited": token("read", LIMITED_TO),
        },
    )


def keyed_app(
    serving: Serving, keyed: Keyed, folder: Path, watchers: Sequence[Watcher] = ()
) -> FastAPI:
    """A service that requires these keys; its builds do nothing."""
    upkeep = Upkeep(folder_of(folder / "index"), lambda path, wanted: IDLE, (folder,))
    return create_app(serving, upkeep=upkeep, door=keyed.door(), watchers=watchers)
