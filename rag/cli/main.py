"""The `rag` command. Results go to stdout, messages to stderr.

Exit codes: 0 done; 1 failed; 2 wrong usage, setting, corpus or file; 3 a citation is not valid, or
a build could not read all files; 4 the documents do not answer; 5 no usable index; 6 the gate
refuses the new snapshot; 71 too little memory or too few descriptors; 74 the index cannot be
written; 75 busy (another build, or the port is taken); 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import Annotated, Any

import typer

from rag import __version__
from rag.cli.console import command_line, errors_said, importing, run

# The function of each command, after its module, in the order of the help. Only the module of the
# command that is run is imported: `rag serve` needs no code that builds.
COMMANDS = {
    "build": "build:build",
    "watch": "build:watch",
    "ask": "ask:ask",
    "verify": "ask:verify",
    "serve": "programs:serve",
    "keys": "keys:app",
    "mcp": "mcp:mcp",
    "info": "index:info",
    "report": "index:report",
    "eval": "programs:evaluate",
    "versions": "index:versions",
    "rollback": "index:rollback",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "diff": "index:diff",
    "doctor": "index:doctor",
    "open": "page:open_page",
    "demo": "demo:demo",
}
# `rag eval` has its own options and help.
PASSED_ON: dict[str, Any] = {
    "add_help_option": False,
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    known = given[:1] if given and given[0] in COMMANDS else COMMANDS
    with errors_said():
        # A program that calls this has garbage of its own, which must not be kept for good.
        with importing() if arguments is None else nullcontext():
            app = command_line_of(*known)
        run(app, arguments)


def command_line_of(*names: str) -> typer.Typer:
    """The `rag` command with these commands."""
    app = command_line(no_args_is_help=True, name="rag", add_completion=True)
    app.callback()(_default)
    for name in names:
        module, function = COMMANDS[name].split(":")
        found = getattr(import_module(f"rag.cli.{module}"), function)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name, **(PASSED_ON if name == "eval" else {}))(found)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"rag {__version__}")
        raise typer.Exit


def _default(
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
