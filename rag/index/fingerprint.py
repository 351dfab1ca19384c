"""What the index was made with, as far as it can change what comes out: packages and own code.

Other versions may cut a document elsewhere or move the last digits of a vector. A build takes
over from an earlier snapshot only what the same software would make again, and an index by other
software is stale (`rag.building.stale`).
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

# A reader for a new type adds here the packages it reads with.
_CUTTING = ("tokenizers", "markdown-it-py", "mdit-py-plugins")
_ENCODING = ("tokenizers", "onnxruntime", "numpy")
_INDEXING = ("bm25s", "faiss-cpu", "PyStemmer")

# The code that decides what an index holds, by what it does. Of the last two nothing is kept from
# one build to the next.
CODE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cutting": ("text", "documents", "index/sentence_spans.py"),
        "encoding": ("encoders", "index/question_vectors.py", "index/token_vectors.py"),
        "indexing": ("building/build.py", "index/bm25.py", "index/vectors.py"),
        "calibrating": ("answering", "building/calibrate.py", "checks/faq_support.py"),
    }
)


def software() -> dict[str, str]:
    """The packages' versions by name, and a digest of each part of `CODE`."""
    return dict(_software())


def same_cuts(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether both cut documents into the same sections and passages."""
    return _equal(one, other, (*_CUTTING, "python", "cutting"))


def same_vectors(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether both give the same vectors on one machine."""
    return _equal(one, other, (*_ENCODING, "encoding"))


@cache
def _software() -> tuple[tuple[str, str], ...]:
    packages = sorted({*_CUTTING, *_ENCODING, *_INDEXING})
    return (
        *((package, importlib.metadata.version(package)) for package in packages),
        ("python", platform.python_version()),
        *((what, _digest(names)) for what, names in CODE.items()),
    )


def _equal(one: Mapping[str, str], other: Mapping[str, str], names: tuple[str, ...]) -> bool:
    return all(name in one and one[name] == other.get(name) for name in names)


def _digest(names: tuple[str, ...]) -> str:
    whole = hashlib.sha256()
    for name in names:
        for path in _sources(files("rag") / name):
            whole.update(f"{path.name}\n".encode() + path.read_bytes())
    return whole.hexdigest()[:12]


def _sources(path: Traversable) -> Iterator[Traversable]:
    """A file, or those of Python in a folder and below."""
    if path.is_file():
        if path.name.endswith(".py"):
            yield path
        return
    for inner in sorted(path.iterdir(), key=lambda entry: entry.name):
        yield from _sources(inner)
