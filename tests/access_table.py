"""Prints the table of docs/security.md: what each kind of key gets from each route, as tried.

`python tests/access_table.py --write` puts it into the file.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fastapi.testclient import TestClient

from rag.web.access import RULES
from rag.web.pages import page_paths
from support.keyed import Keyed, keyed_app, keyed_in
from support.word_count_service import serving_of

SECURITY = Path(__file__).resolve().parents[1] / "docs" / "security.md"
KINDS = ("no key", "wrong", "expired", "read", "build", "admin", "limited")
# The table in the file, between the two lines that mark it.
MARKED = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)
TEXTS = {"guides/a.md": "Dogs travel free.\n", "plans/b.md": "Ferries sail on Sundays.\n"}


def table() -> str:
    """The table in Markdown: `yes` if the request comes through the door, or else the status."""
    with tempfile.TemporaryDirectory() as folder:
        keyed = keyed_in(Path(folder))
        app = keyed_app(serving_of(TEXTS), keyed, Path(folder))
        with TestClient(app, base_url="http://localhost") as client:
            rows = [*_head(), *(_row(client, keyed, *at) for at in _routes())]
    return "\n".join(rows) + "\n"


def _routes() -> Iterator[tuple[str, str]]:
    pages = set(page_paths()) - {"/"}
    return (at for at in RULES if at[1] not in pages)


def _head() -> Iterator[str]:
    yield f"| route | {' | '.join(KINDS)} |"
    yield f"| --- |{' --- |' * len(KINDS)}"


def _row(client: TestClient, keyed: Keyed, method: str, path: str) -> str:
    name = (
        "`GET /` and the page's files" if path == "/" else f"`{method} {path.replace(':id', '')}`"
    )
    cells = (_cell(client, keyed, method, path, kind) for kind in KINDS)
    return f"| {name} | {' | '.join(cells)} |"


def _cell(client: TestClient, keyed: Keyed, method: str, path: str, kind: str) -> str:
    at = path.replace("{id:id}", "guides/a.md").replace("{id}", "x")
    # A body that no route accepts: a build or a rollback is refused behind the door.
    body = {} if path == "/session" else {"unknown": 1}
    client.cookies.clear()
    reply = client.request(
        method, at, json=body if method == "POST" else None, headers=keyed.headers(kind)
    )
    assert reply.status_code < 500, (method, path, kind)
    return str(reply.status_code) if reply.status_code in (401, 403) else "yes"


if __name__ == "__main__":
    made = table()
    if "--write" in sys.argv:
        SECURITY.write_text(MARKED.sub(lambda _: made, SECURITY.read_text()))
    print(made, end="")
