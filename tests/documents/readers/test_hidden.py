from __future__ import annotations

import pytest

from rag.documents.readers.hidden import front_matter, without_encoded
from rag.documents.readers.markdown import markdown_blocks

DATA = "data:image/png;base64," + "iVBORw0KGgo/+" * 90


def visible(text: str) -> str:
    """The text without what is hidden in it."""
    for hidden in reversed(markdown_blocks(text).hidden):
        text = text[: hidden.start] + text[hidden.end :]
    return text


def kinds(text: str) -> list[str]:
    return [hidden.kind for hidden in markdown_blocks(text).hidden]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: One\n---\nx", "One"),
        ("---\r\ntags: [a, b]\r\nnested:\r\n  title: no\r\n---\r\nx", ""),
        ("--- \nTitle: One\nabout: Ends with a stop.\n...\nx", ""),
        ("---\nsummary: Ends with a stop.\n---", ""),
        ("---\nnotice: Ends with a stop.\n---\nx", ""),
        ("---\n# Keys\nTitle: One\nDate: today.\n---\nx", ""),
        ("---\nTitle: One\nReviewed by: Ann\n---\nx", ""),
        ("---\ntitle: One\nnote: It is closed.\n---\nx", "One"),
        ("+++\ntitle = 'One'\nyear = 2026\n[more]\ntags = ['a']\n+++\nx", "One"),
        ('+++\r\ntitle = "One"\r\n+++\r\nx', "One"),
        ("---\na: &x [1]\nb: *x\ntitle: '2'\n---\nx", "2"),
    ],
)
def test_a_yaml_mapping_is_front_matter(text: str, title: str) -> None:
    found = front_matter(text)
    assert found and found[0] == title
    assert kinds(text) in (["front matter"], ["metadata"])


@pytest.mark.parametrize(
    ("key", "kind"), [("notice", "metadata"), ("date", "metadata"), ("tags", "front matter")]
)
def test_front_matter_that_is_used_in_full_is_metadata(key: str, kind: str) -> None:
    assert kinds(f"---\ntitle: One\n{key}: x\n---\nx") == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "----\nThe oven is hot.\n----\n",
        "---\n\n# Oven\n\nIt is hot.\n\n---\n\nend",
        "---\n- hot\n- cold\n---\n",
        "---\nThe oven is hot.\n---\n",
        "---\nNote: closed until May.\n---\n",
        "---\nThe oven: it is hot.\n---\n",
        "---\nnote: it is closed. Come in May.\n---\n",
        "---\nNotice: closed until May.\n---\n",
        "---\nFrom: the board\nTo: all members\n---\n",
        "---\nTitle: A letter\nThe oven: hot\nWarning: smoke\n---\n",
        "---\nHinweis: Der Ofen ist heiß\n---\n",
        "---\n注意: 炉子很热\n---\n",
        "---\n{the oven is hot}\n---\n",
        "+++\nThe oven is hot.\n+++\n",
        "+++\n+++\n",
        "+++\n" + "a = [" * 9_000 + "\n+++\n",
        "+++\nOven = 'hot'\n---\n",
        "---\ntitle: a: b\n---\n",
        "---\ntitle: never closed\n",
        "---\n---\n",
        "---\nhttps://example.org: a page\n---\n",
        '---\n"The oven is hot"\n---\n',
        "\n---\na: b\n---\n",
        "# A\n\n---\ntitle: b\n---\n",
        "text\n---\na: b\n---\n",
        "---\n" + "a: b\n" * 5_000 + "---\n",
    ],
)
def test_anything_else_between_rules_is_text(text: str) -> None:
    assert front_matter(text) is None
    assert visible(text) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- a -->",
        "<!-- a\n\n# b\n\n``` -->",
        "{/* a */}",
        "{% comment %}a\n\nb{% endcomment %}",
        "<script src='x'>\na\n\nb\n</script>",
        "<STYLE>a</STYLE>",
        "[//]: # (a)",
        "[//]: # (a\nb)",
        "{{< comment >}}a\n\nb{{< /comment >}}",
        "[comment]: <> (a)",
        '[_]: # "a"',
        "<!--- a --->",
        "<template>a</template>",
        "<p hidden>a</p>",
        '<div class="x" style="color: red; display:none">a</div>',
        "<? a ?>",
        "{# a #}",
        "%% a %%",
        "%%\na\n\nb\n%%",
    ],
)
def test_what_an_author_hides_is_hidden(hidden: str) -> None:
    assert visible(f"one\n\n{hidden}\n\ntwo") == "one\n\n\n\ntwo"
    assert visible(f"- one\n- two\n\n  {hidden}\n") in (
        "- one\n- two\n\n  \n",
        "- one\n- two\n\n\n",
    )


def test_comments_may_stand_within_lines_cells_and_headings() -> None:
    assert visible("one <!-- a\nb --> two") == "one  two"
    assert visible("one %%a b%% two") == "one  two"
    assert visible("| a <!-- x --> |\n|---|\n| b |") == "| a  |\n|---|\n| b |"
    assert markdown_blocks("# One <!-- two -->\n\nx").title == "One"


@pytest.mark.parametrize(
    "text",
    [
        "```html\n<!-- a -->\n```",
        "- x\n\n  ~~~\n  <!-- a -->\n  ~~~",
        "one\n\n    <!-- a -->\n",
        "Write `<!-- a -->` or ``{/* `b` */}``.",
        "The mark <!-- opens one.\n\nAnd --> closes it.",
        "<!-- never closed\n\n# A\n\nb",
        "a {/ b /} {{ c }} {% include d %}",
        "[link]: # \n\n[other]: http://example.org (title)",
        "<scripture>a</scripture>",
        '<p class="hidden">a</p>',
        "<p hidden>never closed",
        "## One {#one}\n\nx #}",
        "Write %% for a percent sign, and %%",
        "%% never closed\n\na %%",
        "a --> b",
        "\\<!-- a -->",
        "5 %% b %% of c",
        "100%%a and 5%%b",
        "~~~\n%% a %%\n~~~",
    ],
)
def test_code_and_what_is_never_closed_are_visible(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"a ![b]({DATA}) c", "a ![b](data:image/png;base64,…) c"),
        (f'<img src="{DATA}" alt="b">', '<img src="data:image/png;base64,…" alt="b">'),
        (f"[b]: {DATA}\n\nc", "[b]: data:image/png;base64,…\n\nc"),
        ("a (data:image/svg+xml,%3Csvg%20b) c", "a (data:image/svg+xml,…) c"),
        ("a (data:image/svg+xml,%3Csvg%20a.b:c;d%22~%3E) c", "a (data:image/svg+xml,…) c"),
        (f"a\n{'Ab1/' * 300}\nb", "a\n…\nb"),
        ("a " + "\n".join(["Ab1/" * 19] * 20) + "\nb", "a …" + "\n" * 20 + "b"),
    ],
)
def test_the_letters_of_encoded_files_are_no_text(text: str, left: str) -> None:
    found, hidden = without_encoded(text)
    assert found == left
    assert [(found[each.start], each.start == each.end) for each in hidden] in (
        [("…", True)],
        [(found[left.index("…") + 1], True)],
    )


@pytest.mark.parametrize(
    "text",
    [
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "ssh-rsa " + "AAAAB3Nza/" * 37,
        "ACGT" * 500,
        "x" * 5_000,
        "the data: image/png is a type",
        "data:text/plain,hello",
    ],
)
def test_keys_hashes_and_long_words_are_text(text: str) -> None:
    assert without_encoded(text) == (text, [])
