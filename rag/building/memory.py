"""A build within a memory budget: the system refuses what would go beyond, and the build ends."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager

from rag.types.errors import RagError, UsageError

MB = 1 << 20
UNITS = {"M": MB, "G": 1 << 30}
# A build of a thousand passages takes 545: libraries, the model, and what their threads may use.
LEAST = 768 * MB
# How Python, C++ and ONNX Runtime say that they got no memory, where that is no MemoryError.
_REFUSED = ("can't start new thread", "bad_alloc", "Failed to allocate memory")


@contextmanager
def memory_limit(most: str) -> Iterator[None]:
    """Limits what this process and those it starts may each hold in memory: `2G`, `900M`.

    Without a text there is no limit.

    Temporary files that are mapped do not count: the system frees their memory when it needs it.
    Raises UsageError if no build can do with so little, and RagError if this one cannot.
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
        if not _is_refused(error):
            raise
        raise RagError(
            f"the build needs more than the {most} of RAG_MEMORY: raise it, or build an index of a "
            "part; what has been encoded is kept for the next build"
        ) from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _is_refused(error: Exception) -> bool:
    """Whether the error says that the system gave no memory."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(said in str(error) for said in _REFUSED)
