"""`make torture`: 64 threads ask at the same time what was asked one by one: the same answers.

PARALLEL_THREADS and PARALLEL_QUESTIONS set how many threads, and how many questions each of them
asks, 1,000 unless told otherwise. Each asks all of them in an order of its own. The service
remembers no answer, and its queue is as long as there are threads, so that it refuses none.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from rag.encoders.open import open_encoder
from support.asking import Client
from support.mixed_questions import CORPUS, golden_questions, mixed_question
from support.rag_process import served
from support.sample_index import published
from support.torture_figures import write_figures

THREADS = int(os.environ.get("PARALLEL_THREADS", "64"))
QUESTIONS = int(os.environ.get("PARALLEL_QUESTIONS", "1000"))
# Of a hundred, so many are from the eval set; the others are words of any number.
WRITTEN = 20


def bodies() -> list[dict[str, Any]]:
    """Questions of all lengths, with all options."""
    dice = random.Random(18)
    written = golden_questions(QUESTIONS * WRITTEN // 100)
    questions = [*written, *(mixed_question(dice) for _ in range(QUESTIONS - len(written)))]
    return [
        {
            "question": question,
            "top_k": dice.choice((1, 5, 20)),
            "mode": dice.choice(("hybrid", "hybrid", "dense", "bm25")),
            "explain": dice.random() < 0.2,
        }
        for question in questions
    ]


def ask_all(
    port: int, asked: list[dict[str, Any]], expected: list[bytes], seed: int
) -> Counter[str]:
    """Asks them in an order of this seed; how many answers were equal or different, or failed."""
    order = list(range(len(asked)))
    random.Random(seed).shuffle(order)
    found: Counter[str] = Counter()
    with closing(Client(port)) as client:
        for at in order:
            reply = client.post("/ask", asked[at])
            if reply.status != 200:
                found[f"status {reply.status}"] += 1
            else:
                found["equal" if reply.same == expected[at] else "different"] += 1
    return found


def test_parallel(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, CORPUS, open_encoder("bundled", "onnx", 1))
    asked = bodies()
    settings = {"RAG_CACHE": "0", "RAG_QUEUE": str(THREADS), "RAG_DEADLINE": "60"}
    counts: list[Counter[str]] = []
    with served(index, **settings) as service:
        with closing(Client(service.port)) as client:
            replies = [client.post("/ask", body) for body in asked]
        assert {reply.status for reply in replies} == {200}
        expected = [reply.same for reply in replies]

        def run(seed: int) -> None:
            counts.append(ask_all(service.port, asked, expected, seed))

        threads = [threading.Thread(target=run, args=(seed,)) for seed in range(THREADS)]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - begun
    found = sum(counts, Counter[str]())
    write_figures(
        "parallel",
        threads=THREADS,
        questions=QUESTIONS,
        answers=found.total(),
        equal=found["equal"],
        different=found["different"],
        failed=found.total() - found["equal"] - found["different"],
        seconds=round(seconds),
    )
    assert found == {"equal": THREADS * QUESTIONS}, json.dumps(found)
