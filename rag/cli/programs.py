"""`rag serve` and `rag eval`: they start the service and the evaluation.

Each is imported only by its command: FastAPI, scikit-learn and matplotlib would delay the others.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rag.building import remembered
from rag.cli.console import importing, origin_line, read_settings, say
from rag.cli.options import IndexOption


def serve(
    host: Annotated[str | None, typer.Option(help="address to bind")] = None,
    port: Annotated[int | None, typer.Option(help="port to bind")] = None,
    workers: Annotated[int | None, typer.Option(help="processes that answer")] = None,
    index: IndexOption = None,
    seat: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Serve the page and the HTTP API."""
    settings = read_settings(index=index, host=host, port=port, workers=workers)
    if seat is None and remembered(settings.index):
        say(f"{settings.index} is live, {origin_line(settings.index)}")
    if seat is None and settings.workers > 1:
        from rag.web import share

        share(settings)
        return
    with importing():
        from rag.encoders import begin_opening

        opening = begin_opening(settings.model, settings.runtime, settings.threads)
        from rag.web import serve as serve_http

    serve_http(settings, seat, opening)


def evaluate(context: typer.Context) -> None:
    """Measure how good the answers are (see `rag eval -h`)."""
    from eval.cli import main

    main(context.args, f"{context.find_root().info_name} eval")
