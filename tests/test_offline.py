"""No command uses the network, or writes beside its index and the one cache folder.

`python tests/offline.py` prints what these tests see.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import offline
import pytest

LACKS = offline.missing()

alone = pytest.mark.skipif(bool(LACKS), reason=LACKS or "has all that it needs")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, offline.Traced]]:
    """Every command, run without a network and traced, and the folder that it ran in."""
    folder = tmp_path_factory.mktemp("offline")
    for part in ("scratch", "home", "tmp"):
        (folder / part).mkdir()
    commands = offline.commands(folder)
    return folder, {name: offline.traced(command, folder) for name, command in commands.items()}


Seen = tuple[Path, dict[str, offline.Traced]]


@alone
@pytest.mark.slow
def test_every_command_works_without_a_network(seen: Seen) -> None:
    failed = {name: found.output for name, found in seen[1].items() if found.code != 0}
    assert failed == {}


@alone
@pytest.mark.slow
def test_nothing_is_looked_up_and_nobody_is_called(seen: Seen) -> None:
    assert {name: found.lookups + found.connections for name, found in seen[1].items()} == {
        name: [] for name in seen[1]
    }


@alone
@pytest.mark.slow
def test_nothing_is_written_outside_the_index_and_the_cache_folder(seen: Seen) -> None:
    folder, found = seen
    cache = folder / "home" / ".cache"
    elsewhere = {
        path
        for traced in found.values()
        for path in offline.outside(traced, folder)
        if path != str(cache) and not Path(path).is_relative_to(cache / "rag")
    }
    assert elsewhere == set()
    assert list((folder / "tmp").iterdir()) == []
    for name in ("build", "ask", "serve, ask, verify, rebuild", "a script"):
        assert offline.outside(found[name], folder) == [], name


@alone
def test_the_trace_sees_look_ups_connections_and_files(tmp_path: Path) -> None:
    for part in ("scratch", "home", "tmp"):
        (tmp_path / part).mkdir()
    code = (
        "import contextlib, pathlib, socket\n"
        "datagrams = socket.socket(type=socket.SOCK_DGRAM)\n"
        "for call in (lambda: socket.create_connection(('192.0.2.1', 9)),\n"
        "             lambda: datagrams.sendto(b'', ('192.0.2.2', 53))):\n"
        "    with contextlib.suppress(OSError): call()\n"
        "(pathlib.Path.home() / 'left').write_text('x')\n"
    )
    found = offline.traced([sys.executable, "-c", code], tmp_path)
    assert (found.code, len(found.lookups), len(found.connections)) == (0, 1, 2), found.output
    assert offline.outside(found, tmp_path) == [str(tmp_path / "home" / "left")]


def switches(code: str, **environment: str) -> str:
    """What a script prints that runs with these variables set."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_importing_the_package_switches_telemetry_off_whatever_was_set() -> None:
    code = "import rag, os; print(os.environ['ORT_DISABLE_TELEMETRY'], os.environ['DO_NOT_TRACK'])"
    assert switches(code, ORT_DISABLE_TELEMETRY="0", DO_NOT_TRACK="0") == "1 1"


def test_a_folder_given_for_plots_is_kept() -> None:
    code = "import eval, os; print(os.environ['MPLCONFIGDIR'])"
    assert switches(code, MPLCONFIGDIR="/elsewhere") == "/elsewhere"
