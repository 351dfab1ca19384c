"""The `rag` command. Results go to stdout, messages to stderr.

Exit codes: 0 done; 1 failed; 2 wrong usage, setting or corpus; 4 the documents do not answer;
5 no usable index; 75 busy (another build, or the port is taken); 130 interrupted.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from rag.answer import ask as answer_question
from rag.build import index_corpus
from rag.encoder import Encoder
from rag.errors import RagError, UsageError
from rag.files import Files
from rag.manifest import FaqPolicy, Manifest
from rag.opening import open_encoder
from rag.present import show_answer
from rag.progress import reporting
from rag.readers import read_corpus
from rag.schemas import ask_response, index_model
from rag.settings import Settings
from rag.snapshot import open_current, read_manifest
from rag.stale import is_stale
from rag.store import publish, writing
from rag.types import Mode

EXIT_NO_ANSWER = 4

app = typer.Typer(
    name="rag",
    help=__doc__.split("\n")[0],
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

IndexOption = Annotated[Path | None, typer.Option("--index", help="folder of the index")]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object")]


@app.command()
def build(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="files or folders of documents")
    ] = None,
    index: IndexOption = None,
    no_faq: Annotated[bool, typer.Option("--no-faq", help="leave FAQ pairs out")] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="leave out files that cannot be read")
    ] = False,
    if_stale: Annotated[
        bool, typer.Option("--if-stale", help="do nothing where the index is up to date")
    ] = False,
) -> None:
    """Build the index from documents, and make it the one that answers."""
    settings = _settings(index=index)
    faq: FaqPolicy = "without" if no_faq else "with"
    corpus = read_corpus(paths or [settings.corpus], skip_unreadable=skip_unreadable)
    for id, reason in corpus.skipped:
        _say(f"skipped {id}: {reason}")
    encoder = _encoder(settings)
    if if_stale and not is_stale(settings.index, corpus, encoder, faq):
        _say(f"{settings.index} is up to date")
        return
    with writing(settings.index), reporting(sys.stderr) as progress:
        snapshot = index_corpus(corpus, encoder, faq=faq, progress=progress)
        publish(settings.index, snapshot, encoder, Files())
    print(_summary(snapshot.manifest, settings.index))


@app.command()
def ask(
    question: str,
    top_k: Annotated[int, typer.Option(min=1, max=50, help="passages at most")] = 5,
    mode: Annotated[Mode, typer.Option(help="signals to use")] = "hybrid",
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Ask the documents; exit code 4 says that they do not seem to answer."""
    settings = _settings(index=index)
    encoder = _encoder(settings)
    snapshot = open_current(settings.index, encoder)
    if not question.strip():
        raise UsageError("the question is empty: write one")
    started = time.perf_counter()
    answer = answer_question(snapshot, encoder, question, top_k=top_k, mode=mode)
    if as_json:
        took_ms = (time.perf_counter() - started) * 1000
        print(ask_response(answer, index_model(snapshot), took_ms).model_dump_json(indent=1))
    else:
        show_answer(answer, Console(highlight=False))
    if answer.abstained:
        raise typer.Exit(EXIT_NO_ANSWER)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to bind")] = None,
    port: Annotated[int | None, typer.Option(help="port to bind")] = None,
    index: IndexOption = None,
) -> None:
    """Serve `POST /ask` and the page."""
    settings = _settings(index=index, host=host, port=port)
    # Only here is the web framework needed; asking from the terminal starts without it.
    importlib.import_module("service").serve(settings)


@app.command()
def info(as_json: JsonOption = False, index: IndexOption = None) -> None:
    """Show what the current index was built from."""
    settings = _settings(index=index)
    manifest = read_manifest(settings.index)
    if as_json:
        print(json.dumps({"id": manifest.id, **manifest.to_json()}, indent=1))
    else:
        print(_summary(manifest, settings.index))
        print(f"model {manifest.model.name}, sha256 {manifest.model.sha256}")
        print(f"corpus sha256 {manifest.corpus_sha256}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code; what the user can cure is one line."""
    try:
        try:
            app(args=arguments)
        finally:
            sys.stdout.flush()
    except RagError as error:
        _say(f"error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        _say(f"error: the result cannot be written ({error})")
        # Whatever is left in the buffer would fail once more, at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


def _say(message: str) -> None:
    print(message, file=sys.stderr)


def _settings(**given: Any) -> Settings:
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise UsageError(
            f"RAG_{name.upper()} or --{name} is {first['input']!r}: {first['msg']}"
        ) from None


def _encoder(settings: Settings) -> Encoder:
    return open_encoder(settings.model, settings.runtime, settings.threads)


def _summary(manifest: Manifest, index: Path) -> str:
    counts = manifest.counts
    return (
        f"{index / manifest.id}: {counts.documents} documents, {counts.sections} sections, "
        f"{counts.faq_pairs} FAQ pairs, {counts.passages} passages"
    )
