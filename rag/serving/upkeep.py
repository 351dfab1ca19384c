"""What the service does to its index, and how it keeps up with it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rag.encoders import Encoder, open_encoder
from rag.serving.allowed_paths import allowed_path, roots_of
from rag.serving.job_table import JobTable
from rag.serving.jobs import Command, Jobs, build_command
from rag.serving.live import IndexFolder, Live
from rag.serving.uploads import sweep_uploads
from rag.store import live_version, sweep_if_idle
from rag.types.settings import Settings


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the service may do to its index, and how.

    `roots` are the folders, resolved, that a rebuild may read; `host` is the address that is
    bound; CURRENT is looked at every `seconds`, and the served files are verified again every
    `verify_seconds`, 0 for never; a rebuild may take `job_hours`; `feedback` may be stored in the
    folder. The workers of a service share the `builds`. `results` is where `rag eval run` writes
    its figures.
    """

    folder: IndexFolder
    command: Command
    roots: tuple[Path, ...]
    host: str = "127.0.0.1"
    seconds: float = 1.0
    verify_seconds: float = 0.0
    job_hours: float = 4.0
    feedback: bool = True
    builds: JobTable = field(default_factory=JobTable)
    results: Path = Path("eval/local/results")

    def jobs(
        self, finished: Callable[[], Awaitable[None]], ended: Callable[[str], None] = lambda _: None
    ) -> Jobs:
        """The builds; `finished` is awaited after each that succeeded, `ended` hears how each
        ended."""
        return Jobs(self.command, finished, self.job_hours, self.builds, ended)

    def allowed(self, path: str) -> Path:
        """The path of a rebuild, resolved. Raises UsageError if it may not be read."""
        return allowed_path(path, self.roots)


def upkeep_of(settings: Settings, opening: Callable[[], Encoder] | None = None) -> Upkeep:
    """The upkeep that the settings allow; opens nothing. `opening` gives their encoder."""
    opening = opening or functools.partial(
        open_encoder, settings.model, settings.runtime, settings.threads
    )
    version = live_version(settings.index)
    sources = version.sources if version else None
    roots = roots_of(settings.roots, settings.corpus, sources.paths if sources else ())
    return Upkeep(
        folder=IndexFolder(settings.index, opening),
        command=build_command(settings.index, roots),
        roots=roots,
        host=settings.host,
        verify_seconds=settings.verify_hours * 3600,
        job_hours=settings.job_hours,
        results=settings.results,
        feedback=settings.feedback,
    )


@asynccontextmanager
async def kept_up(upkeep: Upkeep, live: Live, jobs: Jobs) -> AsyncIterator[None]:
    """While it lasts, the live index follows the folder; what is running ends with it."""
    await asyncio.to_thread(sweep_if_idle, upkeep.folder.path)
    await asyncio.to_thread(sweep_uploads)
    jobs.recover()
    await live.catch_up()
    tasks = [
        asyncio.create_task(live.follow(upkeep.seconds)),
        asyncio.create_task(live.verify_new(upkeep.seconds)),
        asyncio.create_task(jobs.follow()),
    ]
    if upkeep.verify_seconds:
        tasks.append(asyncio.create_task(live.recheck_every(upkeep.verify_seconds)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await jobs.close()
