"""Bounds how deep the elements of a web page nest before the page is parsed.

A parser compares each element with all that are open, so depth costs time by its square. What is
deeper than 512 elements, the depth at which browsers stop too, becomes lines: `<div>` is renamed
`<br>`, and what makes no line `<wbr>`. The text stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

DEEPEST = 512
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
# Elements without an end, and those that the next of their kind closes.
_FLAT_NAMES = """
    area base br col embed hr img input link meta param source track wbr
    a body colgroup head html p tbody td tfoot th thead tr
"""
_FLAT = frozenset(_FLAT_NAMES.split())
# What the next one closes only if it is the innermost.
_ITEMS = {"li": "li", "dd": "dd", "dt": "dd"}


def flattened(markup: str, lines: Collection[str]) -> tuple[str, int]:
    """The markup with at most 512 elements in each other, and how many were renamed.

    `lines` are the names of the elements that stand on lines of their own.
    """
    if markup.count("<") <= DEEPEST:
        return markup, 0
    pieces: list[str] = []
    end = count = 0
    opened: list[str] = []
    renamed: Counter[str] = Counter()
    for tag in _TAG.finditer(markup):
        closes, name = bool(tag[1]), tag[2].lower()
        name = _ITEMS.get(name, name)
        is_next = name in _ITEMS and not closes and opened[-1:] == [name]
        if name in _FLAT or is_next:
            continue
        if closes and renamed[name]:
            renamed[name] -= 1
        elif closes:
            _close(opened, name)
            continue
        elif len(opened) < DEEPEST:
            opened.append(name)
            continue
        else:
            renamed[name] += 1
            count += 1
        pieces += (markup[end : tag.start(2)], "br" if name in lines else "wbr")
        end = tag.end()
    return ("".join([*pieces, markup[end:]]), count) if count else (markup, 0)


def _close(opened: list[str], name: str) -> None:
    """Ends the innermost element of that name and what is in it."""
    for at in range(len(opened) - 1, -1, -1):
        if opened[at] == name:
            del opened[at:]
            return
