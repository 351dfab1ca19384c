"""Pools with other passages or contexts, by an encoder that can be worked out."""

from pathlib import Path

import numpy as np
from paper import PaperEncoder, corpus
from tiny_beir import Row, write_collection

from eval.signals import Pool, read_faq_pool, read_pool
from eval.variants import (
    NarrowEncoder,
    mixed,
    own_starts,
    with_every_heading,
    with_title,
    without_context,
    without_context_tokens,
)
from rag.build import passage_pieces, silent
from rag.headings import NONE

ENCODER = PaperEncoder()
LONG: list[Row] = [
    ("Zoo", "p0", "Apes act all day. Bears bite bees. Cats catch crabs. Dogs dig.", "dogs", "Dogs"),
    ("Zoo", "p1", "Eels eat.", "eels", "Eels"),
]
FAQ = "# Fruit\n\n## FAQ\n\nQ: What is red?\nA: Apples.\n"


def pool_in(folder: Path, encoder: PaperEncoder | NarrowEncoder = ENCODER) -> Pool:
    folder.mkdir(exist_ok=True)
    tiny = write_collection(folder / "tiny", rows=LONG)
    return read_pool(tiny, encoder, folder / "cache", silent)


def test_a_narrow_encoder_makes_shorter_passages_of_the_same_vectors(tmp_path: Path) -> None:
    narrow = NarrowEncoder(ENCODER, 10)
    assert passage_pieces(narrow) == 10
    pool = pool_in(tmp_path, narrow)
    assert [passage.text for passage in pool.passages] == [
        "Apes act all day. Bears bite bees.",
        "Cats catch crabs. Dogs dig.",
        "Eels eat.",
    ]
    asked = narrow.encode_queries(["dogs", "eels"]).pooled
    assert np.array_equal(pool.asked.pooled, asked)


def test_without_context_the_text_alone_is_read(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    bare = without_context(pool, ENCODER, tmp_path / "cache", silent)
    assert {passage.context for passage in bare.passages} == {""}
    # Zoo, eels, eat and a stop against eels, eat and a stop
    assert [len(each.stored.of(1)) for each in (pool, bare)] == [4, 3]
    assert ("zoo" in pool.lexical.terms, "zoo" in bare.lexical.terms) == (True, False)


def test_a_title_is_what_stands_before_the_headings(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "pages", fruit=FAQ)
    pool = read_faq_pool(folder, ENCODER, tmp_path / "cache", silent)
    titled = with_title(pool, ENCODER, tmp_path / "cache", silent)
    assert [each.passages[0].context for each in (pool, titled)] == ["Fruit > FAQ", "Fruit"]


def test_a_signal_alone_may_see_another_pool(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    bare = without_context(pool, ENCODER, tmp_path / "cache", silent)
    dense, bm25, late = (mixed(pool, bare, [name]) for name in ("dense", "bm25", "late"))
    assert [each.stored.pooled is bare.stored.pooled for each in (dense, bm25, late)] == [1, 0, 0]
    assert [each.lexical is bare.lexical for each in (dense, bm25, late)] == [0, 1, 0]
    assert [each.stored.tokens is bare.stored.tokens for each in (dense, bm25, late)] == [0, 0, 1]
    assert late.stored.starts is bare.stored.starts
    assert len({pool.name, dense.name, bm25.name, late.name}) == 4


def test_a_passages_own_tokens_come_after_its_contexts(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    assert own_starts(pool, ENCODER) == [1, pool.stored.starts[1] + 1]
    own = without_context_tokens(pool, ENCODER)
    assert np.array_equal(own.stored.of(1), pool.stored.of(1)[1:])
    assert np.array_equal(own.stored.of(0), pool.stored.of(0)[1:])
    assert np.array_equal(own.stored.pooled, pool.stored.pooled)


def test_every_heading_may_be_a_signal(tmp_path: Path) -> None:
    pool = pool_in(tmp_path)
    assert pool.headings.rows.tolist() == [NONE, NONE]
    every = with_every_heading(pool, ENCODER, tmp_path / "cache", silent)
    assert every.headings.rows.tolist() == [0, 0]
    assert np.array_equal(every.headings.vectors, ENCODER.encode_queries(["Zoo"]).pooled)
    assert every.name != pool.name
