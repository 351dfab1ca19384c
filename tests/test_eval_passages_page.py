"""The part of the page on passages says what the figures say."""

from typing import Any

from eval.passages_page import (
    best_kin,
    by_length,
    cap_table,
    caps,
    kin_table,
    length_table,
    repeats,
)


def caps_of(hit: float) -> dict[str, Any]:
    rows = {
        cap: {"hit": hit, "kin": kin, "answer": 0.25} for cap, kin in (("no cap", 2.0), ("1", 4.0))
    }
    return {"a": rows, "squad2": rows}


def length(value: float) -> dict[str, Any]:
    row = {"a": value, "squad2": value}
    return {
        "passages": {"a": 4, "squad2": 60, "squad2-articles": 20},
        "words": {"a": 10, "squad2": 20, "squad2-articles": 30},
        "rows": {"dense alone": {"a": 0.25, "squad2": 0.75}, "as served": row},
        "first": {"squad2": {"holds": 0.9, "words": 81.5}},
        "kin": {
            "as served": row,
            "0.1 of the best other of its document": {"a": 0.1, "squad2": 0.1},
            "0.1 of the mean other of its document": {"a": 0.2, "squad2": 0.2},
            "0.4 of the mean other of its title": {"a": 0.3, "squad2": 0.4},
        },
        "caps": {"document": caps_of(value), "title": caps_of(value / 2)},
    }


PASSAGES = {"served_pieces": "254", "lengths": {"64": length(0.5), "254": length(1.0)}}


def test_lengths_are_compared_with_the_one_that_is_served() -> None:
    assert by_length(PASSAGES) == {
        "64 word pieces": {"a": 0.5, "squad2": 0.5},
        "as served": {"a": 1.0, "squad2": 1.0},
    }


def test_articles_alone_are_not_counted_twice() -> None:
    *_, short, whole = length_table(PASSAGES).splitlines()
    assert short == "| 64 | 64 | 20 | .500 | .500 | .900 | 82 |"
    assert whole == "| 254 | 64 | 20 | .500 | 1.000 | .900 | 82 |"


def test_of_each_kin_the_best_row_is_told() -> None:
    assert list(best_kin(PASSAGES)) == [
        "as served",
        "0.1 of the mean other of its document",
        "0.4 of the mean other of its title",
    ]


def test_kin_are_told_by_length() -> None:
    header, _, served, *_ = kin_table(PASSAGES).splitlines()
    assert header == "| word pieces | 64 | 254 |"
    assert served == "| as served | .500 | 1.000 |"


def test_caps_are_told_for_articles_and_documents() -> None:
    *_, free, one = cap_table(PASSAGES).splitlines()
    assert free == "| no cap | .500 | 2.00 | 1.000 | 2.00 | .500 | 2.00 | .250 |"
    assert one == "| 1 | .500 | 4.00 | 1.000 | 4.00 | .500 | 4.00 | .250 |"
    assert caps(PASSAGES) == {"no cap": {"squad2": 0.5}, "1 of one article": {"squad2": 0.5}}


def test_repeats_are_told_in_words_and_by_task() -> None:
    shown = {"questions": 0.5, "sections": 4, "sections_once": 4.5, "ndcg": 0.7, "ndcg_once": 0.6}
    counts = {"documents": {"passages": 1809, "repeats": 5}}
    text = repeats({"shown": {"a": shown}, "corpora": counts})
    assert "5 of 1,809 passages of documents" in text
    assert text.endswith("| a | .500 | 4.00 | 4.50 | .700 | .600 |")
