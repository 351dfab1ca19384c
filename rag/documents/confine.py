"""What a process that parses foreign files gives up: files, network, programs, signals.

On Linux the kernel enforces it, also against a library that a file has taken over. Landlock limits
reading to the interpreter and its modules and forbids writing; seccomp refuses sockets and new
programs. A kernel that lacks one of them is used without it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# Standard streams and the channel, and a few for modules that are loaded late.
DESCRIPTORS = 16

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38

# linux/seccomp.h, linux/filter.h and linux/audit.h
_FILTER_MODE = 2
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x80000000
_X32 = 0x40000000
# By machine: its number, and those of socket, connect, execve, execveat, ptrace, io_uring_setup.
_CALLS = {
    "x86_64": (0xC000003E, (41, 42, 59, 322, 101, 425)),
    "aarch64": (0xC00000B7, (198, 203, 221, 281, 117, 425)),
}

# linux/landlock.h; the numbers of these calls are the same on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
# All rights that a version of Landlock knows: 13 at first, then renaming between folders,
# truncating and control of devices.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_RIGHTS = (1 << 16) - 1
_TCP, _TCP_SINCE = 0b11, 4
# Besides the interpreter's own folders: this package, which an editable installation has outside
# of them, libraries, time zones, and what the process asks of itself.
_READABLE = (
    str(Path(__file__).parents[1]),
    *("/lib", "/lib64", "/usr", "/etc/ld.so.cache", "/etc/mime.types"),
    *("/dev/null", "/dev/urandom", "/proc/self"),
)


def confine() -> None:
    """Gives up what a parser has no use for. For a process of one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
    ):
        limit(what, most)
    # Nothing is printed from now on: what libraries print may come from the file.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if sys.platform == "linux":
        _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # Should the system run out of memory, this process goes first.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        _control(_PR_SET_NO_NEW_PRIVS, 1)
        _read_only([*sys.path, sys.prefix, sys.base_prefix, *_READABLE])
        refuse_calls()


def limit(what: int, most: int) -> None:
    """Sets a soft limit, or the hard one if that is lower."""
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def refuse_calls(action: int = REFUSE) -> None:
    """Refuses sockets, new programs and the tracing of others; or ends the process (`KILL`)."""
    machine, calls = _CALLS.get(platform.machine(), (0, ()))
    if not calls:
        return
    steps = [(_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, machine), (_RETURN, 0, 0, action)]
    steps += [(_LOAD, 0, 0, 0), (_JUMP_AT_LEAST, len(calls) + 1, 0, _X32)]
    steps += [(_JUMP_EQUAL, len(calls) - i, 0, call) for i, call in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, action)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    _control(_PR_SET_NO_NEW_PRIVS, 1)
    _control(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.c_char_p(program))


def _read_only(paths: Iterable[str]) -> None:
    """Leaves the process only the reading of what is at and below these paths."""
    version = _call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    if version < 1:
        return
    asked = (_RIGHTS.get(version, _ALL_RIGHTS), _TCP if version >= _TCP_SINCE else 0)
    rules = struct.pack("=QQ", *asked)
    ruleset = _call(_CREATE_RULESET, rules, 16 if version >= _TCP_SINCE else 8, 0)
    for path in dict.fromkeys(filter(None, paths)):
        with suppress(FileNotFoundError, NotADirectoryError):
            _allow_reading(ruleset, path)
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow_reading(ruleset: int, path: str) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | (_READ_FOLDER if os.path.isdir(path) else 0)
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, opened), 0)
    finally:
        os.close(opened)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """What a system call returns; -1 if it fails."""
    return int(ctypes.CDLL(None).syscall(number, *arguments))


def _control(*arguments: object) -> None:
    ctypes.CDLL(None).prctl(*arguments)
