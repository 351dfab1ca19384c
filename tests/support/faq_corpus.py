"""A small corpus with an FAQ, worked out on paper, for the evaluation's tests."""

from pathlib import Path

from eval.sets.evalset import EvalSet
from eval.sets.source import EvalCorpus, make_set, read_source
from rag.building.build import index_corpus
from rag.index.snapshot import Snapshot
from support.letter_encoder import LetterEncoder

TEXT = """# Lupines

## Water

Lupines want little water. Rain gives them enough.

## Soil

Sandy soil suits lupines. Lime harms their roots.

## Seeds

Soak seeds overnight. Sow seeds early.

## FAQ

### How much water?

Little water: rain gives enough.

### Which ground?

Sandy soil; lime harms roots.
"""
WATER, SOIL = "lupines.md#water", "lupines.md#soil"
ENCODER = LetterEncoder()


def source(folder: Path, text: str = TEXT) -> EvalCorpus:
    """The corpus, read from a file in the folder."""
    (folder / "lupines.md").write_text(text, encoding="utf-8")
    return read_source([folder / "lupines.md"])


def lupine_set(corpus: EvalCorpus) -> EvalSet:
    """Its eval set, with silver labels."""
    return make_set(corpus, None, [])


def indexed(corpus: EvalCorpus, faq: str = "without") -> Snapshot:
    """Its snapshot by the letter encoder."""
    return index_corpus(corpus.corpus, ENCODER, faq=faq)  # type: ignore[arg-type]
