"""Word documents: paragraphs, lists and tables in document order, then the notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import docx
from docx.exceptions import PythonDocxError
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import OpcError
from docx.oxml import parse_xml
from docx.oxml.exceptions import XmlchemyError
from docx.oxml.ns import qn

from ingest.parsed import BlockKind, Builder, Parsed, collapse, office_origin
from ingest.table_header import take_header
from ingest.zipped import open_zip, reading

if TYPE_CHECKING:
    from docx.document import Document
    from docx.oxml.xmlchemy import BaseOxmlElement

_MAX_INHERITANCE = 20  # styles may refer to each other in a circle
_MAX_COLUMNS = 63  # of a Word table
_HEADING = re.compile(r"title|heading ([1-9])")

_P, _R, _T, _TBL, _TR, _TC = map(qn, ("w:p", "w:r", "w:t", "w:tbl", "w:tr", "w:tc"))
_P_PR, _R_PR, _TC_PR, _VAL = map(qn, ("w:pPr", "w:rPr", "w:tcPr", "w:val"))
_TR_PR, _TBL_HEADER = map(qn, ("w:trPr", "w:tblHeader"))
_STYLE, _STYLE_ID, _NAME = map(qn, ("w:style", "w:styleId", "w:name"))
_P_STYLE, _BASED_ON, _OUTLINE = map(qn, ("w:pStyle", "w:basedOn", "w:outlineLvl"))
_GRID_SPAN, _V_MERGE, _NUM_PR, _VANISH = map(qn, ("w:gridSpan", "w:vMerge", "w:numPr", "w:vanish"))
_BOX, _NOTE_TYPE = map(qn, ("w:txbxContent", "w:type"))
_NOTES = (
    (RELATIONSHIP_TYPE.FOOTNOTES, qn("w:footnote")),
    (RELATIONSHIP_TYPE.ENDNOTES, qn("w:endnote")),
)

_PIC, _VML_IMAGE = qn("pic:pic"), "{urn:schemas-microsoft-com:vml}imagedata"
_SPELLED = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Deleted, moved away, settings, text boxes (read apart), the second rendering of a drawing.
_SKIPPED = frozenset((*map(qn, ("w:del", "w:moveFrom", "w:pPr", "w:rPr")), _BOX, _FALLBACK))
_CONTAINERS = frozenset(map(qn, ("w:sdt", "w:sdtContent", "w:customXml", "w:ins", "w:moveTo")))


def parse_docx(path: Path, media_type: str) -> Parsed:
    """Read the body of a Word document: no headers, footers, comments or deleted text.

    Its footnotes and then its endnotes follow as paragraphs, one block per note.
    Raises ``BadDocument`` for a file that is no Word document, is broken, or would unpack to too
    much; see ``open_zip``.
    """
    open_zip(path).close()
    with reading(path, PythonDocxError, OpcError, XmlchemyError):
        return _read(path, docx.Document(str(path)), media_type)


def _read(path: Path, document: Document, media_type: str) -> Parsed:
    builder = Builder()
    styles = _Styles(document)
    body = document.element.body
    for element in _children(body, _P, _TBL):
        if element.tag == _TBL:
            _add_table(builder, element)
            continue
        kind, level = styles.kind(element)
        builder.add(kind, _text(element), level=level)
        for box in element.iter(_BOX):
            if next(box.iterancestors(_FALLBACK), None) is None:
                for paragraph in _children(box, _P):
                    builder.add("paragraph", _text(paragraph))
    for note in _notes(document):
        builder.add("paragraph", note)
    builder.images = sum(
        next(image.iterancestors(_FALLBACK), None) is None for image in body.iter(_PIC, _VML_IMAGE)
    )
    if hidden := sum(_is_hidden(run) and bool(run.findall(_T)) for run in body.iter(_R)):
        builder.warnings.append(f"hidden text was left out: {hidden} passages")
    properties = document.core_properties
    date, author = office_origin(properties.created, properties.author or "")
    return builder.build(
        title=builder.title_or(path.stem, collapse(properties.title or "")),
        media_type=media_type,
        date=date,
        author=author,
        language=properties.language or "",
    )


def _notes(document: Document) -> Iterator[str]:
    """The text of every footnote, then of every endnote, without the lines set above them."""
    for relation, tag in _NOTES:
        for link in document.part.rels.values():
            if link.reltype != relation or link.is_external:
                continue
            for note in parse_xml(link.target_part.blob).iter(tag):
                if note.get(_NOTE_TYPE, "normal") == "normal":
                    paragraphs = (
                        paragraph
                        for paragraph in note.iter(_P)
                        if next(paragraph.iterancestors(_FALLBACK), None) is None
                    )
                    yield "\n".join(map(_text, paragraphs))


def _children(parent: BaseOxmlElement, *tags: str) -> Iterator[BaseOxmlElement]:
    """The children of ``parent`` with these tags, content controls and insertions opened."""
    for child in parent.iterchildren():
        if child.tag in tags:
            yield child
        elif child.tag in _CONTAINERS:
            yield from _children(child, *tags)


def _text(element: BaseOxmlElement) -> str:
    """The text of a paragraph as its reader sees it, later changes accepted."""
    parts: list[str] = []
    pending = [element]
    while pending:
        node = pending.pop()
        if node.tag == _T:
            parts.append(node.text or "")
        elif node.tag in _SPELLED:
            parts.append(_SPELLED[node.tag])
        elif node.tag not in _SKIPPED and not _is_hidden(node):
            pending += reversed(node)
    return "".join(parts)


def _is_hidden(node: BaseOxmlElement) -> bool:
    mark = node.find(f"{_R_PR}/{_VANISH}") if node.tag == _R else None
    return mark is not None and mark.get(_VAL, "true") in ("true", "1", "on")


def _add_table(builder: Builder, table: BaseOxmlElement) -> None:
    """Append the rows of a table; the first labels the others when it names columns."""
    rows: list[list[str]] = []
    for row in _children(table, _TR):
        texts: list[str] = []
        for cell in _children(row, _TC):
            text = " ".join(_text(paragraph) for paragraph in cell.iter(_P))
            span = cell.find(f"{_TC_PR}/{_GRID_SPAN}")
            merge = cell.find(f"{_TC_PR}/{_V_MERGE}")
            if merge is not None and merge.get(_VAL) != "restart" and rows:
                above = rows[-1]  # a cell merged with the one above says the same
                text = above[len(texts)] if len(texts) < len(above) else text
            width = _number(span, 1)
            texts += [text, *[""] * (min(width, _MAX_COLUMNS) - 1)]
        rows.append(texts)
    marked = table.find(f"{_TR}/{_TR_PR}/{_TBL_HEADER}") is not None
    builder.add_table(rows, take_header(rows, marked))


def _number(element: BaseOxmlElement | None, default: int) -> int:
    value = element.get(_VAL, "") if element is not None else ""
    return int(value) if value.isdecimal() else default


class _Styles:
    """Tells headings and list items by style, outline level or numbering."""

    def __init__(self, document: Document) -> None:
        self._styles = {
            style.get(_STYLE_ID): style for style in document.styles.element.iter(_STYLE)
        }

    def kind(self, paragraph: BaseOxmlElement) -> tuple[BlockKind, int]:
        """The kind of a paragraph, and its level if it is a heading."""
        properties = paragraph.find(_P_PR)
        if properties is None:
            return "paragraph", 0
        is_item = False
        for source, name in self._chain(properties):
            outline = source.find(_OUTLINE) if source is not None else None
            level = _number(outline, 9)
            if match := _HEADING.fullmatch(name):
                return "heading", min(int(match[1] or 1), 6)
            if level < 9:
                return "heading", min(level + 1, 6)
            is_item |= name.startswith("list") and name != "list paragraph"
            is_item |= source is not None and source.find(_NUM_PR) is not None
        return ("list_item", 0) if is_item else ("paragraph", 0)

    def _chain(self, properties: BaseOxmlElement) -> Iterator[tuple[BaseOxmlElement | None, str]]:
        """Paragraph properties with the name of their style: its own, then those inherited."""
        yield properties, ""
        reference = properties.find(_P_STYLE)
        for _ in range(_MAX_INHERITANCE):
            style = self._styles.get(reference.get(_VAL)) if reference is not None else None
            if style is None:
                return
            name = style.find(_NAME)
            yield style.find(_P_PR), (name.get(_VAL, "") if name is not None else "").lower()
            reference = style.find(_BASED_ON)
