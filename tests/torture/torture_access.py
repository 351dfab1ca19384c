"""`make torture`: a limited key sends random requests to every route, and learns nothing.

TORTURE_REQUESTS sets how many, 10,000 unless told otherwise. Each response is that of an index
without the hidden documents, and holds nothing of them. Times are only reported: how long a
question with a word of hidden documents takes, against one with a word that nothing holds.
"""

import os
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from statistics import median

from support.limited_key import (
    MARK,
    ROUTES,
    SEEN,
    Service,
    check_hidden,
    limited_services,
    requests,
)
from support.torture_figures import write_figures

REQUESTS = int(os.environ.get("TORTURE_REQUESTS", "10000"))
# Hidden documents of three passages each, and questions of each kind.
MANY, QUESTIONS = 2000, 400


def test_a_limited_key_learns_nothing(tmp_path: Path) -> None:
    statuses: Counter[int] = Counter()
    routes = set()
    with limited_services(tmp_path) as services:
        for sent in islice(requests(11), REQUESTS):
            statuses[check_hidden(*services, sent)] += 1
            routes.add(sent.route)
    assert routes == {*ROUTES}
    replies = {f"{status}": count for status, count in sorted(statuses.items())}
    write_figures("limited key", requests=REQUESTS, routes=len(routes), **replies)


def test_times_tell_nothing(tmp_path: Path) -> None:
    hidden = [f"plans/{n}.md" for n in range(MANY)]
    with limited_services(tmp_path, hidden) as services:
        limited, alone = map(times, services)
    write_figures(
        "limited key, times",
        seen=len(SEEN),
        hidden=MANY,
        questions=QUESTIONS,
        hidden_word_ms=f"{limited[0]:.2f}",
        unknown_word_ms=f"{limited[1]:.2f}",
        ratio=f"{limited[0] / limited[1]:.2f}",
        ratio_without_hidden_documents=f"{alone[0] / alone[1]:.2f}",
    )


def times(service: Service) -> tuple[float, float]:
    """Median milliseconds of a question with a word of the hidden documents, and with none's."""
    taken: dict[str, list[float]] = {MARK: [], "qvy": []}
    for n in range(QUESTIONS):
        for word, spent in taken.items():
            begun = time.perf_counter()
            # A number makes each a question of its own: none is remembered.
            reply = service.client.post("/ask", json={"question": f"{word} bread {n}"})
            spent.append(1000 * (time.perf_counter() - begun))
            assert reply.status_code == 200
    return median(taken[MARK]), median(taken["qvy"])
