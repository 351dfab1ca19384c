"""What is searched, mapped from its files."""

from typing import TYPE_CHECKING

from rag.types.faces import show_late

if TYPE_CHECKING:
    from rag.index.assemble import Encodings, Split, assemble
    from rag.index.columns import mapped_zeros
    from rag.index.compatibility import check_encoder, check_model, check_probes
    from rag.index.fingerprint import (
        encoding_key,
        is_made_with,
        keeps_cuts,
        keeps_vectors,
        made_with,
        recipe_of,
        software_changes,
    )
    from rag.index.format import MAPPED, read_snapshot
    from rag.index.invariants import check_parts
    from rag.index.late_interaction import LateInteraction
    from rag.index.manifest import (
        MANIFEST,
        Calibration,
        Count,
        Counts,
        Manifest,
        ModelInfo,
        Sha256,
        SnapshotId,
        id_of,
        parse_manifest,
    )
    from rag.index.originals import Originals
    from rag.index.postings import NEW
    from rag.index.sentence_spans import Marks, Sentences, markable_from, marks, sentences_of
    from rag.index.snapshot import Snapshot
    from rag.index.token_vectors import TokenStore, bits_of, quantise, store, zero_store
else:
    show_late(__name__)
