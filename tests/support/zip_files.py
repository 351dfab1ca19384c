"""Writes zip archives, good and hostile."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """An archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def replaced(raw: bytes, files: Mapping[str, str | bytes]) -> bytes:
    """The archive with other files in place of its own."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        own: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    return zipped({**own, **files})
