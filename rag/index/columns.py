"""Columns: arrays of numbers and texts in one file, used where they lie, without a copy.

A file has a header, which names each array with its type and shape, and then the arrays, each
aligned for the processor. Their places follow from the header, so a table has exactly one form.
"""

from __future__ import annotations

import math
import mmap
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from tempfile import TemporaryFile
from typing import Any, TypeVar, overload

import msgspec
import numpy as np
import numpy.typing as npt

from rag.types.errors import RagError

Buffer = bytes | memoryview
Array = npt.NDArray[Any]
# The type and the number of dimensions of each array of a file.
Kinds = Mapping[str, tuple[type[np.generic], int]]
Item = TypeVar("Item")

MAGIC = b"RAGCOLS1"
ALIGN = 64
# Larger tables are made in a temporary file, so that the system may free their memory.
SMALL = 1 << 24
# Texts are checked about a megabyte at a time, so that a check takes little memory.
BLOCK = 1 << 20
# So many keys are remembered with their rows.
REMEMBERED = 2048
TEXT: Kinds = {"bytes": (np.uint8, 1), "starts": (np.int64, 1)}

_HEADER = msgspec.json.Decoder(list[tuple[str, str, list[int]]])


def text_kinds(*names: str) -> Kinds:
    """The arrays of columns of texts with these names."""
    return {f"{name}_{part}": kind for name in names for part, kind in TEXT.items()}


def pack(columns: Mapping[str, Array]) -> memoryview:
    """The content of a file with these arrays; the same arrays give the same bytes."""
    listed = [[name, array.dtype.str, array.shape] for name, array in columns.items()]
    header = msgspec.json.encode(listed)
    header += b" " * (-(len(MAGIC) + 8 + len(header)) % ALIGN)
    parts: list[Buffer | Array] = [MAGIC + len(header).to_bytes(8, "little") + header]
    at = len(parts[0])
    for array in columns.values():
        parts += [bytes(-at % ALIGN), array]
        at = _aligned(at) + array.nbytes
    return joined(parts)


def unpack(raw: Buffer, kinds: Kinds) -> dict[str, Array]:
    """The arrays of a file, read-only, not copied. Raises ValueError unless they are of these
    kinds and fill the file."""
    whole = memoryview(raw)
    start = len(MAGIC) + 8
    if whole[: len(MAGIC)] != MAGIC:
        raise ValueError("not a file of columns")
    end = start + int.from_bytes(whole[len(MAGIC) : start], "little")
    listed = _HEADER.decode(whole[start:end])
    if [name for name, _, _ in listed] != list(kinds):
        raise ValueError(f"found other columns than {', '.join(kinds)}")
    found = {}
    for name, kind, shape in listed:
        dtype, dimensions = np.dtype(kinds[name][0]), kinds[name][1]
        if kind != dtype.str or len(shape) != dimensions or min(shape) < 0:
            raise ValueError(f"{name} is not an array of {dtype.name}, {dimensions} dimensions")
        at = _aligned(end)
        end = at + math.prod(shape) * dtype.itemsize
        if end > len(whole):
            raise ValueError(f"{name} is longer than the file")
        found[name] = np.ndarray(shape, dtype, buffer=whole, offset=at)
    if end != len(whole):
        raise ValueError("it is longer than its columns")
    return found


def rows(values: Iterable[int]) -> npt.NDArray[np.int32]:
    """Numbers of rows, or places in a text, as they are stored."""
    return np.array(list(values), dtype=np.int32)


def starts_of(lengths: Iterable[int]) -> npt.NDArray[np.int64]:
    """Where parts of these lengths start, and where the last one ends."""
    return np.cumsum([0, *lengths], dtype=np.int64)


class LazyRows(Sequence[Item]):
    """Rows of a table: each is made when it is asked for."""

    def __init__(self, make: Callable[[int], Item], numbers: range) -> None:
        self._make, self._numbers = make, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> LazyRows[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | LazyRows[Item]:
        if isinstance(at, slice):
            return LazyRows(self._make, self._numbers[at])
        return self._make(self._numbers[at])

    def __iter__(self) -> Iterator[Item]:
        return map(self._make, self._numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class Texts(LazyRows[str]):
    """A column of texts in UTF-8; `raw` gives the bytes of one.

    If they are in order, `row` finds one, and `first` the first that is not before a text.
    """

    def __init__(self, columns: Mapping[str, Array], name: str) -> None:
        self.bytes, self.starts = columns[f"{name}_bytes"], columns[f"{name}_starts"]
        data, starts = self.bytes.data, self.starts.data
        numbers = range(max(0, len(starts) - 1))

        def raw(row: int) -> bytes:
            return bytes(data[starts[row] : starts[row + 1]])

        def first(text: str) -> int:
            return bisect_left(numbers, _encoded(text), key=raw)

        # Not a method: it would hold a reference to itself, and be freed only by the collector.
        @lru_cache(REMEMBERED)
        def row(text: str) -> int | None:
            return row_of(numbers, _encoded(text), raw)

        super().__init__(lambda row: str(data[starts[row] : starts[row + 1]], "utf-8"), numbers)
        self.raw, self.first, self.row = raw, first, row

    def check(self, what: str, count: int) -> None:
        """Raises ValueError unless there are that many, each of them UTF-8."""
        check_starts(self.starts, count, len(self.bytes), what)
        first = self.bytes[self.starts[:-1][np.diff(self.starts) > 0]]
        demand(not ((first & 0xC0) == 0x80).any(), f"{what} begin within a character")
        for block in self._blocks():
            str(self.bytes[block[0] : block[-1]].data, "utf-8")

    def check_order(self, what: str) -> None:
        """Raises ValueError unless each text is after the one before it."""
        demand(all(a < b for a, b in pairwise(self.all_raw())), f"{what} are not in order")

    def all_raw(self) -> list[bytes]:
        """All texts in UTF-8: faster than one by one."""
        whole = bytes(self.bytes)
        return [whole[start:end] for start, end in pairwise(self.starts.tolist())]

    def characters(self) -> Iterator[tuple[Array, Array]]:
        """For a few texts at a time, in order: where their characters start in the column and
        where the last one ends, in bytes; and the number among these of each text's first, and of
        the end."""
        for block in self._blocks():
            places = block[0] + character_places(self.bytes[block[0] : block[-1]])
            yield places, np.searchsorted(places, block)

    def _blocks(self) -> Iterator[Array]:
        """The starts of a few texts at a time, and the end of the last of these."""
        first = 0
        while first < len(self):
            after = np.searchsorted(self.starts, self.starts[first] + BLOCK, side="right")
            end = max(first + 1, int(after) - 1)
            yield self.starts[first : end + 1]
            first = end


def row_of(order: Sequence[int], wanted: Any, key: Callable[[int], Any]) -> int | None:
    """The row with that key, among rows in order of their keys; None if there is none."""
    at = bisect_left(order, wanted, key=key)
    return order[at] if at < len(order) and key(order[at]) == wanted else None


def character_places(text: npt.NDArray[np.uint8]) -> Array:
    """Where each character of a text in UTF-8 starts, in bytes, and where the last one ends."""
    return np.append(np.flatnonzero((text & 0xC0) != 0x80), len(text))


def text_columns(name: str, texts: Iterable[str | bytes]) -> dict[str, Array]:
    """The arrays of a column of texts. Raises UnicodeEncodeError for what is no text."""
    lengths: list[int] = []
    parts: list[Buffer] = []
    last = bytearray()
    for text in texts:
        raw = text.encode() if isinstance(text, str) else text
        lengths.append(len(raw))
        last += raw
        if len(last) > SMALL:
            # Out of memory before the next ones come.
            parts.append(joined([memoryview(last)]))
            last = bytearray()
    whole = np.frombuffer(joined([*parts, memoryview(last)]), dtype=np.uint8)
    return {f"{name}_bytes": whole, f"{name}_starts": starts_of(lengths)}


def demand(holds: bool | np.bool_, otherwise: str) -> None:
    """Raises ValueError unless it holds."""
    if not holds:
        raise ValueError(otherwise)


def check_starts(starts: Array, count: int, total: int, what: str) -> None:
    """Raises ValueError unless `count` parts of `total` items start there and end at the end."""
    demand(len(starts) == count + 1, f"{what} have {len(starts)} starts, expected {count + 1}")
    whole = starts[0] == 0 and starts[-1] == total and (np.diff(starts) >= 0).all()
    demand(whole, f"the starts of {what} do not rise from 0 to {total}")


def check_rows(rows: Array, least: int, end: int, otherwise: str) -> None:
    """Raises ValueError unless all are from `least` up to `end`."""
    demand(len(rows) == 0 or bool(rows.min() >= least and rows.max() < end), otherwise)


def _aligned(at: int) -> int:
    return at + -at % ALIGN


def joined(parts: Sequence[Buffer | Array]) -> memoryview:
    """The bytes of these one after another, read-only."""
    views = [
        np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else memoryview(part)
        for part in parts
    ]
    content, at = room(sum(view.nbytes for view in views)), 0
    for view in filter(attrgetter("nbytes"), views):
        content[at : at + view.nbytes] = view.cast("B")
        at += view.nbytes
    return content.toreadonly()


def room(size: int) -> memoryview:
    """Zeroed memory of that size; a large one is in a file without a name.

    So the system may free it, and it is not counted by `RAG_MEMORY`.
    """
    if size <= SMALL:
        return memoryview(bytearray(size))
    try:
        with TemporaryFile() as file:
            # Written now: a full disk would kill the process when the memory is written.
            for _ in range(0, size, SMALL):
                file.write(bytes(SMALL))
            file.flush()
            return memoryview(mmap.mmap(file.fileno(), size))
    except OSError as error:
        raise RagError(
            f"a temporary file cannot be written ({error}): free some space, or set TMPDIR"
        ) from error


def mapped_zeros(shape: tuple[int, ...], kind: type[np.generic]) -> Array:
    """A zeroed array; a large one is in a file without a name."""
    dtype = np.dtype(kind)
    return np.frombuffer(room(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
