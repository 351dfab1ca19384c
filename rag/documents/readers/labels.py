"""Labels: what headings, questions and titles are called, of bounded length."""

from __future__ import annotations

# Every citation repeats the labels above it.
LONGEST = 300
# A cut falls between words, if one of its last characters lies there.
_LAST_WORD = 60
_MARK = "\ufeff"
# Characters without width that editors and word processors leave before a line's first letter.
UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060"


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
