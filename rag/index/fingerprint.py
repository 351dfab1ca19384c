"""What an index is made with, as far as it can change the result: model, recipe, packages, code.

Other versions may cut a document elsewhere or move the last digits of a vector. A build reuses
only what the same model, recipe and software would make again, and an index made with others is
stale.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from rag.index.bm25 import K1, B
from rag.index.compatibility import probe_vectors
from rag.index.manifest import ModelInfo, Recipe
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import BITS, bits_of
from rag.index.vectors import pooled_bits
from rag.text import STOP_WORDS
from rag.types import Caution, FaqPolicy

if TYPE_CHECKING:  # the child that reads a snapshot back imports no encoder
    from rag.encoders import Encoder

# The pieces that a model adds before and after a text.
SPECIAL_PIECES = 2

# A reader for a new type adds here the packages it reads with.
_CUTTING = (
    *("tokenizers", "markdown-it-py", "PyYAML", "icu4py", "regex", "charset-normalizer"),
    *("docutils", "lxml", "pypdfium2", "python-calamine", "selectolax", "py3langid"),
)
_ENCODING = ("tokenizers", "onnxruntime", "numpy")
_INDEXING = ("faiss-cpu", "PyStemmer", "icu4py", "regex")

# The code that decides what an index holds, by what it does. Of the last two nothing is kept from
# one build to the next.
CODE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cutting": ("text", "documents", "building/split.py", "index/sentence_spans.py"),
        "encoding": (
            "encoders",
            "building/encode.py",
            "documents/questions.py",
            "index/question_vectors.py",
            "index/token_vectors.py",
        ),
        "indexing": (
            "building/build.py",
            "index/assemble.py",
            "index/bm25.py",
            "index/postings.py",
            "index/vectors.py",
        ),
        "calibrating": (
            "answering",
            "building/calibrate.py",
            "checks/faq_support.py",
            "checks/judgments.py",
            "index/late_interaction.py",
        ),
    }
)


def made_with(
    encoder: Encoder, faq: FaqPolicy, passages: int = 0
) -> tuple[ModelInfo, Recipe, dict[str, str]]:
    """Model, recipe and software of a build of so many passages; with others it may give another
    index."""
    return ModelInfo.of(encoder), recipe_of(encoder, faq, passages), software()


def recipe_of(encoder: Encoder, faq: FaqPolicy, passages: int = 0) -> Recipe:
    """The recipe of a build of so many passages with this encoder and FAQ policy."""
    return Recipe(
        faq=faq,
        passage_pieces=encoder.window - SPECIAL_PIECES,
        bm25_k1=K1,
        bm25_b=B,
        bm25_stop_words=len(STOP_WORDS),
        token_bits=bits_of(passages),
        pooled_bits=pooled_bits(passages),
    )


def is_made_with(snapshot: Snapshot, encoder: Encoder, faq: FaqPolicy, caution: Caution) -> bool:
    """Whether a build of the same documents would make the same snapshot, as far as is known."""
    was = snapshot.manifest
    made, fitted = (was.model, was.recipe, was.software), was.calibration
    return made == made_with(encoder, faq, was.counts.passages) and caution == Caution(
        fitted.risk, fitted.answerable
    )


def keeps_vectors(snapshot: Snapshot, encoder: Encoder) -> bool:
    """Whether a build would give every text that the snapshot holds the same vectors, bit for bit.

    Probe vectors that are nearly equal are not enough.
    """
    was = snapshot.manifest
    return (
        was.model == ModelInfo.of(encoder)
        and was.recipe.token_bits == bits_of(was.counts.passages)
        and _is_same(was.software, (*_ENCODING, "encoding"))
        and np.array_equal(snapshot.probes, probe_vectors(encoder))
    )


def keeps_cuts(snapshot: Snapshot) -> bool:
    """Whether the same recipe would cut the snapshot's documents in the same way."""
    return _is_same(snapshot.manifest.software, (*_CUTTING, "python", "cutting"))


def keeps_words(snapshot: Snapshot) -> bool:
    """Whether the words of a passage that is cut alike would be counted in the same way."""
    return _is_same(snapshot.manifest.software, (*_INDEXING, "python", "cutting", "indexing"))


def encoding_key(encoder: Encoder) -> bytes:
    """A digest of what decides the vectors that the encoder gives: 32 bytes."""
    now = software()
    packages = {name: now[name] for name in (*_ENCODING, "encoding")}
    made = f"{ModelInfo.of(encoder)} {BITS} {packages}".encode()
    return hashlib.sha256(made + probe_vectors(encoder).tobytes()).digest()


def software_changes(snapshot: Snapshot) -> list[str]:
    """What of the software has changed since the snapshot was built, as `name old -> new`."""
    was, now = snapshot.manifest.software, software()
    return [
        f"{name} {was.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]


def software() -> dict[str, str]:
    """The packages' versions by name, and a digest of each part of `CODE`."""
    return dict(_software())


@cache
def _software() -> tuple[tuple[str, str], ...]:
    packages = sorted({*_CUTTING, *_ENCODING, *_INDEXING})
    return (
        *((package, importlib.metadata.version(package)) for package in packages),
        ("python", platform.python_version()),
        *((what, _digest(names)) for what, names in CODE.items()),
    )


def _is_same(was: Mapping[str, str], names: tuple[str, ...]) -> bool:
    now = software()
    return all(was.get(name) == now[name] for name in names)


def _digest(names: tuple[str, ...]) -> str:
    whole = hashlib.sha256()
    for name in names:
        for path in _sources(files("rag") / name):
            whole.update(f"{path.name}\n".encode() + path.read_bytes())
    return whole.hexdigest()[:12]


def _sources(path: Traversable) -> Iterator[Traversable]:
    """A file, or those of code and constants in a folder and below."""
    if path.is_file():
        if path.name.endswith((".py", ".json")):
            yield path
        return
    for inner in sorted(path.iterdir(), key=lambda entry: entry.name):
        yield from _sources(inner)
