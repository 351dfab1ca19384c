"""Finds the files of a corpus and gives them their ids."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

from rag.documents.beneath import folder_entries
from rag.documents.formats import SUFFIXES
from rag.documents.skipped import Skips, shown
from rag.types.errors import CorpusError, RagError

# Copies, locks and folder settings that editors and desktops leave beside documents, and files that
# are still being written.
_BY_PRODUCTS = (
    *("*~", "#*#", "~$*", "*.bak", "*.orig", "*.swp", "*.swo", "*.tmp", "*___jb_???___"),
    *("*.part", "*.crdownload", "thumbs.db", "ehthumbs.db", "desktop.ini"),
)
_BY_PRODUCT = re.compile("|".join(map(translate, _BY_PRODUCTS)))


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a corpus. Its document's id is its POSIX path below the folder that was given.

    `path` is real: no part of it is a link. It is opened from the folder `anchor` downwards.
    """

    path: Path
    document_id: str
    anchor: Path
    given_folder: Path

    @property
    def given(self) -> Path:
        """How the caller would name it."""
        return self.given_folder / self.document_id


def find_sources(paths: Sequence[Path], skips: Skips, within: Path | None = None) -> list[Source]:
    """The files at and below the paths, in the order given, each folder sorted by name.

    Names that begin with a dot and the by-products of editors are passed over. A link that stays in
    the folder that was given is followed; one that leaves it, leads nowhere or back to a folder it
    lies in is skipped. A file that is reached twice is taken once, under its own name if that is
    visible. Nothing outside `within` is opened. Files of unknown type are among those found.

    Raises CorpusError for a path that is missing, closed or outside `within`, and if none of the
    folders holds a file.
    """
    found: dict[Path, Source] = {}
    empty = []
    for path in paths:
        skipped = len(skips.found)
        sources = list(_sources(path, skips, within))
        for source in sources:
            found.setdefault(source.path, source)
        if not sources and len(skips.found) == skipped:
            empty.append(path)
    _check_empty(empty, skips, nothing=not found and not skips.found)
    return list(found.values())


def reason(error: OSError) -> str:
    """What the system says about a failed call, in its own words."""
    return error.strerror or type(error).__name__


def check_system(error: OSError, path: Path) -> None:
    """Raises RagError if descriptors or memory ran out, which is no fault of the file."""
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        raise RagError(
            f"{shown(path)}: cannot be opened ({reason(error)}); end other programs, build again"
        ) from error


def why_not_read(name: str) -> str:
    """Why no file of that name is read; "" if it is."""
    if not name.lower().endswith(SUFFIXES):
        return f"a file name ends in one of {', '.join(SUFFIXES)}"
    return "a file of that name is an editor's, not a document" if is_by_product(name) else ""


def is_by_product(name: str) -> bool:
    """Whether the file is a by-product of an editor or a desktop, and no document."""
    return _BY_PRODUCT.match(name.lower()) is not None


def _check_empty(empty: Sequence[Path], skips: Skips, nothing: bool) -> None:
    why = "empty: the folder holds no files; put documents into it"
    if nothing and empty:
        raise CorpusError(f"{', '.join(shown(path) for path in empty)}: {why}")
    for path in empty:
        skips.add(path, path.name, why)


def _sources(path: Path, skips: Skips, within: Path | None) -> list[Source]:
    try:
        real = Path(os.path.realpath(path, strict=True))
        is_folder = stat.S_ISDIR(real.lstat().st_mode)
        anchor = within or (real if is_folder else real.parent)
        if not real.is_relative_to(anchor):
            raise CorpusError(f"{shown(path)}: it lies outside the folders that may be read")
        if not is_folder:
            return [Source(real, path.name, anchor, path.parent)]
        return list(_Walk(path, real, anchor, skips).sources())
    except FileNotFoundError as error:
        raise CorpusError(f"{shown(path)}: no such file or folder; give one that exists") from error
    except OSError as error:
        check_system(error, path)
        raise CorpusError(
            f"{shown(path)}: cannot be opened ({reason(error)}); check its rights"
        ) from error


class _Walk:
    """The way through one folder: its real files first, then what the links in it lead to."""

    def __init__(self, given: Path, root: Path, anchor: Path, skips: Skips) -> None:
        self._given = given
        self._root = root
        self._anchor = anchor
        self._skips = skips
        self._entered: set[Path] = set()
        self._links: deque[tuple[Path, str]] = deque()

    def sources(self) -> Iterator[Source]:
        """Every file, one that links lead to as often as they do. Raises OSError for the root."""
        yield from self._below(self._root, "")
        while self._links:
            yield from self._linked(*self._links.popleft())

    def _below(self, folder: Path, prefix: str) -> Iterator[Source]:
        waiting = [(folder, prefix)]
        while waiting:
            folder, prefix = waiting.pop()
            if folder in self._entered:
                continue
            self._entered.add(folder)
            folders = []
            for path, id, kind in self._visible(folder, prefix):
                if kind == "folder":
                    folders.append((path, f"{id}/"))
                elif kind == "link":
                    self._links.append((path, id))
                elif not is_by_product(path.name):
                    yield self._source(path, id)
            waiting += reversed(folders)

    def _visible(self, folder: Path, prefix: str) -> list[tuple[Path, str, str]]:
        try:
            found = folder_entries(self._anchor, folder)
        except OSError as error:
            if folder == self._root:
                raise
            check_system(error, folder)
            why = f"io_error: the folder cannot be opened ({reason(error)}); check its rights"
            self._skip(prefix.rstrip("/"), why)
            return []
        return [
            (folder / name, f"{prefix}{name}", kind)
            for name, kind in found
            if not name.startswith(".")
        ]

    def _linked(self, link: Path, id: str) -> Iterator[Source]:
        """The files that a link leads to; none if it must not be followed."""
        try:
            real = Path(os.path.realpath(link, strict=True))
            mode = real.lstat().st_mode
        except OSError as error:
            self._skip(id, _leads_nowhere(error))
            return
        if not real.is_relative_to(self._root):
            why = (
                "symlink: a link that leaves the folder is not followed; put the file itself there"
            )
            self._skip(id, why)
        elif not stat.S_ISDIR(mode):
            if not is_by_product(link.name):
                yield self._source(real, id)
        elif link.is_relative_to(real):
            self._skip(id, "symlink: a link to a folder that it lies in; remove it")
        else:
            yield from self._below(real, f"{id}/")

    def _source(self, path: Path, id: str) -> Source:
        return Source(path, id, self._anchor, self._given)

    def _skip(self, id: str, why: str) -> None:
        self._skips.add(self._given / id, id, why)


def _leads_nowhere(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "symlink: a link that leads back to itself; remove it"
    if error.errno == errno.ENOENT:
        return "symlink: a link to nothing; remove it"
    return f"symlink: a link that cannot be followed ({reason(error)}); put the file itself there"
