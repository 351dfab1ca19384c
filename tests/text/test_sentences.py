from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.text.sentences import sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. Smith met J. A. Rowling.",
        "We saw it at 5 p.m. in the U.S. Senate.",
        "Use e.g. Python or i.e. Perl.",
        "See Fig. 3 and Smith et al. (2020) on p. 7.",
        "It cost 3.5 million vs. No. 5 at v1.2.3.",
        "Acme Inc. agreed, cf. Sec. 4.",
        "He said “Stop.” and left.",
        "Wait... what?",
        "“It works.” – A. Name, Doctor",
        "1. Open the lid.",
        "It goes on\nin the next line.",
        ". . . and so on.",
    ],
)
def test_a_sentence_is_not_cut(sentence: str) -> None:
    assert split(sentence) == [sentence]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("It ends.", "It goes on."),
        ("It ends .", "It goes on."),
        ("Really?!", "Yes."),
        ("He said “Stop.”", "She did."),
        ("(It ends.)", "Next."),
        ("**Bold.**", "Next."),
        ("Shown before.[12]", "Next."),
        ("He has cats, dogs etc.", "They bark."),
        ("It began in the U.S.", "The rest followed."),
        ("It holds vitamin C.", "The end."),
        ("No.", "It is not."),
        ("It was 1999.", "Then it ended."),
        ("The last is 7.", "The first is 1."),
        ("Sold by Acme Inc.", "The firm grew."),
        ("Here it ends…", "There it begins."),
        ("We met on May 3.", "October came."),
        ("It is a gem.", "Stones shine."),
        ("He ran for 5 min.", "Then he slept."),
        ("Plan a.", "Plan b follows."),
        ("He met his ex.", "They talked."),
        ("They teach modern art.", "Museums love it."),
    ],
)
def test_a_sentence_ends_where_the_next_begins(first: str, second: str) -> None:
    assert split(f"{first} {second}") == [first, second]


@pytest.mark.parametrize(
    "sentence",
    [
        "Das Fest beginnt am 12. September um 18 Uhr.",
        "Vom 3. bis 5. Mai ist der 2. Stock gesperrt.",
        "Der Vertrag gilt lt. Abs. 3 Nr. 7 bzw. gem. § 9 der Satzung.",
        "Bring z. B. Stiefel, u. a. Handschuhe o. Ä. Dinge mit.",
        "Ca. 20 Personen, inkl. Kinder, zahlen max. 5 Mio. Euro.",
        "Herr Prof. Dr. Adler wohnt in der Ringstr. 4.",
        "El Sr. Ruiz vive en la calle Mayor, núm. 5.",
        "Herr und Hr. Müller kommen.",
        "La Sra. Ruiz viene.",
        "См. рис. 5 и стр. 7.",
        "Die Fa. Huber liefert, sagt Sig. Rossi.",
        "Prenez p. ex. Lyon.",
        "Vea p. ej. Toledo, dice Ud. Ruiz.",
        "Prix au 1er janv. 2026 pour Mme. Blanc.",
        "Der 1. FC spielt, siehe S. 12 und Art. 5.",
        "डॉ. वर्मा ने 3.5 लीटर तेल माँगा।",
        "دفعت ٣٫٥ دينار.",
        "「はい。」と答えた。",
        "長さは３．５メートルです。",
        "１．電源を切る。",
    ],
)
def test_a_sentence_of_another_language_is_not_cut(sentence: str) -> None:
    assert split(sentence) == [sentence]


@pytest.mark.parametrize(
    "parts",
    [
        [
            "Es sind 3. ",
            "Das reicht. ",
            "Wir kommen am 4. ",
            "Bitte öffnen. ",
            "Es war 1999. ",
            "Ja.",
        ],
        ["Τι είναι; ", "Νερό; ", "Ναι."],
        ["ეს წიგნია. ", "ის ლურჯია."],
        ["It took 5 hr. ", "The rest took less."],
        ["Er rief: „Halt.“ ", "Dann ging er. ", "»Gut.« ", "Sie blieb."],
        ["Wir liefern Obst usw. ", "Die Preise gelten. ", "Sie kosten 3 Mio. ", "Der Rest folgt."],
        ["पानी बंद करें। ", "क्या यह ठीक है? ", "हाँ॥ ", "धन्यवाद।", "फिर मिलेंगे।"],
        ["متى يبدأ الدرس؟ ", "يبدأ في الثامنة. ", "هل هو مجاني؟ ", "نعم."],
        ["دکان نو بجے کھلتی ہے۔ ", "کیا جمعہ کو بند ہے؟ ", "جی ہاں۔"],
        ["滤芯每月更换一次。", "可以水洗吗？", "不可以！", "请买新的．", "谢谢。"],
        ["「行くの？」", "「うん。」", "雨が降る。", "傘は要る！"],
        ["ሰላም። ", "ደህና ነህ፧ ", "አዎ።"],
        ["នេះជាផ្ទះ។ ", "អរគុណ។"],
        ["Բարեւ։ ", "Ինչպե՞ս եք։"],
    ],
)
def test_sentences_of_another_language_end_at_their_stops(parts: list[str]) -> None:
    assert split("".join(parts)) == [part.strip() for part in parts]


def test_cjk_stops_need_no_blank_after_them() -> None:
    assert split("これは一。「はい！」三") == ["これは一。", "「はい！」", "三"]


def test_blank_lines_items_rows_headings_and_colons_are_bounds() -> None:
    text = "One\n\nThese:\nThey are:\n- a\n- b\n  more\nAfter\nx | y\n1 | 2\n# Head\n1. c\n2) d"
    assert split(text) == [
        *("One", "These:", "They are:", "- a", "- b\n  more", "After", "x | y", "1 | 2"),
        *("# Head", "1. c", "2) d"),
    ]


def test_line_ends_of_every_kind_part_paragraphs() -> None:
    assert split("a\r\n\r\nb\r\rc") == ["a", "b", "c"]


def test_a_blank_between_long_runs_of_letters_ends_a_sentence_in_thai() -> None:
    first, second = "ห้องสมุดเปิดตั้งแต่เก้าโมงเช้าถึงหกโมงเย็น", "หนังสือยืมได้นานสี่สัปดาห์และต่ออายุได้"
    text = f"{first} {second}"
    assert [text[a:b] for a, b in sentences(text)] == [first, second]


@pytest.mark.parametrize("text", ["ส้ม กล้วย และ มะม่วง", "ห้องสมุดเปิดตั้งแต่เก้าโมงเช้า 24 ชั่วโมง"])
def test_a_blank_beside_short_words_or_numbers_ends_none_in_thai(text: str) -> None:
    assert sentences(text) == [(0, len(text))]


def test_only_the_span_asked_for_is_divided() -> None:
    assert sentences("One. Two. Three.", 5, 9) == [(5, 9)]
    assert sentences("One.", 4) == []
    assert sentences(" \n ") == []


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.text(alphabet=st.one_of(st.sampled_from(".!?… \n\r\tADr1“”-|。।؟．」と"), st.characters()))
)
def test_sentences_are_in_order_trimmed_and_lose_nothing(text: str) -> None:
    end = 0
    for first, last in sentences(text):
        assert text[end:first].strip() == "" and first < last
        assert text[first:last].strip() == text[first:last]
        end = last
    assert text[end:].strip() == ""


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    [
        "a",
        ".",
        " ",
        "漢",
        ". ",
        "\n",
        "\n ",
        "1. ",
        "Dr. ",
        '."',
        "。",
        "1．",
        "」",
        "z. B. ",
        "am 3. ",
        "หนังสือยืมได้นานสี่สัปดาห์ ",
    ],
)
def test_time_is_linear_in_the_length(unit: str) -> None:
    text = "x" + unit * (200_000 // len(unit)) + "x"
    found = sentences(text)
    assert re.sub(r"\s", "", text) == "".join(
        re.sub(r"\s", "", text[start:end]) for start, end in found
    )
