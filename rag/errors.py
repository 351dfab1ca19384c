"""Every error that a user can cause or cure. Each message names the thing and the cure.

RagError
├── UsageError          a wrong argument or setting                     exit 2
│   ├── CorpusError     a path or file that cannot be read as a document
│   └── ModelError      a model that is missing, altered or unsuitable
├── UnusableIndex         the index cannot be used                        exit 5
│   ├── NoIndex         nothing has been built there
│   └── CorruptIndex    what was found is not what was built
├── TookTooLong           what was asked is not done in the time it has    exit 1
├── GateRefused           a new snapshot is worse than the one before it   exit 6
└── BusyError           another build holds the lock, or the port is taken   exit 75
"""

from __future__ import annotations

from typing import ClassVar

# How an index that cannot be used is made usable again.
REBUILD = "run `rag build`"


class RagError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the CLI exits with."""

    exit_code: ClassVar[int] = 1


class UsageError(RagError):
    exit_code = 2


class CorpusError(UsageError):
    """A corpus path or file that cannot be read as documents."""


class ModelError(UsageError):
    """A model that is missing, altered or unsuitable."""


class UnusableIndex(RagError):
    """The index cannot be used as it is."""

    exit_code = 5


class NoIndex(UnusableIndex):
    """No index has been built in the given folder."""


class CorruptIndex(UnusableIndex):
    """A snapshot does not agree with its manifest, or with the settings."""


class TookTooLong(RagError):
    """What was asked cannot be done within the time that it has."""


class GateRefused(RagError):
    """The gate refuses a new snapshot; the index is as it was."""

    exit_code = 6


class BusyError(RagError):
    """Somebody else holds what is needed: the build lock, or the port."""

    exit_code = 75
