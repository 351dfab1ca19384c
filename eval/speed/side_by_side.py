"""This service and its peer over HTTP, in turns: model, texts, questions and machine are the same.

In each turn both are started, asked every question once, half of them over one connection and half
over eight, and ended: no question is asked twice of one process, so no cache can help. Both wait
for questions at the same time, and get some of them by turns, since the speed of a shared machine
changes from one second to the next.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from eval.sets.beir import read_collection
from eval.speed.figures import ratio
from eval.speed.load import HOST, PATIENCE, Load, merged, post
from eval.speed.peer import peer_index, peer_server
from eval.speed.servers import Memory, Running, ServerCommand, environment, memory, started
from rag.documents import json_lines
from rag.serving import Index, open_index
from rag.types import Progress

SAMPLE = Path("corpus")
SAMPLE_QUESTIONS = Path("eval/car-t-lupus/questions.jsonl")
TOP_K = 5
CONNECTIONS = (1, 8)
# Questions a turn: the first half over one connection, the second half over eight.
MOST = 600
WARM_UP = 10
# Questions of a connection after which it is the other server's turn.
SLICE = 16


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Documents, and distinct questions about them."""

    name: str
    corpus: Path
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one start of a server gave: seconds to the first answer, load by connections, memory."""

    start: float
    loads: Mapping[int, Load]
    memory: Memory


def materials(data: Path, most: int = MOST) -> list[QuestionSet]:
    """The sample article; and squad2, if the data are there."""
    found = [QuestionSet("article", SAMPLE, _distinct(_sample_questions(), most))]
    folder = data / "abstention" / "squad2"
    if folder.is_dir():
        collection = read_collection(folder)
        questions = _distinct(collection.queries.values(), most)
        found.append(QuestionSet(collection.name, collection.corpus, questions))
    return found


def own_server(index: Path, workers: int = 1) -> ServerCommand:
    """`rag serve` in so many processes, its answer cache off."""
    serve = [sys.executable, "-m", "rag", "serve", "--index", str(index)]
    serve += ["--workers", str(workers), "--port"]
    return ServerCommand(
        "rag serve",
        lambda port: [*serve, str(port)],
        lambda question: post("/ask", {"question": question, "top_k": TOP_K}),
        environment(RAG_CACHE="0"),
        lambda port: answering(port) == workers,
    )


def answering(port: int) -> int:
    """How many processes of `rag serve` have opened the index."""
    with urlopen(f"http://{HOST}:{port}/readyz", timeout=PATIENCE) as reply:
        return int(json.load(reply)["workers"])


def compare(
    material: QuestionSet,
    peer: Path,
    folder: Path,
    turns: int,
    progress: Progress,
    workers: int = 1,
) -> dict[str, Any]:
    """The figures of both servers and their ratios, over so many turns each; ours in so many
    processes."""
    index = own_index(material.corpus, folder / "index")
    texts = [(passage.id, passage.text) for passage in index.snapshot.passages]
    settings = peer_index(peer, texts, folder / "txtai")
    servers = (own_server(folder / "index", workers), peer_server(peer, settings, TOP_K))
    taken: tuple[list[Turn], list[Turn]] = ([], [])
    for at in range(turns):
        for found, made in zip(taken, turn(servers, material.questions, folder), strict=True):
            found.append(made)
        progress(f"{material.name}, turns", at + 1, turns)
    ours, theirs = taken
    return {
        "corpus_sha256": index.snapshot.manifest.corpus_sha256,
        "passages": len(texts),
        "questions": len(material.questions),
        "turns": turns,
        "servers": {
            server.name: summary(made) for server, made in zip(servers, taken, strict=True)
        },
        "ratio": ratios(ours, theirs),
    }


def own_index(corpus: Path, folder: Path) -> Index:
    """The index that `rag build` makes of the corpus in the folder."""
    build = [sys.executable, "-m", "rag", "build", str(corpus), "--index", str(folder), "--replace"]
    subprocess.run(build, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return open_index(folder)


def turn(servers: Sequence[ServerCommand], questions: Sequence[str], folder: Path) -> list[Turn]:
    """One start of each server, its load and its end; what they print goes to the folder."""
    warm, *halves = _parts(questions)
    with ExitStack() as opened:
        running = [
            opened.enter_context(started(each, warm[0], folder / "server.log")) for each in servers
        ]
        for each in running:
            # Over all connections, so that each process of a server gets some.
            load(each, warm[1:], max(CONNECTIONS))
        halves_taken = [
            in_turns(running, half, connections)
            for connections, half in zip(CONNECTIONS, halves, strict=True)
        ]
        return [
            Turn(each.seconds, dict(zip(CONNECTIONS, loads, strict=True)), memory(each.pid))
            for each, *loads in zip(running, *halves_taken, strict=True)
        ]


def in_turns(running: Sequence[Running], questions: Sequence[str], connections: int) -> list[Load]:
    """The load of each server, if the next gets its questions after `SLICE` of a connection."""
    taken: list[list[Load]] = [[] for _ in running]
    size = SLICE * connections
    for start in range(0, len(questions), size):
        for each, loads in zip(running, taken, strict=True):
            loads.append(load(each, questions[start : start + size], connections))
    return [
        Load(
            sum(each.seconds for each in loads),
            tuple(chain.from_iterable(each.milliseconds for each in loads)),
        )
        for loads in taken
    ]


def load(running: Running, questions: Sequence[str], connections: int) -> Load:
    """The load that a process of its own puts on the server."""
    command = [sys.executable, "-m", "eval.speed.load", str(running.port), str(connections)]
    lines = "".join(json.dumps(running.server.request(each)) + "\n" for each in questions)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return Load(found["seconds"], tuple(found["milliseconds"]))


def summary(turns: Sequence[Turn]) -> dict[str, Any]:
    """All turns of a server: load by connections, the shortest start, the most memory."""
    most = max((each.memory for each in turns), key=lambda found: found.proportional)
    return {
        "connections": {
            str(connections): merged([each.loads[connections] for each in turns])
            for connections in CONNECTIONS
        },
        "start_seconds": min(each.start for each in turns),
        "memory": asdict(most),
    }


def ratios(ours: Sequence[Turn], theirs: Sequence[Turn]) -> dict[str, dict[str, float]]:
    """Ours over theirs, turn by turn, of each figure that has a goal."""

    def of(figure: str, connections: int) -> dict[str, float]:
        return ratio(
            *([_figure(each, figure, connections) for each in of] for of in (ours, theirs))
        )

    return {
        **{
            f"{figure}, {connections}": of(figure, connections)
            for connections in CONNECTIONS
            for figure in ("requests_per_second", "p50", "p95", "p99")
        },
        "resident memory": ratio(*([each.memory.resident for each in of] for of in (ours, theirs))),
        "proportional memory": ratio(
            *([each.memory.proportional for each in of] for of in (ours, theirs))
        ),
        "start": ratio(*([each.start for each in of] for of in (ours, theirs))),
    }


def _figure(turn: Turn, figure: str, connections: int) -> float:
    return merged([turn.loads[connections]])[figure]


def _parts(questions: Sequence[str]) -> Iterator[Sequence[str]]:
    """The questions that warm up, and two halves of the others."""
    half = (len(questions) - WARM_UP) // 2
    yield questions[:WARM_UP]
    yield questions[WARM_UP : WARM_UP + half]
    yield questions[WARM_UP + half :]


def _sample_questions() -> Iterator[str]:
    return (str(row["question"]) for _, row in json_lines(SAMPLE_QUESTIONS))


def _distinct(questions: Iterable[str], most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(questions))[:most]
