"""Writes docs/quality.md from committed results: `python -m eval.studies.page`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from eval.provenance import RESULTS, read_outcome
from eval.running.result import Result, read_result
from eval.studies.cases import KINDS
from eval.studies.fit_confidence import AS_SHIPPED
from eval.studies.markdown import figure, signed, table
from eval.studies.page_text import (
    CONFIDENCE,
    FUSION,
    HIGHLIGHTS,
    INTRODUCTION,
    PUBLIC,
    REFITTED,
    RISKS,
    SUPPORT,
    TRIED,
)
from eval.studies.score_support import FALSE, TRUE
from eval.studies.score_support import SHIPPED as SUPPORT_SHIPPED
from rag.answering.search import CANDIDATES
from rag.types import MAX_TOP_K

PAGE = Path("docs/quality.md")
# Sets that trained the head: never evidence.
TRAINED = ("faq_pages", "pubmedqa_l", "squad2")
MEASURE = "nDCG@10"
SYSTEMS = ("dense", "bm25", "late", "dense+bm25", "all")
SERVED_GROUP = "as-served"
# A row that is not a choice.
LEFT_OUT = "as served, chosen without it"
OUTCOMES = ("fusion", "confidence", "highlights", "support")

Outcome = Mapping[str, Any]


def page(
    fusion: Outcome,
    confidence: Outcome,
    highlights: Outcome,
    support: Outcome,
    public: Sequence[Result],
) -> str:
    """The text of docs/quality.md."""
    parts = [
        INTRODUCTION,
        public_sets(public),
        fusion_section(fusion),
        confidence_section(confidence),
        highlights_section(highlights),
        support_section(support),
        tried(fusion, confidence, highlights),
    ]
    return "\n\n".join(parts) + "\n"


def public_sets(public: Sequence[Result]) -> str:
    """The rows as served of every public set that has a results file."""
    if not public:
        return f"{PUBLIC}\n\nNo results of public sets are kept in `eval/results/`."
    rows = [_public_row(result) for result in public]
    cells = [
        [_marked(row["name"]), *(figure(row[system]) for system in SYSTEMS), signed(row["gap"])]
        for row in rows
    ]
    fair = [row for row in rows if row["name"] not in TRAINED]
    if fair:
        means = [fmean(row[system] for row in fair) for system in SYSTEMS]
        cells.append(["mean, sets not trained on", *map(figure, means), ""])
    header = ["set", "dense", "BM25", "late", "dense + BM25", "as served", "against the best"]
    return f"{PUBLIC}\n\n{table(header, cells)}\n\n† trained the head; not counted."


def fusion_section(fusion: Outcome) -> str:
    """What the fusion that ships gives and gains on every task."""
    rows = [
        [
            task,
            str(gain["n"]),
            f"{figure(served['mean'])} ({figure(served['low'])} to {figure(served['high'])})",
            figure(fusion["rows"][LEFT_OUT][task]),
            f"{signed(gain['mean'])} ({signed(gain['low'])} to {signed(gain['high'])})",
        ]
        for task, gain in fusion["over_dense_and_bm25"].items()
        for served in [fusion["as_served"][task]]
    ]
    header = ["task", "questions", "as served", "chosen without it", "gain"]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in fusion["weights"].items())
    return f"""{FUSION.format(weights=weights, candidates=CANDIDATES, fewest=MAX_TOP_K)}

{table(header, rows)}"""


def confidence_section(confidence: Outcome) -> str:
    """How well the confidence discriminates, and whether it is a probability."""
    sets = {**confidence["sets"], **confidence["unseen"]}
    rows = [
        [
            name,
            str(each["questions"]),
            *(figure(each[k]) for k in ("auroc", "ece")),
            *(figure(each["alone"][k]) for k in ("late", "cosine")),
            *(figure(each["kinds"][k]) if k in each["kinds"] else "" for k in KINDS[1:]),
        ]
        for name, each in sorted(sets.items(), key=lambda each: "alone" in each[0])
    ]
    header = ["set", "questions", "AUROC", "error", "late", "cosine", *KINDS[1:]]
    risks = [
        [f"{each['risk']:.0%}", *(figure(each[k]) for k in ("threshold", "coverage", "answered"))]
        for each in confidence["risks"]
        if each
    ]
    slopes = " ".join(f"{value:+.1f} {name}" for name, value in confidence["slopes"].items())
    kept = " ".join(f"* {value:.2f}^{name}" for name, value in confidence["discounts"].items())
    formula = f"1 / (1 + exp(-({confidence['bias']:.1f} {slopes}))) {kept}"
    risk_header = ["wrong at most", "threshold", "questions answered", "of those that can be"]
    few = [
        [prior, *(figure(confidence["refitted"][n][prior]["ece"]) for n in confidence["refitted"])]
        for prior in confidence["refitted"]["8"]
    ]
    few_header = ["prior of shift and scale", *(f"{n} questions" for n in confidence["refitted"])]
    return f"""{CONFIDENCE.format(formula=formula)}

{table(header, rows)}

{RISKS}

{table(risk_header, risks)}

{REFITTED}

{table(few_header, few)}"""


def highlights_section(highlights: Outcome) -> str:
    """How often the highlighted sentences hold the answer."""
    served = highlights["as_served"]
    holds = {name: figure(served["holds"][name]) for name in ("mean", "low", "high")}
    return HIGHLIGHTS.format(**{**served, **holds})


def support_section(support: Outcome) -> str:
    """Which written sentences are taken for supported, by every way that was tried."""
    rows = [
        [
            name,
            figure(each["threshold"]),
            figure(each["auroc"]),
            *(figure(each["called_supported"][kind]) for kind in (*TRUE, *FALSE)),
        ]
        for name, each in support["ways"].items()
    ]
    header = ["by", "threshold", "AUROC", *TRUE, *FALSE]
    return f"{SUPPORT.format(shipped=SUPPORT_SHIPPED)}\n\n{table(header, rows)}"


def tried(fusion: Outcome, confidence: Outcome, highlights: Outcome) -> str:
    """Every choice that can be measured again, best first, beside what ships."""
    marked = {name: {"": each["with_close"]} for name, each in highlights["tried"].items()}
    rows = [
        *_behind("fusion", "nDCG@10", fusion["rows"], "as served"),
        *_behind("confidence from", "AUROC", confidence["tried"], AS_SHIPPED),
        *_behind("confidence from", "calibration error", confidence["tried_ece"], AS_SHIPPED),
        *_behind("sentence marked", "holds the answer", marked, next(iter(marked))),
    ]
    header = ["decision", "what was tried", "measure", "it", "what ships"]
    return f"{TRIED}\n\n{table(header, rows)}"


def read_public(folder: Path) -> list[Result]:
    """The figures of public sets in a folder, by name."""
    return [
        read_result(path)
        for path in sorted(folder.glob("*.json"))
        if read_outcome(path).get("kind") == "public"
    ]


def page_of(results: Path) -> str:
    """The page's text, from the results in a folder."""
    fusion, confidence, highlights, support = (
        read_outcome(results / f"{name}.json") for name in OUTCOMES
    )
    return page(fusion, confidence, highlights, support, read_public(results))


def main() -> None:
    """Write the page."""
    PAGE.write_text(page_of(RESULTS), encoding="utf-8")
    print(PAGE)


def _public_row(result: Result) -> dict[str, Any]:
    group = next(each for each in result.groups if each.name == SERVED_GROUP)
    means = {row.system: row.figures[MEASURE].mean for row in group.rows}
    best = max(means[system] for system in SYSTEMS[:-1])
    return {"name": result.name, "gap": means["all"] - best, **means}


def _marked(name: str) -> str:
    return f"{name} †" if name in TRAINED else name


def _behind(
    what: str, measure: str, rows: Mapping[str, Mapping[str, float]], shipped: str
) -> list[list[str]]:
    """A row for each but the one that ships, best first, with its mean over the tasks."""
    means = {name: fmean(row.values()) for name, row in rows.items() if name != LEFT_OUT}
    return [
        [what, name, measure, figure(mean), figure(means[shipped])]
        for name, mean in sorted(means.items(), key=lambda each: (-each[1], each[0]))
        if name != shipped
    ]


if __name__ == "__main__":
    main()
