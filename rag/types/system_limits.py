"""Errors by which the system refuses descriptors or memory: they say nothing about any file."""

from __future__ import annotations

import errno
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager

from rag.types.errors import RagError, SystemLimit

MB = 1 << 20
# How Python, the loader of libraries, C++ and ONNX Runtime say that they got no memory.
_NO_MEMORY = re.compile(
    r"MemoryError|can't start new thread|failed to map segment|cannot allocate memory|bad_alloc|"
    r"Failed to allocate memory",
    re.IGNORECASE,
)
# Errors whose text may quote a file's name, or what somebody wrote.
_QUOTING = (ValueError, LookupError)


def system_limit(error: BaseException) -> SystemLimit | None:
    """The limit that the error, or what caused it, is about; None if it is about none."""
    if isinstance(error, SystemLimit):
        return error
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EMFILE:
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return SystemLimit(f"a process may have only {most} files open: raise `ulimit -n`")
    if code == errno.ENFILE:
        return SystemLimit("the system has no more open files: end other programs")
    if needs_memory(error):
        return SystemLimit(_no_memory())
    return system_limit(error.__cause__) if error.__cause__ else None


def needs_memory(error: BaseException) -> bool:
    """Whether the error says that the system gave no memory, or one of ours was caused by that."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, RagError):
        return error.__cause__ is not None and needs_memory(error.__cause__)
    if isinstance(error, _QUOTING):
        return False
    return isinstance(error, MemoryError) or bool(_NO_MEMORY.search(str(error)))


@contextmanager
def limits_named() -> Iterator[None]:
    """Turns an error by which the system refuses descriptors or memory into SystemLimit."""
    try:
        yield
    except Exception as error:
        if (limit := system_limit(error)) is not None:
            raise limit from error
        raise


def _no_memory() -> str:
    given = {"-v": resource.RLIMIT_AS, "-d": resource.RLIMIT_DATA}
    limits = {option: resource.getrlimit(kind)[0] for option, kind in given.items()}
    for option, most in limits.items():
        if most != resource.RLIM_INFINITY:
            return f"a process may use only {most // MB} MB of memory: raise `ulimit {option}`"
    return "the system gives no more memory or threads: end other programs, or add memory"
