import pytest
from bm25s.stopwords import STOPWORDS_EN
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.text.words import STOP_WORDS, words


def test_the_stop_words_are_those_of_the_library_that_ranks() -> None:
    assert frozenset(STOPWORDS_EN) == STOP_WORDS


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Ba\u00adu\u00adge\u00adneh\u00admi\u00adgung", "baugenehmigung"),
        ("pass\u200bword re\u2060set", "password reset"),
        ("İzmir'de ISI ılık", "izmir de isi ilik"),
        ("Crème brûlée, Ærø, Straße", "creme brulee, ærø, STRASSE"),
        ("Łódź Đà Nẵng Ørsted", "lodz da nang orsted"),
        ("cre\u0300me", "crème"),
        ("ёлка мои\u0306", "елка мой"),
        ("ﬁnding Ｃｅｌｌ", "finding cell"),
        ("مَكْتَبَةٌ", "مكتبة"),
        ("كـتـاب إسلام", "كتاب اسلام"),
        ("می\u200cروند", "میروند"),
        ("סֵפֶר", "ספר"),
        ("ﾊﾞｽ", "バス"),
        ("12,500 1’000 2.400.000 7\u202f300", "12500 1000 2400000 7300"),
        ("1,299.95", "1299 95"),
    ],
)
def test_two_ways_of_writing_a_word_are_one(written: str, typed: str) -> None:
    assert words(written) == words(typed)
    assert words(written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("बाल", "बोल"),
        ("はば", "はは"),
        ("น้า", "นา"),
        ("й", "и"),
        ("1.5", "15"),
        ("0.125", "125"),
        ("1,25", "125"),
        ("10.100.200.7", "10100200 7"),
        ("192.168.100.200", "192168100200"),
    ],
)
def test_words_that_differ_stay_apart(one: str, other: str) -> None:
    assert words(one) != words(other)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("電池交換の方法", ["電池", "交換", "の", "方法"]),
        ("東京都と京都", ["東京", "都", "と", "京都"]),
        ("ปิดประตูก่อนออก", ["ปิด", "ประตู", "ก่อน", "ออก"]),
        ("น้ำร้อน", ["น้ำ", "ร้อน"]),
        ("ខ្ញុំ\u200bដឹង", ["ខ្ញុំ", "ដឹង"]),
        ("USBケーブルを2本", ["usb", "ケーブル", "を", "2", "本"]),
    ],
)
def test_scripts_without_blanks_are_divided_by_dictionary(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the cost of Plan A", ["cost", "plan", "a"]),
        ("cost of plan a?", ["cost", "plan", "a"]),
        ("is plan a or plan b cheaper", ["plan", "a", "plan", "b", "cheaper"]),
        ("Terminal A opens", ["terminal", "a", "opens"]),
        ("GATE A", ["gate", "a"]),
        ("Use **A** or “A”", ["use", "a", "a"]),
        ("Hepatitis-A, A/B tests", ["hepatitis", "a", "a", "b", "tests"]),
        ("Ask the IT desk", ["ask", "it", "desk"]),
    ],
)
def test_a_stop_word_that_names_something_is_a_word(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "There is a\nplan",
        "A plan",
        "It is. A plan",
        "THIS IS A PLAN",
        "Is it a “plan”",
        "a-plan",
        "Is it?\nA: a plan",
    ],
)
def test_an_article_is_no_word(text: str) -> None:
    assert words(text) == ["plan"] * ("plan" in text.lower())


def test_contractions_and_possessives_leave_no_letter_behind() -> None:
    assert words("the Patient's lupus doesn’t") == ["patient", "lupus", "doesn"]


def test_identifiers_are_split_at_underscores() -> None:
    assert words("max_seq_length") == ["max", "seq", "length"]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(
    st.text(
        alphabet=st.one_of(st.sampled_from("aAİ \u0301\u00ad\u200b漢กक्1,.-'\n"), st.characters())
    )
)
def test_words_are_folded_and_blank_space_parts_them(text: str) -> None:
    for word in words(text):
        assert word == word.casefold()
        assert not word.isspace()
        assert not set("_ \u00ad\u200b") & set(word)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit", ["a", "A ", "IT ", "漢", "ก", "1,000", "1,", "\u0301", "x\u0301", "\u200b", "'s", "\n"]
)
def test_time_is_linear_in_the_length(unit: str) -> None:
    words(unit * (200_000 // len(unit)))


@settings(derandomize=True, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "A",
                "The",
                "IT",
                "it's",
                "plan",
                "x",
                "1,000",
                "_",
                "-",
                "/",
                ".",
                '"',
                "\n",
                " ",
            ]
        )
    ).map(" ".join)
)
def test_a_text_in_ascii_has_the_words_that_it_has_beside_others(text: str) -> None:
    # So far away that it says nothing about them.
    beside = f"{text}\n\n{' ' * 50}ж"
    assert [*words(text), "ж"] == words(beside)
