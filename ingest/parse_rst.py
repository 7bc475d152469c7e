"""reStructuredText: what its reader sees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.decode import decode
from ingest.definitions import Definitions
from ingest.parsed import BlockKind, Builder, Parsed, collapse, iso_date
from ingest.rows import add_row
from ingest.rst_tables import BLANK, with_blank_cells
from ingest.table_header import are_pairs, has_header
from rag.errors import BadDocument

if TYPE_CHECKING:
    from docutils import nodes

# No file is read or fetched for another, no configuration is looked for, problems in the text
# (roles and directives of other programs, above all) neither stop the reading nor are printed.
_SETTINGS = {
    "_disable_config": True,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 5,
    "line_length_limit": 1_000_000,
    "smart_quotes": False,
    "syntax_highlight": "none",
}
_SKIPPED = (
    *("comment", "substitution_definition", "target", "pending", "raw", "decoration", "meta"),
    *("generated", "label"),
)
_DEFINING = {
    **dict.fromkeys(("definition_list", "option_list"), "dl"),
    **dict.fromkeys(("term", "option_group"), "dt"),
    **dict.fromkeys(("definition", "description"), "dd"),
}
_CODE = ("literal_block", "doctest_block", "math_block")
_ROLE = re.compile(r"(?::[\w.+:-]+:)?`+([^`<]*[^`<\s])[^`]*`+(?::[\w.+:-]+:)?")
_DIRECTIVE = re.compile(r"\.\.\s+(?:\|[^|]*\|\s+)?(\S+)::[ \t]*([^\n]*)\n?")
_OPTION = re.compile(r"[ \t]*:[\w-]+:[^\n]*(?:\n|\Z)")
_PARAGRAPH = re.compile(r"[ \t]*\S[^\n]*(?:\n[ \t]*\S[^\n]*)*")
MAX_MARKS = 20_000  # asterisks and backticks of a paragraph, which cost quadratic time
_NEAR = 4  # lines around the stated one in which a block is looked for


def parse_rst(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read reStructuredText as its reader sees it, each block with its line.

    Roles and directives that only other programs know (Sphinx) are read as the text in them.
    Raises ``BadDocument`` for data that is not text, and for text nested too deeply.
    """
    from docutils import nodes
    from docutils.core import publish_doctree

    text, warnings = decode(path, data)
    for piece in _PARAGRAPH.finditer(text):
        if piece[0].count("*") + piece[0].count("`") > MAX_MARKS:
            line = text.count("\n", 0, piece.start()) + 1
            raise BadDocument(
                f"{path}:{line}: has more than {MAX_MARKS:,} marks (* and `) in one paragraph: "
                "divide it with blank lines"
            )
    reader = _Reader(text)
    reader.builder.warnings += warnings
    try:
        document = publish_doctree(with_blank_cells(text), settings_overrides=_SETTINGS)
        reader.add_children(document)
    except RecursionError as error:
        raise BadDocument(f"{path}: is nested too deeply: flatten it") from error
    builder = reader.builder
    if reader.unknown:
        names = ", ".join(sorted(reader.unknown))
        builder.warnings.append(f"directives read as plain text: {names}")
    if reader.disabled:
        builder.warnings.append(f"directives left out: {', '.join(sorted(reader.disabled))}")
    authors = [node.astext() for node in document.findall(nodes.author)]
    dates = [iso_date(node.astext()) for node in document.findall(nodes.date)]
    return builder.build(
        title=builder.title_or(path.stem),
        media_type=media_type,
        date=next(iter(dates), ""),
        author=", ".join(authors),
    )


class _Reader:
    """Appends the blocks of a document to ``builder``."""

    def __init__(self, text: str) -> None:
        self.builder = Builder()
        self._definitions = Definitions(self.builder)
        self.unknown: set[str] = set()
        self.disabled: set[str] = set()
        self._lines = text.split("\n")
        self._level = 1
        self._marker = ""

    def add_children(self, parent: nodes.Element, kind: BlockKind = "paragraph") -> None:
        """Append what is below a node."""
        for node in _elements(parent):
            name = node.tagname
            if name in _SKIPPED or "contents" in node.attributes["classes"]:
                continue
            if name in ("title", "subtitle", "rubric"):
                level = self._level + (name == "subtitle")
                self._add("heading", node, _inline(node), level=min(level, 6))
            elif name == "section":
                deeper = any(sibling.tagname == "title" for sibling in _elements(parent))
                self._level += deeper
                self.add_children(node)
                self._level -= deeper
            elif name in _DEFINING:
                self._define(node, _DEFINING[name])
            elif name in ("paragraph", "attribution", "caption"):
                self._add(kind, node, _inline(node))
            elif name in _CODE:
                self._add("code", node, _shown(node))
            elif name in ("bullet_list", "enumerated_list"):
                self._add_list(node)
            elif name == "line_block":
                self._add(kind, node, "\n".join(_lines(node)))
            elif name == "table":
                self._add_table(node)
            elif name in ("image", "figure"):
                self.builder.images += 1
                self.add_children(node)
            elif name in ("field", "footnote", "citation"):
                label = node.children[0].astext()
                self._marker = f"{label}: " if name == "field" else f"[{label}] "
                self.add_children(node, kind)
            elif name == "system_message":
                self._add_unknown(node)
            elif name == "field_name":
                continue
            elif parent.tagname == "docinfo":
                self._add(kind, node, f"{name.capitalize()}: {_inline(node)}")
            else:
                self.add_children(node, kind)

    def _add(self, kind: BlockKind, node: nodes.Node, text: str, *, level: int = 0) -> None:
        marker, self._marker = self._marker, ""
        raw = getattr(node, "rawsource", "") or text
        line = self._line(node, raw)
        self._definitions.add(kind, marker + text.strip("\n"), level, line)

    def _define(self, node: nodes.Element, tag: str) -> None:
        """Append a list of definitions or options, one of its terms, or what that means."""
        self._definitions.enter(tag)
        if tag != "dt":
            self.add_children(node)
        elif node.tagname == "term":
            kinds = (n.astext() for n in _elements(node.parent) if n.tagname == "classifier")
            self._add("paragraph", node, " ".join((_inline(node), *(f"({k})" for k in kinds))))
        else:
            self._add("paragraph", node, ", ".join(n.astext() for n in _elements(node)))
        self._definitions.leave(tag)

    def _line(self, node: nodes.Node, raw: str) -> int | None:
        """The line of the file on which a block begins; the stated one may be a few off."""
        stated = node.line
        while stated is None and node.parent is not None:
            node = node.parent
            stated = node.line
        return None if stated is None else self._line_near(stated, raw)

    def _line_near(self, stated: int, raw: str) -> int | None:
        first = raw.strip().partition("\n")[0].strip()
        near = sorted(range(stated - _NEAR, stated + _NEAR + 1), key=lambda n: abs(n - stated))
        inside = (n for n in near if 0 < n <= len(self._lines))
        return next((n for n in inside if first in self._lines[n - 1]), None)

    def _add_list(self, node: nodes.Element) -> None:
        number = int(node.attributes.get("start", 1))
        for item in _elements(node):
            if node.tagname == "enumerated_list":
                self._marker = f"{number}. "
                number += 1
            self.add_children(item, "list_item")

    def _add_table(self, table: nodes.Element) -> None:
        from docutils import nodes

        self._definitions.settle()
        self.builder.tables += 1
        for title in table.findall(nodes.title):
            self._add("paragraph", title, _inline(title))
        rows = list(table.findall(nodes.row))
        texts = [[collapse(_inline(entry)) for entry in row.children] for row in rows]
        marked = sum(row.parent.tagname == "thead" for row in rows)
        above = 0  # rows of the head that are one with the next
        if 1 < marked < len(rows) and len(set(map(len, texts[:marked]))) == 1:
            head = [" ".join(filter(None, column)) for column in zip(*texts[:marked], strict=True)]
            above = marked - 1
            rows, texts = rows[above:], [head, *texts[marked:]]
        heads = (len(rows) > 1 and marked > 0) or has_header(texts)
        pairs = not heads and are_pairs(texts)
        labels = dict(enumerate(texts[0])) if heads else {}
        for number, (row, cells) in enumerate(zip(rows, texts, strict=True), 1):
            if heads and number == 1:
                continue
            first = next(iter(row.findall(nodes.paragraph)), None)
            line = self._line(first, first.rawsource) if first is not None else None
            sheet = f"Table {self.builder.tables}"
            add_row(
                self.builder,
                dict(enumerate(cells)),
                labels,
                sheet=sheet,
                row=above + number,
                line=line,
                pairs=pairs,
            )

    def _add_unknown(self, message: nodes.Element) -> None:
        """Append the text of a directive that is not known here, without its options."""
        for block in _elements(message):
            source = _shown(block)
            self._definitions.settle()
            match = _DIRECTIVE.match(source)
            if block.tagname != "literal_block" or match is None:
                continue
            if "Unknown directive" not in message.astext():
                self.disabled.add(match[1])
                continue
            self.unknown.add(match[1])
            top = self._line_near(int(message.attributes.get("line", 1)), source)
            if match[2].strip():
                self.builder.add("paragraph", f"{match[1]}: {_plain(match[2])}", line=top)
            position = match.end()
            while option := _OPTION.match(source, position):
                position = option.end()
            for piece in _PARAGRAPH.finditer(source, position):
                line = top + source.count("\n", 0, piece.start()) if top else None
                self.builder.add("paragraph", _plain(piece[0]), line=line)


def _shown(node: nodes.Node) -> str:
    """The text of a node, without the marks of empty cells."""
    text: str = node.astext()
    return text.replace(BLANK, " ")


def _plain(source: str) -> str:
    return collapse(_ROLE.sub(r"\1", source))


def _elements(parent: nodes.Element) -> list[nodes.Element]:
    from docutils import nodes

    return [node for node in parent.children if isinstance(node, nodes.Element)]


def _inline(node: nodes.Node) -> str:
    """The text of a node on one line, references to notes in brackets, unknown roles as text."""
    name = type(node).__name__
    if name == "system_message":
        return ""
    if name == "problematic":
        return _ROLE.sub(r"\1", _shown(node))
    if name in ("footnote_reference", "citation_reference"):
        return f"[{node.astext()}]"
    if name == "Text":
        return _shown(node).replace("\n", " ")
    separator = " " if name in ("entry", "description", "field_body") else ""
    return separator.join(map(_inline, node.children))


def _lines(node: nodes.Element) -> list[str]:
    """The lines of a line block, those of blocks in it included."""
    found: list[str] = []
    for child in _elements(node):
        found += _lines(child) if child.tagname == "line_block" else [_inline(child)]
    return found
