"""Cuts a corpus into sections and passages, as its FAQ policy has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from rag.building.reuse import NOTHING, Cuts, Reuse
from rag.documents import Corpus, passages_of, question_above, sections_of
from rag.encoders import Encoder
from rag.index import NEW, Split, recipe_of
from rag.types import Document, FaqPolicy, FileReport, ParsedDocument, Section

NONE_READY: Mapping[str, Cuts] = MappingProxyType({})


def split_corpus(
    corpus: Corpus,
    encoder: Encoder,
    faq: FaqPolicy = "with",
    reuse: Reuse = NOTHING,
    ready: Mapping[str, Cuts] = NONE_READY,
) -> Split:
    """The documents' sections, and the passages of those that the FAQ policy indexes.

    Documents that are `ready` have been cut before, in this build.
    """
    cuts = [
        reuse.cuts(parsed.document.id)
        if parsed.document.id in corpus.unchanged
        else ready.get(parsed.document.id) or cut(parsed, encoder, faq)
        for parsed in corpus.documents
    ]
    documents = tuple(parsed.document for parsed in corpus.documents)
    sections = tuple(section for cut in cuts for section in cut.sections)
    return Split(
        corpus.sha256,
        documents,
        sections,
        tuple(passage for cut in cuts for passage in cut.passages),
        _with_sections(corpus.files, documents, sections),
        corpus.originals,
        np.concatenate([_rows(cut) for cut in cuts]),
    )


def questions_above(split: Split, faq: FaqPolicy) -> list[str]:
    """The question above each passage, "" for none.

    With the answers alone, an FAQ's questions are left out.
    """
    documents = {document.id: document for document in split.documents}
    above = {
        section.id: ""
        if faq == "answers" and section.kind == "faq"
        else question_above(documents[section.document_id], section)
        for section in split.sections
    }
    return [above[passage.section_id] for passage in split.passages]


def _rows(cuts: Cuts) -> npt.NDArray[np.int64]:
    """The rows of the passages in the earlier snapshot, `NEW` for those that are not in it."""
    count = len(cuts.passages)
    return np.full(count, NEW) if cuts.first is None else np.arange(cuts.first, cuts.first + count)


def cut(parsed: ParsedDocument, encoder: Encoder, faq: FaqPolicy) -> Cuts:
    """The sections and passages of a document."""
    sections = sections_of(parsed)
    limit = recipe_of(encoder, faq).passage_pieces
    passages = passages_of(parsed, _indexed(sections, faq), encoder.word_pieces, limit)
    return Cuts(tuple(sections), tuple(passages))


def _with_sections(
    files: Sequence[FileReport], documents: Sequence[Document], sections: Sequence[Section]
) -> tuple[FileReport, ...]:
    """The reports with the numbers of sections and FAQ pairs in each file."""
    file = {document.id: document.file for document in documents}
    counts = Counter((file[section.document_id], section.kind) for section in sections)
    numbers = [(counts[each.id, "body"], counts[each.id, "faq"]) for each in files]
    return tuple(
        replace(each, sections=sections, faq_pairs=pairs)
        if (each.sections, each.faq_pairs) != (sections, pairs)
        else each
        for each, (sections, pairs) in zip(files, numbers, strict=True)
    )


def _indexed(sections: Sequence[Section], faq: FaqPolicy) -> list[Section]:
    if faq == "with":
        return list(sections)
    if faq == "without":
        return [section for section in sections if section.kind == "body"]
    return [_answer_alone(section) for section in sections]


def _answer_alone(section: Section) -> Section:
    if section.kind == "body":
        return section
    return replace(
        section, start=section.body_start, heading_path=section.heading_path[:-1], kind="body"
    )
