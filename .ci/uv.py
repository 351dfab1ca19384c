"""Runs uv with the indexes, links and certificates that pip is configured with.

uv reads nothing of pip's configuration. With this, whoever has told pip where packages are need not
tell uv as well. What is set for uv itself goes first. Called as `uv` is.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# pip's name of a setting, uv's variable, and what uv has between several values.
NAMES = (
    ("index-url", "UV_DEFAULT_INDEX", " "),
    ("extra-index-url", "UV_INDEX", " "),
    ("find-links", "UV_FIND_LINKS", ","),
    ("trusted-host", "UV_INSECURE_HOST", " "),
    ("cert", "SSL_CERT_FILE", " "),
    ("client-cert", "SSL_CLIENT_CERT", " "),
    ("proxy", "ALL_PROXY", " "),
    ("timeout", "UV_HTTP_TIMEOUT", " "),
    ("keyring-provider", "UV_KEYRING_PROVIDER", " "),
)
SECTIONS = ("global", "install", ":env:")


def settings(listed: str) -> dict[str, str]:
    """What `pip config list` has said, by the setting's name: the environment goes first.

    >>> settings("global.index-url='a'\\n:env:.index-url='b'\\nfreeze.timeout='1'\\n")
    {'index-url': 'b'}
    """
    lines = (line.partition("=") for line in listed.splitlines() if "=" in line)
    found = {key: str(ast.literal_eval(value)) for key, _, value in lines}
    return {
        key.removeprefix(f"{section}."): value
        for section in SECTIONS
        for key, value in found.items()
        if key.startswith(f"{section}.")
    }


def environment(pip: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The variables that tell uv the same; those that are given stay as they are."""
    told = {uv: between.join(pip[name].split()) for name, uv, between in NAMES if pip.get(name)}
    # To pip all indexes are one, and so they are here: what is installed has its hash.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **told, **given}


def main() -> None:
    """Runs uv in place of this process; ends with 1 if pip may ask no index."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pip = settings(listed)
    if pip.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        sys.exit("pip is configured to ask no index: it has to install by itself")
    uv = Path(sys.executable).with_name("uv")
    os.execve(uv, [str(uv), *sys.argv[1:]], environment(pip, os.environ))


if __name__ == "__main__":
    main()
