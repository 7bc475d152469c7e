"""OpenDocument texts, as LibreOffice writes them: headings, paragraphs, lists, tables, notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from ingest.parsed import BlockKind, Builder, Parsed, collapse, iso_date
from ingest.table_header import take_header
from ingest.zipped import open_zip, read_xml, reading
from rag.errors import BadDocument

if TYPE_CHECKING:
    from lxml.etree import _Element

_NS = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}{}"


def _names(prefix: str, *names: str) -> tuple[str, ...]:
    return tuple(_NS.format(prefix, name) for name in names)


_H, _P, _LIST, _ITEM, _LIST_HEADER = _names("text", "h", "p", "list", "list-item", "list-header")
_SECTION, _NOTE, _NOTE_BODY, _DISPLAY = _names("text", "section", "note", "note-body", "display")
_SPACES, _TAB, _BREAK, _COUNT, _LEVEL = _names(
    "text", "s", "tab", "line-break", "c", "outline-level"
)
_STYLE_NAME, _HIDDEN_TEXT = _names("text", "style-name", "hidden-text")
_TABLE, _HEADER_ROWS, _ROW = _names("table", "table", "table-header-rows", "table-row")
_CELL, _COVERED = _names("table", "table-cell", "covered-table-cell")
_COLUMNS_REPEATED, _COLUMNS_SPANNED = _names(
    "table", "number-columns-repeated", "number-columns-spanned"
)
_FRAME, _BOX, _IMAGE = _names("drawing", "frame", "text-box", "image")
_STYLE, _NAME, _PROPERTIES = _names("style", "style", "name", "text-properties")
# What stands in a paragraph without being its text: notes and boxes are read apart.
_APART = frozenset(
    (
        *(_NOTE, _HIDDEN_TEXT, _FRAME),
        *_names("office", "annotation", "annotation-end"),
        *_names("text", "note-citation", "ruby-text", "tracked-changes"),
    )
)
# Deleted text, and what only repeats the headings.
_SKIPPED = frozenset(_names("text", "tracked-changes", "table-of-content", "sequence-decls"))
_SPACE = re.compile(r"[ \t\r\n]+")
_MAX_SPACES = 1000  # of one mark for several
_MAX_COLUMNS = 100  # Writer makes tables of no more


def parse_odt(path: Path, media_type: str) -> Parsed:
    """Read the body of a text document: no page headers or footers, comments or deleted text.

    Its notes follow as paragraphs. Raises ``BadDocument`` for a file that is no OpenDocument text,
    is broken, has a password, or would unpack to too much; see ``open_zip``.
    """
    with open_zip(path) as archive, reading(path):
        _refuse_password(path, archive)
        content = read_xml(archive, "content.xml")
        body = content.find(_NS.format("office", "body")).find(_NS.format("office", "text"))
        styles = [content]
        if "styles.xml" in archive.NameToInfo:
            styles.append(read_xml(archive, "styles.xml"))
        reader = _Reader(styles)
        reader.add_children(body)
        for note in body.iter(_NOTE_BODY):
            reader.builder.add("paragraph", "\n".join(reader.text(p) for p in note.iter(_P, _H)))
        builder = reader.builder
        builder.images = sum(1 for _ in body.iter(_IMAGE))
        if reader.hidden:
            builder.warnings.append(f"hidden text was left out: {reader.hidden} passages")
        meta = read_xml(archive, "meta.xml") if "meta.xml" in archive.NameToInfo else None
        return builder.build(
            title=builder.title_or(path.stem, _stated(meta, "title")),
            media_type=media_type,
            date=iso_date(_stated(meta, "creation-date") or _stated(meta, "date")),
            author=_stated(meta, "initial-creator") or _stated(meta, "creator"),
            language=_stated(meta, "language"),
        )


def _refuse_password(path: Path, archive: ZipFile) -> None:
    manifest = "META-INF/manifest.xml"
    if manifest in archive.NameToInfo and b"encryption-data" in archive.read(manifest):
        raise BadDocument(f"{path}: is encrypted: remove its password and ingest it again")


def _stated(meta: _Element | None, name: str) -> str:
    element = meta.find(f".//{{*}}{name}") if meta is not None else None
    return collapse(element.text or "") if element is not None else ""


class _Reader:
    """Appends the content of a document to ``builder``."""

    def __init__(self, roots: list[_Element]) -> None:
        self.builder = Builder()
        self.hidden = 0
        self._hidden_styles = {
            style.get(_NAME)
            for root in roots
            for style in root.iter(_STYLE)
            for properties in style.iter(_PROPERTIES)
            if properties.get(_DISPLAY) == "none"
        }

    def add_children(self, parent: _Element, kind: BlockKind = "paragraph") -> None:
        """Append the blocks below a body, section, list or text box."""
        for element in parent.iterchildren("*"):
            if element.tag in _SKIPPED or self._is_hidden(element):
                continue
            if element.tag == _H:
                level = element.get(_LEVEL, "1")
                level = min(max(int(level), 1), 6) if level.isdecimal() else 1
                self.builder.add("heading", self.text(element), level=level)
            elif element.tag == _P:
                self.builder.add(kind, self.text(element))
            elif element.tag == _TABLE:
                self._add_table(element)
            elif element.tag in (_LIST, _ITEM, _LIST_HEADER):
                self.add_children(element, "list_item")
            else:
                self.add_children(element, kind)
            if element.tag in (_H, _P):
                for box in element.iter(_BOX):
                    if next(box.iterancestors(_P, _H)) is element:
                        self.add_children(box)

    def text(self, element: _Element) -> str:
        """The text of a paragraph as its reader sees it."""
        return "".join(self._pieces(element))

    def _pieces(self, element: _Element) -> Iterator[str]:
        # White space counts as in HTML; what is to stay is written as elements.
        yield _SPACE.sub(" ", element.text or "")
        for child in element.iterchildren("*"):
            if child.tag == _SPACES:
                count = child.get(_COUNT, "1")
                yield " " * (min(int(count), _MAX_SPACES) if count.isdecimal() else 1)
            elif child.tag in (_TAB, _BREAK):
                yield "\t" if child.tag == _TAB else "\n"
            elif child.tag not in _APART and not self._is_hidden(child):
                yield from self._pieces(child)
            yield _SPACE.sub(" ", child.tail or "")

    def _is_hidden(self, element: _Element) -> bool:
        hidden = element.get(_DISPLAY) == "none" or element.get(_STYLE_NAME) in self._hidden_styles
        self.hidden += hidden
        return hidden

    def _add_table(self, table: _Element) -> None:
        """Append the rows of a table; header rows, or a first row that names columns, label it."""
        rows: list[list[str]] = []
        heads = 0
        for row in table.iter(_ROW):
            if next(row.iterancestors(_TABLE)) is not table:
                continue  # of a table in a cell, which is read as part of the cell
            texts: list[str] = []
            for cell in row.iterchildren(_CELL, _COVERED):
                text = " ".join(self.text(paragraph) for paragraph in cell.iter(_P, _H))
                repeated = cell.get(_COLUMNS_REPEATED, "1")
                times = int(repeated) if repeated.isdecimal() else 1
                texts += [text] * min(times, _MAX_COLUMNS - len(texts))
            heads += not heads and row.getparent().tag == _HEADER_ROWS
            rows.append(texts)
        self.builder.add_table(rows, take_header(rows, marked=bool(heads)))
