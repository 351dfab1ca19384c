"""Known holes of packages, from a copy of an advisory database in the OSV format.

For machines without a network: pip-audit only asks services. A copy is a clone of
github.com/pypa/advisory-database, or the ZIP archive of PyPI's advisories from osv.dev.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


@dataclass(frozen=True)
class Hole:
    """An advisory that concerns a package in the version that is used."""

    package: str
    version: str
    # The advisory's own id, and those of the same hole in other databases.
    ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {', '.join(self.ids)}"


@dataclass(frozen=True)
class Found:
    """What a copy of a database says of some packages."""

    holes: list[Hole]
    advisories: int
    # The day of the newest advisory, as YYYY-MM-DD.
    newest: str


def find_holes(source: Path, packages: Collection[tuple[str, str]]) -> Found:
    """The holes of the packages (name, version), by advisory and package.

    Raises ValueError if there are no advisories, or one of these packages has one whose versions
    cannot be compared.
    """
    holes, days = [], []
    for file, text in _files(source):
        advisory = _parsed(file, text)
        if advisory is None:
            continue
        days.append(advisory.get("published", advisory["modified"])[:10])
        if "withdrawn" in advisory:
            continue
        ids = (advisory["id"], *advisory.get("aliases", ()))
        try:
            holes += [Hole(*each, ids) for each in sorted(packages) if _concerns(advisory, *each)]
        except InvalidVersion as error:
            raise ValueError(f"{source}: {file}: {error}") from error
    if not days:
        raise ValueError(f"{source} holds no advisories: clone github.com/pypa/advisory-database")
    return Found(holes, len(days), max(days))


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    """The names and contents of the files that may be advisories, by name."""
    if source.is_dir():
        for path in sorted(source.rglob("*.*")):
            if path.suffix in (".json", ".yaml"):
                yield str(path.relative_to(source)), path.read_bytes()
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith((".json", ".yaml")):
                    yield name, archive.read(name)
    else:
        raise ValueError(f"{source} is neither a folder nor a ZIP archive")


def _parsed(file: str, text: bytes) -> dict[str, Any] | None:
    """The advisory; None if the file is another, such as a setting of the database's repository."""
    # Every scalar of YAML stays text: 1.10 is a version, not a number.
    parsed = json.loads(text) if file.endswith(".json") else yaml.load(text, yaml.CBaseLoader)
    return parsed if isinstance(parsed, dict) and {"id", "modified"} <= parsed.keys() else None


def _concerns(advisory: Mapping[str, Any], name: str, version: str) -> bool:
    """Whether this version of the package is affected (https://ossf.github.io/osv-schema)."""
    return any(
        affected["package"]["ecosystem"].partition(":")[0] == "PyPI"
        and canonicalize_name(affected["package"]["name"]) == canonicalize_name(name)
        and _affects(affected, Version(version))
        for affected in advisory.get("affected", ())
    )


def _affects(affected: Mapping[str, Any], version: Version) -> bool:
    """Whether the version is listed, or in one of the ranges."""
    return version in map(_version, affected.get("versions", ())) or any(
        _within(each["events"], version)
        for each in affected.get("ranges", ())
        if each["type"] == "ECOSYSTEM"
    )


def _version(text: str) -> Version | None:
    """The version; None if it is older than today's rules for versions: none of ours is."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _within(events: Collection[Mapping[str, str]], version: Version) -> bool:
    """Whether the last event before the version opens the range.

    >>> _within([{"introduced": "0"}, {"fixed": "1.10"}], Version("1.9"))
    True
    """
    inside = False
    for kind, at in sorted(
        ((kind, Version(at)) for each in events for kind, at in each.items()),
        key=lambda event: event[1],
    ):
        if version > at or (version == at and kind != "last_affected"):
            inside = kind == "introduced"
    return inside
