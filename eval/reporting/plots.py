"""The report's plots, each as the text of one SVG element."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eval.measures.abstention import RISK
from eval.measures.retrieval import PRIMARY
from eval.running.result import Abstention, GroupResult
from eval.running.systems import SERVED

# Colour-blind readers can distinguish these (Okabe and Ito 2008). The page has its own for dark
# screens, in variables of its style.
COLOURS = {
    "dense": "#0072b2",
    "bm25": "#d55e00",
    "late": "#009e73",
    "dense+bm25": "#cc79a7",
    SERVED: "#000000",
}
GREY = "#888888"
VARIABLES = {
    "#0072b2": "--dense",
    "#d55e00": "--bm25",
    "#009e73": "--late",
    "#cc79a7": "--both",
    "#000000": "--ink",
    GREY: "--quiet",
}
# Text stays text, and `$` a dollar; ids depend on the content alone, so that the same figures
# give the same bytes.
styled = mpl.rc_context(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "rag",
        "font.family": "sans-serif",
        "font.size": 9,
        "text.parse_math": False,
    }
)


@styled
def curves_plot(group: GroupResult) -> str:
    """How many questions reach each nDCG@10, a falling curve for each system."""
    figure, axes = _figure()
    values = np.array(
        [[q.values[row.system][PRIMARY] for row in group.rows] for q in group.questions]
    )
    for at, row in enumerate(group.rows):
        axes.plot(
            np.arange(1, len(values) + 1) / len(values),
            np.sort(values[:, at])[::-1],
            color=COLOURS.get(row.system, GREY),
            label=row.title,
            drawstyle="steps-post",
        )
    axes.set_xlabel("share of questions that reach it")
    axes.set_ylabel(PRIMARY)
    axes.set_ylim(-0.02, 1.02)
    axes.legend(frameon=False)
    return _svg(figure, f"questions-{group.name}", f"{PRIMARY} by share of questions")


@styled
def risk_plot(found: Sequence[Abstention]) -> str:
    """The share wrong among the answered, against the share answered, by system."""
    figure, axes = _figure()
    for each in found:
        axes.plot(
            [point.coverage for point in each.points],
            [point.risk for point in each.points],
            color=COLOURS[each.system],
            label=each.title,
            linewidth=2 if each.system == SERVED else 1,
        )
    axes.axhline(RISK, color=GREY, linestyle=":", linewidth=1)
    axes.set_xlabel("share of all questions answered")
    axes.set_ylabel("share of answers that are wrong")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return _svg(figure, "risk", "Share of wrong answers by share of questions answered")


@styled
def calibration_plot(found: Abstention) -> str:
    """The share answered rightly against the confidence; a calibrated system is on the line."""
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    axes.scatter(
        [each.confidence for each in found.bins],
        [each.right for each in found.bins],
        s=[20 + 4 * each.n for each in found.bins],
        color=COLOURS[SERVED],
        alpha=0.7,
    )
    for at, each in enumerate(found.bins):
        # Above and below by turns, so that the numbers of neighbours do not meet.
        axes.annotate(
            f"{each.n:g}",
            (each.confidence, each.right),
            xytext=(0, 11 if at % 2 else -11),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8,
        )
    axes.set_xlabel("confidence claimed")
    axes.set_ylabel("share answered rightly")
    axes.set_xlim(-0.05, 1.05)
    axes.set_ylim(-0.1, 1.1)
    return _svg(figure, "calibration", "Share of right answers by confidence")


def _figure() -> tuple[Figure, Axes]:
    """A figure narrow enough for its text to be read on a phone."""
    figure = Figure(figsize=(4.6, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure, name: str, label: str) -> str:
    """The figure as an `<svg>` element in the page's colours, `label` for those who do not see it.

    Ids are made unique on the page by the plot's name.
    """
    buffer = io.StringIO()
    metadata = {"Date": None, "Creator": None}
    figure.savefig(buffer, format="svg", metadata=metadata, transparent=True)
    text = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
