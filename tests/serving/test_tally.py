from pathlib import Path

import pytest

from rag.serving.tally import SECONDS, Counted, Tally, tally_bytes

REQUESTS = Counted("requests", "", {"path": ("/ask", "other"), "status": ("200", "404", "other")})
WAITS = Counted("waits", "", {"path": ("/ask", "other")}, timed=True)
COUNTED = (REQUESTS, WAITS)


def test_counts_are_kept_by_labels() -> None:
    tally = Tally(COUNTED)
    tally.add("requests", "/ask", "200")
    tally.add("requests", "/ask", "200", count=2)
    tally.add("requests", "other", "404")
    assert {labels: count for labels, count in tally.counts("requests") if count} == {
        ("/ask", "200"): 3,
        ("other", "404"): 1,
    }


def test_labels_that_are_not_known_make_no_new_ones() -> None:
    tally = Tally(COUNTED)
    before = len(dict(tally.counts("requests")))
    for path in ("/a", "/b", "/ask"):
        tally.add("requests", path, "418")
    counts = dict(tally.counts("requests"))
    assert len(counts) == before
    assert (counts["other", "other"], counts["/ask", "other"]) == (2, 1)


def test_workers_add_up_and_outlast_each_other(tmp_path: Path) -> None:
    file = tmp_path / "tally"
    file.write_bytes(tally_bytes(COUNTED, 2))
    first, second = (Tally(COUNTED, file, worker, 2) for worker in range(2))
    first.add("requests", "/ask", "200")
    second.add("requests", "/ask", "200", count=4)
    del first
    again = Tally(COUNTED, file, 0, 2)
    again.add("requests", "/ask", "200")
    assert dict(second.counts("requests"))["/ask", "200"] == 6


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.0011, 2.5, 10.0, 11.0])
def test_a_duration_is_in_each_bucket_that_is_long_enough(seconds: float) -> None:
    tally = Tally(COUNTED)
    tally.time("waits", "/ask", seconds=seconds)
    buckets = dict(tally.times("waits"))["/ask",]
    assert buckets.counts == (*(int(seconds <= bound) for bound in SECONDS), 1)
    assert buckets.seconds == pytest.approx(seconds)
