"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DocumentsArgument = Annotated[
    list[Path] | None, typer.Argument(help="files or folders of documents")
]
IndexOption = Annotated[Path | None, typer.Option("--index", help="folder of the index")]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="replace an index of other documents")
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="stop at the first file that cannot be read")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object")]
