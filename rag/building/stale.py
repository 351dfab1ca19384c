"""Staleness: whether an index is what a build would make now."""

from __future__ import annotations

from rag.building.build import RISK, model, recipe
from rag.documents import Corpus
from rag.encoders import Encoder
from rag.index import FaqPolicy, Snapshot, software


def is_stale(
    current: Snapshot | None,
    corpus: Corpus,
    encoder: Encoder,
    faq: FaqPolicy,
    risk: float = RISK,
) -> bool:
    """Whether there is no index, or one built from other documents, model, recipe, risk or by
    other software."""
    if current is None:
        return True
    was = current.manifest
    documents = {parsed.document.id: parsed.document for parsed in corpus.documents}
    return (
        documents != current.documents
        or was.model != model(encoder)
        or was.recipe != recipe(encoder, faq)
        or was.calibration.risk != risk
        or was.software != software()
    )
