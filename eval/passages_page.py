"""The part of docs/quality.md on passages: how they are cut, read and shown."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from eval.markdown import figure, mean_row, table
from eval.passage_figures import SERVED
from eval.prose import (
    CAPS,
    CONTEXTS,
    FAQ_CONTEXTS,
    KIN,
    LENGTHS,
    PASSAGES,
    REPEATS,
    SENTENCES,
    SIGNALS,
)

Outcome = Mapping[str, Any]
Rows = Mapping[str, Mapping[str, float]]
# The row of a figure that was measured without a cap.
FREE = "no cap"


def passages_section(passages: Outcome) -> str:
    """Every choice on passages, with what it gives."""
    parts = [
        PASSAGES.format(
            documents=passages["most_documents"]["scifact"],
            better=", ".join(passages["clearly_better"]) or "none",
        ),
        LENGTHS,
        table(*mean_row(by_length(passages))),
        SIGNALS,
        length_table(passages),
        CONTEXTS,
        *(table(*mean_row(passages["contexts"][kind])) for kind in ("fused", "alone")),
        FAQ_CONTEXTS,
        faq_table(passages["faq_contexts"]),
        SENTENCES,
        table(*mean_row(passages["sentences"])),
        KIN,
        kin_table(passages),
        repeats(passages["repeats"]),
        CAPS,
        cap_table(passages),
    ]
    return "\n\n".join(parts)


def by_length(passages: Outcome) -> Rows:
    """nDCG@10 as served by length of passages, the served one's name being `SERVED`."""
    return {
        SERVED if pieces == passages["served_pieces"] else f"{pieces} word pieces": each["rows"][
            SERVED
        ]
        for pieces, each in passages["lengths"].items()
    }


def best_kin(passages: Outcome) -> Rows:
    """As served, and of the passages raised by their kin the best row for each kind of kin."""
    rows = passages["lengths"][passages["served_pieces"]]["kin"]
    raised = sorted((name for name in rows if name != SERVED), key=lambda name: _mean(rows[name]))
    best = {name.rpartition(" ")[2]: name for name in raised}
    return {name: rows[name] for name in (SERVED, *best.values())}


def caps(passages: Outcome) -> Rows:
    """Share of squad2's questions with their paragraph among five, by cap on its article."""
    rows = passages["lengths"][passages["served_pieces"]]["caps"]["title"]["squad2"]
    return {
        FREE if name == FREE else f"{name} of one article": {"squad2": each["hit"]}
        for name, each in rows.items()
    }


def length_table(passages: Outcome) -> str:
    """Counts, signals and first passages by length."""
    systems = list(next(iter(passages["lengths"].values()))["rows"])
    cells = [
        [
            pieces,
            str(sum(n for task, n in each["passages"].items() if task != "squad2-articles")),
            f"{fmean(each['words'].values()):.0f}",
            *(figure(_mean(each["rows"][system])) for system in systems),
            figure(each["first"]["squad2"]["holds"]),
            f"{each['first']['squad2']['words']:.0f}",
        ]
        for pieces, each in passages["lengths"].items()
    ]
    header = ["word pieces", "passages", "words", *systems, "holds the answer", "its words"]
    return table(header, cells)


def faq_table(rows: Rows) -> str:
    """What the context does on FAQ pages, which have headings."""
    header = ["faq_pages †", *next(iter(rows.values()))]
    return table(header, [[name, *map(figure, row.values())] for name, row in rows.items()])


def kin_table(passages: Outcome) -> str:
    """Means over the tasks of passages raised by their kin, by length."""
    lengths = passages["lengths"]
    names = list(lengths[passages["served_pieces"]]["kin"])
    cells = [
        [name, *(figure(_mean(each["kin"][name])) for each in lengths.values())] for name in names
    ]
    return table(["word pieces", *lengths], cells)


def repeats(found: Outcome) -> str:
    """How often texts are repeated, in words and by task."""
    counts = ", ".join(
        f"{each['repeats']} of {each['passages']:,} passages of {name}"
        for name, each in found["corpora"].items()
    )
    cells = [
        [
            task,
            figure(each["questions"]),
            *(f"{each[name]:.2f}" for name in ("sections", "sections_once")),
            *(figure(each[name]) for name in ("ndcg", "ndcg_once")),
        ]
        for task, each in found["shown"].items()
    ]
    header = ["", "with a repeat", "sections", "texts once", "nDCG@10", "texts once"]
    return f"{REPEATS.format(counts=counts)}\n\n{table(header, cells)}"


def cap_table(passages: Outcome) -> str:
    """What the first five hold under each cap: on squad2's articles, and on documents."""
    shortest, *_ = passages["lengths"]
    served, short = (
        passages["lengths"][at]["caps"] for at in (passages["served_pieces"], shortest)
    )
    cells = [
        [
            cap,
            figure(served["title"]["squad2"][cap]["hit"]),
            f"{served['title']['squad2'][cap]['kin']:.2f}",
            *_over_tasks(served["document"], cap),
            *_over_tasks(short["document"], cap),
            figure(short["document"]["squad2"][cap]["answer"]),
        ]
        for cap in served["title"]["squad2"]
    ]
    header = [
        "at most",
        "squad2, of one article: hit@5",
        "articles",
        "of one document: hit@5",
        "documents",
        f"{shortest} word pieces: hit@5",
        "documents",
        "squad2: answer@5",
    ]
    return table(header, cells)


def _over_tasks(by_task: Mapping[str, Outcome], cap: str) -> tuple[str, str]:
    """Means over the tasks of hit@5 and of the documents shown."""
    rows = [each[cap] for each in by_task.values()]
    return figure(fmean(row["hit"] for row in rows)), f"{fmean(row['kin'] for row in rows):.2f}"


def _mean(row: Mapping[str, float]) -> float:
    return fmean(row.values())
