"""Cost by the size of the corpus, as one SVG picture."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eval.reporting.plots import styled

Measurement = Mapping[str, Any]

MB = 1e6
# Title, and how the figure is read from a row.
PANELS: tuple[tuple[str, Callable[[Measurement], float]], ...] = (
    ("build, s", lambda row: row["build_seconds"]),
    ("opening, s", lambda row: row["open_seconds"]),
    ("resident memory, MB", lambda row: row["memory_asked"]["resident"] / MB),
    ("disk, MB", lambda row: row["disk_bytes"] / MB),
    ("search p50, ms", lambda row: row["search_ms"]["p50"]),
    ("search p95, ms", lambda row: row["search_ms"]["p95"]),
)


@styled
def scale(rows: Sequence[Measurement]) -> str:
    """A panel a figure, both axes logarithmic: what is linear has the slope of the grey line.

    Rows that were put together from sentences are the open circles.
    """
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    whole = [row for row in rows if not row.get("recombined")]
    recombined = [row for row in rows if row.get("recombined")]
    panels: list[Axes] = figure.subplots(3, 2).ravel().tolist()
    for axes, (title, read) in zip(panels, PANELS, strict=True):
        first = read(rows[0]) / rows[0]["passages"]
        ends = [rows[0]["passages"], max(row["passages"] for row in rows)]
        axes.loglog(
            ends, [first * end for end in ends], color="#888888", linestyle=":", linewidth=1
        )
        for listed, face in ((whole, "#000000"), (recombined, "#ffffff")):
            points = [row["passages"] for row in listed], [read(row) for row in listed]
            axes.loglog(*points, color="#000000", marker="o", markerfacecolor=face, linewidth=1)
        axes.set_title(title, loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
