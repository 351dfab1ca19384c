import math
import random

import bm25s
import numpy as np
import pytest

from rag.index.bm25 import FEW, K1, MAX_TERMS, B, LexicalIndex, languages_of
from rag.index.postings import NEW, extended, index_texts
from rag.text.stems import stems
from rag.text.words import words
from rag.types import Document


def indexed(texts: list[str]) -> LexicalIndex:
    return index_texts(texts, ["en"] * len(texts))


def scores(index: LexicalIndex, query: list[str]) -> np.ndarray:
    """The scores of all passages."""
    return index.scores(index.columns(query), np.arange(index.count))


def test_bm25_equals_the_formula_worked_out_by_hand() -> None:
    index = indexed(["apple apple pear", "pear", "plum"])
    # idf = ln(1 + (N - df + .5) / (df + .5)); tf part = tf / (tf + k1 * (1 - b + b * len / mean))
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    tf = 2 / (2 + 1.5 * (1 - 0.75 + 0.75 * 3 / (5 / 3)))
    assert scores(index, ["appl"]).tolist() == [np.float32(idf * tf), 0.0, 0.0]


def test_scores_of_several_terms_add_up() -> None:
    index = indexed(["apple pear", "pear", "plum"])
    both, one, other = (scores(index, stems(q)) for q in ("apple pear", "apple", "pear"))
    np.testing.assert_allclose(both, one + other, rtol=1e-6)


def test_a_repeated_query_term_counts_once() -> None:
    index = indexed(["apple pear", "pear"])
    assert (scores(index, ["pear", "pear"]) == scores(index, ["pear"])).all()


def test_unknown_words_and_no_words_score_zero() -> None:
    index = indexed(["apple", "pear"])
    assert scores(index, ["banana"]).tolist() == [0.0, 0.0]
    assert scores(index, []).tolist() == [0.0, 0.0]


def test_texts_of_stop_words_alone_can_be_indexed() -> None:
    index = indexed(["the", "of", ""])
    assert index.terms == ()
    assert scores(index, ["the"]).tolist() == [0.0, 0.0, 0.0]


def test_terms_are_sorted_whatever_the_order_of_texts() -> None:
    assert indexed(["pear apple", "zebra"]).terms == ("appl", "pear", "zebra")


def test_beyond_the_limit_only_the_rarest_terms_count() -> None:
    rare = [f"w{n}" for n in range(MAX_TERMS)]
    index = indexed([" ".join(["common", *rare]), "common", "common"])
    assert scores(index, ["common"])[1] > 0
    assert scores(index, ["common", *rare])[1] == 0


def test_scores_are_those_of_bm25s_to_the_bit() -> None:
    dice, words = random.Random(3), [f"w{n}" for n in range(30)]
    index = indexed([" ".join(dice.choices(words, k=20)) for _ in range(50)])
    ranker = bm25s.BM25(k1=K1, b=B, method="lucene")
    ranker.nonoccurrence_array = None
    arrays = {"data": index.impacts, "indices": index.passages, "indptr": index.starts}
    ranker.scores = {**arrays, "num_docs": index.count}
    for size in (1, 5, 30):
        query = dice.sample(range(len(index.terms)), k=size)
        found = scores(index, [index.terms[column] for column in query])
        assert found.tolist() == ranker.get_scores_from_ids(sorted(query)).tolist()


def test_impacts_are_those_of_bm25s_to_the_bit() -> None:
    dice, words = random.Random(5), [f"w{n}" for n in range(40)]
    texts = [
        " ".join(dice.choices(words[: dice.randint(1, 40)], k=dice.randint(0, 30)))
        for _ in range(99)
    ]
    index = indexed(texts)
    column = {term: at for at, term in enumerate(index.terms)}
    theirs = bm25s.BM25(k1=K1, b=B, method="lucene", csc_backend="numpy").build_index_from_ids(
        unique_token_ids=list(column.values()),
        corpus_token_ids=[[column[word] for word in text.split()] for text in texts],
        show_progress=False,
    )
    assert index.impacts.tolist() == theirs["data"].tolist()
    assert index.passages.tolist() == theirs["indices"].tolist()
    assert index.starts.tolist() == theirs["indptr"].tolist()


@pytest.mark.parametrize("block", [1, 7, 25])
def test_an_extended_index_is_that_of_all_texts(block: int) -> None:
    dice, words = random.Random(7), [f"w{n}" for n in range(40)]
    before, after = ([" ".join(dice.choices(words, k=9)) for _ in range(30)] for _ in range(2))
    kept = sorted(dice.sample(range(30), 12))
    rows = [NEW] * 25
    for place, row in zip(sorted(dice.sample(range(25), 12)), kept, strict=True):
        rows[place] = row
    new = iter(after)
    texts = [next(new) if row == NEW else before[row] for row in rows]
    added = [text for text, row in zip(texts, rows, strict=True) if row == NEW]
    found = extended(indexed(before), np.array(rows), added, ["en"] * 25, block)
    whole = indexed(texts)
    assert (found.terms, found.count) == (whole.terms, whole.count)
    for name in ("impacts", "passages", "starts", "counts"):
        assert getattr(found, name).tolist() == getattr(whole, name).tolist()


def by_all(index: LexicalIndex, columns: list[int], k: int, within: np.ndarray) -> list[int]:
    """The best rows by the scores of all."""
    found = index.scores(columns, np.arange(index.count))
    rows = np.flatnonzero((found > 0) & within)
    best: list[int] = rows[np.lexsort((rows, -found[rows]))][:k].tolist()
    return best


def drawn(count: int) -> LexicalIndex:
    """An index of terms in a half, a third and so on of the passages, with impacts at random.

    Many are equal; the rarer the term, the larger they are.
    """
    generator = np.random.default_rng(count)
    held = [np.flatnonzero(generator.random(count) < 1 / part) for part in range(2, 30)]
    impacts = [generator.integers(1, 5, len(rows)) / 7 * at for at, rows in enumerate(held, 1)]
    return LexicalIndex(
        terms=tuple(f"w{at:02d}" for at in range(len(held))),
        impacts=np.concatenate(impacts).astype(np.float32),
        passages=np.concatenate(held).astype(np.int32),
        starts=np.cumsum([0, *map(len, held)]),
        count=count,
    )


@pytest.mark.parametrize("count", [300, 6 * FEW])
def test_the_best_are_those_of_a_search_of_all_passages(count: int) -> None:
    index, generator = drawn(count), np.random.default_rng(2)
    for size in (1, 2, 5, 12, 28):
        columns = index.columns(generator.choice(index.terms, size, replace=False).tolist())
        for within in (np.ones(count, dtype=bool), generator.random(count) < 0.02):
            for k in (1, 50, 1000):
                rows, found = index.best(columns, k, within)
                assert rows.tolist() == by_all(index, columns, k, within)
                assert found.tolist() == index.scores(columns, rows).tolist()
    assert len(index.best([], 5)[0]) == 0


def test_scores_of_some_passages_are_those_among_all_to_the_bit() -> None:
    index, count = drawn(6 * FEW), 6 * FEW
    columns, rows = index.columns(index.terms), np.arange(0, count, 7)
    sums = np.zeros(count, dtype=np.float32)
    for column in sorted(columns):
        postings = slice(index.starts[column], index.starts[column + 1])
        sums[index.passages[postings]] += index.impacts[postings]
    assert index.scores(columns, rows).tolist() == sums[rows].tolist()


def test_words_are_stemmed_by_the_language_of_their_text() -> None:
    index = index_texts(["Häuser running", "houses running", "houses running"], ["de", "en", "cs"])
    assert index.stemmings == ("cs", "de", "en")
    assert index.frequency("haus") == index.frequency("hous") == index.frequency("run") == 1


def test_a_question_finds_words_in_each_language_of_the_index() -> None:
    index = index_texts(["die Häuser am See", "the houses by the lake"], ["de", "en"])
    assert [
        scores(index, index.stems_of(words(asked))).argmax() for asked in ("Haus", "house")
    ] == [0, 1]


def test_words_of_a_language_without_stemmer_stay() -> None:
    index = index_texts(["kucing kucing", "running"], ["xx", "xx"])
    assert (index.stemmings, index.terms) == (("",), ("kucing", "running"))
    assert index.stems_of(["running"]) == ["running"]


def document(id: str, language: str | None) -> Document:
    return Document(id, id, id, "text/plain", "", "", "", language=language)


def test_an_unknown_language_is_that_of_most_documents() -> None:
    told = [document("a", "fr"), document("b", None), document("c", "de"), document("d", "fr")]
    assert languages_of(told) == {"a": "fr", "b": "fr", "c": "de", "d": "fr"}
    assert languages_of([document("a", None)]) == {"a": "en"}
