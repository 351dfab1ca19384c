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
    CorpusCheck,
    changes,
    gate_of,
    rebuild,
    rebuilds,
    summary,
    unchecked,
)
