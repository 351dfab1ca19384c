"""What a web page holds beside its text: hidden text, cookie notices, and navigation."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

_CONSENT = re.compile(r"cookie|consent|gdpr", re.IGNORECASE)
_LONGEST_NOTICE = 2000
_HIDING = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|opacity\s*:\s*0(?:\.0*)?\s*(?:;|!|$)|font-size\s*:\s*0*(?:\.\d+)?[01]?(?:\.\d+)?p[xt]"
    r"|font-size\s*:\s*0(?:\.0*)?[a-z%]*\s*(?:;|!|$)"
    r"|(?:left|top|text-indent|margin-left)\s*:\s*-\d{4,})",
    re.IGNORECASE,
)
_WHITE = re.compile(
    r"(?:^|;)\s*color\s*:\s*(?:white|#fff(?:fff)?|rgb\(\s*255\s*,\s*255\s*,\s*255\s*\))\s*(?:;|!|$)",
    re.IGNORECASE,
)
# What themes call the parts of a page that hold its links.
_NAVIGATION = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|navlist|menu|submenu|sidebar|breadcrumbs?|pagination|pager"
    r"|toolbar|dropdown|portlet|interlanguage|langlinks?|toc|skip|jump|skiplink)(?:$|[\s_-])",
    re.IGNORECASE,
)
_CONTAINERS = frozenset(("div", "section", "aside", "ul", "ol", "p", "span"))
# A list may stand so deep in what is named navigation.
_HIGHEST = 3
# Larger parts are no navigation; menus in menus would be counted again at each depth.
_MOST_NODES = 4_000
# So much of the text of navigation is that of links.
_LINKED = 0.9


def hides(style: str) -> bool:
    """Whether an element's own style keeps people from seeing it."""
    is_white = "background" not in style and _WHITE.search(style) is not None
    return is_white or _HIDING.search(style) is not None


def is_notice(node: LexborNode) -> bool:
    """Whether an element asks for consent to cookies."""
    names = f"{node.attributes.get('id')} {node.attributes.get('class')}"
    return (
        node.tag in ("div", "section", "aside")
        and _CONSENT.search(names) is not None
        and len(node.text()) < _LONGEST_NOTICE
        and node.css_first("h1,main,article") is None
    )


def is_navigation(node: LexborNode) -> bool:
    """Whether an element is named as navigation, or stands in such, and says nothing but links.

    A link so named leads past the navigation to the page's text.
    """
    if node.tag == "a":
        return (node.attributes.get("href") or "").startswith("#") and _is_named(node)
    if node.tag not in _CONTAINERS or not (
        _is_named(node) or (node.tag in ("ul", "ol") and _stands_in_navigation(node))
    ):
        return False
    return _says_links_alone(node)


def _says_links_alone(node: LexborNode) -> bool:
    linked = other = 0
    waiting = [(node.first_child, False)]
    for _ in range(_MOST_NODES):
        if not waiting:
            return linked > 0 and linked >= _LINKED * (linked + other)
        at, in_link = waiting.pop()
        if at is None:
            continue
        waiting.append((at.next, in_link))
        if not at.is_text_node:
            waiting.append((at.first_child, in_link or at.tag == "a"))
        elif in_link:
            linked += len((at.text_content or "").strip())
        else:
            other += len((at.text_content or "").strip())
    return False


def _is_named(node: LexborNode) -> bool:
    attributes = node.attributes
    return _NAVIGATION.search(f"{attributes.get('id')} {attributes.get('class')}") is not None


def _stands_in_navigation(node: LexborNode) -> bool:
    above = node.parent
    for _ in range(_HIGHEST):
        if above is None or above.tag == "body":
            return False
        if _is_named(above):
            return True
        above = above.parent
    return False
