"""Tables and figures as Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def figure(value: float) -> str:
    """A share or score to three places without the leading nought: `.745`, `1.000`."""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0") else text.replace("-0.", "-.")


def signed(value: float) -> str:
    """A difference to three places with its sign: `+.012`."""
    text = figure(value)
    return text if text.startswith("-") else f"+{text}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, the first column to the left, the others to the right."""
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])
