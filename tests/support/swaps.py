"""Questions asked without a pause while the index is swapped: do answers ever mix two snapshots?"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from rag.index.snapshot import Snapshot
from rag.store.disk import DISK
from rag.store.publish import publish, roll_back, writing
from rag.store.readback import in_process
from support.letter_encoder import LetterEncoder, snapshot_of
from support.live_index import app_of

ENCODER = LetterEncoder()
# Each text of a corpus holds its marker, and no text of the other one does.
MARKERS = ("apple", "zebra")
QUESTION = b'{"question": "which word is common", "top_k": 3}'


def prepare(folder: Path) -> tuple[Path, list[Snapshot]]:
    """An index of two published snapshots, in the order of `MARKERS`; the second answers."""
    index, snapshots = folder / "index", []
    for marker in MARKERS:
        texts = {f"d{n}": f"The common word {marker} {n}." for n in range(3)}
        snapshots.append(snapshot_of(folder / marker, **texts))
        with writing(index):
            publish(index, snapshots[-1], ENCODER, DISK, verify=in_process)
    return index, snapshots


async def swap_under_load(
    index: Path, snapshots: list[Snapshot], *, swaps: int, answers: int, pause: float
) -> tuple[Counter[str], int]:
    """How many answers were whole, mixed or failed, and how many swaps the service made.

    Swaps every `pause` seconds, at least `swaps` times and until there are that many answers.
    """
    app = app_of(index, seconds=pause / 4)
    found: Counter[str] = Counter()
    made = 0
    async with app.router.lifespan_context(app):
        asking = [asyncio.create_task(_ask_on(app, snapshots, found)) for _ in range(4)]
        while made < swaps or found.total() < answers:
            target = snapshots[made % 2].id
            await asyncio.to_thread(_answer_from, index, target)
            deadline = time.monotonic() + 30
            while app.state.service.live.serving.snapshot.id != target:
                assert time.monotonic() < deadline, "the swap was not noticed"
                await asyncio.sleep(pause / 8)
            made += 1
            await asyncio.sleep(pause)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return found, made


def _answer_from(index: Path, id: str) -> None:
    roll_back(index, ENCODER, id, verify=in_process)


async def _ask_on(app: FastAPI, snapshots: list[Snapshot], found: Counter[str]) -> None:
    marker_of = dict(zip((snapshot.id for snapshot in snapshots), MARKERS, strict=True))
    while True:
        status, body = await post(app, "/ask", QUESTION)
        if status != 200:
            found["failed"] += 1
            continue
        marker = marker_of[body["index"]["version"]]
        texts = [passage["text"] for passage in body["passages"]]
        whole = len(texts) == 3 and all(f" {marker} " in text for text in texts)
        found["whole" if whole else "mixed"] += 1


async def post(app: FastAPI, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """The status and body of a response, straight from the application."""
    sent: list[dict[str, Any]] = []
    events = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        # A client that stays until it is answered.
        return events.pop() if events else await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode()}
    await app({**scope, "query_string": b"", "headers": headers}, receive, send)
    content = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(content)
