"""The report's plots, each as the text of one SVG element."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eval.measures.abstention import RISK
from eval.measures.retrieval import PRIMARY
from eval.running.result import Abstention, GroupResult
from eval.running.systems import SERVED

# Colour-blind readers can distinguish these (Okabe and Ito 2008); in black and white, the markers.
COLOURS = {
    "dense": "#0072b2",
    "bm25": "#d55e00",
    "late": "#009e73",
    "dense+bm25": "#cc79a7",
    SERVED: "#000000",
}
MARKERS = {"dense": "s", "bm25": "^", "late": "D", "dense+bm25": "v", SERVED: "o"}
# Nobody reads a matrix with more lines than this, one a question.
MATRIX = 60
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
Values = npt.NDArray[np.float64]


@styled
def ablation_plot(groups: Sequence[GroupResult]) -> str:
    """Each system's nDCG@10 with its interval, a panel for each group."""
    figure, panels = _figure(len(groups), 0.45 * max(len(group.rows) for group in groups) + 0.9)
    for group, axes in zip(groups, panels, strict=True):
        for at, row in enumerate(reversed(group.rows)):
            found = row.figures[PRIMARY]
            reach = [[found.mean - found.low], [found.high - found.mean]]
            axes.errorbar(
                found.mean,
                at,
                xerr=np.maximum(reach, 0),
                fmt=MARKERS.get(row.system, "o"),
                color=COLOURS.get(row.system, "#555555"),
                capsize=3,
            )
        axes.set_yticks(range(len(group.rows)), [row.title for row in reversed(group.rows)])
        axes.set_ylim(-0.6, len(group.rows) - 0.4)
        axes.set_xlim(-0.02, 1.02)
        axes.set_title(f"{group.title} (n = {len(group.questions)})", loc="left", fontsize=9)
        axes.grid(axis="x", alpha=0.3)
    panels[-1].set_xlabel(f"{PRIMARY}, with 95% interval")
    return _svg(figure, "ablation")


@styled
def question_plot(group: GroupResult) -> str:
    """Each question's nDCG@10 by system: a matrix, or falling curves if there are many."""
    many = len(group.questions) > MATRIX
    figure, (axes,) = _figure(1, 3.2 if many else 0.22 * len(group.questions) + 1.1)
    values = np.array(
        [[q.values[row.system][PRIMARY] for row in group.rows] for q in group.questions]
    )
    if many:
        _curves(axes, group, values)
    else:
        _matrix(axes, group, values)
    return _svg(figure, f"questions-{group.name}")


@styled
def risk_plot(found: Sequence[Abstention]) -> str:
    """The share wrong among the answered, against the share answered, by system."""
    figure, (axes,) = _figure(1, 3.2)
    for each in found:
        axes.plot(
            [point.coverage for point in each.points],
            [point.risk for point in each.points],
            color=COLOURS[each.system],
            label=each.title,
            linewidth=2 if each.system == SERVED else 1,
        )
    axes.axhline(RISK, color="#888888", linestyle=":", linewidth=1)
    axes.set_xlabel("share of all questions answered")
    axes.set_ylabel("share of answers that are wrong")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return _svg(figure, "risk")


@styled
def calibration_plot(found: Abstention) -> str:
    """The share answered rightly against the confidence; a calibrated system is on the line."""
    figure, (axes,) = _figure(1, 3.2)
    axes.plot([0, 1], [0, 1], color="#888888", linestyle=":", linewidth=1)
    axes.scatter(
        [each.confidence for each in found.bins],
        [each.right for each in found.bins],
        s=[20 + 4 * each.n for each in found.bins],
        color=COLOURS[SERVED],
        alpha=0.7,
    )
    for each in found.bins:
        axes.annotate(
            f"n = {each.n:g}",
            (each.confidence, each.right),
            xytext=(8, -10),
            textcoords="offset points",
            fontsize=7,
        )
    axes.set_xlabel("confidence claimed")
    axes.set_ylabel("share answered rightly")
    axes.set_xlim(0, 1.05)
    axes.set_ylim(-0.05, 1.05)
    return _svg(figure, "calibration")


def _curves(axes: Axes, group: GroupResult, values: Values) -> None:
    for at, row in enumerate(group.rows):
        axes.plot(
            np.arange(1, len(values) + 1) / len(values),
            np.sort(values[:, at])[::-1],
            color=COLOURS.get(row.system, "#555555"),
            label=row.title,
            drawstyle="steps-post",
        )
    axes.set_xlabel("share of questions that reach it")
    axes.set_ylabel(PRIMARY)
    axes.set_ylim(-0.02, 1.02)
    axes.legend(frameon=False)


def _matrix(axes: Axes, group: GroupResult, values: Values) -> None:
    axes.pcolormesh(values, cmap="Blues", vmin=0, vmax=1.3, edgecolors="white", linewidth=1)
    for line, row in enumerate(values):
        for column, value in enumerate(row):
            text = f"{value:.2f}"
            axes.text(column + 0.5, line + 0.5, text, ha="center", va="center", fontsize=7)
    names = [_short(question.text) for question in group.questions]
    axes.set_yticks(np.arange(len(names)) + 0.5, names, fontsize=7)
    titles = [row.title.replace(" ", "\n", 1) for row in group.rows]
    axes.set_xticks(np.arange(len(titles)) + 0.5, titles, fontsize=7)
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)


def _short(text: str) -> str:
    return text if len(text) <= 42 else text[:40].rstrip() + " \u2026"


def _figure(panels: int, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(6.4, height * panels), layout="constrained")
    axes = figure.subplots(panels, 1, squeeze=False)[:, 0].tolist()
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element; ids are made unique on the page by the plot's name."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Only widths are measured with the missing glyphs: the reader's own fonts draw them.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    svg = text[text.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
