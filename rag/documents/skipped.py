"""Why a file, or a part of it, was not read: the codes, and the files that were skipped."""

from __future__ import annotations

import re
from pathlib import Path

from rag.types import FileReport, Remark
from rag.types.errors import CorpusError

# Every code with which a reason begins, and what it means; docs/formats.md has the same table.
CODES = {
    "no_text_layer": "pages of a PDF are pictures: add the text by OCR, for instance with OCRmyPDF;"
    " a PDF of such pages alone is a document without passages",
    "hidden_text": "text that nobody sees was left out: `display:none`, white, tiny, off the page",
    "hidden_sheets": "hidden sheets of a workbook were left out",
    "hidden_slides": "hidden slides were left out",
    "running_heads": "lines that repeat at the top or bottom of pages were left out",
    "text_lost": "pages of a PDF cannot be loaded, or not all of their letters are in the text",
    "unmappable_text": "pages of a PDF whose font gives many letters no meaning: read it by OCR",
    "encoding_guessed": "the text is neither UTF-8 nor UTF-16; the encoding named was used",
    "broken_text": "bytes that do not fit the encoding became U+FFFD",
    "depth": "elements are nested so deep that some text may be lost",
    "attachments": "these files are in an e-mail and are not read",
    "bad_lines": "lines of a corpus.jsonl are no documents, or repeat an `_id`",
    "duplicate": "another file has a document of the same id",
    "empty": "the file or folder holds nothing",
    "no_text": "the file holds no words",
    "not_text": "the name says text, the content is binary",
    "encrypted": "the file needs a password",
    "corrupt": "the file is damaged",
    "doctype": "XML with a DOCTYPE is not read",
    "type_mismatch": "the file is not what its name says",
    "unsupported": "the file is of a kind that is not read",
    "too_large": "the file is larger than `RAG_MAX_FILE_MB`",
    "parse_limit": "the file has too many parts, inflates too far or needs too much memory",
    "parse_timeout": "the file takes too long to read",
    "parse_crashed": "the reader failed on the file",
    "symlink": "a link that leads nowhere, out of the folder, or back into itself",
    "not_regular": "a pipe, socket or device",
    "bad_name": "the name is not UTF-8",
    "io_error": "the system cannot open the file or folder",
}
# A reason without a code is a fault of a reader, not of the file.
UNKNOWN = "parse_crashed"

_CODE = "|".join(CODES)
_NEXT = re.compile(rf"; (?=(?:{_CODE}): )")
_CODED = re.compile(rf"({_CODE}): (.*)", re.DOTALL)


def remarks_of(reason: str, is_loss: bool = False) -> list[Remark]:
    """The remarks in a reason: `code: sentence`, several joined by `; `.

    >>> [remark.code for remark in remarks_of("encoding_guessed: read as X; broken_text: 3")]
    ['encoding_guessed', 'broken_text']
    """
    parts = [(_CODED.fullmatch(part), part) for part in _NEXT.split(reason)]
    return [
        Remark(found[1], found[2], is_loss) if found else Remark(UNKNOWN, part, is_loss)
        for found, part in parts
    ]


class Skips:
    """The files, links and folders that were skipped.

    If `strict`, the first loss raises CorpusError instead.
    """

    def __init__(self, strict: bool) -> None:
        self.found: list[FileReport] = []
        self._strict = strict

    def add(self, path: Path, id: str, reason: str) -> None:
        """Notes that the file is skipped. Raises CorpusError if strict."""
        self.lose(path, reason)
        # JSON cannot hold a name that is not UTF-8.
        name = id.encode(errors="surrogateescape").decode(errors="backslashreplace")
        self.found.append(FileReport(name, remarks=tuple(remarks_of(reason, is_loss=True))))

    def lose(self, path: Path, reason: str) -> None:
        """Raises CorpusError if strict."""
        if self._strict:
            raise CorpusError(f"{shown(path)}: {reason}")


def shown(path: Path | str) -> str:
    """A path for a message: printable and on one line, whatever its name holds."""
    name = str(path)
    return name if name.isprintable() else ascii(name)
