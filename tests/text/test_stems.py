from rag.text.stems import matched, stems, stems_of_each


def test_words_are_lower_cased_stemmed_and_free_of_stop_words() -> None:
    assert stems("The procedures collect T cells") == ["procedur", "collect", "t", "cell"]


def test_a_text_without_words_has_no_stems() -> None:
    assert stems(" …—?! ") == []
    assert stems("") == []


def test_figures_are_words() -> None:
    assert stems("85 % at 4 weeks") == ["85", "4", "week"]


def test_single_letters_are_words() -> None:
    assert stems("a vitamin D") == ["vitamin", "d"]


def test_matched_words_are_the_questions_as_written_once_each() -> None:
    assert matched("Cells, cells and procedures", "the cell's procedure") == ("cells", "procedures")
    assert matched("the of", "the of") == ()


def test_many_texts_are_stemmed_as_each_alone() -> None:
    texts = ["Which procedures collect the T cells?", "", "the cells’ cells", "ﬁnding"]
    assert stems_of_each(texts) == [stems(text) for text in texts]
    assert stems_of_each([]) == []


def test_a_number_and_its_unit_are_found_together_and_apart() -> None:
    assert stems("64GB") == ["64gb", "64", "gb"]
    assert matched("64 GB of memory", "a 64GB card") == ("64", "gb")
    assert matched("64GB", "64 GB") == ("64gb",)
    assert stems("B12 1,024") == ["b12", "1024"]


def test_chinese_words_are_found_by_their_characters_too() -> None:
    assert stems("东京") == ["东京", "东", "京"]
    assert matched("东京", "东京都") == ("东京",)


def test_korean_words_are_found_by_each_two_syllables() -> None:
    assert stems("창고 영업시간은") == ["창고", "영업", "업시", "시간", "간은"]
    assert matched("영업시간", "영업시간은 아홉 시부터") == ("영업시간",)
