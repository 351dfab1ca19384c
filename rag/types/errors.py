"""Every error that a user can cause or fix. Each message names the value and the fix.

RagError                  exit 1
├── UsageError            exit 2   a wrong argument or setting
│   ├── CorpusError                a path or file that cannot be read as a document
│   ├── NotReplaced                an index of other documents, and no consent to replace it
│   └── ModelError                 a model that is missing, altered or unsuitable
├── UnusableIndex         exit 5   the index cannot be used as it is
│   ├── NoIndex                    nothing has been built there
│   ├── CorruptIndex               what was found is not what was built
│   └── ModelMismatch              it was built with another model than the settings name
├── GateRefused           exit 6   a new snapshot is worse than the one before it
├── SystemLimit           exit 71  the system gives no more descriptors or memory
├── IndexNotWritable      exit 74  the disk is full, or the folder may not be written
├── BusyError             exit 75  another build holds the lock, or the port is taken
└── TookTooLong           exit 1   the work is not done in the time that it has
"""

from __future__ import annotations

from typing import ClassVar

# The exit code of a build that published an index, but could not read all of its files.
PARTIAL = 3
# The exit code of a command that was interrupted.
INTERRUPTED = 130
# The fix of an index that cannot be used.
REBUILD = "run `rag build`"


class RagError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command line exits with."""

    exit_code: ClassVar[int] = 1


class UsageError(RagError):
    """A wrong argument or setting."""

    exit_code = 2


class CorpusError(UsageError):
    """A corpus path or file that cannot be read as documents."""


class NotReplaced(UsageError):
    """The index was built from other documents, and nobody has agreed to replace it."""


class ModelError(UsageError):
    """A model that is missing, altered or unsuitable."""


class UnusableIndex(RagError):
    """The index cannot be used as it is."""

    exit_code = 5


class NoIndex(UnusableIndex):
    """No index has been built in the given folder."""


class CorruptIndex(UnusableIndex):
    """The files of an index are not those that a build wrote."""


class ModelMismatch(UnusableIndex):
    """A sound snapshot of another model, or of this model when it gave other vectors."""


class GateRefused(RagError):
    """The gate refuses a new snapshot; the index is unchanged."""

    exit_code = 6


class SystemLimit(RagError):
    """The system gives the process no more descriptors or memory."""

    exit_code = 71


class IndexNotWritable(RagError):
    """The system refuses to write the index: no space, no permission, a failing disk."""

    exit_code = 74


class BusyError(RagError):
    """Another process holds what is needed: the build lock, or the port."""

    exit_code = 75


class TookTooLong(RagError):
    """The work cannot be done within the time that it has."""
