"""Everything that is HTTP, and the page."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.web.access import Access, Door, door_of
    from rag.web.ask_routes import AskFirst
    from rag.web.edge import Edge, allowed_hosts
    from rag.web.logs import watchers_of
    from rag.web.mcp_routes import serve_mcp
    from rag.web.pages import add_pages
    from rag.web.routes import HANDLERS, feedback_router, router
    from rag.web.serve import serve
    from rag.web.share import share
    from rag.web.state import AppState, Capacity, capacity_of
    from rag.web.views import Views
    from rag.web.watched import Watched, Watcher
else:
    show_late(__name__)
