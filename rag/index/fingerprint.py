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
        "cutting": (
            "lines.py",
            "marks.py",
            "passages.py",
            "readers",
            "sections.py",
            "sentences.py",
        ),
        "encoding": (
            "encoder.py",
            "head.py",
            "headings.py",
            "onnx_encoder.py",
            "onnx_graph.py",
            "tokens.py",
            "torch_encoder.py",
        ),
        "indexing": ("build.py", "dense.py", "lexical.py", "words.py"),
        "calibrating": (
            "calibrate.py",
            "confidence.py",
            "fusion.py",
            "highlight.py",
            "integers.py",
            "late.py",
            "quantity.py",
            "search.py",
            "support.py",
        ),
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
    if path.is_file():
        yield path
        return
    inner = sorted(path.iterdir(), key=lambda entry: entry.name)
    yield from (entry for entry in inner if entry.name.endswith(".py"))
