"""What `make` runs: uv with pip's settings, and commands that own the terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import tomllib
import zipfile
from datetime import date
from pathlib import Path

import pytest

import audit
import uv
from support.places import ROOT


def test_uv_is_told_what_pip_is_configured_with() -> None:
    pip = uv.settings(
        ":env:.find-links='/wheels'\n"
        "global.index-url='https://mirror/simple'\n"
        "global.extra-index-url='\\nhttps://one/simple\\nhttps://two/simple'\n"
        "install.trusted-host='mirror'\n"
        "global.find-links='/other'\n"
        "freeze.timeout='10'\n"
    )
    assert uv.environment(pip, {"HOME": "/home"}) == {
        "HOME": "/home",
        "UV_DEFAULT_INDEX": "https://mirror/simple",
        "UV_INDEX": "https://one/simple https://two/simple",
        "UV_FIND_LINKS": "/wheels",
        "UV_INSECURE_HOST": "mirror",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_what_is_set_for_uv_itself_goes_first() -> None:
    given = {"UV_DEFAULT_INDEX": "https://mine/simple"}
    assert uv.environment({"index-url": "https://pips/simple"}, given)["UV_DEFAULT_INDEX"] == (
        "https://mine/simple"
    )


def test_pip_does_it_where_it_may_ask_no_index() -> None:
    environment = {**os.environ, "PIP_NO_INDEX": "1"}
    command = [sys.executable, str(ROOT / ".ci" / "uv.py"), "--version"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "it has to install by itself" in done.stderr


def pins(name: str) -> dict[str, str]:
    """The version of each package of a lock."""
    return dict(re.findall(r"^([\w.-]+)==([^ ;]+)", (ROOT / name).read_text(), re.M))


def test_what_is_served_is_tested_with_the_same_packages() -> None:
    serving, testing = pins("requirements.lock"), pins("requirements-dev.lock")
    assert serving.items() <= testing.items()
    assert serving["uv"] in (ROOT / "pyproject.toml").read_text()


def test_no_tool_for_tests_is_installed_to_serve_and_nothing_that_only_cuda_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tools = {re.split("[<>=]", each)[0] for each in project["optional-dependencies"]["dev"]}
    assert tools.isdisjoint(pins("requirements.lock"))
    for name in [*pins("requirements.lock"), *pins("requirements-dev.lock")]:
        assert not name.startswith(("nvidia", "cuda", "triton")) and name != "torch"


MAKEFILE = """
run:
\t@{python} {script} -- {python} -c 'import time; print("at work", flush=True); time.sleep(60)'\\
\t  -- echo never
"""


def typed(tmp_path: Path, key: bytes) -> tuple[int, str]:
    """How `make` ends when a key is typed while its command runs, and what the terminal shows."""
    path = str(ROOT / ".ci" / "foreground.py")
    (tmp_path / "Makefile").write_text(MAKEFILE.format(python=sys.executable, script=path))
    pid, terminal = pty.fork()
    if pid == 0:
        # A shell's background job has interrupts ignored, and its children inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.chdir(tmp_path)
        os.execvp("make", ["make", "run"])
    shown = b""
    while b"at work" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, key)
    status = os.waitpid(pid, 0)[1]
    try:
        while more := os.read(terminal, 1000):
            shown += more
    except OSError:
        pass  # the other side is closed
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_an_interrupt_at_the_terminal_ends_make_with_success_and_without_a_word(
    tmp_path: Path,
) -> None:
    code, shown = typed(tmp_path, b"\x03")
    assert code == 0
    assert "make" not in shown and "never" not in shown


def test_a_request_to_end_is_passed_on(tmp_path: Path) -> None:
    code = "print('at work', flush=True); import time; time.sleep(60)"
    command = [
        sys.executable,
        str(ROOT / ".ci" / "foreground.py"),
        "--",
        sys.executable,
        "-c",
        code,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "at work\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


@pytest.mark.parametrize(("codes", "says"), [((0, 0), 0), ((3, 0), 3), ((0, 4), 4), ((130, 4), 0)])
def test_the_first_command_that_fails_is_the_last(codes: tuple[int, int], says: int) -> None:
    each = (["--", sys.executable, "-c", f"raise SystemExit({code})"] for code in codes)
    command = [
        sys.executable,
        str(ROOT / ".ci" / "foreground.py"),
        *(a for part in each for a in part),
    ]
    assert subprocess.run(command, check=False, timeout=60).returncode == says


def test_a_waiver_ends_on_its_day() -> None:
    text = "# none\n\nGHSA-1 2026-12-31 the function is not called\n"
    assert list(audit.waivers(text, date(2026, 12, 31))) == ["GHSA-1"]
    with pytest.raises(audit.Failed, match="ended on 2026-12-31"):
        list(audit.waivers(text, date(2027, 1, 1)))


def test_a_lock_without_hash_or_version_is_found(tmp_path: Path) -> None:
    text = "one==1 \\\n    --hash=sha256:0a \\\n    --hash=sha256:0b\n# why\ntwo==2\n"
    assert [each.split() for each in audit.locked(text)] == [
        ["one==1", "--hash=sha256:0a", "--hash=sha256:0b"],
        ["two==2"],
    ]


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("Apache-2.0 AND MIT", True),
        ("BSD License", True),
        ("LGPL-2.1-or-later", True),
        ("GPL-3.0-only", False),
        ("UNKNOWN", False),
        ("Proprietary", False),
    ],
)
def test_licences_are_named(licence: str, allowed: bool) -> None:
    assert bool(audit.LICENCES.search(licence)) == allowed


def test_the_locks_have_hashes() -> None:
    assert "pinned packages" in audit.hashes(ROOT)


def test_torch_is_checked_though_no_lock_names_it() -> None:
    assert "torch" in dict(audit.pinned()) and "torch" not in pins("requirements-dev.lock")
    assert {*pins("requirements-dev.lock").items()} <= {*audit.pinned()}


def test_a_hole_is_found_in_a_copy_of_a_database_unless_it_is_waived(tmp_path: Path) -> None:
    (name, version), *_ = audit.pinned()
    hole = {"package": {"ecosystem": "PyPI", "name": name}, "versions": [version]}
    advisory = {"id": "X-1", "modified": "2026-01-31T00:00:00Z", "affected": [hole]}
    (tmp_path / "X-1.json").write_text(json.dumps(advisory))
    with pytest.raises(audit.Failed, match=f"{name} {version}: X-1"):
        audit.by_copy(tmp_path, [], date(2026, 2, 1))
    assert "the newest of 2026-01-31: 1 days old" in audit.by_copy(
        tmp_path, ["X-1"], date(2026, 2, 1)
    )


def test_a_copy_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(audit.Failed, match="neither a folder nor a ZIP archive"):
        audit.by_copy(tmp_path / "missing", [], date(2026, 2, 1))


def test_the_page_on_security_says_what_each_check_found() -> None:
    _, _, figures = audit.PAGE.read_text().partition(audit.START)
    said = re.findall(r"^\| ([\w ]+) \| ", figures.partition(audit.END)[0], re.M)
    assert said == ["check", *audit.checks(None)]


def test_what_checks_have_found_replaces_what_the_page_had() -> None:
    page = f"before\n{audit.START}old\n{audit.END}after\n"
    made = audit.with_figures(page, {"wheel": "the same"})
    assert "old" not in made and "| wheel | the same |\n" in made
    assert made.startswith("before\n") and made.endswith(f"{audit.END}after\n")


def test_the_wheel_holds_what_the_program_needs(tmp_path: Path) -> None:
    with zipfile.ZipFile(audit.built(tmp_path, "1700000000")) as wheel:
        names = set(wheel.namelist())
    needed = {"service.py", "rag/py.typed", "rag/web/page/index.html", "eval/cli.py"}
    assert needed <= names
    assert any(name.endswith("data/share/rag/corpus/car-t-lupus.md") for name in names)
    assert not any(name.startswith(("tests", "eval/studies")) for name in names)
