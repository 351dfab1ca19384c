"""Builds that the service runs for its clients: one at a time, each in its own process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rag.serving.allowed_paths import root_of
from rag.serving.job_table import Failure, Job, JobTable
from rag.serving.uploads import upload_folder, write_files
from rag.types.errors import PARTIAL, BusyError, GateRefused, IndexNotWritable, UsageError
from rag.types.import_path import with_import_path

log = logging.getLogger("rag.serving.jobs")

LINE_BYTES = 1 << 20
HOUR = 3600.0
# Seconds between two looks at what other workers ask for, and for how long a worker waits until
# another one has cancelled its build.
LOOK = 0.1
CANCELLING = 20.0
# How `rag build --json` begins the line of an event.
EVENT = '{"event": "'

# Why a build failed, by its exit code.
_CODES = {
    BusyError.exit_code: "build_in_progress",
    GateRefused.exit_code: "gate_refused",
    IndexNotWritable.exit_code: "index_not_writable",
    UsageError.exit_code: "build_refused",
}

NamedFiles = Sequence[tuple[str, bytes]]

# The process lowers its own priority, so that the service stays quick.
_CHILD = "import os, sys; os.nice(19); from rag.cli.main import main; main(sys.argv[1:])"
# A build reads documents of strangers, and needs no key.
_SECRET = "RAG_GENERATE_KEY"
_ONE_THREAD = {"RAG_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to build: `force` overrules the gate, `strict` fails at the first file to skip."""

    force: bool = False
    strict: bool = False


# Gives the command line that builds an index of a path.
Command = Callable[[Path, Wanted], Sequence[str]]


@dataclass(slots=True)
class Heard:
    """What a build has printed so far."""

    result: dict[str, Any] | None = None
    detail: str = "the build ended without a message"
    is_told: bool = False


class Jobs:
    """The last builds, by id. `finished` is awaited after each that succeeded.

    `ended` hears the status of each that has ended. A build that takes more than `hours` is killed.
    `table` is what the workers of the service share: each knows all builds and can cancel them, and
    one build runs at a time.
    """

    def __init__(
        self,
        command: Command,
        finished: Callable[[], Awaitable[None]],
        hours: float = 4,
        table: JobTable | None = None,
        ended: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ended = ended
        self._command = command
        self._finished = finished
        self._hours = hours
        self._table = table or JobTable()
        self._running: tuple[str, asyncio.Task[None]] | None = None
        # The last build of this worker, whatever the table could take in of it.
        self._own = Job("")
        self._is_saved = True

    def start(self, source: Path | NamedFiles, force: bool = False, strict: bool = False) -> Job:
        """A job that builds from a path or from names and contents of files.

        Raises BusyError if a build is running.
        """
        self._save()
        job = Job(uuid.uuid4().hex)
        if not self._table.add(job):
            raise BusyError("a build is running: wait until it is done, or cancel it")
        self._own = job
        task = asyncio.create_task(self._run(job.id, source, Wanted(force, strict)))
        self._running = (job.id, task)
        return job

    def get(self, id: str) -> Job | None:
        """The current state of the job of that id, or None."""
        return self._own if self._own.id == id else self._table.get(id)

    async def cancel(self, id: str) -> Job | None:
        """The job of that id, which has then ended; None if there is no such job.

        It is still running only if the worker that runs it does not answer.
        """
        if self._running is not None and self._running[0] == id:
            await _stop(self._running[1])
        else:
            self._table.cancel(id)
            with suppress(TimeoutError):
                async with asyncio.timeout(CANCELLING):
                    while (job := self._table.get(id)) and job.status == "running":
                        await asyncio.sleep(LOOK)
        return self.get(id)

    def recover(self) -> None:
        """Marks the build of a worker that has died in the place of this one as failed."""
        self._table.abandon()

    async def follow(self) -> None:
        """Cancels this worker's build if another worker asks for that, until this is cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            self._save()
            if self._running is not None and self._is_cancelled(self._running[0]):
                await _stop(self._running[1])

    async def close(self) -> None:
        """Cancels the build that this worker runs, if it runs one."""
        if self._running is not None:
            await _stop(self._running[1])

    async def _run(self, id: str, source: Path | NamedFiles, wanted: Wanted) -> None:
        heard = Heard()
        try:
            async with _on_disk(source) as (path, held):
                command = self._command(path, wanted)
                async with asyncio.timeout(self._hours * HOUR):
                    code = await _build(command, lambda line: self._hear(heard, line), held)
            heard.detail = _without_folder(heard.detail, path)
        except asyncio.CancelledError:
            self._update(status="cancelled")
        except TimeoutError:
            detail = f"the build took over {self._hours:g} h and was ended: raise RAG_JOB_HOURS"
            self._fail("build_timed_out", detail)
        except Exception:
            # Nobody awaits this task: without a log its failure would stay unseen.
            log.exception("the build %s failed", id)
            self._fail("build_failed", "the build cannot be run; see the log")
        else:
            await self._end(code, heard)
        finally:
            self._running = None

    def _hear(self, heard: Heard, line: str) -> None:
        said, event = _event(line)
        if said and not heard.is_told:
            # A line that is no event is the best reason until an error event comes: the last line
            # of a traceback, for example.
            heard.detail = said
        match event.pop("event", None):
            case "progress":
                self._update(done=event["done"], total=event["total"])
            case "error":
                heard.detail, heard.is_told = event["message"], True
            case "built":
                heard.result = event

    async def _end(self, code: int, heard: Heard) -> None:
        if code not in (0, PARTIAL) or heard.result is None:
            self._fail(_CODES.get(code, "build_failed"), heard.detail)
            return
        # The index is published already: it is too late to cancel.
        with suppress(asyncio.CancelledError):
            await asyncio.shield(self._finished())
        self._update(status="done", result=heard.result)

    def _fail(self, code: str, detail: str) -> None:
        self._update(status="failed", failure=Failure(code, detail))

    def _update(self, **changes: Any) -> None:
        self._own, self._is_saved = replace(self._own, **changes), False
        self._save()
        if "status" in changes:
            self._ended(changes["status"])

    def _save(self) -> None:
        """Writes the state of this worker's build; if the table cannot take it, `follow` tries
        again."""
        if self._is_saved:
            return
        try:
            self._table.put(self._own)
        except sqlite3.Error as error:
            log.warning("the build %s cannot be recorded (%s)", self._own.id, error)
        else:
            self._is_saved = True

    def _is_cancelled(self, id: str) -> bool:
        try:
            return self._table.is_cancelled(id)
        except sqlite3.Error as error:
            log.warning("whether the build %s is cancelled is not known (%s)", id, error)
            return False


def build_command(index: Path, roots: Sequence[Path] = ()) -> Command:
    """The command that builds this index: low priority, one thread, gated, result as JSON.

    It opens nothing outside the root that contains the path; see `rag.documents.beneath`.
    """

    def command(path: Path, wanted: Wanted) -> Sequence[str]:
        # A request to rebuild names all that the index is to contain.
        options = ["--json", "--gate", "--replace", "--index", str(index)]
        options += [f"--{name}" for name, is_set in asdict(wanted).items() if is_set]
        within = ["--within", str(root_of(path, roots))]
        return [sys.executable, "-P", "-c", _CHILD, "build", *options, *within, "--", str(path)]

    return command


def _event(line: str) -> tuple[str, dict[str, Any]]:
    """The text before the event on a line, and the event; {} if there is none.

    A library may have printed text without a line end just before it.
    """
    said, begin, rest = line.partition(EVENT)
    return (said, json.loads(begin + rest)) if begin else (line, {})


async def _stop(task: asyncio.Task[None]) -> None:
    # A task that is cancelled before it begins would not set its job's status.
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


def _without_folder(detail: str, path: Path) -> str:
    """The message without the folder of the documents, which clients may not learn."""
    return detail.removeprefix(f"{path}: ").replace(f"{path}/", "")


@asynccontextmanager
async def _on_disk(source: Path | NamedFiles) -> AsyncIterator[tuple[Path, tuple[int, ...]]]:
    """The path itself, or a temporary folder with the files; and the descriptors of its lock."""
    if isinstance(source, Path):
        yield source, ()
        return
    with upload_folder() as upload:
        # Writing a thousand files takes a while. A cancelled job waits for it, because the folder
        # is removed afterwards.
        writing = asyncio.create_task(asyncio.to_thread(write_files, upload.folder, source))
        try:
            await asyncio.shield(writing)
        finally:
            await asyncio.wait([writing])
        yield upload.folder, (upload.lock,)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in with_import_path().items() if name.upper() != _SECRET}
    return {**kept, **_ONE_THREAD}


async def _build(command: Sequence[str], hear: Callable[[str], None], held: Sequence[int]) -> int:
    """Runs the command, passes each line of its output to `hear`, and returns its exit code.

    It is killed if this is cancelled. It inherits the descriptors `held`, so that their locks last
    as long as it does.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        pass_fds=held,
        limit=LINE_BYTES,
        env=_environment(),
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            hear(line.decode(errors="replace").rstrip("\n"))
        return await process.wait()
    finally:
        if process.returncode is None:
            # The index survives a kill at any instant, and SIGTERM might be ignored.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()
