"""A corpus to evaluate on: documents with an FAQ, an FAQ alone, or a table of pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.sets.evalset import EvalSet, Judgment, SetKind, documents_set, faq_only_set
from eval.sets.faq import TABLES, Pair, no_pairs, pairs_of, read_table
from eval.words import words
from rag.documents import LENIENT, Corpus, ReadOptions, json_lines, read_corpus, sections_of
from rag.types import Block, Document, FaqPolicy, ParsedDocument, Section
from rag.types.errors import UsageError

# A page of questions has a line or two beside them; documents with an FAQ have more.
FAQ_SHARE = 0.9
# What is indexed for a figure that counts: never a question beside its answer.
INDEXED: Mapping[SetKind, FaqPolicy] = {"documents": "without", "faq-only": "answers"}


@dataclass(frozen=True, slots=True)
class EvalCorpus:
    """A corpus as read, with its sections in order; `sha256` is the manifest's corpus hash."""

    name: str
    corpus: Corpus
    documents: Mapping[str, Document]
    sections: tuple[Section, ...]
    sha256: str

    @property
    def kind(self) -> SetKind:
        """`faq-only` if nine tenths of all words or more lie in FAQ pairs."""
        counts = {"body": 0, "faq": 0}
        for section in self.sections:
            counts[section.kind] += len(words(self.text(section)))
        total = counts["body"] + counts["faq"]
        return "faq-only" if counts["faq"] >= FAQ_SHARE * total else "documents"

    def text(self, section: Section) -> str:
        """The section's text, without its heading or question."""
        return self.documents[section.document_id].text[section.body_start : section.end]

    @property
    def body(self) -> dict[str, str]:
        """The text of each body section, heading included, by its id."""
        return {
            section.id: self.documents[section.document_id].text[section.start : section.end]
            for section in self.sections
            if section.kind == "body"
        }

    @property
    def headings(self) -> dict[str, str]:
        """The own heading of each body section that has one, by its id."""
        return {
            section.id: section.heading_path[-1]
            for section in self.sections
            if section.kind == "body" and section.heading_path
        }


def read_source(paths: Sequence[Path], options: ReadOptions = LENIENT) -> EvalCorpus:
    """The corpus under the paths; a single table of pairs is a corpus of nothing but FAQ."""
    if len(paths) == 1 and is_table(paths[0]):
        corpus = Corpus([table_document(paths[0].name, read_table(paths[0]))])
    else:
        corpus = read_corpus(paths, options=options)
    documents = {parsed.document.id: parsed.document for parsed in corpus.documents}
    return EvalCorpus(
        name=_name(paths, documents),
        corpus=corpus,
        documents=documents,
        sections=tuple(s for parsed in corpus.documents for s in sections_of(parsed)),
        sha256=corpus.sha256,
    )


def is_table(path: Path) -> bool:
    """Whether a file is a table of questions and answers, rather than documents."""
    if not path.is_file() or path.suffix.lower() not in TABLES:
        return False
    first = next(json_lines(path), None) if path.suffix.lower() == ".jsonl" else None
    return path.suffix.lower() == ".csv" or (first is not None and "question" in first[1])


def table_document(name: str, pairs: Sequence[Pair]) -> ParsedDocument:
    """The pairs of a table as one document of `Q:` and `A:` lines."""
    text, blocks = "", []
    for pair in pairs:
        head = f"Q: {' '.join(pair.question.split())}\nA: "
        start, answer = len(text), len(text) + len(head)
        text += f"{head}{pair.answer}\n\n"
        end = answer + len(pair.answer)
        label = " ".join(pair.question.split())
        blocks.append(Block("question", start, answer, label=label))
        blocks.append(Block("paragraph", answer, end))
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    title = Path(name).stem
    document = Document(name, title, name, "text/csv", text, sha256, sha256)
    return ParsedDocument(document, tuple(blocks))


def make_set(source: EvalCorpus, table: Path | None, judgments: Sequence[Judgment]) -> EvalSet:
    """The eval set of a corpus, from its own FAQ or from a table that is given with it.

    Raises UsageError if there is no FAQ, or one pair only, on which no figure can rest.
    """
    pairs = read_table(table) if table else pairs_of(source.documents, source.sections)
    if not pairs:
        raise no_pairs(source.name)
    if len(pairs) == 1:
        other = "" if table else ", or give a table by `--faq FILE.csv`"
        raise UsageError(
            f"{table or source.name} holds one FAQ pair only, and no figure can rest on one: add "
            f"pairs{other}"
        )
    if source.kind == "faq-only" and not table:
        return faq_only_set(source.name, source.sha256, pairs)
    return documents_set(source.name, source.sha256, pairs, source.body, source.headings, judgments)


def _name(paths: Sequence[Path], documents: Mapping[str, Document]) -> str:
    if len(documents) == 1:
        return Path(next(iter(documents))).stem
    return paths[0].resolve().name
