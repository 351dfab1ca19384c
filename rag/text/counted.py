"""A number with its noun, as people write it."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """The number and the noun, in the plural unless it is one.

    >>> counted(1, "document"), counted(0, "FAQ pair"), counted(2, "canary", "canaries")
    ('1 document', '0 FAQ pairs', '2 canaries')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
