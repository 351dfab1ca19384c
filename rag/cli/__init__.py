"""The `rag` command, and what other command lines share with it."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.cli.console import build_encoder_of, command_line, encoder_of, read_settings, run, show
    from rag.cli.listening import on_terminal
    from rag.cli.main import main
else:
    show_late(__name__)
