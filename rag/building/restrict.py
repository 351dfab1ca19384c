"""A snapshot of some of an index's documents, in memory, for a key that may see no others.

It is what a build of these documents alone would make, so nothing in it depends on the others: no
rank, no score, no number, and no time. Nothing is parsed or encoded again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from rag.answering import uncalibrated
from rag.building.calibrate import calibrated
from rag.building.split import questions_above
from rag.documents import Corpus
from rag.encoders import Encoder
from rag.index import Encodings, Originals, Snapshot, Split, assemble, store
from rag.types import Caution, FileReport, ParsedDocument

# Says whether the document of an id may be seen.
Sees = Callable[[str], bool]


def restricted(snapshot: Snapshot, encoder: Encoder, sees: Sees) -> Snapshot:
    """The snapshot of the documents that may be seen, perhaps none.

    A file of which one document may not be seen is not among its files.
    """
    ids = [id for id in snapshot.documents if sees(id)]
    documents = tuple(snapshot.documents[id] for id in ids)
    rows = [row for id in ids for row in snapshot.rows_of(id)]
    files = _files(snapshot, sees)
    split = Split(
        corpus_sha256=Corpus([ParsedDocument(each, ()) for each in documents]).sha256,
        documents=documents,
        sections=tuple(section for id in ids for section in snapshot.sections_of(id)),
        passages=tuple(snapshot.passages[row] for row in rows),
        files=files,
        originals=memoryview(b""),
        kept=np.array(rows, dtype=np.int64),
    )
    tokens = snapshot.tokens
    faq, old = snapshot.manifest.recipe.faq, snapshot.manifest.calibration
    above = questions_above(split, faq)
    headings = {text: snapshot.headings.of(row) for text, row in zip(above, rows, strict=True)}
    encodings = Encodings(
        pooled=snapshot.dense.vectors(np.array(rows, dtype=np.int64)),
        tokens=store([tokens.rows(row) for row in rows], encoder.token_dim, tokens.bits),
        above=above,
        headings={text: vector for text, vector in headings.items() if vector is not None},
        sentences=[snapshot.marks.of(row) for row in rows],
        reused=len(rows),
    )
    caution = Caution(old.risk, old.answerable)
    model = snapshot.manifest.model
    made = assemble(split, encodings, encoder, faq, uncalibrated(model, caution), snapshot)
    made = replace(made, manifest=replace(made.manifest, model=model))
    made = calibrated(made, encoder, caution)
    return replace(made, originals=_originals(snapshot, made, files))


def _files(snapshot: Snapshot, sees: Sees) -> tuple[FileReport, ...]:
    """The files all of whose documents may be seen."""
    hidden = {each.file for id, each in snapshot.documents.items() if not sees(id)}
    return tuple(each for each in snapshot.files if each.documents and each.id not in hidden)


def _originals(snapshot: Snapshot, made: Snapshot, files: Sequence[FileReport]) -> Originals:
    """The bytes of the files, read where the whole snapshot has them."""
    starts = list(accumulate((each.size for each in files), initial=0))
    found = [snapshot.files.with_documents(each.id) for each in files]
    places = [place[1] for place in found if place]

    def read(size: int, start: int) -> bytes | memoryview:
        at = bisect_right(starts, start) - 1
        return snapshot.originals.read(size, places[at] + start - starts[at])

    return Originals(made.files, read)
