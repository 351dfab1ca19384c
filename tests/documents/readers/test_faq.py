"""FAQ pairs in all the forms in which people write them, and what only looks like one."""

import pytest

from rag.documents.parse import parse
from rag.documents.sections import sections_of

PAIRS = [
    ("Who may borrow books?", "Anyone with a card."),
    ("When is the hall open?", "From ten to six."),
]
FILL = {"ASK1": PAIRS[0][0], "SAY1": PAIRS[0][1], "ASK2": PAIRS[1][0], "SAY2": PAIRS[1][1]}


def pairs(text: str, name: str = "page.md") -> list[tuple[str, str]]:
    """Question and answer of each FAQ pair, blanks joined."""
    return [
        (section.heading_path[-1], " ".join(text[section.body_start : section.end].split()))
        for parsed in parse(name, text.encode()).documents
        for section in sections_of(parsed)
        if section.kind == "faq"
    ]


def filled(template: str) -> str:
    """The template with the two questions and their answers in it."""
    for name, words in FILL.items():
        template = template.replace(name, words)
    return template


HEADED = "{}\n\n## ASK1\n\nSAY1\n\n## ASK2\n\nSAY2\n"


@pytest.mark.parametrize(
    "heading",
    [
        *(
            "# FAQ",
            "# The Town Library FAQ",
            "# Library – FAQs",
            "# Library Q&A",
            "# FAQ (library)",
        ),
        *("# ❓ FAQ", "# FAQ ❗", "# FAQ[¶](#faq)", '# <a id="faq"></a>FAQ', "# FAQ {#faq}"),
        *("# 3. FAQ: library", "# Foire aux questions", "# FREQUENTLY ASKED QUESTIONS"),
        *(
            "# Häufige Fragen zur Bücherei",
            "# Bücherei: Oft gestellte Fragen",
            "# Veelgestelde vragen",
        ),
        *("# Preguntas Frecuentes", "# Perguntas frequentes", "# SIK SORULAN SORULAR"),
        *("# よくある質問", "# 图书馆常见问题", "# 자주 묻는 질문", "# Часто задаваемые вопросы"),
        *("# अक्सर पूछे जाने वाले प्रश्न", "# الأسئلة الشائعة", "# שאלות נפוצות", "# Câu hỏi thường gặp"),
        "---\ntitle: Library FAQ\n---",
    ],
)
def test_a_heading_announces_an_faq_in_many_words(heading: str) -> None:
    assert pairs(filled(HEADED).format(heading)) == PAIRS


MARKDOWN = [
    "Q: ASK1\nA: SAY1\n\nQ: ASK2\nA: SAY2",
    "Q:ASK1\nA:SAY1\n\nQ:ASK2\nA:SAY2",
    "Q：ASK1\nA：SAY1\n\nQ：ASK2\nA：SAY2",
    "q: ASK1\na: SAY1\n\nq: ASK2\na: SAY2",
    "Q. ASK1\nA. SAY1\n\nQ. ASK2\nA. SAY2",
    "Q - ASK1\nA - SAY1\n\nQ - ASK2\nA - SAY2",
    "Q1) ASK1\nA1) SAY1\n\nQ2) ASK2\nA2) SAY2",
    "Q: ASK1 A: SAY1\n\nQ: ASK2 A: SAY2",
    "**Q: ASK1**<br>A: SAY1\n\n**Q: ASK2**<br>A: SAY2",
    "QUESTION 7: ASK1\nANSWER: SAY1\n\nQUESTION 8: ASK2\nANSWER: SAY2",
    "**Q:** ASK1\n\n**A:** SAY1\n\n**Q:** ASK2\n\n**A:** SAY2",
    "- Q: ASK1\n  A: SAY1\n- Q: ASK2\n  A: SAY2",
    "* **Q:** ASK1\n* **A:** SAY1\n* **Q:** ASK2\n* **A:** SAY2",
    "Frage: ASK1\nAntwort: SAY1\n\nFrage: ASK2\nAntwort: SAY2",
    "P: ASK1\nR: SAY1\n\nP: ASK2\nR: SAY2",
    "### Question 1: ASK1\n\nA: SAY1\n\n### Question 2: ASK2\n\nA: SAY2",
    "# FAQ\n\n## 1. ASK1\n\nSAY1\n\n## 2. ASK2\n\nSAY2",
    "# FAQ\n\n## 📚 ASK1\n\nSAY1\n\n## 🕙 ASK2 [#](#b)\n\nSAY2",
    "# FAQ\n\n1. ASK1\n\nSAY1\n\n2. ASK2\n\nSAY2",
    "# FAQ\n\n1) ASK1\n   SAY1\n2) ASK2\n   SAY2",
    "# FAQ\n\n1. **ASK1**\n\n   SAY1\n\n2. **ASK2**\n\n   SAY2",
    "# FAQ\n\n- **ASK1** SAY1\n- **ASK2** SAY2",
    "# FAQ\n\n- ASK1\n\n  SAY1\n\n- ASK2\n\n  SAY2",
    "# FAQ\n\n1. ASK1\n-----\n\nSAY1\n\n2. ASK2\n-----\n\nSAY2",
    "# FAQ\n\n**ASK1**\nSAY1\n**ASK2**\nSAY2",
    "# FAQ\n\n*ASK1*\n\nSAY1\n\n*ASK2*\n\nSAY2",
    "# FAQ\n\n**1. ASK1** SAY1\n\n**2. ASK2** SAY2",
    "# FAQ\n\n## Books\n\n**ASK1**\n\nSAY1\n\n## Hours\n\n**ASK2**\n\nSAY2",
    "# FAQ\n\na) ASK1\n\nSAY1\n\nb) ASK2\n\nSAY2",
    "# FAQ\n\nASK1\n\nSAY1\n\nASK2\n\nSAY2",
    "# FAQ\n\nASK1\n:   SAY1\n\nASK2\n:   SAY2",
    "# FAQ\n\n- [ASK1](#a)\n- [ASK2](#b)\n\n## ASK1\n\nSAY1\n\n## ASK2\n\nSAY2",
    "Library\n\n**FAQ**\n\n**ASK1**\n\nSAY1\n\n**ASK2**\n\nSAY2",
    "<details><summary>ASK1</summary>SAY1</details>\n\n<details><summary>ASK2</summary>SAY2</details>",
    "<details>\n<summary><b>ASK1</b></summary>\n\nSAY1\n\n</details>\n"
    "<details>\n<summary>ASK2</summary>\n\nSAY2\n\n</details>",
    "# FAQ\n\n::: details ASK1\nSAY1\n:::\n\n::: details ASK2\nSAY2\n:::",
    '# FAQ\n\n??? question "ASK1"\n    SAY1\n\n??? question "ASK2"\n    SAY2',
    '# FAQ\n\n<Accordion title="ASK1">\nSAY1\n</Accordion>\n\n'
    '<Accordion title="ASK2">\nSAY2\n</Accordion>',
    "# FAQ\n\n<dl>\n<dt>ASK1</dt>\n<dd>SAY1</dd>\n<dt>ASK2</dt>\n<dd>SAY2</dd>\n</dl>",
    "Library FAQ\n=====\n\nASK1\n-----\n\nSAY1\n\nASK2\n-----\n\nSAY2",
    "# FAQ\n\n__ASK1__\n\nSAY1\n\n__ASK2__\n\nSAY2",
    "# FAQ\n\n<h3>ASK1</h3>\nSAY1\n<h3>ASK2</h3>\nSAY2",
    "| Question | Answer |\n|---|---|\n| ASK1 | SAY1 |\n| **ASK2** | SAY2 |",
    "| No. | Q | A |\n|---|---|---|\n| 1 | ASK1 | SAY1 |\n| 2 | ASK2 | SAY2 |",
    "Frage | Antwort\n---|---\nASK1 | SAY1\nASK2 | SAY2",
    "# FAQ\n\n> **ASK1**\n\nSAY1\n\n> **ASK2**\n\nSAY2",
    "# FAQ\n\n> ASK1\n\nSAY1\n\n> ASK2\n\nSAY2",
    "# FAQ\n\n> ### ASK1\n>\n> SAY1\n\n> ### ASK2\n>\n> SAY2",
    "> Q: ASK1\n>\n> A: SAY1\n>\n> Q: ASK2\n>\n> A: SAY2",
    "> [!faq]- ASK1\n> SAY1\n\n> [!faq]- ASK2\n> SAY2",
    "# FAQ\n\n**ASK1**<br>SAY1\n\n**ASK2**<br/>SAY2",
    "# FAQ\n\n- ASK1 SAY1\n- ASK2 SAY2",
    "# FAQ\n\n| Subject | Reply |\n|---|---|\n| ASK1 | SAY1 |\n| ASK2 | SAY2 |",
    "# FAQ\n\n## ASK1 ↑\n\nSAY1\n\n## ASK2 🔗\n\nSAY2",
    "[Q] ASK1\n[A] SAY1\n\n[Q] ASK2\n[A] SAY2",
    "Ｑ：ASK1\nＡ：SAY1\n\nＱ：ASK2\nＡ：SAY2",
    "# Library\n\nWelcome.\n\n## ASK1\n\nSAY1\n\n## ASK2\n\nSAY2\n\n## Address\n\nMain Street.",
]


@pytest.mark.parametrize("template", MARKDOWN)
def test_markdown_holds_pairs_in_many_forms(template: str) -> None:
    assert pairs(filled(template)) == PAIRS


@pytest.mark.parametrize(
    "template",
    [
        "Town Library FAQ\n\nASK1\n\nSAY1\n\nASK2\n\nSAY2\n",
        "FAQ\n\nBooks\n\nASK1\n\nSAY1\n\nHours\n\nASK2\n\nSAY2\n",
        "FREQUENTLY ASKED QUESTIONS\n\n1. ASK1\n\nSAY1\n\n2. ASK2\n\nSAY2\n",
        "------\n- FAQ\n------\n\n0. ASK1\n\n   SAY1\n\n1. ASK2\n\n   SAY2\n",
        "FAQ\n\n* ASK1\nSAY1\n* ASK2\nSAY2\n",
        "Q: ASK1 A: SAY1\nQ: ASK2 A: SAY2\n",
        "Question | Answer\n---------|-------\nASK1 | SAY1\nASK2 | SAY2\n",
        "Q1) ASK1\nA1) SAY1\n\nQ2) ASK2\nA2) SAY2\n",
        "Q. ASK1\nA. SAY1\n\nQ. ASK2\nA. SAY2\n",
        "Q1. ASK1\n\nSAY1\n\nQ2. ASK2\n\nSAY2\n",
        "Ques: ASK1\nAns: SAY1\n\nQues: ASK2\nAns: SAY2\n",
        "FAQ\n\n(1) ASK1\n\nSAY1\n\n(2) ASK2\n\nSAY2\n",
        "Town Library\n\nASK1\n\nSAY1\n\nASK2\n\nSAY2\n",
    ],
)
def test_plain_text_holds_pairs_in_many_forms(template: str) -> None:
    assert pairs(filled(template), "page.txt") == PAIRS


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# FAQ\n\n**Why `my_var`?**\n\nSo.", [("Why my_var?", "So.")]),
        ("# FAQ\n\n1. **Why `__all__`?** So.", [("Why __all__?", "So.")]),
        ("## 常见问题\n\n问：为什么？\n答：因为。", [("为什么？", "因为。")]),
        ("# Συχνές ερωτήσεις\n\n## Γιατί;\n\nΈτσι.", [("Γιατί;", "Έτσι.")]),
        (
            "# FAQ\n\n1. It fails. Why?\n\nA bug.\n\n2. Help, it fails!\n\nRestart.",
            [("It fails. Why?", "A bug."), ("Help, it fails!", "Restart.")],
        ),
        (
            "| Question | Answer | By |\n|---|---|---|\n| Why? | So. | Ann |",
            [("Why?", "So. | Ann")],
        ),
    ],
)
def test_the_label_is_the_bare_question(text: str, found: list[tuple[str, str]]) -> None:
    assert pairs(text) == found


def test_below_a_question_that_is_a_heading_bold_lines_and_items_are_its_answer() -> None:
    answer = "**Are you a child?** Bring a parent.\n\n1. Have you moved? Tell us.\n\nThanks."
    text = f"# FAQ\n\n## Who may join?\n\n{answer}\n\n## When?\n\nNow."
    assert pairs(text) == [("Who may join?", " ".join(answer.split())), ("When?", "Now.")]


@pytest.mark.parametrize(
    "text",
    [
        "# How to write an FAQ\n\n## Collect\n\nAsk.\n\n## Sort\n\nThink.",
        "# FAQ schema\n\n## Fields\n\nName.\n\n## Types\n\nText.",
        "# No FAQ yet\n\n## Books\n\nMany.\n\n## Hours\n\nFew.",
        "# Plan\n\n## Where is the FAQ?\n\nBelow.\n\n## News\n\nDaily.\n\n## Shop\n\nPens.",
        "# Guide\n\n- Install\n- FAQ\n- Contact\n\n**Is it free?** Yes.",
        "# Quiz\n\n1. Who wrote it?\n2. When was it?\n3. Where is it?\n",
        "# Survey\n\n1. How old are you?\n2. Where do you live?\n\nThank you.",
        "# Reading\n\nIt is fun.\n\n**Why not try?** Come on Monday.\n\n## Books\n\nMany.",
        "# Books\n\n## What is a quarto?\n\nA size.\n\n## Care\n\nDust it.\n\n## Shelves\n\nOak.",
        "# Leave\n\n- Are the lights out?\n- Is the door shut?\n\nThen go.",
        "# Club\n\nThe letter Q: is rare, and A: is common. We asked: why?\n\nNobody knows.",
        "# Club\n\n## FAQ\n\nSee below.\n\n1. Open the door.\n2. Take a boat.\n3. Row.",
        "Which colour?\n\nA) red\nB) blue",
        "Plan A: we read.\nPlan B: we do not.",
        "S: Sore arm.\nO: Swollen.\nA: Sprain.\nP: Rest.",
        "Q. Ennius wrote verse.\nA. Miller prints it.",
        "Q:\\books\nA:\\discs",
        "| Question | Points |\n|---|---|\n| Who wrote it? | 3 |",
        "| Test | P | R |\n|---|---|---|\n| one | .9 | .8 |",
        "<details>\n<summary>The log</summary>\n\nx\n\n</details>\n\n"
        "<details>\n<summary>Why so long?</summary>\n\ny\n\n</details>",
        "# Talk\n\n> Why do we read?\n\nSo she asked.\n\n> Why not?\n\nSo did he.",
        "# Survey\n\n| Topic | Yes |\n|---|---|\n| Do you read? | 5 |\n| Do you row? | 6 |",
        "# Reading\n\n- Too dark? Light a lamp.\n- Too loud? Shut the door.",
        "Which colour?\n\n[A] red\n[B] blue",
        "Host: What do you read?\nGuest: Plays.\nHost: Why?\nGuest: They are short.",
    ],
)
@pytest.mark.parametrize("name", ["page.md", "page.txt"])
def test_what_only_looks_like_an_faq_is_none(text: str, name: str) -> None:
    assert pairs(text, name) == []


def test_markup_that_closes_a_fold_is_no_part_of_an_answer() -> None:
    text = "## FAQ\n\n<details>\n<summary>Why?</summary>\n\nSo.\n\n</details>\n\n## After\n\nx"
    assert pairs(text) == [("Why?", "So.")]
