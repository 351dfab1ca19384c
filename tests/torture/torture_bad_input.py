"""Runs every test that docs/bad-input.md names, and says how many of its lines hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from support.bad_input import named_tests
from support.places import ROOT
from support.torture_figures import write_figures


def test_every_line_of_the_page_holds(tmp_path: Path) -> None:
    lines = named_tests()
    tests = sorted({test for named in lines.values() for test in named})
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *tests]
    subprocess.run(command, cwd=ROOT, check=False, timeout=3000)
    ran, failed = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        folder = case.attrib["classname"].replace(".", "/")
        test = f"{folder}.py::{case.attrib['name'].partition('[')[0]}"
        ran.add(test)
        if case.find("failure") is not None or case.find("error") is not None:
            failed.add(test)
    held = [id for id, named in lines.items() if set(named) <= ran - failed]
    write_figures("bad input", lines=len(lines), held=len(held), tests=len(tests), cases=len(ran))
    assert sorted(set(lines) - set(held)) == []
