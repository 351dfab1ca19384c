"""The reports of a corpus' files in a table; a report is made when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from rag.index.columns import (
    Buffer,
    Kinds,
    LazyRows,
    Texts,
    check_starts,
    demand,
    pack,
    starts_of,
    text_columns,
    text_kinds,
    unpack,
)
from rag.types import FileReport

KINDS: Kinds = {**text_kinds("ids", "facts"), "original_starts": (np.int64, 1)}

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(FileReport)


def pack_reports(files: Sequence[FileReport]) -> memoryview:
    """The content of the file of these reports, ordered by id."""
    return pack(
        {
            **text_columns("ids", (file.id for file in files)),
            **text_columns("facts", map(_ENCODER.encode, files)),
            "original_starts": starts_of(file.size if file.documents else 0 for file in files),
        }
    )


class Reports(LazyRows[FileReport]):
    """The reports of all files, ordered by id."""

    def __init__(self, raw: Buffer) -> None:
        self._columns = columns = unpack(raw, KINDS)
        self._ids, self._facts = Texts(columns, "ids"), Texts(columns, "facts")
        facts = self._facts
        super().__init__(lambda row: _DECODER.decode(facts.raw(row)), range(len(self._ids)))

    def with_documents(self, id: str) -> tuple[FileReport, int] | None:
        """The first file of that id that holds documents, and where its bytes start among those of
        all files."""
        row = self._ids.first(id)
        while row < len(self) and self._ids[row] == id:
            if self[row].documents:
                return self[row], int(self._columns["original_starts"][row])
            row += 1
        return None

    def places(self) -> dict[str, tuple[FileReport, int]]:
        """The report of each file that holds documents, by id, and where its bytes start."""
        starts = self._columns["original_starts"].tolist()
        listed = zip(self, starts, strict=False)
        return {file.id: (file, start) for file, start in listed if file.documents}

    def check(self, stored: int) -> None:
        """Raises ValueError unless all columns agree, and the bytes of the files are so many."""
        count, starts = len(self), self._columns["original_starts"]
        self._ids.check("the files' ids", count)
        raw = self._ids.all_raw()
        demand(raw == sorted(raw), "the files are not in order")
        self._facts.check("the files' reports", count)
        sizes = [file.size if file.documents else 0 for file in self]
        demand(min(sizes, default=0) >= 0, "a file has a size below 0")
        demand(sum(sizes) == stored, "the stored files are not those of the report")
        check_starts(starts, count, stored, "the stored files")
        demand(np.array_equal(starts, starts_of(sizes)), "a stored file is not that of its report")
