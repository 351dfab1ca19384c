"""The `rag` command."""

from rag.cli.console import encoder_of, read_settings, run, show
from rag.cli.listening import say_skipped
from rag.cli.progress_bar import reporting

__all__ = [
    "encoder_of",
    "read_settings",
    "reporting",
    "run",
    "say_skipped",
    "show",
]
