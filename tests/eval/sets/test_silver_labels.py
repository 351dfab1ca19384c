"""The silver rule: what it labels, when it doubts, and how it is scored."""

from dataclasses import astuple

import pytest

from eval.sets.faq import read_table
from eval.sets.silver_labels import agreement, silver
from eval.sets.source import read_source
from support.places import ROOT

SECTIONS = {
    "a": "Leukapheresis collects the cells. It takes hours.",
    "b": "Corticosteroids reduce inflammation. They protect joints.",
    "c": "Hospitals open on Mondays.",
}
SHARED = ROOT.parent / "shared"


def test_the_section_that_holds_the_answer_is_labelled_and_certain() -> None:
    label = silver({"q": "The cells are collected by leukapheresis."}, SECTIONS)["q"]
    assert dict(label.grades) == {"a": 2}
    assert (label.support, label.margin) == (1.0, 1.0)
    assert label.certain
    assert label.confidence == 1.0


def test_an_answer_that_nothing_supports_is_not_counted() -> None:
    label = silver({"q": "Zebras graze."}, SECTIONS)["q"]
    assert (dict(label.grades), label.support, label.certain) == ({}, 0.0, False)
    assert label.confidence == 0.0


def test_an_answer_without_words_is_not_counted() -> None:
    assert not silver({"q": "It is."}, SECTIONS)["q"].certain


def test_two_sections_that_support_alike_leave_a_doubt() -> None:
    label = silver({"q": "Reduce inflammation"}, SECTIONS | {"d": "Reduce all inflammation."})["q"]
    assert dict(label.grades) == {"b": 2, "d": 2}
    assert (label.margin, label.certain) == (0.0, False)


def test_a_long_section_gains_nothing_by_its_length() -> None:
    """Its words lie apart; the short one holds two together."""
    long = "Red. Filler one. Filler two. Filler three. Blue. Filler four. Filler five. Green."
    label = silver({"q": "Red blue green."}, {"long": long, "short": "Red and blue."})["q"]
    assert [name for name, grade in label.grades.items() if grade == 2] == ["short"]


def test_rare_words_weigh_more() -> None:
    """idf is ln(1 + 3/2) for "rare", in one section, and ln(1 + 3/3) for "common", in two."""
    sections = {"a": "Common thing.", "b": "Rare thing.", "c": "Common matter."}
    label = silver({"q": "Rare, common."}, sections)["q"]
    assert label.support == pytest.approx(0.9163 / (0.9163 + 0.6931), abs=1e-4)
    assert dict(label.grades) == {"b": 2}


def test_silver_is_scored_against_the_hand() -> None:
    hand = {"q1": {"a": 2, "b": 1}, "q2": {"a": 0, "c": 2}, "q3": {"a": 1}}
    labelled = {"q1": {"a": 2}, "q2": {"a": 2, "c": 1}}
    found = agreement(hand, labelled, ["a", "b", "c"])
    kappa = (4 / 6 - 1 / 2) / (1 - 1 / 2)
    assert astuple(found) == pytest.approx((2 / 3, 2 / 3, kappa, 0.5, 2, 6))


def test_without_labels_there_is_nothing_to_divide_by() -> None:
    found = agreement({"q": {"a": 2}}, {}, ["a"])
    assert (found.precision, found.recall, found.kappa, found.queries) == (None, None, None, 0)


def test_answers_of_another_subject_get_no_label() -> None:
    """67 answers on COVID-19 against a text on lupus: at most one in twenty is taken in."""
    table = SHARED / "data" / "documents" / "faq-csv" / "covidfaq.csv"
    if not table.is_file():
        pytest.skip(f"{table.name} is not there")
    source = read_source([ROOT / "corpus"])
    labels = silver({pair.id: pair.answer for pair in read_table(table)}, source.body)
    assert sum(label.certain for label in labels.values()) <= len(labels) / 20
