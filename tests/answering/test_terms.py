"""Which terms of a question are specific, and which texts hold them."""

import pytest

from rag.answering.terms import missing_terms, specific_terms
from support.memory import kept_blocks


def found(question: str) -> list[str]:
    return [term.text for term in specific_terms(question)]


def missing(question: str, text: str) -> list[str]:
    return [term.text for term in missing_terms(specific_terms(question), text)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where is valve QV-12/b kept?", ["valve QV-12/b"]),
        ("what does release 3.14.1 bring", ["release 3.14.1"]),
        ("Where does Mona Reyes of Lund sit?", ["Mona Reyes", "Lund"]),
        ("Is it safe? Maybe. Ask NATO.", ["NATO"]),
        ("Does Vitamin D in 2021 help", ["Vitamin D", "2021"]),
        ("Which tariff is it", []),
        ("I ask what I may ask", []),
        ("WHAT DOES THE LAMP COST", []),
        ("Ist die Gebühr für Kabel 7 hoch?", ["Gebühr", "Kabel", "Kabel 7"]),
        ("", []),
    ],
)
def test_terms_are_numbers_identifiers_and_names(question: str, expected: list[str]) -> None:
    assert found(question) == expected


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("is QV-12-B red", "Valve qv 12 b is red."),
        ("how heavy is H2O", "Water (H 2 O) is heavy."),
        ("the U.S. budget", "The budget of the US"),
        ("the EU budget", "The budget of the European Union"),
        ("do Nepalese schools teach", "Schools in Nepal teach."),
        ("which schools of Nepal", "Nepalese schools"),
        ("price of room 13", "Rooms 12 and 13 cost 9 euros."),
        ("price of room 13", "| R013 | Room 13 | 39 euros |"),
        ("within 30 days", "You have 30 days."),
        ("costs 1000 euros", "costs 1,000 euros"),
    ],
)
def test_a_term_is_held_in_another_form(question: str, text: str) -> None:
    assert missing(question, text) == []


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("is QV-12-B red", "Valve QV-12-A is red.", ["QV-12-B"]),
        ("error E-100", "Error E-1000 means smoke.", ["error E-100"]),
        ("version 2.4.1", "Version 2.4.0 and version 2.4.2", ["version 2.4.1"]),
        ("did Ann Cole sign", "Ann Berg and Bob Smith signed.", ["Ann Cole"]),
        ("price of room 51", "| R017 | Room 17 | 51 euros |", ["room 51"]),
        ("price of room 48", "- Room 16: 48 euros", ["room 48"]),
        ("the budget of Austria", "The budget of Australia", ["Austria"]),
        ("price of plan E", "Plan D costs 39 euros.", ["E"]),
    ],
)
def test_a_neighbour_does_not_hold_it(question: str, text: str, expected: list[str]) -> None:
    assert missing(question, text) == expected


def test_a_long_question_is_looked_up_by_its_first_terms() -> None:
    assert len(specific_terms(" ".join(map(str, range(1000))))) == 16


def test_nothing_is_kept_of_a_term_that_was_looked_up() -> None:
    def look_up(number: int) -> None:
        missing(
            f"the load of beam KX-{number} in hall Q{number}", "Beam KX 0 of hall Q7 carries 9."
        )

    assert kept_blocks(look_up, 100) < 0.1


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("ask A1A1", "A1A1A1 A1A1", []),
        ("ask A1A1", "A1A1A1", ["ask A1A1"]),
        ("ask KX-12", "kx 1 2", []),
        ("ask KX-12", "kx 1 23", ["ask KX-12"]),
        ("price of room 13", "room large sunny 13", []),
        ("price of room 13", "room large sunny warm 13", ["room 13"]),
        ("price of room 13", "roomy and cold 13, mushroom 13", []),
        ("price of room 13", "mushroom 13", []),
        ("price of room 13", "mushroom 13, room 12", ["room 13"]),
    ],
)
def test_a_term_begins_and_ends_where_words_do(
    question: str, text: str, expected: list[str]
) -> None:
    assert missing(question, text) == expected


def test_a_term_within_a_longer_one_is_looked_for_further_on() -> None:
    text = "Rule 300, rule 130 and rule 30a are here."
    assert missing("what is rule 30", text) == ["rule 30"]
    assert missing("what is rule 30", f"{text} So is rule 30.") == []


def test_a_stop_word_parts_two_names() -> None:
    assert found("was Goethe the Great there") == ["Goethe", "Great"]
