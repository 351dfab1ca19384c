import math
import random

import bm25s
import numpy as np

from rag.index.bm25 import K1, MAX_TERMS, METHOD, B, index_texts
from rag.text.stems import stems


def test_bm25_equals_the_formula_worked_out_by_hand() -> None:
    index = index_texts(["apple apple pear", "pear", "plum"])
    # idf = ln(1 + (N - df + .5) / (df + .5)); tf part = tf / (tf + k1 * (1 - b + b * len / mean))
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    tf = 2 / (2 + 1.5 * (1 - 0.75 + 0.75 * 3 / (5 / 3)))
    assert index.scores(["appl"]).tolist() == [np.float32(idf * tf), 0.0, 0.0]


def test_scores_of_several_terms_add_up() -> None:
    index = index_texts(["apple pear", "pear", "plum"])
    both, one, other = (index.scores(stems(q)) for q in ("apple pear", "apple", "pear"))
    np.testing.assert_allclose(both, one + other, rtol=1e-6)


def test_a_repeated_query_term_counts_once() -> None:
    index = index_texts(["apple pear", "pear"])
    assert (index.scores(["pear", "pear"]) == index.scores(["pear"])).all()


def test_unknown_words_and_no_words_score_zero() -> None:
    index = index_texts(["apple", "pear"])
    assert index.scores(["banana"]).tolist() == [0.0, 0.0]
    assert index.scores([]).tolist() == [0.0, 0.0]


def test_texts_of_stop_words_alone_can_be_indexed() -> None:
    index = index_texts(["the", "of", ""])
    assert index.terms == ()
    assert index.scores(["the"]).tolist() == [0.0, 0.0, 0.0]


def test_terms_are_sorted_whatever_the_order_of_texts() -> None:
    assert index_texts(["pear apple", "zebra"]).terms == ("appl", "pear", "zebra")


def test_beyond_the_limit_only_the_rarest_terms_count() -> None:
    rare = [f"w{n}" for n in range(MAX_TERMS)]
    index = index_texts([" ".join(["common", *rare]), "common", "common"])
    assert index.scores(["common"])[1] > 0
    assert index.scores(["common", *rare])[1] == 0


def test_scores_are_those_of_bm25s_to_the_bit() -> None:
    dice, words = random.Random(3), [f"w{n}" for n in range(30)]
    index = index_texts([" ".join(dice.choices(words, k=20)) for _ in range(50)])
    ranker = bm25s.BM25(k1=K1, b=B, method=METHOD)
    ranker.nonoccurrence_array = None
    arrays = {"data": index.impacts, "indices": index.passages, "indptr": index.starts}
    ranker.scores = {**arrays, "num_docs": index.count}
    for size in (1, 5, 30):
        query = dice.sample(range(len(index.terms)), k=size)
        found = index.scores([index.terms[column] for column in query])
        assert found.tolist() == ranker.get_scores_from_ids(sorted(query)).tolist()
