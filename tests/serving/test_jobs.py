"""Builds as jobs: progress, success, failure, cancel; one at a time, the last 20 remembered."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.serving.job_table import ABANDONED, REMEMBERED, Failure, Job, JobTable
from rag.serving.jobs import EVENT, Command, Jobs, Wanted, build_command
from rag.types.errors import BusyError
from support.live_index import script

RESULT = {"id": "5b1e0c9d7a42", "counts": {"documents": 1}, "reused": None}
NO_CORPUS = json.dumps({"event": "error", "message": "no corpus"})
PROGRESS = {"event": "progress", "what": "passages encoded", "done": 64, "total": 128}
BUILD = (
    "import sys\n"
    "print('a remark of a library', file=sys.stderr)\n"
    f"print({json.dumps(PROGRESS)!r})\n"
    f"print({json.dumps({'event': 'built', **RESULT})!r})\n"
)
SLEEP = f"import time; print({json.dumps(PROGRESS)!r}, flush=True); time.sleep(60)"


async def nothing() -> None:
    """What is done after a build, where nothing is."""


async def ended(jobs: Jobs, id: str, until: Callable[[Job], bool] | None = None) -> Job:
    """The job when it has ended, or is as it should be."""
    while True:
        job = jobs.get(id)
        assert job is not None
        if until(job) if until else job.status != "running":
            return job
        await asyncio.sleep(0.01)


def run_one(command: Command, source: object = Path("corpus")) -> Job:
    async def run() -> Job:
        jobs = Jobs(command, nothing)
        return await ended(jobs, jobs.start(source).id)  # type: ignore[arg-type]

    return asyncio.run(run())


def test_build_that_succeeds_has_its_result_and_progress() -> None:
    job = run_one(script(BUILD))
    assert (job.status, job.done, job.total) == ("done", 64, 128)
    assert (job.result, job.failure) == (RESULT, None)


def test_an_event_after_text_without_a_line_end_is_heard() -> None:
    code = BUILD.replace("print(", "print('progress: 10 %', end=''); print(")
    job = run_one(script(code))
    assert (job.status, job.result, job.done) == ("done", RESULT, 64)


def test_a_build_that_could_not_read_all_files_is_done() -> None:
    job = run_one(script(f"{BUILD}\nsys.exit(3)"))
    assert (job.status, job.result) == ("done", RESULT)


def test_job_is_done_only_when_the_new_index_is_served() -> None:
    async def run() -> list[str]:
        seen: list[str] = []

        async def swap() -> None:
            await asyncio.sleep(0.01)
            seen.extend(job.status for job in [jobs.get(id)] if job)

        jobs = Jobs(script(BUILD), swap)
        id = jobs.start(Path("corpus")).id
        return [*seen, (await ended(jobs, id)).status, *seen]

    assert asyncio.run(run()) == ["done", "running"]


@pytest.mark.parametrize(
    ("exit_code", "code"),
    [
        (1, "build_failed"),
        (2, "build_refused"),
        (6, "gate_refused"),
        (74, "index_not_writable"),
        (75, "build_in_progress"),
        (-9, "build_failed"),
    ],
)
def test_build_that_fails_says_why(exit_code: int, code: str) -> None:
    ending = f"os.kill(os.getpid(), {-exit_code})" if exit_code < 0 else f"sys.exit({exit_code})"
    job = run_one(script(f"import os, sys; print({NO_CORPUS!r}, flush=True); {ending}"))
    assert (job.status, job.result) == ("failed", None)
    assert job.failure == Failure(code, "no corpus")


def test_build_that_ends_without_a_word_has_failed() -> None:
    assert run_one(script("")).failure == Failure(
        "build_failed", "the build ended without a message"
    )


@pytest.mark.parametrize("command", [["/none/such"], ["echo", EVENT + "broken"]])
def test_command_that_makes_no_sense_has_failed(
    command: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        job = run_one(lambda path, wanted: command)
    detail = "the build cannot be run; see the log"
    assert job.failure == Failure("build_failed", detail)
    assert caplog.messages == [f"the build {job.id} failed"]


def test_texts_are_files_of_a_folder_that_goes_with_the_build() -> None:
    code = "import os, sys; p = sys.argv[1]; print(f'{p}/b.md', sorted(os.listdir(p)), p)"
    job = run_one(script(code), [("b.md", b"one\r\n"), ("a.md", b"two")])
    assert job.failure is not None
    name, _, folder = job.failure.detail.rpartition(" ")
    assert name == "b.md ['.rag-upload', 'a.md', 'b.md']"
    assert not Path(folder).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_build_of_texts_holds_their_lock_too() -> None:
    code = (
        "import os, sys; held = map(os.path.realpath, "
        "(f'/proc/self/fd/{n}' for n in os.listdir('/proc/self/fd'))); "
        "print(sys.argv[1] in held)"
    )
    job = run_one(script(code), [("a.md", b"one")])
    assert job.failure and job.failure.detail == "True"


def test_one_build_runs_at_a_time() -> None:
    async def run() -> None:
        jobs = Jobs(script(SLEEP), nothing)
        first = jobs.start(Path("corpus"))
        with pytest.raises(BusyError, match="a build is running"):
            jobs.start(Path("corpus"))
        await jobs.cancel(first.id)
        second = jobs.start(Path("corpus"))
        await jobs.close()
        assert jobs.get(second.id) == Job(second.id, "cancelled")

    asyncio.run(run())


def test_cancelled_build_and_what_it_has_started_are_killed(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"pathlib.Path({str(tmp_path)!r}, 'pids').write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        f"print({json.dumps(PROGRESS)!r}, flush=True)\n"
        "time.sleep(60)\n"
    )

    async def run() -> Job | None:
        jobs = Jobs(script(code), nothing)
        id = jobs.start(Path("corpus")).id
        await ended(jobs, id, lambda job: job.done == 64)
        return await jobs.cancel(id)

    job = asyncio.run(run())
    assert job and (job.status, job.done) == ("cancelled", 64)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    deadline = time.monotonic() + 10
    while any(map(is_running, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether the process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_cancelling_while_the_new_index_is_opened_comes_too_late() -> None:
    async def run() -> Job | None:
        opening = asyncio.Event()

        async def swap() -> None:
            opening.set()
            await asyncio.sleep(0.02)

        jobs = Jobs(script(BUILD), swap)
        id = jobs.start(Path("corpus")).id
        await opening.wait()
        return await jobs.cancel(id)

    job = asyncio.run(run())
    assert job and job.status == "done"


def test_job_that_has_ended_is_not_cancelled_and_an_unknown_one_is_none() -> None:
    async def run() -> None:
        jobs = Jobs(script(BUILD), nothing)
        job = await ended(jobs, jobs.start(Path("corpus")).id)
        assert await jobs.cancel(job.id) == job
        assert await jobs.cancel("none") is None
        await jobs.close()

    asyncio.run(run())


def test_last_jobs_are_remembered() -> None:
    async def run() -> list[bool]:
        jobs = Jobs(lambda path, wanted: ["true"], nothing)
        ids = []
        for _ in range(REMEMBERED + 2):
            ids.append(jobs.start(Path("corpus")).id)
            await ended(jobs, ids[-1])
        return [jobs.get(id) is not None for id in ids]

    assert asyncio.run(run()) == [False, False, *[True] * REMEMBERED]


def test_build_is_gated_and_forced_only_where_that_is_asked() -> None:
    command = build_command(Path("index"))
    for wanted in (Wanted(), Wanted(force=True), Wanted(strict=True)):
        given = command(Path("corpus"), wanted)
        assert "--gate" in given
        assert ("--force" in given, "--strict" in given) == (wanted.force, wanted.strict)


def test_build_opens_nothing_outside_the_root_that_holds_its_path() -> None:
    command = build_command(Path("index"), [Path("/srv/a"), Path("/srv/b")])
    for path, within in [("/srv/b/docs", "/srv/b"), ("/tmp/upload", "/tmp/upload")]:
        given = list(command(Path(path), Wanted()))
        assert given[given.index("--within") + 1] == within
        assert given[-2:] == ["--", path]


def test_build_that_takes_too_long_is_killed_and_says_so(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = f"import os, pathlib; pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))"

    async def run() -> Job:
        jobs = Jobs(script(f"{code}\n{SLEEP}"), nothing, hours=0.001)
        return await ended(jobs, jobs.start(Path("corpus")).id)

    job = asyncio.run(run())
    detail = "the build took over 0.001 h and was ended: raise RAG_JOB_HOURS"
    assert (job.status, job.failure) == ("failed", Failure("build_timed_out", detail))
    assert not is_running(int(pid.read_text()))


def test_build_does_not_tell_where_the_documents_are() -> None:
    for said, told in [
        ("{p}: no such file or folder", "no such file or folder"),
        ("{p}/a.md: the file is empty", "a.md: the file is empty"),
    ]:
        code = f"import sys; p = sys.argv[1]; print({said!r}.format(p=p)); sys.exit(2)"
        assert run_one(script(code), Path("/srv/docs")).failure == Failure("build_refused", told)


def test_build_that_is_killed_after_it_skipped_a_file_does_not_blame_the_file() -> None:
    skipped = json.dumps({"event": "files", "verdicts": {}, "files": []})
    job = run_one(script(f"print({skipped!r}, flush=True)"))
    assert job.failure and job.failure.detail == "the build ended without a message"


def test_a_build_imports_what_the_service_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert run_one(script(f"import only_here\n{BUILD}")).status == "done"


def test_build_is_told_to_use_one_thread() -> None:
    code = "import os; print(os.environ['RAG_THREADS'], os.environ['OMP_NUM_THREADS'])"
    job = run_one(script(code))
    assert job.failure and job.failure.detail == "1 1"
    assert os.environ.get("RAG_THREADS") is None


def test_a_build_does_not_get_the_key_of_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_GENERATE_KEY", "secret")
    monkeypatch.setenv("RAG_GENERATE_MODEL", "small")
    code = "import os; print(os.environ.get('RAG_GENERATE_KEY'), os.environ['RAG_GENERATE_MODEL'])"
    job = run_one(script(code))
    assert job.failure and job.failure.detail == "None small"


def test_a_worker_knows_and_cancels_the_build_of_another(tmp_path: Path) -> None:
    async def run() -> None:
        path = str(tmp_path / "builds.sqlite")
        one, other = (Jobs(script(SLEEP), nothing, table=JobTable(path, n)) for n in range(2))
        following = asyncio.create_task(one.follow())
        id = one.start(Path("corpus")).id
        with pytest.raises(BusyError, match="a build is running"):
            other.start(Path("corpus"))
        await ended(other, id, lambda job: job.done == 64)
        cancelled = await other.cancel(id)
        assert cancelled and cancelled.status == "cancelled"
        assert one.get(id) == cancelled
        following.cancel()

    asyncio.run(run())


def test_a_build_of_a_worker_that_died_has_failed(tmp_path: Path) -> None:
    path = str(tmp_path / "builds.sqlite")
    assert JobTable(path, worker=1).add(Job("a"))
    JobTable(path, worker=0).abandon()
    found = JobTable(path).get("a")
    assert found and found.status == "running"
    JobTable(path, worker=1).abandon()
    found = JobTable(path).get("a")
    assert found and (found.status, found.failure) == ("failed", ABANDONED)
    assert JobTable(path).add(Job("b"))


class Locked(JobTable):
    """Takes in no change while it is locked."""

    locked = True

    def put(self, job: Job) -> None:
        if self.locked:
            raise sqlite3.OperationalError("database is locked")
        super().put(job)


def test_a_build_ends_though_the_table_cannot_be_written(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        table = Locked()
        jobs = Jobs(script(BUILD), nothing, table=table)
        following = asyncio.create_task(jobs.follow())
        job = await ended(jobs, jobs.start(Path("corpus")).id)
        assert (job.status, job.result) == ("done", RESULT)
        seen = table.get(job.id)
        assert seen and seen.status == "running"
        with pytest.raises(BusyError):
            jobs.start(Path("corpus"))
        table.locked = False
        while (seen := table.get(job.id)) and seen.status == "running":
            await asyncio.sleep(0.01)
        assert (await ended(jobs, jobs.start(Path("corpus")).id)).status == "done"
        following.cancel()

    asyncio.run(run())
    assert "cannot be recorded (database is locked)" in caplog.text
