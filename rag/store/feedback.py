"""What readers said of answers: a table in SQLite in the index folder, which outlives rebuilds.

    <index>/feedback.sqlite   at most `MOST` rows; the oldest go first

The workers of a service write it together, and a build reads it. A row keeps the question, and of
the passage that it is about the quote and the document's hash, so that the place can be found again
when the documents have changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, fields
from pathlib import Path

import msgspec

from rag.types import Feedback
from rag.types.errors import IndexNotWritable, UsageError

FEEDBACK = "feedback.sqlite"
MOST = 5000
# Seconds to wait while another process writes.
PATIENCE = 10.0

_TABLE = """
create table if not exists feedback (
    number integer primary key autoincrement,
    id text not null unique, created text not null, question text not null,
    verdict text not null, "index" text not null, comment text, passage_id text,
    document_id text, sha256 text, char_start integer, char_end integer, quote text
)
"""


class UnknownFeedback(UsageError):
    """No row has the id that was given."""


_COLUMNS = [field.name for field in fields(Feedback)]
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_INSERT = f"insert into feedback ({_NAMES}) values ({', '.join(f':{name}' for name in _COLUMNS)})"
_SELECT = f"select {_NAMES} from feedback"


def add_feedback(index: Path, given: Feedback, most: int = MOST) -> None:
    """Adds a row, and drops the oldest beyond `most`. Raises IndexNotWritable.

    The row is on the disk when this returns.
    """
    path = index / FEEDBACK
    try:
        with _opened(path) as rows, rows:
            rows.execute("begin immediate")
            # SQLite would let other users read it, like no other file of the index.
            path.chmod(0o600)
            rows.execute(_TABLE)
            rows.execute(_INSERT, asdict(given))
            rows.execute(
                "delete from feedback where number <= (select max(number) from feedback) - ?",
                (most,),
            )
    except (sqlite3.Error, OSError) as error:
        raise IndexNotWritable(f"{path} cannot be written ({error})") from error


def read_feedback(index: Path, after: str | None = None, limit: int = MOST) -> list[Feedback]:
    """The rows after the one of that id, oldest first; none if there is no table.

    Raises UsageError if the table cannot be read; UnknownFeedback if no row has the id.
    """
    path = index / FEEDBACK
    if not path.exists():
        return []
    try:
        with _opened(path) as rows:
            start = 0 if after is None else _number_of(rows, after)
            found = rows.execute(
                f"{_SELECT} where number > ? order by number limit ?", (start, limit)
            )
            named = [dict(zip(_COLUMNS, row, strict=True)) for row in found]
        return msgspec.convert(named, list[Feedback])
    except (sqlite3.Error, msgspec.ValidationError) as error:
        raise UsageError(
            f"{path} cannot be read ({error}): move it elsewhere, and feedback starts anew"
        ) from error


def _number_of(rows: sqlite3.Connection, id: str) -> int:
    found = rows.execute("select number from feedback where id = ?", (id,)).fetchone()
    if found is None:
        raise UnknownFeedback("no feedback has this id: list it again from the first one")
    return int(found[0])


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one transaction, which waits while another process writes."""
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    with closing(connection):
        yield connection
