"""Labels: what headings, questions and titles are called, of bounded length."""

from __future__ import annotations

# Every citation repeats the labels above it.
LONGEST = 300
# A cut falls between words, if one of its last characters lies there.
_LAST_WORD = 60
_MARK = "\ufeff"
QUESTION_MARKS = "?？؟﹖⸮\u037e"
# Characters without width that editors and word processors leave before a line's first letter.
UNSEEN = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060"
    "\u2066\u2067\u2068\u2069\ufe0e\ufe0f"
)


def shortened(label: str) -> str:
    """The label on one line, of at most 300 characters; one that is cut short ends in `…`.

    A question mark at its end is kept.
    """
    label = " ".join(label.split())
    if len(label) <= LONGEST:
        return label
    end = "…?" if label.endswith("?") else "…"
    room = LONGEST - len(end)
    head, blank, word = label[: room + 1].rpartition(" ")
    kept = head if blank and len(word) <= _LAST_WORD else label[:room]
    return kept + end


def without_marks(text: str) -> str:
    """The text with a line end in place of each byte-order mark, as joined files have inside.

    All offsets stay as they are.
    """
    return text.replace(_MARK, "\n")


def asks(label: str) -> bool:
    """Whether a question mark follows the last word; a remark in brackets, "[closed]", may follow.

    In Greek a semicolon is a question mark.
    """
    if label.endswith("]"):
        label = label.rpartition("[")[0]
    after = next((at for at in range(len(label), 0, -1) if label[at - 1].isalnum()), 0)
    marks = QUESTION_MARKS + (";" if "\u0370" <= label[after - 1 : after] <= "\u03ff" else "")
    return any(mark in label[after:] for mark in marks)
