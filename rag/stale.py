"""Staleness: whether the current index is what a build would make now."""

from __future__ import annotations

from pathlib import Path

from rag.build import corpus_sha256, model, recipe
from rag.encoder import Encoder
from rag.errors import UnusableIndex
from rag.manifest import FaqPolicy
from rag.readers import Corpus
from rag.snapshot import open_current


def is_stale(index: Path, corpus: Corpus, encoder: Encoder, faq: FaqPolicy) -> bool:
    """Whether the index is missing, unusable, or built from another corpus, model or recipe."""
    try:
        manifest = open_current(index, encoder).manifest
    except UnusableIndex:
        return True
    now = (corpus_sha256(corpus.documents), model(encoder), recipe(encoder, faq))
    return now != (manifest.corpus_sha256, manifest.model, manifest.recipe)
