"""`rag mcp`: answers an assistant that has started it."""

from __future__ import annotations

from rag.cli.console import read_settings
from rag.cli.options import IndexOption


def mcp(index: IndexOption = None) -> None:
    """Answer an assistant by the Model Context Protocol, on stdin and stdout.

    It needs the extra `mcp`: pip install 'rag[mcp]'.
    """
    settings = read_settings(index=index)
    # It brings FastAPI and the protocol's package.
    from rag.web import serve_mcp

    serve_mcp(settings)
