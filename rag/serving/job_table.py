"""The builds that the workers of one service share: a table in SQLite."""

from __future__ import annotations

import sqlite3
import weakref
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import msgspec

REMEMBERED = 20

JobStatus = Literal["running", "done", "failed", "cancelled"]

_TABLE = """
create table if not exists jobs (
    id text primary key, worker integer, running integer, cancelled integer default 0, job blob
)
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a build failed: a code for programs, a sentence for people."""

    code: str
    detail: str


ABANDONED = Failure("build_failed", "the process that ran the build has ended: start it again")


@dataclass(frozen=True, slots=True)
class Job:
    """A build: its progress (`done` of `total`, 0 of 0 until that is known), and how it ended.

    `result` is the event `built` of `rag build --json`.
    """

    id: str
    status: JobStatus = "running"
    done: int = 0
    total: int = 0
    result: dict[str, Any] | None = None
    failure: Failure | None = None


class JobTable:
    """The last builds of all workers. At most one of them is running.

    `path` is that of the table's file; without one, the worker is alone. The file goes with the
    service, so it is not synced to the disk.
    """

    def __init__(self, path: str = ":memory:", worker: int = 0) -> None:
        self._path = path
        self._worker = worker

    @cached_property
    def _rows(self) -> sqlite3.Connection:
        rows = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        rows.execute("pragma synchronous = off")
        rows.execute(_TABLE)
        weakref.finalize(self, rows.close)
        return rows

    def add(self, job: Job) -> bool:
        """Adds a job that begins; False if another one is running."""
        added = self._rows.execute(
            "insert into jobs (id, worker, running, job) select ?, ?, 1, ? "
            "where not exists (select 1 from jobs where running)",
            (job.id, self._worker, msgspec.json.encode(job)),
        )
        self._rows.execute(
            "delete from jobs where rowid not in (select rowid from jobs order by rowid desc "
            "limit ?)",
            (REMEMBERED,),
        )
        return added.rowcount == 1

    def put(self, job: Job) -> None:
        """Replaces the job of that id."""
        self._rows.execute(
            "update jobs set running = ?, job = ? where id = ?",
            (job.status == "running", msgspec.json.encode(job), job.id),
        )

    def get(self, id: str) -> Job | None:
        """The job of that id, or None."""
        found = self._rows.execute("select job from jobs where id = ?", (id,)).fetchone()
        return None if found is None else msgspec.json.decode(found[0], type=Job)

    def cancel(self, id: str) -> None:
        """Asks whichever worker runs the job to cancel it."""
        self._rows.execute("update jobs set cancelled = 1 where id = ?", (id,))

    def is_cancelled(self, id: str) -> bool:
        """Whether somebody has asked to cancel the job."""
        found = self._rows.execute("select cancelled from jobs where id = ?", (id,)).fetchone()
        return found is not None and bool(found[0])

    def abandon(self) -> None:
        """Marks what a worker in the place of this one was running when it died as failed."""
        found = self._rows.execute(
            "select job from jobs where running and worker = ?", (self._worker,)
        ).fetchall()
        for (raw,) in found:
            job = msgspec.json.decode(raw, type=Job)
            self.put(replace(job, status="failed", failure=ABANDONED))
