"""`rag keys`: who may use the service over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from rag.cli.console import command_line, read_settings, say, show, show_result
from rag.cli.options import IndexOption, JsonOption
from rag.serving import (
    SCOPES,
    Key,
    KeyScope,
    add_key,
    keys_beside,
    lasting,
    read_keys,
    revoke_key,
)
from rag.store import utc_now
from rag.types.errors import UsageError

app = command_line(name="keys", no_args_is_help=True)


@app.callback()
def keys() -> None:
    """Make, list and revoke the keys of the service.

    Once there is a file of keys, every request but probes requires one.
    """


@app.command()
def add(
    scope: Annotated[
        str, typer.Option(help="read, build (rebuilds too) or admin (rollback too)")
    ] = "read",
    expires: Annotated[str, typer.Option(help="how long it is valid: 90d, 12h, 30m")] = "90d",
    name: Annotated[str, typer.Option(help="whose it is, for the list")] = "",
    paths: Annotated[
        list[str] | None, typer.Option(help="ids of documents that it may see: 'guides/*'")
    ] = None,
    index: IndexOption = None,
) -> None:
    """Make a key and print it, this once."""
    file = _file(index)
    key, token = add_key(file, _scope(scope), lasting(expires), name=name, paths=paths or ())
    say(f"{key.id}: {_told(key)}; it is stored hashed in {file}, so keep what follows")
    show(token)


@app.command("list")
def list_keys(as_json: JsonOption = False, index: IndexOption = None) -> None:
    """List the keys, without their secrets."""
    file = _file(index)
    found = read_keys(file) if file.exists() else ()
    show_result(as_json, {"keys": [_shown(key) for key in found]}, map(_line, found))
    if not found and not as_json:
        say(f"there are no keys in {file}")


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="the id of the key, as listed")],
    index: IndexOption = None,
) -> None:
    """Revoke a key; a running service refuses it at once."""
    show(f"{_line(revoke_key(_file(index), id))}: revoked")


def _file(index: Path | None) -> Path:
    settings = read_settings(index=index)
    return settings.keys or keys_beside(settings.index)


def _scope(named: str) -> KeyScope:
    """The scope of that name. Raises UsageError."""
    for scope in SCOPES:
        if scope == named:
            return scope
    raise UsageError(f"--scope is {named!r}: choose one of {', '.join(SCOPES)}")


def _shown(key: Key) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(key).items() if name != "sha256"}
    return shown | {"created": key.created.isoformat(), "expires": key.expires.isoformat()}


def _line(key: Key) -> str:
    name = f" {key.name}" if key.name else ""
    return f"{key.id}{name}: {_told(key)}"


def _told(key: Key) -> str:
    seen = f", sees {' '.join(key.paths)}" if key.paths else ""
    expired = "expired" if key.has_expired(utc_now()) else "expires"
    return f"{key.scope}{seen}, {expired} {key.expires:%Y-%m-%d %H:%M} UTC"
