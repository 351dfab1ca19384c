"""The `rag` command. Results go to stdout, messages to stderr.

Exit codes: 0 done; 1 failed; 2 wrong usage, setting, corpus or file; 3 a citation is not valid, or
a build could not read all files; 4 the documents do not answer; 5 no usable index; 6 the gate
refuses the new snapshot; 74 the index cannot be written; 75 busy (another build, or the port is
taken); 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from rag import __version__
from rag.cli.ask import ask, verify
from rag.cli.build import build, watch
from rag.cli.console import command_line, run
from rag.cli.demo import demo
from rag.cli.index import diff, doctor, info, report, rollback, versions
from rag.cli.keys import app as keys
from rag.cli.page import open_page
from rag.cli.programs import evaluate, serve

# `rag eval` has its own options and help.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

app = command_line(no_args_is_help=True, name="rag", add_completion=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"rag {__version__}")
        raise typer.Exit


@app.callback()
def default(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Ask your own documents: the passages that answer, each cited to the character.

    Results go to stdout, messages to stderr. `rag COMMAND -h` explains a command.
    """


app.command()(build)
app.command()(watch)
app.command()(ask)
app.command()(verify)
app.command()(serve)
app.add_typer(keys)
app.command()(info)
app.command()(report)
app.command("eval", add_help_option=False, context_settings=PASSED_ON)(evaluate)
app.command()(versions)
app.command()(rollback)
app.command()(diff)
app.command()(doctor)
app.command("open")(open_page)
app.command()(demo)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    run(app, arguments)
