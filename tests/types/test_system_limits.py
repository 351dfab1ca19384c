from __future__ import annotations

import errno
import os

import pytest

from rag.types.errors import CorruptIndex, ModelError, SystemLimit, UsageError
from rag.types.system_limits import limits_named, system_limit
from support.few_descriptors import few_descriptors


def caused_by(cause: Exception) -> Exception:
    """An error of ours that was raised because of the cause."""
    error = ModelError("the model cannot be read: install it again")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.EMFILE, "Too many open files"), r"files open: raise `ulimit -n`"),
        (OSError(errno.ENFILE, "Too many open files in system"), "no more open files"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "memory or threads"),
        (RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"), "memory"),
        (ImportError("lib.so: failed to map segment from shared object"), "memory"),
        (caused_by(OSError(errno.EMFILE, "Too many open files")), "ulimit -n"),
    ],
)
def test_refusals_of_the_system_name_the_limit(error: Exception, says: str) -> None:
    with pytest.raises(SystemLimit, match=says), limits_named():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOENT, "No such file"),
        ValueError("x"),
        CorruptIndex("damaged"),
        CorruptIndex("/home/bad_alloc/index/MANIFEST is cut"),
        UsageError("there is no document 'MemoryError.md'"),
        ValueError("'can't start new thread' is no date"),
        KeyError("MemoryError"),
        caused_by(OSError(errno.EACCES, "Permission denied")),
    ],
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)), limits_named():
        raise error


def test_a_limit_that_is_named_already_keeps_its_words() -> None:
    named = SystemLimit("the build needs more than the 2G of RAG_MEMORY")
    named.__cause__ = MemoryError()
    assert system_limit(named) is named


def test_an_error_that_was_only_met_on_the_way_is_none_of_its_cause() -> None:
    error = UsageError("no such folder")
    error.__context__ = MemoryError()
    assert system_limit(error) is None


def test_a_process_without_descriptors_is_told_their_number() -> None:
    with (
        few_descriptors(0),
        pytest.raises(SystemLimit, match=r"only \d+ files open"),
        limits_named(),
    ):
        os.open(os.devnull, os.O_RDONLY)
