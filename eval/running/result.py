"""A results file: figures, what they were measured on and with, every question's row, and the
texts that a report quotes.

eval/local/results/<name>-<sha12>.json         sha12: of the file's content; equal runs share it
eval/local/results/<name>-<sha12>.<group>.run  what the served system returned, for trec_eval
eval/results/<name>.json                       the figures alone, which are committed
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from eval.measures.abstention import Bin
from eval.measures.retrieval import DEPTH, NAMES
from eval.measures.risk import Point
from eval.measures.runs import Qrels, trec_run
from eval.measures.stats import LEVEL, SAMPLES, SEED, Interval
from eval.provenance import commit, machine, rounded
from rag.index import Manifest
from rag.types.errors import UsageError

FORMAT = 1
# The group that is measured with the FAQ pairs in the index.
LEAKY = "faq-in-index"


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """One system's figures over the questions of a group; `reference` is a published nDCG@10."""

    system: str
    title: str
    figures: Mapping[str, Interval]
    reference: float | None = None


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One question: the grades of what should be returned, and by system what was returned, its
    value by each measure, and the system's confidence.

    `quotes` are the passages for which the last system returned the first of its sections.
    """

    id: str
    text: str
    expected: Mapping[str, int]
    returned: Mapping[str, Sequence[str]]
    values: Mapping[str, Mapping[str, float]]
    confidence: Mapping[str, float]
    quotes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class QuotedSection:
    """What a report shows of a section, or of a document if those are judged."""

    title: str
    heading_path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class GroupResult:
    """Figures that belong together, and the note that says what they are."""

    name: str
    title: str
    note: str
    rows: Sequence[SystemFigures]
    questions: Sequence[QuestionResult]


@dataclass(frozen=True, slots=True)
class Abstention:
    """How well a system's confidence predicts what it can answer; `at_risk` is the point of largest
    coverage with at most 5% wrong. `bins` are of the served system alone."""

    system: str
    title: str
    auroc: float | None
    at_risk: Point | None
    points: Sequence[Point]
    bins: Sequence[Bin]


@dataclass(frozen=True, slots=True)
class Result:
    """A whole run. `facts` hold corpus, model, settings, machine, commit and command.

    `sections` are those that questions should return, or returned first, by their ids.
    """

    name: str
    kind: str
    facts: Mapping[str, Any]
    labels: Mapping[str, Any]
    groups: Sequence[GroupResult]
    leaks: Mapping[str, Sequence[str]]
    abstention: Sequence[Abstention]
    answerable: int
    unanswerable: int
    sections: Mapping[str, QuotedSection] = field(default_factory=dict)


def run_facts(
    manifest: Manifest, command: Sequence[str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What must be known to trust or repeat a figure."""
    return {
        "commit": commit(),
        "command": " ".join(_portable(part) for part in command),
        "machine": machine(),
        "corpus_sha256": manifest.corpus_sha256,
        "counts": asdict(manifest.counts),
        "model": manifest.to_json()["model"],
        "recipe": asdict(manifest.recipe),
        "software": dict(sorted(manifest.software.items())),
        "settings": {
            **settings,
            "measures": list(NAMES),
            "depth": DEPTH,
            "level": LEVEL,
            "samples": SAMPLES,
            "seed": SEED,
        },
    }


def write_result(folder: Path, result: Result) -> list[Path]:
    """Write the results file and one run file a group; returns their paths, the results first."""
    content = to_json(result)
    stem = f"{result.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    written = {folder / f"{stem}.json": content}
    for group in result.groups:
        served = group.rows[-1].system
        run = {question.id: question.returned[served] for question in group.questions}
        written[folder / f"{stem}.{group.name}.run"] = trec_run(run, f"{result.name}-{served}")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    return list(written)


def write_figures(folder: Path, result: Result) -> Path:
    """Write the figures without questions, texts and curves behind them; returns the path."""
    groups = [replace(group, questions=[]) for group in result.groups]
    abstention = [replace(each, points=[]) for each in result.abstention]
    path = folder / f"{result.name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    figures = replace(result, groups=groups, abstention=abstention, sections={})
    path.write_text(to_json(figures), encoding="utf-8")
    return path


def to_json(result: Result) -> str:
    """The results file's content: JSON, keys sorted, numbers to six digits."""
    return json.dumps(rounded(asdict(result)) | {"format": FORMAT}, separators=(",", ":")) + "\n"


def read_result(path: Path) -> Result:
    """The result that a file holds; raises UsageError if it holds none."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(raw, dict) or raw.pop("format", None) != FORMAT:
            raise ValueError(f"it is not of format {FORMAT}")
        return msgspec.convert(raw, Result)
    except FileNotFoundError:
        raise UsageError(f"no results file {path}: run `rag eval run`") from None
    except ValueError as error:
        raise UsageError(f"{path} is no results file: {error}; run `rag eval run`") from error


def qrels_of(group: GroupResult) -> Qrels:
    """The judgments behind a group's figures."""
    return {question.id: question.expected for question in group.questions}


def _portable(part: str) -> str:
    """An argument as given; of an absolute path, which means nothing elsewhere, the last part."""
    return Path(part).name if Path(part).is_absolute() else part
