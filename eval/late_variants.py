"""Other ways to score late interaction than the mean of each query token's best cosine.

`PLAIN` is what is served, but that a query's vectors stay floats. All take token vectors through
the shipped head, passages' as they are stored, in two bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from scipy.special import logsumexp

from eval.cache import digest
from eval.rounding import rounded
from eval.signals import Floats, Pool, Signals, write
from rag.encoder import with_context
from rag.head import project
from rag.onnx_encoder import OnnxEncoder
from rag.tokens import BITS, KEPT
from rag.words import STOP_WORDS

PLAIN = "as served"
CLS = "[CLS] as one more token"
POOLED = "the pooled vector as one more token"


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A text's token vectors (t, dim), rows L2-normalised; the word of each token, lower case, ""
    for a part of one; and the token vectors (1, dim) that might be added, by what they are."""

    tokens: Floats
    words: tuple[str, ...]
    more: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """A question that meets a passage: cosines (q, t), and `idf` of each of the question's tokens
    among the passages of the pool (q,)."""

    cosines: Floats
    asked: Text
    stored: Text
    idf: Floats


Way = Callable[[Met], float]


def plain(met: Met) -> float:
    """The mean over query tokens of the best cosine; 0 where there is none."""
    return float(met.cosines.max(axis=1).mean()) if met.cosines.size else 0.0


def soft(met: Met, sharpness: float) -> float:
    """With log-sum-exp in place of the maximum; the larger the sharpness, the more alike."""
    if not met.cosines.size:
        return 0.0
    return float(logsumexp(sharpness * met.cosines, axis=1).mean()) / sharpness


def windows(met: Met, length: int) -> float:
    """The best window of so many tokens of the passage, windows overlapping by half."""
    starts = range(0, max(1, met.cosines.shape[1] - length // 2), length // 2)
    return max(
        plain(replace(met, cosines=met.cosines[:, start : start + length])) for start in starts
    )


def by_idf(met: Met) -> float:
    """The mean weighed by how rare the query tokens are."""
    if not met.cosines.size or met.idf.sum() <= 0:
        return plain(met)
    return float(np.average(met.cosines.max(axis=1), weights=met.idf))


def thinned(met: Met, asked: Collection[str] = (), stored: Collection[str] = ()) -> float:
    """Without the tokens that are those words; a text of nothing else keeps all."""
    rows, columns = _others(met.asked, asked), _others(met.stored, stored)
    return plain(replace(met, cosines=met.cosines[np.ix_(rows, columns)]))


def joined(met: Met, more: str) -> float:
    """With one more token vector on both sides, which meet each other and all tokens."""
    asked = np.vstack([met.asked.tokens, met.asked.more[more]])
    stored = np.vstack([met.stored.tokens, met.stored.more[more]])
    return plain(replace(met, cosines=asked @ stored.T))


MARKS = frozenset("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~–—‘’“”…")
WORDS = MARKS | STOP_WORDS
WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "soft maxima, sharpness 20": partial(soft, sharpness=20.0),
        "soft maxima, sharpness 50": partial(soft, sharpness=50.0),
        "windows of 32 tokens": partial(windows, length=32),
        "windows of 64 tokens": partial(windows, length=64),
        "query tokens weighed by idf": by_idf,
        "query without punctuation": partial(thinned, asked=MARKS),
        "query without stop words and punctuation": partial(thinned, asked=WORDS),
        "passages without punctuation": partial(thinned, stored=MARKS),
        "passages without stop words and punctuation": partial(thinned, stored=WORDS),
        CLS: partial(joined, more=CLS),
        POOLED: partial(joined, more=POOLED),
        PLAIN: plain,
    }
)


def with_ways(
    pool: Pool, found: Sequence[Signals], head: Floats, encoder: OnnxEncoder, cache: Path
) -> dict[str, list[Signals]]:
    """The signals of those questions, with late interaction in each of `WAYS`."""
    contexts = [passage.context for passage in pool.passages]
    texts = [passage.text for passage in pool.passages]
    read = [with_context(*pair)[0] for pair in zip(contexts, texts, strict=True)]
    first = _first_tokens(read, encoder, cache)
    asked_first = _first_tokens(list(pool.queries.values()), encoder, cache)
    words = [_words(text, encoder) for text in read]
    rarity = _idf([_pieces(text, encoder) for text in read])
    rarest = max(rarity.values())
    place = {query: at for at, query in enumerate(pool.queries)}
    stored: dict[int, Text] = {}
    made: dict[str, list[Signals]] = {name: [] for name in WAYS}
    for each in found:
        at = place[each.query]
        text = pool.queries[each.query]
        more = {CLS: asked_first[at : at + 1], POOLED: pool.asked.pooled[at : at + 1]}
        asked = _text(pool.asked.of(at), _words(text, encoder), more, head, None)
        idf = np.array(
            [rarity.get(piece, rarest) for piece in _pieces(text, encoder)[: len(asked.words)]]
        )
        for row in each.rows.tolist():
            if row not in stored:
                more = {CLS: first[row : row + 1], POOLED: pool.stored.pooled[row : row + 1]}
                stored[row] = _text(pool.stored.of(row), words[row], more, head, BITS)
        meetings = [
            Met(asked.tokens @ stored[row].tokens.T, asked, stored[row], idf)
            for row in each.rows.tolist()
        ]
        for name, way in WAYS.items():
            late = np.array([way(met) for met in meetings], np.float32)
            made[name].append(replace(each, late=late))
    return made


def _text(
    tokens: Floats,
    words: Sequence[str],
    more: Mapping[str, Floats],
    head: Floats,
    bits: int | None,
) -> Text:
    def through(vectors: Floats) -> Floats:
        mapped = project(vectors, head)
        return mapped if bits is None else rounded(mapped, bits) / np.float32(KEPT)

    extra = {name: through(vector) for name, vector in more.items()}
    return Text(through(tokens), tuple(words[: len(tokens)]), extra)


def _others(text: Text, words: Collection[str]) -> npt.NDArray[np.int64]:
    kept = [at for at, word in enumerate(text.words) if word not in words]
    return np.array(kept or range(len(text.words)), np.int64)


def _pieces(text: str, encoder: OnnxEncoder) -> list[str]:
    return [text[start:end].lower() for start, end in encoder.word_pieces(text)]


def _words(text: str, encoder: OnnxEncoder) -> list[str]:
    """What each word piece of a text is: a whole word or mark in lower case, or "" for a part."""
    spans = encoder.word_pieces(text)
    befores = [0, *(end for _, end in spans)]
    afters = [*(start for start, _ in spans[1:]), len(text) + 1]
    return [
        ""
        if (before == start and _within(text, start)) or (end == after and _within(text, end))
        else text[start:end].lower()
        for (start, end), before, after in zip(spans, befores, afters, strict=False)
    ]


def _within(text: str, at: int) -> bool:
    """Whether a word goes on at that place."""
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()


def _idf(passages: Sequence[Sequence[str]]) -> dict[str, float]:
    total = len(passages)
    count = Counter(piece for pieces in passages for piece in set(pieces))
    return {piece: float(np.log(1 + (total - n + 0.5) / (n + 0.5))) for piece, n in count.items()}


def _first_tokens(texts: Sequence[str], encoder: OnnxEncoder, cache: Path) -> Floats:
    """The vectors of the token that the model puts before each text, float32 (n, dim)."""
    path = cache / f"{digest('first tokens', encoder.sha256, *texts)}.safetensors"
    if not path.is_file():
        start, end = encoder.tokenizer.encode("").ids
        rows = []
        for text in texts:
            ids = encoder.tokenizer.encode(text, add_special_tokens=False).ids
            read = np.array([start, *ids[: encoder.window - 2], end], np.int64)
            rows.append(encoder.session.run(["tokens"], {"input_ids": read})[0][0])
        write(path, {"first": np.array(rows, np.float32)})
    first: Floats = load_file(path)["first"]
    return first
