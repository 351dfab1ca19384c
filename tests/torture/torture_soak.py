"""`make torture`: a service answers at half of what it can, while its index is swapped and some
input is bad: memory, descriptors and threads stay level, and the answers stay the same.

SOAK_MINUTES sets how long, 30 unless told otherwise; SOAK_SWAP the seconds between two swaps, 120;
SOAK_RATE the requests a second: unless told otherwise, half of the capacity, which is measured
first.
"""

import itertools
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import psutil  # type: ignore[import-untyped]
from scipy import stats

from rag.encoders.open import open_encoder
from support.asking import Client
from support.mixed_questions import BAD, CORPUS, UNFINISHED, golden_questions, mixed_question
from support.rag_process import Service, served
from support.raw_http import connected, raw, status_of
from support.sample_index import published
from support.torture_figures import write_figures

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
RATE = float(os.environ.get("SOAK_RATE", "0"))
SWAP = float(os.environ.get("SOAK_SWAP", "120"))
GOLDEN = 200
CLIENTS = 4
# Requests that are bad, and that ask a golden question, of a hundred. As each golden question comes
# back after more others than the service remembers, its answer is worked out anew.
BAD_SHARE, GOLDEN_SHARE = 1, 49
# Share of the time that is the warm-up, at its beginning: it takes hundreds of questions to fill
# what is bounded, as the answers that are remembered.
WARM_UP = 0.5
CAPACITY_SECONDS = 10.0
SAMPLE_SECONDS = 2.0
# Bytes an hour.
MOST_GROWTH = 1e6

# The answer to a golden question, by snapshot and question.
Golden = dict[tuple[str, str], bytes]


class Levels(NamedTuple):
    """What the service holds after so many seconds.

    `memory` is its own (anonymous), in bytes. `resident` is what is usually shown (RSS). It also
    counts the pages of mapped files, of the index and of libraries, that are in the system's cache:
    they come as they are read, go with a snapshot, and the system can take them back at any time.
    """

    seconds: float
    memory: int
    resident: int
    descriptors: int
    threads: int


def prepare(folder: Path) -> tuple[Path, dict[str, str]]:
    """An index of two snapshots whose texts differ in every section, and those texts by id."""
    encoder, text, texts = open_encoder("bundled", "onnx", 1), CORPUS.read_text("utf-8"), {}
    for name, of_this in (("one", text), ("two", text.replace("the", "the said"))):
        corpus = folder / name
        corpus.mkdir()
        (corpus / CORPUS.name).write_text(of_this, encoding="utf-8")
        texts[published(folder / "index", corpus, encoder).id] = of_this
    return folder / "index", texts


def swap(port: int, target: str, text: str | None) -> None:
    """Makes the snapshot live: by a rebuild of the text if there is one, else by a rollback."""
    with closing(Client(port)) as client:
        _swap(client, target, text)


def _swap(client: Client, target: str, text: str | None) -> None:
    if text is None:
        reply = client.post("/index/rollback", {"id": target})
        assert reply.status == 200, reply.body
        return
    files = [{"name": CORPUS.name, "text": text}]
    started = client.post("/index/rebuild", {"files": files, "force": True})
    assert started.status == 202, started.body
    while (job := client.get(f"/index/jobs/{started.json()['job']}").json())["status"] == "running":
        time.sleep(0.5)
    assert job["status"] == "done", job


def golden_answers(port: int, ids: list[str], questions: list[str]) -> Golden:
    """What each of the snapshots answers when nothing else is asked."""
    golden = {}
    for id in ids:
        swap(port, id, None)
        with closing(Client(port)) as client:
            for question in questions:
                reply = client.ask(question)
                assert reply.json()["index"]["version"] == id
                golden[id, question] = reply.same
    return golden


class Load:
    """Requests at their times, from some connections; what became of them is counted."""

    def __init__(self, port: int, golden: Golden, rate: float) -> None:
        self.found: Counter[str] = Counter()
        self._port = port
        self._golden = golden
        self._questions = sorted({question for _, question in golden})
        self._rate = rate
        self._numbers = itertools.count()
        self._start = time.monotonic()

    def run(self, over: threading.Event) -> None:
        """Sends one request after the other until it is over."""
        with closing(Client(self._port)) as client:
            while True:
                number = next(self._numbers)
                due = self._start + number / self._rate
                if over.wait(max(0.0, due - time.monotonic())):
                    return
                self.found[self._outcome(client, number)] += 1
                self.found["late"] += time.monotonic() - due > 2

    def _outcome(self, client: Client, number: int) -> str:
        dice, place = random.Random(number), number % 100
        if place < BAD_SHARE:
            return self._of_bad(number // 100)
        if place < BAD_SHARE + GOLDEN_SHARE:
            at = number // 100 * GOLDEN_SHARE + place - BAD_SHARE
            return self._of_golden(client, self._questions[at % len(self._questions)])
        reply = client.ask(mixed_question(dice))
        return "answered" if reply.status == 200 else f"status {reply.status}"

    def _of_golden(self, client: Client, question: str) -> str:
        reply = client.ask(question)
        if reply.status != 200:
            return f"status {reply.status}"
        known = self._golden[reply.json()["index"]["version"], question]
        return "golden" if reply.same == known else "changed"

    def _of_bad(self, at: int) -> str:
        kind = at % (len(BAD) + 1)
        if kind == len(BAD):
            connected(self._port, UNFINISHED).close()
            return "refused"
        status = status_of(raw(self._port, BAD[kind]))
        return "refused" if 400 <= status < 500 else f"bad request {kind}: {status}"


@contextmanager
def under_load(load: Load) -> Iterator[None]:
    """While it lasts, the load runs."""
    over, failures = threading.Event(), []

    def run() -> None:
        try:
            load.run(over)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def capacity(port: int, golden: Golden) -> float:
    """How many of these requests are answered in a second if each client asks without a pause."""
    load = Load(port, golden, rate=float("inf"))
    with under_load(load):
        time.sleep(CAPACITY_SECONDS)
    return load.found.total() / CAPACITY_SECONDS


def soak(
    service: Service, change: Callable[[int], None], seconds: float, log: Path
) -> list[Levels]:
    """The levels meanwhile, which also go to the log; `change` is called now and then."""
    process, start, levels = psutil.Process(service.pid), time.monotonic(), []
    changes = itertools.count()
    next_change = SWAP / 2
    while (now := time.monotonic() - start) < seconds:
        memory, resident = own_memory(service.pid), process.memory_info().rss
        levels.append(Levels(now, memory, resident, process.num_fds(), process.num_threads()))
        with log.open("a", encoding="utf-8") as file:
            print(*levels[-1], file=file)
        if now > next_change:
            change(next(changes))
            next_change += SWAP
        time.sleep(SAMPLE_SECONDS)
    return levels


def own_memory(pid: int) -> int:
    """The bytes of a process in memory that are no file's."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return 1024 * int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[1])  # type: ignore[index]


def growth(levels: list[Levels], of: Callable[[Levels], int]) -> tuple[float, float]:
    """The slope of a level in bytes an hour, and the half width of its 95 % interval.

    A line of least squares through the medians of the times between two swaps.
    """
    bins: dict[int, list[Levels]] = {}
    for each in levels:
        bins.setdefault(int((each.seconds - levels[0].seconds) // SWAP), []).append(each)
    hours = np.array([np.mean([each.seconds for each in bin]) / 3600 for bin in bins.values()])
    memory = np.array([median(map(of, bin)) for bin in bins.values()])
    if len(bins) < 3:
        return float(memory[-1] - memory[0]) / max(hours[-1] - hours[0], 1e-9), float("inf")
    line = stats.linregress(hours, memory)
    return float(line.slope), float(stats.t.ppf(0.975, len(bins) - 2) * line.stderr)


def test_soak(tmp_path: Path) -> None:
    index, texts = prepare(tmp_path)
    ids, questions = list(texts), golden_questions(GOLDEN)
    with served(index, RAG_DEADLINE="30", RAG_VERIFY_HOURS="0.1") as service:
        golden = golden_answers(service.port, ids, questions)
        rate = RATE or capacity(service.port, golden) / 2

        def change(number: int) -> None:
            target = ids[number % 2]
            swap(service.port, target, texts[target] if number % 4 < 2 else None)

        load = Load(service.port, golden, rate)
        with under_load(load):
            levels = soak(service, change, 60 * MINUTES, tmp_path / "levels.txt")
    warm = [each for each in levels if each.seconds >= WARM_UP * 60 * MINUTES]
    slope, margin = growth(warm, lambda each: each.memory)
    resident, resident_margin = growth(warm, lambda each: each.resident)
    quarter = max(1, len(warm) // 4)
    first, last = warm[:quarter], warm[-quarter:]
    found = load.found
    late = found.pop("late", 0)
    failed = {
        name: count
        for name, count in found.items()
        if count and name not in ("golden", "answered", "refused")
    }
    write_figures(
        "soak",
        minutes=MINUTES,
        requests_a_second=round(rate, 1),
        requests=found.total(),
        golden_answers=found["golden"],
        changed=found["changed"],
        bad_refused=found["refused"],
        failed=sum(failed.values()) - found["changed"],
        late=late,
        swaps=int((levels[-1].seconds + SWAP / 2) // SWAP),
        memory_mb=round(median(each.memory for each in last) / 1e6, 1),
        growth_mb_an_hour=f"{slope / 1e6:.2f} ± {margin / 1e6:.2f}",
        resident_mb=round(median(each.resident for each in last) / 1e6, 1),
        resident_growth_mb_an_hour=f"{resident / 1e6:.2f} ± {resident_margin / 1e6:.2f}",
        descriptors_grown=round(
            median(each.descriptors for each in last) - median(each.descriptors for each in first)
        ),
        threads_grown=max(each.threads for each in last) - max(each.threads for each in first),
    )
    assert not failed and found["golden"] > 0
    assert median(each.descriptors for each in last) <= median(each.descriptors for each in first)
    assert max(each.threads for each in last) <= max(each.threads for each in first)
    assert slope <= MOST_GROWTH, f"memory grows by {slope / 1e6:.2f} MB an hour"
