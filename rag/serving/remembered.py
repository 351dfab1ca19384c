"""Answers that were given before, so that the same question is not worked on again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

# Longer answers are not kept, so that the memory has a bound: 16 MB for 256 answers.
LONGEST = 1 << 16


class Remembered:
    """The answers that were asked for last, as JSON, at most so many of them; 0 for none.

    An answer depends on the opened snapshot and on the request alone, so the key holds both.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, key: Hashable) -> bytes | None:
        """The answer of that key, or None."""
        if key not in self._answers:
            return None
        self._answers.move_to_end(key)
        return self._answers[key]

    def put(self, key: Hashable, answer: bytes) -> None:
        """Keeps an answer, in place of the one that has not been asked for the longest."""
        if len(answer) > LONGEST:
            return
        self._answers[key] = answer
        self._answers.move_to_end(key)
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)
