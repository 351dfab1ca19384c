import pytest

from eval.words import content, sentences, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The Plan_B, 2 TB", ["the", "plan", "b", "2", "tb"]),
        ("e\u0301te\u0301", ["été"]),
        ("नीला रंग", ["नीला", "रंग"]),
        ("密封圈", ["密", "封", "圈"]),
        ("ที่พัก", ["ที่", "พั", "ก"]),
    ],
)
def test_a_word_keeps_its_marks_and_scripts_without_blanks_count_letters(
    text: str, found: list[str]
) -> None:
    assert words(text) == found


def test_content_has_no_function_words_and_six_letters_of_each() -> None:
    assert content("The treatment was treated") == {"treatm", "treate"}


def test_sentences_end_at_the_stops_of_other_scripts_too() -> None:
    assert sentences("It ends. Here? Yes") == ["It ends.", "Here?", "Yes"]
    assert sentences("滤芯要换。水洗！好") == ["滤芯要换。", "水洗！", "好"]
    assert sentences("पानी बंद करें। हाँ।") == ["पानी बंद करें।", "हाँ।"]
