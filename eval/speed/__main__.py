"""`python -m eval.speed`: the benchmarks, and the page that shows them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.provenance import RESULTS, commit, provenance, read_outcome, write_outcome
from eval.sets.beir import read_collection
from eval.speed import anchors as anchors_part
from eval.speed import lexical as lexical_part
from eval.speed import overload as overload_part
from eval.speed import page as page_part
from eval.speed import scale as scale_part
from eval.speed import side_by_side
from eval.speed.corpora import passages, read_material, write_corpus
from eval.speed.opened import THREADS
from eval.speed.peer import TANTIVY, TXTAI, installed, tantivy_installed
from eval.speed.plots import scale as scale_plot
from eval.speed.recombined import write_sentences
from rag import build
from rag.building import index_corpus
from rag.documents import read_corpus
from rag.encoders import Encoder, open_encoder, set_torch_environment

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

# What is made on the way; git ignores it.
WORK = Path("index/cache/speed")
LIBRARIES = ("faiss-cpu", "numpy", "onnxruntime", "sentence-transformers", "tokenizers", "torch")
# Minutes of each part on two cores, and in brackets if quick.
MINUTES = {
    "http": (5, 1),
    "encoding": (1, 0.3),
    "limits": (0.2, 0.1),
    "anchors": (1, 0),
    "lexical": (1, 0),
    "scale": (3, 0.7),
    "overload": (8, 1.5),
}

DataOption = Annotated[Path, typer.Option("--data", help="folder of the public sets")]
QuickOption = Annotated[bool, typer.Option("--quick", help="less of everything")]
OutOption = Annotated[Path, typer.Option("--results", help="folder for results files")]
DATA = Path("../shared/data")


@app.command()
def bench(
    data: DataOption = DATA,
    quick: QuickOption = False,
    results: OutOption = RESULTS,
    again: Annotated[bool, typer.Option(help="measure again what this commit has")] = False,
) -> None:
    """Run every part as a process of its own, then write the page.

    A part whose results are of this very commit is passed over, so a run that was stopped goes on.
    """
    parts = [name for name, minutes in MINUTES.items() if minutes[quick]]
    say(f"{sum(MINUTES[name][quick] for name in parts):.0f} minutes on 2 cores")
    for name in parts:
        if not again and not quick and is_measured(results / f"speed-{name}.json"):
            say(f"{name}: measured at this commit")
            continue
        say(f"{name}: {MINUTES[name][quick]} minutes")
        command = [sys.executable, "-m", "eval.speed", name, "--data", str(data)]
        options = ["--results", str(results), *(["--quick"] if quick else [])]
        subprocess.run([*command, *options], check=True)
    if results == RESULTS:
        page()


@app.command()
def http(data: DataOption = DATA, quick: QuickOption = False, results: OutOption = RESULTS) -> None:
    """Compare `rag serve` with txtai, which is installed into .peer/ at first."""
    compare_over_http("http", data, quick, results)


@app.command()
def workers(
    data: DataOption = DATA, quick: QuickOption = False, results: OutOption = RESULTS
) -> None:
    """Compare `rag serve --workers 2` with txtai in the same way."""
    compare_over_http("workers", data, quick, results, 2)


@app.command()
def encoding(
    data: DataOption = DATA,
    quick: QuickOption = False,
    results: OutOption = RESULTS,
    device: Annotated[str, typer.Option(help="as RAG_DEVICE: measure it too")] = "",
) -> None:
    """Compare the encoder with sentence-transformers."""
    # Before torch is imported: its waiting threads would spin, and it would be slower than it is.
    set_torch_environment()
    from eval.speed import encoding as part

    size = (32, 1) if quick else (part.PASSAGES, part.ROUNDS)
    folder, onnx = data / "retrieval" / "scifact", _encoder()
    on_device = open_encoder("bundled", "onnx", THREADS, device) if device else None
    found: dict[str, Any] = {"encoders": part.measure(folder, onnx, *size, on_device)}
    if on_device:
        reference = open_encoder("bundled", "torch", THREADS)
        passages = part.read_passages(folder, onnx, 32)
        found["device"] = part.agreement(on_device, reference, passages)
    write("encoding", data, results, found, f" --device {device}" if device else "")


@app.command()
def limits(
    data: DataOption = DATA, quick: QuickOption = False, results: OutOption = RESULTS
) -> None:
    """Compare the encoder with the products that one thread can do."""
    set_torch_environment()
    from eval.speed import limits as part

    turns = 5 if quick else part.TURNS
    write("limits", data, results, {"rows": part.measure(_encoder(), turns)})


@app.command()
def anchors(
    data: DataOption = DATA, quick: QuickOption = False, results: OutOption = RESULTS
) -> None:
    """Compare the search with bm25s alone."""
    encoder = _encoder()
    collection = read_collection(anchors_part.collection_folder(data))
    snapshot = index_corpus(read_corpus([collection.corpus]), encoder)
    found = anchors_part.measure(collection, snapshot, encoder)
    write("anchors", data, results, {"collection": collection.name, "searches": found})


@app.command()
def lexical(
    data: DataOption = DATA,
    quick: QuickOption = False,
    results: OutOption = RESULTS,
    sizes: Annotated[str, typer.Option(help="numbers of passages, by commas")] = "10000,100000",
) -> None:
    """Compare BM25 alone with bm25s and tantivy (installed into .peer-tantivy/ at first)."""
    python, material = tantivy_installed(), read_material(data)
    made = {
        size: lexical_part.measure(material, int(size), python, WORK / "lexical")
        for size in ("1000" if quick else sizes).split(",")
    }
    write("lexical", data, results, {"peer": TANTIVY, "sizes": made})


@app.command()
def scale(
    data: DataOption = DATA,
    quick: QuickOption = False,
    results: OutOption = RESULTS,
    sizes: Annotated[str, typer.Option(help="numbers of passages, by commas")] = "1000,10000",
    recombined: Annotated[
        bool, typer.Option("--recombined", help="encode each sentence once, and no passage")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="leave the indexes, and ask those that are there")
    ] = False,
    files: Annotated[
        str, typer.Option(help="numbers of files of which one in a thousand changes, by commas")
    ] = "5000",
) -> None:
    """Measure corpora of these sizes; rows of other sizes stay in the results file.

    A passage takes about 10 ms: 10,000 two minutes, a million three hours. With --recombined
    passages are put together from encoded sentences: ten minutes for these, and a millisecond a
    passage. It measures no changed files then.
    """
    material, encoder = read_material(data), _encoder()
    path, now = results / "speed-scale.json", commit()
    sizes, files = ("1000", "1000") if quick else (sizes, files)
    sentences = WORK / "sentences" if recombined else None
    options = f" --sizes {sizes}"
    options += " --recombined" if recombined else f" --files {files}" * (files != "5000")

    def add(**new: Sequence[dict[str, Any]]) -> None:
        # Read again: rows of other sizes may have been measured meanwhile.
        old = scale_part.measured(path)
        found = {part: scale_part.merged(old[part], new.get(part, ())) for part in old}
        write("scale", data, results, found, options)
        (results / page_part.PLOT).write_text(scale_plot(found["rows"]), encoding="utf-8")

    if sentences:
        say(f"{len(material.sentences):,} sentences: about ten minutes, if they are not there")
        write_sentences(material.sentences, material.planted, sentences, progress)
    for size in map(int, sizes.split(",")):
        say(f"{size:,} passages: about {size / (60_000 if recombined else 6000):.0f} minutes")
        folder = WORK / f"{size}{'-recombined' * recombined}"
        row = scale_part.measure(material, size, folder, encoder, sentences, keep)
        add(rows=[row | {"commit": now}])
    for count in () if recombined else map(int, files.split(",")):
        say(f"{count:,} files, and one in a thousand changed: about {count / 6000:.0f} minutes")
        add(changed=[scale_part.changed(material, count, WORK / "changed") | {"commit": now}])


@app.command()
def overload(
    data: DataOption = DATA, quick: QuickOption = False, results: OutOption = RESULTS
) -> None:
    """Load `rag serve` with up to ten times what it can serve."""
    folder, encoder = WORK / "overload", _encoder()
    material = read_material(data)
    write_corpus(passages(material, 1000), folder / "corpus")
    build([folder / "corpus"], folder / "index", encoder=encoder)
    questions = [planted.question for planted in material.planted]
    seconds = 5.0 if quick else 60.0
    made = overload_part.measure(folder / "index", questions, seconds, folder / "log", say)
    write("overload", data, results, {"seconds": seconds, **made})


@app.command()
def corpus(
    folder: Annotated[Path, typer.Argument(help="folder to write")],
    size: Annotated[int, typer.Argument(help="number of passages")],
    data: DataOption = DATA,
) -> None:
    """Make a corpus whose answers are known."""
    write_corpus(passages(read_material(data), size), folder)
    print(folder)


@app.command()
def page() -> None:
    """Write docs/performance.md from the results files."""
    page_part.PAGE.write_text(page_part.page_of(RESULTS), encoding="utf-8")
    print(page_part.PAGE)


def compare_over_http(part: str, data: Path, quick: bool, results: Path, workers: int = 1) -> None:
    """Measures `rag serve` in so many processes beside txtai, and writes the results file."""
    peer = installed()
    found = side_by_side.materials(data, 160 if quick else side_by_side.MOST)
    turns = 1 if quick else 5
    made = {
        each.name: side_by_side.compare(each, peer, WORK / each.name, turns, progress, workers)
        for each in (found[:1] if quick else found)
    }
    write(part, data, results, {"peer": TXTAI, "corpora": made})


def write(
    part: str, data: Path, results: Path, found: Mapping[str, Any], options: str = ""
) -> None:
    """The results file of a part, with what is needed to measure it again."""
    command = f"python -m eval.speed {part} --data {data}{options}"
    made = provenance(command, _encoder()) | {
        "libraries": {name: version(name) for name in LIBRARIES}
    }
    path = results / f"speed-{part}.json"
    write_outcome(path, made | dict(found))
    print(path)


def is_measured(path: Path) -> bool:
    """Whether the file's figures are of the present commit, with nothing changed."""
    now = commit()
    return path.is_file() and "+" not in now and read_outcome(path)["commit"] == now


def progress(what: str, done: int, total: int) -> None:
    """Says how far a part is; for a terminal only."""
    if sys.stderr.isatty():
        say(f"{what}: {done} of {total}")


def say(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


def _encoder() -> Encoder:
    return open_encoder("bundled", "onnx", THREADS)


if __name__ == "__main__":
    app()
