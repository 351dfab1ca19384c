"""A corpus becomes a published snapshot."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.building.build import index_corpus
    from rag.building.listener import Listener
    from rag.building.memory import memory_limit
    from rag.building.origin import UPLOAD_MARKER, Origin, origin_of, remembered, sample_corpus
    from rag.building.rebuild import Built, changes, gate_of, rebuild, rebuilds
    from rag.building.restrict import Sees, restricted
else:
    show_late(__name__)
