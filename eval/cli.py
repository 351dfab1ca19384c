"""`python -m eval`, also `rag eval`: build an eval set, run it, compare runs, run public sets.

Results go to stdout, messages to stderr; exit codes are those of `rag`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from eval.measures.retrieval import PRIMARY
from eval.reporting.compare import contrast
from eval.reporting.report import render
from eval.reporting.review import review_page
from eval.reporting.terminal import show
from eval.running.bench import bench as bench_collection
from eval.running.result import Result, write_figures, write_result
from eval.running.run import run_set
from eval.sets.beir import read_collection
from eval.sets.evalset import (
    EvalSet,
    Judgment,
    read_judgments,
    read_set,
    with_judgments,
    write_set,
)
from eval.sets.feedback import feedback_set, write_feedback_set
from eval.sets.source import INDEXED, EvalCorpus, make_set, read_source
from eval.sets.written_questions import Written, read_written
from rag.building import index_corpus
from rag.cli import build_encoder_of, command_line, encoder_of, on_terminal, read_settings
from rag.cli import run as run_app
from rag.cli import show as echo
from rag.documents import Cage, ReadOptions
from rag.store import open_current, read_feedback
from rag.text import counted
from rag.types.settings import Settings

# Under version control, and ignored by it.
COMMITTED = Path("eval")
LOCAL = Path("eval/local")
CACHE = Path("index/cache")
REVIEW = "review.html"

app = command_line()

CorpusArgument = Annotated[
    list[Path] | None, typer.Argument(help="documents with an FAQ, or a table of pairs")
]
SetOption = Annotated[
    Path | None,
    typer.Option("--set", help="folder of the eval set; else eval/<name> or eval/local/<name>"),
]
IndexOption = Annotated[Path | None, typer.Option("--index", help="folder of the index")]
BuiltOption = Annotated[
    Path | None, typer.Option("--index", help="a built index; else one is built now")
]
KeepSetOption = Annotated[
    bool, typer.Option("--keep", help="write into eval/; else into eval/local/, which git ignores")
]
KeepOption = Annotated[
    bool, typer.Option("--keep", help="write the figures into eval/results/ as well")
]
ResultsOption = Annotated[Path, typer.Option("--results", help="folder for results files")]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", help="file for the report; else beside the results"),
]


@app.callback(invoke_without_command=True)
def default(context: typer.Context, report: ReportOption = None, keep: KeepOption = False) -> None:
    """Measure how well the documents answer their own FAQ.

    Without a command, `run`.
    """
    if context.invoked_subcommand is None:
        run(report=report, keep=keep)


@app.command()
def build(
    corpus: CorpusArgument = None,
    folder: SetOption = None,
    faq: Annotated[
        Path | None, typer.Option("--faq", help="CSV or JSONL: question, answer, maybe gold")
    ] = None,
    keep: KeepSetOption = False,
) -> None:
    """Make an eval set of a corpus and its FAQ."""
    source = _read_corpus(corpus, read_settings())
    target = folder or _set_folder(source.name, keep)
    judgments = _judgments(target)
    evalset = make_set(source, faq, judgments)
    write_set(target, evalset)
    if evalset.doubts:
        page = review_page(evalset, source.body, source.headings, judgments)
        (target / REVIEW).write_text(page, encoding="utf-8")
    echo(_summary(evalset, target))


@app.command()
def run(
    corpus: CorpusArgument = None,
    folder: SetOption = None,
    index: BuiltOption = None,
    split: Annotated[
        Literal["train", "test"], typer.Option(help="which of the written questions")
    ] = "test",
    results: ResultsOption = LOCAL / "results",
    report: ReportOption = None,
    keep: KeepOption = False,
) -> None:
    """Ask the questions of an eval set, and report."""
    settings = read_settings()
    source = _read_corpus(corpus, settings)
    chosen = folder or _set_folder(source.name)
    evalset = with_judgments(read_set(chosen), _judgments(chosen))
    written = [each for each in _written(chosen, source) if each.split == split]
    encoder = build_encoder_of(settings)
    policy = INDEXED[evalset.kind]
    with on_terminal() as listener:
        index_source = functools.partial(
            index_corpus, source.corpus, encoder, progress=listener.progress
        )
        snapshot = open_current(index, encoder) if index else index_source(faq=policy)
        leaky = None
        if evalset.has_own_pairs and not index:
            leaky = index_source(faq="with")
        result = run_set(evalset, snapshot, leaky, encoder, written, _command(), listener.progress)
    _write(result, results, report, keep)


@app.command("from-feedback")
def from_feedback(
    out: Annotated[Path, typer.Argument(help="folder for the eval set")],
    index: IndexOption = None,
) -> None:
    """Make an eval set of what readers said of answers.

    Run it by `run CORPUS --set OUT`.
    """
    settings = read_settings(index=index)
    snapshot = open_current(settings.index, encoder_of(settings))
    made = feedback_set(snapshot, read_feedback(settings.index))
    write_feedback_set(out, made, snapshot.manifest.corpus_sha256)
    left_out = "".join(f"\n  not used: {count} ({why})" for why, count in made.unused.items())
    echo(
        f"{counted(made.answerable, 'question')} with an answer, "
        f"{len(made.rows) - made.answerable} without{left_out}\nwritten: {out}"
    )


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="results file, or FILE#SYSTEM for one of its rows")],
    b: Annotated[str, typer.Argument(help="the same, to compare with A")],
    measure: Annotated[str, typer.Option(help="what is compared")] = PRIMARY,
    group: Annotated[str | None, typer.Option(help="group of questions; else the first")] = None,
) -> None:
    """Say whether one result is better than another, and how certain that is."""
    echo(contrast(a, b, measure, group))


@app.command()
def bench(
    folders: Annotated[list[Path], typer.Argument(help="folders in BEIR layout")],
    split: Annotated[str, typer.Option(help="which judgments: qrels/<split>.tsv")] = "test",
    cache: Annotated[Path, typer.Option("--cache", help="folder that keeps vectors")] = CACHE,
    results: ResultsOption = LOCAL / "results",
    keep: KeepOption = False,
) -> None:
    """Run public test sets."""
    collections = [read_collection(folder, split) for folder in folders]
    encoder = build_encoder_of(read_settings())
    for collection in collections:
        with on_terminal() as listener:
            result = bench_collection(collection, encoder, cache, _command(), listener.progress)
        _write(result, results, None, keep)


def main(arguments: Sequence[str] | None = None, program: str = "python -m eval") -> None:
    """Runs the command line and exits with its code; `program` is its name in help texts."""
    run_app(app, arguments, program)


def _set_folder(name: str, keep: bool = False) -> Path:
    """The folder of the eval set of that name; a set in eval/ is made again there."""
    kept = COMMITTED / name
    return kept if keep or (kept / "set.json").is_file() else LOCAL / name


def _judgments(folder: Path) -> list[Judgment]:
    path = folder / "judgments.tsv"
    return read_judgments(path) if path.is_file() else []


def _written(folder: Path, source: EvalCorpus) -> list[Written]:
    path = folder / "questions.jsonl"
    return read_written(path, source.documents, source.sections) if path.is_file() else []


def _write(result: Result, folder: Path, report: Path | None, keep: bool) -> None:
    page = render(result)
    paths = write_result(folder, result)
    target = report or paths[0].with_suffix(".html")
    target.write_text(page, encoding="utf-8")
    echo(show(result))
    kept = f"\nfigures: {write_figures(COMMITTED / 'results', result)}" if keep else ""
    echo(f"\nresults: {paths[0]}\nreport:  {target}{kept}")


def _read_corpus(paths: Sequence[Path] | None, settings: Settings) -> EvalCorpus:
    """The corpus as `rag build` reads it; reports on stderr what is skipped."""
    with Cage(workers=settings.readers) as cage, on_terminal() as listener:
        options = ReadOptions(cage.each, settings.max_file_mb, progress=listener.progress)
        source = read_source(paths or [settings.corpus], options)
        listener.files(source.corpus.files)
    return source


def _summary(evalset: EvalSet, folder: Path) -> str:
    kinds = {
        "documents": "documents with an FAQ: the documents must answer its questions",
        "faq-only": "nothing but FAQ: each question must find its own answer",
    }
    doubtful = "".join(
        f"\n  not counted: {doubt.text} ({doubt.reason})" for doubt in evalset.doubts
    )
    review = ""
    if evalset.doubts:
        review = (
            f"\nthe rule cannot judge {counted(len(evalset.doubts), 'question')}: open "
            f"{folder / REVIEW}, judge them and save judgments.tsv beside it"
        )
    return (
        f"{evalset.name}: {kinds[evalset.kind]}\n"
        f"{counted(evalset.pairs, 'FAQ pair')}, {counted(len(evalset.queries), 'question')}, "
        f"{len(evalset.qrels)} counted, labels: {evalset.origin}{doubtful}{review}\n"
        f"written: {folder}"
    )


def _command() -> list[str]:
    program = ["rag"] if Path(sys.argv[0]).name == "rag" else ["python", "-m", "eval"]
    return [*program, *sys.argv[1:]]
