"""What BM25 would say with a longer list of stop words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from bm25s.stopwords import STOPWORDS_EN_PLUS

from eval.signals import Pool, Signals
from rag.lexical import index_texts
from rag.words import WORD, stems

LONG = frozenset(STOPWORDS_EN_PLUS)


def without(text: str, words: Collection[str]) -> str:
    """The text with those words, whatever their case, left out."""
    return WORD.sub(lambda word: "" if word[0].lower() in words else word[0], text)


def with_stop_words(
    pool: Pool, found: Sequence[Signals], words: Collection[str] = LONG
) -> list[Signals]:
    """The same candidates, BM25 knowing nothing of those words."""
    texts = [f"{passage.context}\n{passage.text}" for passage in pool.passages]
    index = index_texts([without(text, words) for text in texts])
    return [
        replace(each, bm25=index.scores(stems(without(pool.queries[each.query], words)))[each.rows])
        for each in found
    ]
