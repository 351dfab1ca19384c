from bm25s.stopwords import STOPWORDS_EN

from rag.text.stems import STOP_WORDS, matched, stems, stems_of_each


def test_the_stop_words_are_those_of_the_library_that_ranks() -> None:
    assert frozenset(STOPWORDS_EN) == STOP_WORDS


def test_words_are_lower_cased_stemmed_and_free_of_stop_words() -> None:
    assert stems("The procedures collect T cells") == ["procedur", "collect", "t", "cell"]


def test_identifiers_are_split_at_underscores() -> None:
    assert stems("max_seq_length") == ["max", "seq", "length"]


def test_compatibility_forms_are_the_same_word() -> None:
    assert stems("ﬁnding") == stems("finding")


def test_full_width_letters_are_the_same_word() -> None:
    assert stems("Ｃｅｌｌ") == ["cell"]


def test_a_text_without_words_has_no_stems() -> None:
    assert stems(" …—?! ") == []
    assert stems("") == []


def test_figures_are_words() -> None:
    assert stems("85 % at 4 weeks") == ["85", "4", "week"]


def test_contractions_and_possessives_leave_no_letter_behind() -> None:
    assert stems("the patient's lupus doesn’t") == ["patient", "lupus", "doesn"]


def test_single_letters_are_words() -> None:
    assert stems("a vitamin D") == ["vitamin", "d"]


def test_matched_words_are_the_questions_as_written_once_each() -> None:
    assert matched("Cells, cells and procedures", "the cell's procedure") == ("cells", "procedures")
    assert matched("the of", "the of") == ()


def test_many_texts_are_stemmed_as_each_alone() -> None:
    texts = ["Which procedures collect the T cells?", "", "the cells’ cells", "ﬁnding"]
    assert stems_of_each(texts) == [stems(text) for text in texts]
    assert stems_of_each([]) == []


def test_a_long_run_of_marks_parts_words_as_a_short_one_does() -> None:
    for count in (1, 29, 30, 31, 60, 61, 200):
        assert stems("one" + "-" * count + "two's") == ["one", "two"]
        assert stems("one" + "\u0323\u0301" * count + "two") == stems("one\u0323\u0301" + " two")
