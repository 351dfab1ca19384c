"""What the workers of one service have counted, in memory that all of them map."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from pathlib import Path
from threading import Lock

from rag.serving.board import BYTES, mapped_numbers

# Upper bounds of the buckets of a duration, in seconds.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# A duration is added up in microseconds.
MICRO = 1e6

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """A metric: its name, what it says, and the values that each of its labels may have.

    Whatever is counted has the last value of a label if it has none of the others, so that clients
    cannot make new ones. `timed`: it adds up seconds, by buckets.
    """

    name: str
    help: str
    labels: Mapping[str, Sequence[str]]
    timed: bool = False

    @property
    def width(self) -> int:
        """How many numbers belong to each combination of labels."""
        return len(SECONDS) + 2 if self.timed else 1

    def combinations(self) -> Iterator[Labels]:
        """All combinations of labels."""
        return product(*self.labels.values())


@dataclass(frozen=True, slots=True)
class Buckets:
    """How many durations were at most as long as each bound, then all; and their sum in seconds."""

    counts: tuple[int, ...]
    seconds: float


class Tally:
    """The counts of all workers. Each adds to its own, from any thread, and reads everybody's.

    They outlast a worker that ends, so no count ever falls while the service runs. Without a file,
    the worker is alone.
    """

    def __init__(
        self,
        counted: Sequence[Counted],
        file: Path | None = None,
        worker: int = 0,
        workers: int = 1,
    ) -> None:
        self._places: dict[tuple[str, Labels], int] = {}
        self._counted = {each.name: each for each in counted}
        self._last = {
            each.name: [(frozenset(values), values[-1]) for values in each.labels.values()]
            for each in counted
        }
        at = 0
        for each in counted:
            for labels in each.combinations():
                self._places[each.name, labels] = at
                at += each.width
        self._size = at
        self._base = worker * at
        self._numbers = mapped_numbers(file, workers * at)
        self._adding = Lock()

    def add(self, name: str, *labels: str, count: int = 1) -> None:
        """Counts something that has these labels."""
        with self._adding:
            self._numbers[self._place(name, labels)] += count

    def time(self, name: str, *labels: str, seconds: float) -> None:
        """Adds a duration of something that has these labels."""
        with self._adding:
            place = self._place(name, labels)
            self._numbers[place + bisect_left(SECONDS, seconds)] += 1
            self._numbers[place + len(SECONDS) + 1] += round(seconds * MICRO)

    def counts(self, name: str) -> Iterator[tuple[Labels, int]]:
        """The count of all workers, for each combination of labels."""
        for labels in self._counted[name].combinations():
            yield labels, self._total(self._places[name, labels])

    def times(self, name: str) -> Iterator[tuple[Labels, Buckets]]:
        """The durations of all workers, for each combination of labels."""
        for labels in self._counted[name].combinations():
            place = self._places[name, labels]
            totals = [self._total(place + each) for each in range(len(SECONDS) + 2)]
            yield labels, Buckets(tuple(accumulate(totals[:-1])), totals[-1] / MICRO)

    def _place(self, name: str, labels: Labels) -> int:
        place = self._places.get((name, labels))
        if place is None:
            known = zip(labels, self._last[name], strict=True)
            kept = tuple(label if label in values else last for label, (values, last) in known)
            place = self._places[name, kept]
        return self._base + place

    def _total(self, place: int) -> int:
        return sum(self._numbers[place :: self._size])


def tally_bytes(counted: Iterable[Counted], workers: int) -> bytes:
    """The content of a new file for the counts of so many workers."""
    numbers = sum(each.width * len(list(each.combinations())) for each in counted)
    return bytes(workers * numbers * BYTES)
