from rag.text.stems import stems, stems_of_each
from rag.text.words import words


def test_words_are_lower_cased_stemmed_and_free_of_stop_words() -> None:
    assert stems(words("The procedures collect T cells")) == ["procedur", "collect", "t", "cell"]


def test_a_text_without_words_has_no_stems() -> None:
    assert stems(words(" …—?! ")) == []
    assert stems(words("")) == []


def test_figures_are_words() -> None:
    assert stems(words("85 % at 4 weeks")) == ["85", "4", "week"]


def test_single_letters_are_words() -> None:
    assert stems(words("a vitamin D")) == ["vitamin", "d"]


def test_many_texts_are_stemmed_as_each_alone() -> None:
    texts = ["Which procedures collect the T cells?", "", "the cells’ cells", "ﬁnding"]
    assert stems_of_each(texts) == [stems(words(text)) for text in texts]
    assert stems_of_each([]) == []


def test_a_number_and_its_unit_are_found_together_and_apart() -> None:
    assert stems(words("64GB")) == ["64gb", "64", "gb"]
    assert stems(words("B12 1,024")) == ["b12", "1024"]


def test_chinese_words_are_found_by_their_characters_too() -> None:
    assert stems(words("东京")) == ["东京", "东", "京"]


def test_korean_words_are_found_by_each_two_syllables() -> None:
    assert stems(words("창고 영업시간은")) == ["창고", "영업", "업시", "시간", "간은"]
