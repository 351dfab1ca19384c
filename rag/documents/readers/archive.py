"""Formats that are XML in a zip archive, opened without trust.

Inflated bytes are counted as they come, whatever the archive says of itself. XML with a DOCTYPE is
refused, so there are no entities; nothing is fetched and nothing is written.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from typing import Self
from urllib.parse import unquote

from lxml import etree

from rag.types.errors import CorpusError

_MB = 1 << 20
_MOST_ENTRIES = 10_000
_MOST_INFLATED = 200 * _MB
_CHUNK = 1 << 16
# What zipfile raises for archives that are damaged or use what it does not know.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_DOCTYPE = "doctype: XML with a DOCTYPE is not read; save the file again without"
_HEAD = 1 << 16
# What libxml2 says when a text or its depth exceeds its limits.
_LIMITS = ("Resource limit", "Excessive depth", "Text node too long", "Maximum entity")
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"


class Archive:
    """The entries of a zip archive; raises CorpusError for whatever is wrong with it."""

    def __init__(self, raw: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(raw))
        except _DAMAGE as error:
            raise _corrupt(error) from error
        # Of two entries with one name the first counts.
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            self._entries.setdefault(entry.filename, entry)
        if len(self._zip.infolist()) > _MOST_ENTRIES:
            raise CorpusError(
                f"parse_limit: the archive has over {_MOST_ENTRIES} entries; split it"
            )
        self._left = _MOST_INFLATED

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """The names of the entries in order."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """An entry's bytes."""
        entry = self._entries.get(name)
        if entry is None:
            raise CorpusError(f"corrupt: {name!r:.80} is missing; open the file and save it again")
        if entry.flag_bits & 1:
            raise CorpusError("encrypted: the file needs a password; save a copy without one")
        chunks = []
        try:
            with self._zip.open(entry) as stream:
                while chunk := stream.read(_CHUNK):
                    self._left -= len(chunk)
                    if self._left < 0:
                        raise CorpusError(
                            f"parse_limit: the file inflates to over {_MOST_INFLATED // _MB} MB;"
                            " split it"
                        )
                    chunks.append(chunk)
        except _DAMAGE as error:
            raise _corrupt(error) from error
        return b"".join(chunks)

    def xml(self, name: str) -> etree._Element:
        """The root of an entry that is XML."""
        return xml_of(self.read(name))

    def optional_xml(self, name: str) -> etree._Element | None:
        """The same; None if there is no such entry."""
        return self.xml(name) if name in self else None

    def targets(self, part: str) -> dict[str, tuple[str, str]]:
        """What an Office part refers to inside of the archive: by id, the kind and the entry."""
        folder, name = posixpath.split(part)
        root = self.optional_xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, tuple[str, str]] = {}
        for each in root.iter(_RELATIONSHIP) if root is not None else ():
            if each.get("TargetMode") != "External":
                kind = each.get("Type", "").rpartition("/")[2]
                found[each.get("Id", "")] = kind, self.resolved(part, each.get("Target", ""))
        return found

    def resolved(self, part: str, target: str) -> str:
        """The entry to which a part refers as `target`."""
        path = unquote(target.partition("#")[0])
        if path.startswith("/"):
            return path[1:]
        return posixpath.normpath(posixpath.join(posixpath.dirname(part), path))


def xml_of(raw: bytes) -> etree._Element:
    """The root of an XML text. Raises CorpusError if it is malformed or has a DOCTYPE."""
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _refused(raw, error) from error
    if root.getroottree().docinfo.doctype:
        raise CorpusError(_DOCTYPE)
    return root


def _refused(raw: bytes, error: Exception) -> CorpusError:
    """Why a parser refuses XML: a limit of its own, a DOCTYPE, or damage."""
    if any(sign in str(error) for sign in _LIMITS):
        return CorpusError(
            "parse_limit: the XML has a text of over 10 MB or nests over 256 elements; split it"
        )
    head = raw[:_HEAD].replace(b"\0", b"")
    return CorpusError(_DOCTYPE) if b"<!DOCTYPE" in head else _corrupt(error)


def title_in(root: etree._Element | None) -> str:
    """The title among the properties of a document; "" if there is none."""
    return (root.findtext(f".//{_DUBLIN_CORE}title") or "") if root is not None else ""


def _corrupt(error: Exception) -> CorpusError:
    return CorpusError(f"corrupt: {str(error)!r:.120}; open the file and save it again")
