"""`rag backup`, `rag restore`: an index, and what people have added beside it, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag.cli.console import encoder_of, read_settings, show
from rag.cli.options import IndexOption
from rag.serving import keys_beside
from rag.store import FEEDBACK, back_up
from rag.store import restore as restore_index
from rag.text import counted
from rag.types.settings import Settings


def backup(
    file: Annotated[Path, typer.Argument(help="a new file")], index: IndexOption = None
) -> None:
    """Write the live snapshot, and the keys and feedback beside it, to one checksummed file.

    Nothing has to stop meanwhile.
    """
    settings = read_settings(index=index)
    contents = back_up(settings.index, file, _beside(settings))
    beside = "".join(f", {name}" for name in contents.beside)
    show(
        f"{file}: snapshot {contents.version.id}{beside}, {counted(len(contents.files), 'file')}, "
        f"{contents.size / 1e6:.1f} MB"
    )


def restore(
    file: Annotated[Path, typer.Argument(help="a file that `rag backup` has written")],
    index: IndexOption = None,
) -> None:
    """Make an index of a backup, in a new folder. Every byte is checked first."""
    settings = read_settings(index=index)
    contents = restore_index(file, settings.index, encoder_of(settings), _beside(settings))
    show(f"{settings.index / contents.version.id} is live")


def _beside(settings: Settings) -> dict[str, Path]:
    """What people have added beside the snapshots, by its name in a backup."""
    return {
        "keys.json": settings.keys or keys_beside(settings.index),
        FEEDBACK: settings.index / FEEDBACK,
    }
