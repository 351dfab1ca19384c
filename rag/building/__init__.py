"""A corpus becomes a published snapshot."""

from rag.building.build import build_snapshot, index_corpus
from rag.building.listener import Listener, told_changes
from rag.building.origin import (
    NotReplaced,
    Origin,
    check_replaces,
    origin_of,
    recorded,
    refused,
    remembered,
)
from rag.building.rebuild import (
    Built,
    Check,
    changes,
    gate_of,
    rebuild,
    rebuilds,
    summary,
    unchecked,
)

__all__ = [
    "Built",
    "Check",
    "Listener",
    "NotReplaced",
    "Origin",
    "build_snapshot",
    "changes",
    "check_replaces",
    "gate_of",
    "index_corpus",
    "origin_of",
    "rebuild",
    "rebuilds",
    "recorded",
    "refused",
    "remembered",
    "summary",
    "told_changes",
    "unchecked",
]
