"""Writes the parts of docs/ that are made from the code: `python tests/reference.py`.

Each part stands between two comments: `<!-- routes: python tests/reference.py -->` and
`<!-- end of routes -->`. A test says whether the pages are up to date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from eval.cli import app as evaluation
from rag.cli.main import COMMANDS, command_line_of
from rag.serving import upkeep_of
from rag.types.settings import Settings
from rag.web.pages import description
from service import create_app

DOCS = Path(__file__).parents[1] / "docs"
# Shown by every command, and explained at the top of the page.
COMMON = {"help"}


def settings() -> Iterator[str]:
    """A table of the settings."""
    yield "| variable | default | meaning |"
    yield "| --- | --- | --- |"
    for name, field in Settings.model_fields.items():
        default = "(none)" if field.default in ("", None) else str(field.default).lower()
        yield f"| `RAG_{name.upper()}` | `{default}` | {field.description} |"


def commands() -> Iterator[str]:
    """A section for each command."""
    for name, command in _commands(get_command(command_line_of(*COMMANDS)), "rag"):
        if name != "rag eval":
            yield from _command(name, command)
    for name, command in _commands(get_command(evaluation), "rag eval"):
        yield from _command(name, command)


def routes() -> Iterator[str]:
    """A table of the routes."""
    yield "| route | does | fields | statuses |"
    yield "| --- | --- | --- | --- |"
    described = description(create_app(upkeep=upkeep_of(Settings())))
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            fields = ", ".join(f"`{name}`" for name in _fields(operation, described))
            said = _sentence(operation.get("description", ""))
            statuses = ", ".join(sorted(operation["responses"]))
            yield f"| `{method.upper()} {path}` | {said} | {fields} | {statuses} |"


PARTS: Mapping[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "settings": ("commands.md", settings),
    "commands": ("commands.md", commands),
    "routes": ("http.md", routes),
}


def written(name: str) -> tuple[Path, str]:
    """A page, and its text with the part of this name made from the code."""
    file, lines = PARTS[name]
    page = DOCS / file
    head, end = f"<!-- {name}: python tests/reference.py -->", f"<!-- end of {name} -->"
    part = "\n".join([head, *lines(), end])
    text = page.read_text(encoding="utf-8")
    found = re.compile(f"{re.escape(head)}.*?{re.escape(end)}", re.DOTALL)
    assert len(found.findall(text)) == 1, f"{page} does not have one {head} with its end"
    return page, found.sub(lambda _: part, text)


def _commands(group: object, name: str) -> Iterator[tuple[str, TyperCommand]]:
    """The commands of a group and of the groups in it, with their names."""
    assert isinstance(group, TyperGroup)
    for each, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{name} {each}")
        else:
            yield f"{name} {each}", command


def _command(name: str, command: TyperCommand) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join(command.get_usage(context).split()).removeprefix("Usage: ")
    yield from (f"### `{usage}`", "", *_paragraphs(command.help or ""))
    shown = [each for each in command.params if not each.hidden and each.name not in COMMON]
    if shown:
        yield from ("", "| option | meaning |", "| --- | --- |", *map(_parameter, shown))
    yield ""


def _parameter(parameter: TyperArgument | TyperOption) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    choices = get_args(parameter.type_descriptor.annotation)
    said = parameter.help or ""
    if choices and all(isinstance(choice, str) for choice in choices):
        said += f": {', '.join(f'`{choice}`' for choice in choices)}"
    default = parameter.default
    if isinstance(default, str | int | Path) and not isinstance(default, bool):
        said += f" (`{default}`)"
    return f"| {names} | {said.replace('<', '&lt;')} |"


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text, each on a line of its own."""
    for number, paragraph in enumerate(text.split("\n\n")):
        yield from ([""] if number else [])
        yield " ".join(paragraph.split())


def _fields(operation: Mapping[str, Any], described: Mapping[str, Any]) -> Iterator[str]:
    yield from (each["name"] for each in operation.get("parameters", ()))
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    yield from schema.get("properties", ())


def _sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def main() -> None:
    """Writes each page."""
    for name in PARTS:
        page, text = written(name)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
