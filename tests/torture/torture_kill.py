"""`make torture`: real rebuilds are killed at random points while the service answers.

TORTURE_KILLS sets how many, 200 unless told otherwise.
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from rag.answering.answer import ask
from rag.checks.diff import faq_questions
from rag.encoders.base import Encoder
from rag.encoders.open import open_encoder
from rag.index.snapshot import Snapshot
from rag.store.open import open_newest
from rag.store.publish import KEEP
from rag.store.versions import live_id, snapshot_ids
from support.places import ROOT
from support.rag_process import rag, served
from support.sample_index import published
from support.torture_figures import write_figures

CORPUS = ROOT / "corpus"
KILLS = int(os.environ.get("TORTURE_KILLS", "200"))
A_SECOND = 5

# The text of the first passage for a question, by snapshot and question.
Golden = dict[tuple[str, str], str]


def rebuild(corpus: Path, index: Path) -> subprocess.Popen[str]:
    return rag("build", str(corpus), "--full", "--replace", "--index", str(index))


def prepare(folder: Path, encoder: Encoder) -> tuple[list[Path], list[Snapshot], Golden]:
    """Two corpora that differ in every section, their snapshots, and what those answer."""
    text = (CORPUS / "car-t-lupus.md").read_text(encoding="utf-8")
    corpora, snapshots = [folder / "one", folder / "two"], []
    for corpus, of_this in zip(corpora, (text, text.replace("the", "the said")), strict=True):
        corpus.mkdir()
        (corpus / "car-t-lupus.md").write_text(of_this, encoding="utf-8")
        snapshots.append(published(folder / "index", corpus, encoder))
    golden = {
        (snapshot.id, question): ask(snapshot, encoder, question, top_k=1).passages[0].hit
        for snapshot in snapshots
        for question in faq_questions(*snapshots)
    }
    return corpora, snapshots, {key: hit.passage.text for key, hit in golden.items()}


@contextmanager
def under_load(address: str, golden: Golden) -> Iterator["Counter[str]"]:
    """What has come back from the service so far: right, wrong and failed answers."""
    asked: Counter[str] = Counter()
    stop = threading.Event()
    asking = threading.Thread(target=load, args=(address, golden, asked, stop))
    asking.start()
    try:
        yield asked
    finally:
        stop.set()
        asking.join()


def load(address: str, golden: Golden, asked: "Counter[str]", stop: threading.Event) -> None:
    """Asks `A_SECOND` questions a second until it is told to stop, and counts what comes back."""
    questions = sorted({question for _, question in golden})
    with httpx2.Client(base_url=address, timeout=60) as client:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            due += 1 / A_SECOND
            question = questions[asked.total() % len(questions)]
            try:
                response = client.post("/ask", json={"question": question, "top_k": 1})
                body = response.raise_for_status().json()
            except httpx2.HTTPError:
                asked["failed"] += 1
                continue
            right = golden[body["index"]["version"], question] == body["passages"][0]["text"]
            asked["right" if right else "wrong"] += 1


def kill_one(
    corpus: Path, index: Path, after: float, allowed: list[str], encoder: Encoder
) -> tuple[str, str]:
    """Kills a rebuild, and what it has started, after so many seconds: how it ended, and what
    answers then, or what is wrong with that."""
    build = rebuild(corpus, index)
    try:
        build.wait(after)
    except subprocess.TimeoutExpired:
        os.killpg(build.pid, signal.SIGKILL)
    said, _ = build.communicate()
    opened = open_newest(index, encoder)
    if opened.refused or opened.snapshot.id not in allowed:
        return "harmed", f"{opened.snapshot.id} answers, {opened.refused}"
    if build.returncode == 0:
        acknowledged = Path(said.split(":")[0]).name
        lost = opened.snapshot.id != acknowledged
        return "lost" if lost else "finished", opened.snapshot.id
    return "killed", opened.snapshot.id


def test_kill(tmp_path: Path) -> None:
    encoder, dice = open_encoder("bundled", "onnx", 1), random.Random(9)
    corpora, snapshots, golden = prepare(tmp_path, encoder)
    ids = [snapshot.id for snapshot in snapshots]
    index = tmp_path / "index"
    ends: Counter[str] = Counter()
    with served(index) as service, under_load(service.address, golden) as asked:
        started = time.perf_counter()
        rebuild(corpora[0], index).communicate()
        whole = time.perf_counter() - started
        answers = live_id(index)
        assert answers == ids[0]
        for _ in range(KILLS):
            corpus = corpora[1 - ids.index(answers)]
            end, answers = kill_one(corpus, index, dice.uniform(0, whole), ids, encoder)
            ends[end] += 1
            assert end != "harmed", answers
        last = rebuild(corpora[0], index)
        last.communicate()
    left = len(list(index.glob("tmp-*"))) + len(list(index.glob("bad-*")))
    write_figures(
        "kills",
        kills=KILLS,
        killed=ends["killed"],
        finished_first=ends["finished"],
        lost=ends["lost"] + ends["harmed"],
        asked=asked.total(),
        failed=asked["failed"],
        wrong=asked["wrong"],
        left_over=left,
        rebuild_seconds=round(whole, 1),
    )
    assert (ends["lost"], asked["failed"], asked["wrong"], left, last.returncode) == (0, 0, 0, 0, 0)
    assert asked["right"] > 0
    assert len(snapshot_ids(index)) <= KEEP
