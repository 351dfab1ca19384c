"""A build within a memory budget: the system refuses what would go beyond, and the build ends."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from rag.types.errors import SystemLimit, UsageError
from rag.types.system_limits import MB, needs_memory

UNITS = {"M": MB, "G": 1 << 30}
# A build of a thousand passages takes 545: libraries, the model, and what their threads may use.
LEAST = 768 * MB


@contextmanager
def memory_limit(most: str) -> Iterator[None]:
    """Limits what this process and those it starts may each hold in memory: `2G`, `900M`.

    Without a text there is no limit.

    Temporary files that are mapped do not count: the system frees their memory when it needs it.
    Raises UsageError if no build can do with so little, and SystemLimit if this one cannot.
    """
    if not most:
        yield
        return
    size = int(most[:-1]) * UNITS[most[-1]]
    if size < LEAST:
        raise UsageError(f"RAG_MEMORY is {most}: a build needs at least {LEAST // MB}M")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    _, hard = before
    resource.setrlimit(
        resource.RLIMIT_DATA, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard)
    )
    try:
        yield
    except Exception as error:
        if not needs_memory(error):
            raise
        raise SystemLimit(
            f"the build needs more than the {most} of RAG_MEMORY: raise it, or build an index of a "
            "part; what has been encoded is kept for the next build"
        ) from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
