"""Writes docs/quality.md and the head's card from committed results: `python -m eval.quality`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from eval.card import SHIPPED, card
from eval.fit_confidence import AS_SHIPPED
from eval.late_variants import PLAIN
from eval.markdown import figure, mean_row, signed, table
from eval.outcome import RESULTS, read_outcome
from eval.passages_page import FREE, best_kin, by_length, caps, passages_section
from eval.prose import (
    CONFIDENCE,
    FUSION,
    HEAD,
    HIGHLIGHTS,
    INTRODUCTION,
    LOST,
    PUBLIC,
    REFITTED,
    RISKS,
    SCORINGS,
)
from eval.results import Result, read_result
from rag.errors import UsageError
from rag.search import CANDIDATES, FEWEST

PAGE = Path("docs/quality.md")
CARD = Path("rag/models/all-MiniLM-L6-v2.late.md")
# Sets that trained the head: never evidence.
TRAINED = ("faq_pages", "pubmedqa_l", "squad2")
MEASURE = "nDCG@10"
SYSTEMS = ("dense", "bm25", "late", "dense+bm25", "all")
SERVED_GROUP = "as-served"
# Rows that show something else than a choice.
NO_DECISION = ("as served, chosen without it",)
OUTCOMES = ("head", "fusion", "confidence", "highlights", "passages")
TRIED_COLUMNS = ("score of a sentence", "best alone", "with a second within .02", "sentences then")
RISK_COLUMNS = ("threshold", "coverage", "answered")

Outcome = Mapping[str, Any]


def page(
    head: Outcome,
    fusion: Outcome,
    confidence: Outcome,
    highlights: Outcome,
    passages: Outcome,
    public: Sequence[Result],
) -> str:
    """The text of docs/quality.md."""
    parts = [
        INTRODUCTION,
        public_sets(public),
        head_section(head),
        fusion_section(fusion),
        passages_section(passages),
        confidence_section(confidence),
        highlights_section(highlights),
        lost(head, fusion, confidence, highlights, passages),
    ]
    return "\n\n".join(parts) + "\n"


def public_sets(public: Sequence[Result]) -> str:
    """The rows as served of every public set that has a results file."""
    if not public:
        return f"{PUBLIC}\n\nNo results of public sets are kept in `eval/results/`."
    rows = [_public_row(result) for result in public]
    fair = [row for row in rows if row["name"] not in TRAINED]
    cells = [
        [_marked(row["name"]), *(figure(row[system]) for system in SYSTEMS), signed(row["gap"])]
        for row in rows
    ]
    if fair:
        means = [fmean(row[system] for row in fair) for system in SYSTEMS]
        cells.append(["mean, sets not trained on", *map(figure, means), ""])
    header = ["set", "dense", "BM25", "late", "dense + BM25", "as served", "against the best"]
    return f"{PUBLIC}\n\n{table(header, cells)}\n\n† trained the head; not counted."


def head_section(head: Outcome) -> str:
    """What the late-interaction head gives and costs."""
    tokens = head["tokens_per_passage"]
    sizes = [
        [name, str(size), f"{tokens * size:.0f}"] for name, size in head["bytes_per_token"].items()
    ]
    tables = [table(*mean_row(head[kind])) for kind in ("alone", "as_served")]
    return f"""{HEAD}

A passage of these tasks has {tokens:.0f} tokens on average:

{table(["token vectors", "bytes a token", "bytes a passage"], sizes)}

nDCG@10 of late interaction alone:

{tables[0]}

and of all signals fused:

{tables[1]}

{SCORINGS}

{table(*mean_row(head["scorings"]["alone"]))}

and fused:

{table(*mean_row(head["scorings"]["as_served"]))}"""


def fusion_section(fusion: Outcome) -> str:
    """Every way to fuse on every task, and what the one that ships gains."""
    gains = [
        [
            task,
            str(gain["n"]),
            f"{figure(served['mean'])} ({figure(served['low'])} to {figure(served['high'])})",
            f"{signed(gain['mean'])} ({signed(gain['low'])} to {signed(gain['high'])})",
            signed(-fusion["below_best"][task]),
        ]
        for task, gain in fusion["over_dense_and_bm25"].items()
        for served in [fusion["as_served"][task]]
    ]
    header = ["task", "questions", "as served", "over dense + BM25", "against the best of four"]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in fusion["weights"].items())
    return f"""{FUSION.format(weights=weights, candidates=CANDIDATES, fewest=FEWEST)}

{table(*mean_row(fusion["rows"]))}

With 95 % intervals over questions; the best of four is the best of each signal alone and of
dense + BM25, chosen after the fact:

{table(header, gains)}"""


def confidence_section(confidence: Outcome) -> str:
    """What the confidence tells apart, and whether it is a probability."""
    rows = [
        [name, str(each["questions"]), *(figure(each[k]) for k in ("right", "auroc", "ece"))]
        for name, each in [*confidence["sets"].items(), *confidence["unseen"].items()]
    ]
    header = ["set", "questions", "share right", "AUROC", "calibration error"]
    bins = [
        [figure(each["confidence"]), figure(each["right"]), figure(each["share"])]
        for each in confidence["bins"]
    ]
    risks = [
        [name, f"{100 * each['risk']:.0f} %", *(figure(each[k]) for k in RISK_COLUMNS)]
        for name, found in confidence["risks"].items()
        for each in found
        if each
    ]
    refitted = [
        [few, prior, *(f"{each[k]:.3f}".lstrip("0") for k in ("log_loss", "ece"))]
        for few, by_prior in confidence["refitted"].items()
        for prior, each in by_prior.items()
    ]
    terms = " ".join(f"{v:+.2f} {name}" for name, v in confidence["coefficients"].items())
    formula = f"1 / (1 + exp(-({confidence['bias']:.2f} {terms})))"
    return f"""{CONFIDENCE.format(formula=formula)}

{table(header, rows)}

Expected calibration error over all sets, left out in turn and counted equally:
{figure(confidence["ece"])}. By tenth of confidence:

{table(["confidence", "share right", "share of questions"], bins)}

{REFITTED}

{table(["questions", "priors' deviations", "log loss", "calibration error"], refitted)}

{RISKS}

{table(["set", "risk", "threshold", "questions answered", "of those that can be"], risks)}

AUROC of other features, by fits that had not seen the set:

{table(*mean_row(confidence["tried"]))}

And the log loss, where less is better:

{table(*mean_row(confidence["tried_log_loss"]))}"""


def highlights_section(highlights: Outcome) -> str:
    """How often the marked sentences hold the answer."""
    served = highlights["as_served"]
    holds = served["holds"]
    return f"""{HIGHLIGHTS}

As served, on {served["questions"]} questions of articles that trained and chose nothing:
**{figure(holds["mean"])}** ({figure(holds["low"])} to {figure(holds["high"])}), marking
{served["sentences"]:.2f} sentences, {served["median_characters"]:g} of the passage's
{served["median_passage_characters"]:g} characters at the median. How a sentence is scored was
chosen on other articles:

{table(TRIED_COLUMNS, _tried(highlights))}"""


def lost(
    head: Outcome, fusion: Outcome, confidence: Outcome, highlights: Outcome, passages: Outcome
) -> str:
    """Design decisions that lost, each with what it was held against."""
    one, two = (
        {name: {"": each[figures]} for name, each in highlights["tried"].items()}
        for figures in ("best", "with_close")
    )
    rows = [
        *_behind("fusion", "nDCG@10", fusion["rows"], "as served"),
        *_behind("token vectors, fused", "nDCG@10", head["as_served"], SHIPPED),
        *_behind("late score, fused", "nDCG@10", head["scorings"]["as_served"], PLAIN),
        *_behind("passage length", "nDCG@10", by_length(passages), "as served"),
        *_behind("context", "nDCG@10", passages["contexts"]["fused"], "as served"),
        *_behind("sentence vectors", "nDCG@10", passages["sentences"], "as served"),
        *_behind("raised by kin", "nDCG@10", best_kin(passages), "as served"),
        *_behind("cap, squad2", "hit@5", caps(passages), FREE),
        *_behind("confidence from", "AUROC", confidence["tried"], AS_SHIPPED),
        *_behind("highlight, one sentence", "holds", one, "mean over query tokens"),
        *_behind("highlight, with a close second", "holds", two, "mean over query tokens"),
    ]
    header = ["decision", "what was tried", "measure", "it", "what ships"]
    return f"{LOST}\n\n{table(header, rows)}"


def read_public(folder: Path) -> list[Result]:
    """The results of public sets in a folder, by name; UsageError where a set has two."""
    found = [
        read_result(path)
        for path in sorted(folder.glob("*-????????????.json"))
        if read_outcome(path).get("kind") == "public"
    ]
    names = [result.name for result in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{folder} holds two results of {twice[0]}: keep the one that counts")
    return sorted(found, key=lambda result: result.name)


def pages(results: Path) -> dict[Path, str]:
    """The text of each page that this command writes, from the results in a folder."""
    made = {name: read_outcome(results / f"{name}.json") for name in OUTCOMES}
    head, fusion, confidence, highlights, passages = made.values()
    text = page(head, fusion, confidence, highlights, passages, read_public(results))
    return {PAGE: text, CARD: card(CARD.with_suffix(".safetensors"), head)}


def main() -> None:
    """Write the pages."""
    for path, text in pages(RESULTS).items():
        path.write_text(text, encoding="utf-8")
        print(path)


def _public_row(result: Result) -> dict[str, Any]:
    group = next(each for each in result.groups if each.name == SERVED_GROUP)
    means = {row.system: row.figures[MEASURE].mean for row in group.rows}
    best = max(means[system] for system in SYSTEMS[:-1])
    return {"name": result.name, "gap": means["all"] - best, **means}


def _behind(
    what: str, measure: str, rows: Mapping[str, Mapping[str, float]], shipped: str
) -> list[list[str]]:
    """A row for each but the one that ships, best first, with its mean over the tasks."""
    means = {name: fmean(row.values()) for name, row in rows.items() if name not in NO_DECISION}
    return [
        [what, name, measure, figure(mean), figure(means[shipped])]
        for name, mean in sorted(means.items(), key=lambda each: (-each[1], each[0]))
        if name != shipped
    ]


def _marked(name: str) -> str:
    return f"{name} †" if name in TRAINED else name


def _tried(highlights: Outcome) -> list[list[str]]:
    return [
        [name, figure(each["best"]), figure(each["with_close"]), f"{each['sentences']:.2f}"]
        for name, each in highlights["tried"].items()
    ]


if __name__ == "__main__":
    main()
