"""docs/performance.md, from the results files of the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.provenance import read_outcome
from eval.studies.markdown import figure, table
from rag.text import counted

PAGE = Path("docs/performance.md")
PLOT = "speed-scale.svg"
Outcome = Mapping[str, Any]

INTRODUCTION = """# Performance

Every figure is a ratio, or stands beside one, of things that took turns in one run on one machine.
`make bench` measures all but the largest corpora and writes this page; `make bench QUICK=1` shows
in two minutes that it works. `python -m eval.speed scale --sizes 1000000` adds the row of a million
passages: some hours, because every passage is encoded; with `--recombined` half an hour."""
MISSING = "Not measured yet: `python -m eval.speed {part}`."
# How many times more, or as what share of the peer's, each figure should be.
GOALS = {
    "requests_per_second, 1": ("requests/s, 1 connection", "8"),
    "p50, 1": ("p50, 1 connection", "1/8"),
    "requests_per_second, 8": ("requests/s, 8 connections", "10"),
    "p99, 8": ("p99, 8 connections", "1/8"),
    "resident memory": ("resident memory", "1/7"),
    "proportional memory": ("memory, shared pages divided", ""),
    "start": ("process start to first answer", "1/10"),
}
HTTP = """## Beside txtai, over HTTP

The peer has the same model and the texts of the same passages, FAISS and BM25 (`hybrid`), and its
own FastAPI server on uvicorn with uvloop and httptools. It runs the model by torch in float32, ours
multiplies 8-bit integers. Both wait for questions at the same time, and get some by turns, distinct
ones over connections that stay open. They are started five times; `starts` is the range of the
ratio over these. Ours also returns citations, highlights and a confidence.

Several clients ask both before anything is measured. It matters: until then txtai answers one
client at two thirds of the rate ([decision 15](decisions/0015-path.md))."""
WORKERS = """### In two processes

The same with `rag serve --workers 2`. Its memory is that of both workers and of the process that
starts them. It takes five minutes more, so `make bench` leaves it out."""
ENCODING = """## Encoding

Against sentence-transformers as it encodes by default (batches of 32), the same texts in one run;
the goal is 4 times its passages/s. `onnx` is what is served: its products are of 8-bit integers.
`--device cuda` adds a row for a [GPU](how-to/gpu.md)."""
ANCHORS = """## Anchors

The same passages and questions, without HTTP. bm25s alone encodes nothing and knows no meaning.
fast-plaid and xtr-warp-rs are not in the table: fast-plaid's wheel requires torch 2.11, and crashes
with the torch 2.13 that is used here; xtr-warp-rs's does not load without CUDA's libraries."""
LEXICAL = """## Words alone

BM25 without the rest, on one thread: the same stems of the same passages and questions, asked for
the first 32. bm25s has the same weights, and so the same results but for the order of equal ones;
it scores all passages. tantivy, in Rust, leaves out what cannot be among the best, as ours; its
constants are fixed and its lengths rounded, so some of its results differ, here for the better.
`shared` is the share of our first ten that is among its first ten. Times of indexing include
stemming, by our code."""
SCALE = """## By the size of the corpus

Sentences of public sets put together anew, among them 200 paragraphs with a question each
(`eval/speed/corpora.py`). Search is without encoding; an answer is all; both are milliseconds of
CPU, the best of three turns, with all files in the system's cache. Recall is of the 100
nearest vectors, against an exact search. The index is opened as a service opens it: one of more
than 64 MB by the sizes of its files, and its checksums are compared behind. The peak is that of the
largest process of the build, with the pages of mapped files that it touched.

Rows marked `recombined` (`--recombined`) encode each sentence once, and put the vectors of a
passage together from those of its sentences: pooled by their mean, token by token one after
another. Their build is the index alone, without reading, cutting and encoding. All else is as in
any other row, but the vectors are less different from each other than those of real passages.

The encoder's share is what the same passages take to encode alone, of the time of the build. It is
measured afterwards, and on a shared machine varies by a third from one minute to the next."""
OVERLOAD = """## Under more load than it can serve

Questions of the sample come at random moments, whether or not others are answered, at so many times
the measured capacity. The goal above capacity: at
least .8 of it is served, 95 % of that within 500 ms, and 99 % of the refusals (429) come within
20 ms; probes always within 50 ms. In the last row 500 clients that never end their headers and 50
that send a byte a second are connected as well."""
LIMITS = """## How near the limit

Multiply-adds of one thread: large products of each kind of number, and the whole encoder, from
text to vectors."""


def page_of(folder: Path) -> str:
    """The text of the page, from the results files in the folder; a part without one says so."""
    parts = [
        INTRODUCTION,
        _part(folder, "http", HTTP, _http),
        _part(folder, "workers", WORKERS, _http),
        _part(folder, "encoding", ENCODING, _encoding),
        _part(folder, "anchors", ANCHORS, _anchors),
        _part(folder, "lexical", LEXICAL, _lexical),
        _part(folder, "scale", SCALE, _scale),
        _part(folder, "overload", OVERLOAD, _overload),
        _part(folder, "limits", LIMITS, _limits),
    ]
    return "\n\n".join(parts) + "\n"


def one_over(value: float) -> str:
    """A ratio as people say it: `8.1`, or `1/8.1` if it is below one."""
    return f"{value:.1f}" if value >= 1 else f"1/{1 / value:.1f}"


def _part(folder: Path, name: str, text: str, body: Any) -> str:
    path = folder / f"speed-{name}.json"
    if not path.is_file():
        return f"{text}\n\n{MISSING.format(part=name)}"
    outcome = read_outcome(path)
    machine = outcome["machine"]
    source = f"`{outcome['command']}` at {outcome['commit'][:9]}, {machine['cores']} cores of "
    return f"{text}\n\n{body(outcome)}\n\n{source}{machine['processor']}."


def _http(outcome: Outcome) -> str:
    return "\n\n".join(_http_table(name, found) for name, found in outcome["corpora"].items())


def _http_table(name: str, found: Outcome) -> str:
    ours, theirs = found["servers"].values()
    rows = [
        [
            title,
            _http_figure(theirs, key),
            _http_figure(ours, key),
            one_over(found["ratio"][key]["median"]),
            f"{one_over(found['ratio'][key]['low'])} to {one_over(found['ratio'][key]['high'])}",
            goal,
        ]
        for key, (title, goal) in GOALS.items()
    ]
    header = [f"{name}, {found['passages']} passages", "txtai", "we", "ratio", "starts", "goal"]
    return table(header, rows)


def _http_figure(server: Outcome, key: str) -> str:
    if key == "start":
        return f"{server['start_seconds']:.2f} s"
    if "memory" in key:
        return f"{server['memory'][key.split()[0]] / 1e6:.0f} MB"
    name, connections = key.split(", ")
    value = server["connections"][connections][name]
    return f"{value:.0f}" if name == "requests_per_second" else f"{value:.1f} ms"


def _encoding(outcome: Outcome) -> str:
    rows = [
        [
            name,
            f"{each['passages_per_second']:.0f}",
            one_over(each["times_default"]),
            f"{each['query_ms']:.1f}",
        ]
        for name, each in outcome["encoders"].items()
    ]
    shown = table(["encoder", "passages/s", "times the default", "ms a question"], rows)
    if device := outcome.get("device"):
        bits = "the same" if device["same_bits"] else "other"
        shown += (
            f"\n\nBy {device['encoder']} a text has {bits} bits in other company; its cosine to "
            f"float32 on the CPU is {device['least_cosine']:.6f} at least."
        )
    return shown


def _anchors(outcome: Outcome) -> str:
    rows = [
        [name, f"{each['questions_per_second']:.0f}", figure(each["ndcg"])]
        for name, each in outcome["searches"].items()
    ]
    return table([f"on {outcome['collection']}", "questions/s", "nDCG@10"], rows)


def _lexical(outcome: Outcome) -> str:
    rows = [
        [
            f"{int(size):,}",
            name,
            f"{each['index_seconds']:.1f}",
            f"{each['search_ms']['p50']:.2f}",
            f"{each['search_ms']['p95']:.2f}",
            figure(each["ndcg"]),
            figure(each["shared"]),
        ]
        for size, searches in outcome["sizes"].items()
        for name, each in searches.items()
    ]
    header = ["passages", "", "indexing s", "search p50 ms", "p95", "nDCG@10", "shared"]
    return table(header, rows)


def _scale(outcome: Outcome) -> str:
    header = ["passages", "build s", "passages/s", "encoder's share", "build peak MB", "disk MB"]
    building = [
        [
            _passages(row),
            f"{row['build_seconds']:.0f}",
            f"{row['passages_per_second']:.0f}",
            "" if row.get("recombined") else f"{row['encoder_share']:.2f}",
            f"{row['build_peak_bytes'] / 1e6:.0f}",
            f"{row['disk_bytes'] / 1e6:.0f}",
        ]
        for row in outcome["rows"]
    ]
    asked = ["passages", "open s", "MB", "search p50", "p95", "answer p50", "p95", "recall", "nDCG"]
    asking = [
        [
            _passages(row),
            f"{row['open_seconds']:.2f}",
            f"{row['memory_asked']['resident'] / 1e6:.0f}",
            *(f"{row[what][p]:.1f}" for what in ("search_ms", "answer_ms") for p in ("p50", "p95")),
            figure(row["recall"]),
            figure(row["ndcg"]),
        ]
        for row in outcome["rows"]
    ]
    words = (_changed(outcome["changed"]) + _of_other_commits(outcome)).strip()
    plot = f"![cost by size](../eval/results/{PLOT})"
    return "\n\n".join([table(header, building), table(asked, asking), words, plot])


def _changed(rows: Sequence[Mapping[str, Any]]) -> str:
    """What a build takes after a change, as a share of a full one."""
    shares = [f"{one_over(each['ratio'])} for {each['files']:,} files" for each in rows]
    return (
        "Of files of one passage, one in a thousand changed: the build takes, as a share of a full "
        f"one, {' and '.join(shares)}; the goal is 1/20."
        if shares
        else ""
    )


def _passages(row: Mapping[str, Any]) -> str:
    return f"{row['passages']:,}{' recombined' if row.get('recombined') else ''}"


def _overload(outcome: Outcome) -> str:
    beside = outcome["beside_slow_clients"]
    rows = [
        [
            f"{each['load']:g}",
            f"{each['served_per_second'] / each.get('capacity', outcome['capacity']):.2f}",
            f"{each['served_ms']['p50']:.0f}, {each['served_ms']['p95']:.0f} ms",
            str(each["refused"]),
            f"{each['refused_p99_ms']:.0f} ms" if each["refused"] else "",
            str(sum(each["others"].values())),
            f"{max(each['probes_p99_ms'].values()):.0f} ms",
            ", ".join(f"{each:.1f} s" for each in each.get("processor_seconds", {}).values()),
        ]
        for each in (*outcome["rows"], beside)
    ]
    header = [
        *("load / capacity", "served / capacity", "served, p50 and p95", "refused"),
        *("refused, p99", "neither", "probes, p99", "processor: server, senders"),
    ]
    cores = "Server and senders shared the cores."
    if "cores" in outcome:
        server, senders = outcome["cores"]["server"], outcome["cores"]["senders"]
        cores = f"The server had {counted(server, 'core')}, the senders had {senders} of their own."
    slow = f"{beside['slow_clients'] - beside['still_connected']} of {beside['slow_clients']}"
    return (
        f"{table(header, rows)}\n\nCapacity was {outcome['capacity']:.0f} questions a second, each "
        f"row took {outcome['seconds']:.0f} s, and {slow} slow clients were let go. {cores}"
    )


def _of_other_commits(outcome: Outcome) -> str:
    """Which rows are not of the commit that the part names."""
    named = [
        *((f"{_passages(row)} passages", row["commit"]) for row in outcome["rows"]),
        *((f"{row['files']:,} files", row["commit"]) for row in outcome["changed"]),
    ]
    others = [f"{what} at {at[:9]}" for what, at in named if at != outcome["commit"]]
    return f" Measured earlier: {', '.join(others)}." if others else ""


def _limits(outcome: Outcome) -> str:
    rows = [[name, *map(str, row.values())] for name, row in outcome["rows"].items()]
    first = next(iter(outcome["rows"].values()))
    return table(["", *first], rows)
