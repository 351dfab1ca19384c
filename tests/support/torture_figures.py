"""The figures of `make torture`, and their table in docs/reliability.md."""

from __future__ import annotations

import json
from typing import Any

from eval.running.result import commit, machine
from support.places import ROOT

FIGURES = ROOT / "tests" / "torture" / "torture.json"
PAGE = ROOT / "docs" / "reliability.md"
START, END = "<!-- figures of make torture -->\n", "<!-- end of figures -->\n"


def write_figures(name: str, **figures: int | float | str) -> None:
    """Replaces what one run had to say, with the commit and machine that it ran on; prints it."""
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    known[name] = {"figures": figures, "commit": commit(), "machine": machine()}
    FIGURES.write_text(json.dumps(known, indent=1) + "\n")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), known), encoding="utf-8")
    print(f"\n{name}: {json.dumps(figures)}")


def with_table(page: str, known: dict[str, Any]) -> str:
    """The page with the table of these figures in place of the one that it has."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    rows = [f"| {name} | {_listed(run)} | {run['commit'][:12]} |" for name, run in known.items()]
    head = ["| run | figures | commit |", "| --- | --- | --- |"]
    return before + START + "\n".join([*head, *rows]) + "\n" + END + after


def _listed(run: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in run["figures"].items())
