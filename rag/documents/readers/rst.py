"""reStructuredText, read by docutils; nothing is included or run.

The text is what a reader of the page sees. Sphinx's directives and roles, which docutils does not
know, give their content; a directive that nobody knows stays as it is, as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import docutils.frontend
import docutils.utils
from docutils import nodes
from docutils.parsers.rst import Directive, Parser, directives, roles
from docutils.parsers.rst.states import Inliner

from rag.documents.encodings import decoded
from rag.documents.readers.draft import Draft, squeezed
from rag.documents.readers.labels import asks
from rag.documents.readers.reading import Reading

_VERSIONS = {
    "versionadded": "New in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
    "versionremoved": "Removed in version",
}
_NESTED_NAMES = """
    seealso centered hlist only describe object option program envvar confval glossary tab
    tabs tab-set tab-item dropdown card grid details function class method attribute data
    exception module currentmodule autofunction autoclass automethod automodule
    autoexception autodata autoattribute py:function py:class py:method py:attribute py:data
    py:exception py:module
"""
_NESTED = _NESTED_NAMES.split()
_SILENT_NAMES = "toctree index highlight sectionauthor codeauthor tabularcolumns contents raw"
_SILENT = _SILENT_NAMES.split()
_CODE = ["code", "code-block", "sourcecode", "doctest", "testcode", "testoutput", "prompt"]
_ROLES_NAMES = """
    ref doc class func meth attr mod data exc obj term option envvar file kbd program
    guilabel menuselection command samp download numref any abbr dfn py:class py:func
    py:meth py:attr py:mod py:data py:exc py:obj issue pr ghsa pull user cve commit
"""
_ROLES = _ROLES_NAMES.split()
_TARGET = re.compile(r"\s*<[^<>]*>$")
_LEAVES = (nodes.comment, nodes.target, nodes.substitution_definition, nodes.raw, nodes.pending)
_SKIPPED = (*_LEAVES, nodes.system_message)


def read_rst(raw: bytes) -> Reading:
    """The document in a reStructuredText file. Raises CorpusError if it holds no text."""
    text, note = decoded(raw)
    settings: Any = docutils.frontend.get_default_settings(Parser)
    settings.file_insertion_enabled = False
    settings.raw_enabled = False
    settings.syntax_highlight = "none"
    settings.report_level = settings.halt_level = 6
    settings._disable_config = True
    document = docutils.utils.new_document("", settings)
    Parser().parse(text, document)
    draft = Draft()
    if note:
        draft.notes.append(note)
    _write(draft, document, 0)
    return draft.reading()


def _write(draft: Draft, parent: nodes.Node, level: int, is_quote: bool = False) -> None:
    for node in parent.children:
        if isinstance(node, nodes.section):
            for name in node["ids"][:1]:
                draft.place("anchor", name=f"#{name}")
            _write(draft, node, level + 1)
        elif isinstance(node, nodes.title):
            draft.heading(node.astext(), max(level, 1))
        elif isinstance(node, nodes.paragraph | nodes.attribution | nodes.caption | nodes.rubric):
            draft.paragraph(_one_line(node), "quote" if is_quote else "paragraph")
        elif isinstance(node, nodes.literal_block | nodes.doctest_block | nodes.math_block):
            draft.code(node.astext())
        elif isinstance(node, nodes.bullet_list | nodes.enumerated_list):
            draft.items(list(_items(node, 0)))
        elif isinstance(node, nodes.definition_list | nodes.field_list | nodes.option_list):
            _write_terms(draft, node, level)
        elif isinstance(node, nodes.table):
            _write_table(draft, node)
        elif isinstance(node, nodes.line_block):
            draft.paragraph("\n".join(line.astext() for line in node.findall(nodes.line)))
        elif isinstance(node, nodes.image):
            draft.paragraph(node.get("alt", ""))
        elif isinstance(node, nodes.system_message):
            # A directive that nobody knows, as it stands.
            for source in node.findall(nodes.literal_block):
                draft.code(source.astext())
        elif not isinstance(node, _LEAVES):
            _write(draft, node, level, is_quote or isinstance(node, nodes.block_quote))


def _one_line(node: nodes.Node) -> str:
    return squeezed(node.astext())


def _items(parent: nodes.Element, depth: int) -> Iterator[str]:
    """The items of a list, each with those inside of it on lines of their own."""
    number = parent.get("start", 1) if isinstance(parent, nodes.enumerated_list) else 0
    for i, item in enumerate(parent.children):
        mark = f"{number + i}." if number else "-"
        lines: list[str] = []
        for node in item.children:
            if isinstance(node, nodes.bullet_list | nodes.enumerated_list):
                lines += _items(node, depth + 1)
            elif isinstance(node, nodes.literal_block):
                lines += [f"{'  ' * depth}  {line}" for line in node.astext().split("\n")]
            elif not isinstance(node, _SKIPPED) and (words := _one_line(node)):
                lines.append(f"{'  ' * depth}{'  ' if lines else f'{mark} '}{words}")
        yield "\n".join(lines)


def _write_terms(draft: Draft, parent: nodes.Element, level: int) -> None:
    """Adds terms with what they mean: as a list, or as text if they mean more than paragraphs."""
    pairs = [(_one_line(item.children[0]), item.children[-1]) for item in parent.children]
    is_list = all(isinstance(each, nodes.paragraph) for _, body in pairs for each in body.children)
    if is_list and not any(asks(term) for term, _ in pairs):
        draft.items([f"{term}: {_one_line(body)}".rstrip(": ") for term, body in pairs])
        return
    for term, body in pairs:
        if asks(term):
            draft.question(term)
        else:
            draft.paragraph(term)
        _write(draft, body, level)


def _write_table(draft: Draft, table: nodes.table) -> None:
    for title in table.findall(nodes.title):
        draft.paragraph(title.astext())
    rows: list[list[str]] = []
    header = 0
    for row in table.findall(nodes.row):
        cells: list[str] = []
        for entry in row.children:
            assert isinstance(entry, nodes.entry)
            cells += [_one_line(entry), *[""] * entry.get("morecols", 0)]
        rows.append(cells)
        header += isinstance(row.parent, nodes.thead)
    draft.table(rows, header or None)


class _AnyOption(dict[str, Any]):
    """Takes whatever options a directive has."""

    def __missing__(self, name: str) -> Any:
        return directives.unchanged

    def __bool__(self) -> bool:
        return True


class _Known(Directive):  # type: ignore[misc]
    """A directive of Sphinx: its argument as a paragraph, then its content."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[Any] = _AnyOption()

    def run(self) -> Sequence[nodes.Node]:
        said = " ".join([_VERSIONS.get(self.name, ""), *self.arguments]).strip()
        found = nodes.container()
        if said:
            found += nodes.paragraph(said, said)
        self.state.nested_parse(self.content, self.content_offset, found)
        return [found]


class _Code(_Known):
    """Code, whatever its language."""

    def run(self) -> Sequence[nodes.Node]:
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text)]


class _Silent(_Known):
    """What shows nothing of its own."""

    def run(self) -> Sequence[nodes.Node]:
        return []


def _role(
    name: str,
    raw: str,
    text: str,
    line: int,
    inliner: Inliner,
    options: Any = None,
    content: Any = None,
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """The words of a role of Sphinx, without the target in angle brackets."""
    words = _TARGET.sub("", text.replace("\0", "")).lstrip("~!.") or text
    return [nodes.inline(raw, words)], []


# docutils knows directives and roles for the whole process; these say nothing of other files.
for _name in (*_NESTED, *_VERSIONS):
    directives.register_directive(_name, _Known)
for _name in _CODE:
    directives.register_directive(_name, _Code)
for _name in _SILENT:
    directives.register_directive(_name, _Silent)
for _name in _ROLES:
    roles.register_local_role(_name, _role)
