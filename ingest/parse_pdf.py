"""PDF: PDFium's characters with their boxes in, text with structure out.

This file gathers characters into cells for ``ingest.pdf_lines`` and ``ingest.pdf_layout``.
Coordinates are PDF points with y upwards, turned so that the text of a page stands upright.
"""

from __future__ import annotations

import ctypes
import math
import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from ingest.parsed import Builder, Parsed, iso_date
from ingest.pdf_layout import Layout
from ingest.pdf_lines import Cell, Page
from rag.errors import BadDocument

_LOCK = threading.Lock()  # PDFium is not thread-safe, not even across documents
_CELL_GAP = 1.0  # a gap this wide separates cells; in character heights, like the next one
_WORD_GAP = 0.3
_UNREADABLE = 0.2  # a page with a larger share of meaningless characters deserves a warning

_BOLD = re.compile(rb"bold|black|heavy|demi", re.IGNORECASE)
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB06: "st"}
_SPELLED = {**_LIGATURES, 0x02: "-", 0xFFFE: "-"}  # 0x02: PDFium's hyphen at the end of a line
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d{6})?(?:Z|([+-]\d\d)'?(\d\d)?)?")
_FILE_NAME = re.compile(r"untitled|microsoft (word|powerpoint) - |.*\.[a-z]{3,5}$", re.IGNORECASE)


class _Glyph(NamedTuple):
    """One printed character; ``turn`` is its direction in quarter turns clockwise, -1 oblique."""

    position: int
    text: str
    turn: int
    x0: float
    y0: float
    x1: float
    y1: float


def parse_pdf(path: Path, media_type: str) -> Parsed:
    """Read the text layer of a PDF; every block knows its page, and none crosses pages.

    Running headers, footers and page numbers are left out. Raises ``BadDocument`` for an
    encrypted or broken file. A file without text layer gives a ``Parsed`` without blocks.
    """
    builder = Builder()
    with _LOCK:
        try:
            with pdfium.PdfDocument(path) as document:
                metadata = document.get_metadata_dict()
                pages = [_page(document, index, builder.warnings) for index in range(len(document))]
        except pdfium.PdfiumError as error:
            if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
                advice = "is encrypted: remove its password and ingest it again"
            else:
                advice = "is a broken PDF: open it in a viewer, print it to a new PDF, ingest that"
            raise BadDocument(f"{path}: {advice}") from error
    layout = Layout(pages)
    for index in range(len(pages)):
        for piece in layout.pieces(index):
            builder.add(piece.kind, piece.text, level=piece.level, page=index + 1)
    return builder.build(
        title=_stated_title(metadata.get("Title", "")) or layout.title() or path.stem,
        media_type=media_type,
        date=_date(metadata.get("CreationDate", "")),
        pages=len(pages),
    )


def _page(document: pdfium.PdfDocument, index: int, warnings: list[str]) -> Page:
    """One page as cells. What cannot be read of it is said in ``warnings``."""
    try:
        page = document[index]
        textpage = page.get_textpage()
    except pdfium.PdfiumError:
        warnings.append(f"page {index + 1} is damaged and was left out")
        return Page([], 0.0, 0.0)
    glyphs = list(_glyphs(textpage))
    turns = Counter(glyph.turn for glyph in glyphs)
    turn = max((0, 1, 2, 3), key=turns.__getitem__)
    left_out = turns.total() - turns[turn]
    unreadable = sum(map(_is_unreadable, glyphs))
    if not turns:
        warnings.append(f"page {index + 1} has no text (scanned?)")
    if left_out:
        warnings.append(f"page {index + 1}: {left_out} characters of turned text were left out")
    if unreadable > _UNREADABLE * turns.total():
        warnings.append(f"page {index + 1}: {unreadable} characters have no meaning: OCR may help")
    upright = [_upright(glyph, turn) for glyph in glyphs if glyph.turn == turn]
    cells = list(_cells(upright, textpage))
    box = _upright(_Glyph(0, "", turn, *page.get_bbox()), turn)
    textpage.close()
    page.close()
    return Page(cells, box.y0, box.y1)


def _glyphs(textpage: pdfium.PdfTextPage) -> Iterator[_Glyph]:
    """The printed characters in the order of the content stream; the gaps tell the spaces."""
    raw, box = textpage.raw, pdfium_c.FS_RECTF()
    pointer = ctypes.byref(box)
    turn, bottom, right = 0, math.inf, 0.0
    for index in range(textpage.count_chars()):
        code = pdfium_c.FPDFText_GetUnicode(raw, index)
        text = _SPELLED.get(code) or chr(code)
        if text.isspace() or code == 0xAD:
            continue
        pdfium_c.FPDFText_GetLooseCharBox(raw, index, pointer)
        x0, y0, x1, y1 = box.left, box.bottom, box.right, box.top
        if turn or y0 != bottom or x0 < right - 1:  # asking is slow, and needless along a line
            quarters = pdfium_c.FPDFText_GetCharAngle(raw, index) / (math.pi / 2)
            turn = round(quarters) % 4 if abs(quarters - round(quarters)) < 0.05 else -1
        bottom, right = y0, x1
        yield _Glyph(index, text, turn, x0, y0, x1, y1)


def _upright(glyph: _Glyph, turn: int) -> _Glyph:
    """``glyph`` with its box turned back by ``turn`` quarters."""
    if turn == 0:
        return glyph
    index, text, _, x0, y0, x1, y1 = glyph
    boxes = {1: (-y1, x0, -y0, x1), 2: (-x1, -y1, -x0, -y0), 3: (y0, -x1, y1, -x0)}
    return _Glyph(index, text, turn, *boxes[turn])


def _cells(glyphs: list[_Glyph], textpage: pdfium.PdfTextPage) -> Iterator[Cell]:
    """Gather characters that follow each other on one line without a wide gap."""
    fonts = _Fonts(textpage)
    cell: Cell | None = None
    last = -1
    for glyph in glyphs:
        index, text, _, x0, y0, x1, y1 = glyph
        height = y1 - y0
        if cell is not None:
            gap = (x0 - cell.x1) / (height or 1.0)
            if cell.beside(y0, y1) and -0.5 < gap < _CELL_GAP:
                # PDFium puts a space between words, printed or generated: an index is skipped.
                cell.text += text if index == last + 1 and gap < _WORD_GAP else " " + text
                cell.x1, last = max(cell.x1, x1), index
                continue
            cell.bold = cell.bold and fonts.bold(last)
            yield cell
        cell = Cell(text, x0, x1, y0, y1, bold=fonts.bold(index))
        last = index
    if cell is not None:
        cell.bold = cell.bold and fonts.bold(last)
        yield cell


class _Fonts:
    """Tells bold characters by the name of their font."""

    def __init__(self, textpage: pdfium.PdfTextPage) -> None:
        self._raw = textpage.raw
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()

    def bold(self, index: int) -> bool:
        length = pdfium_c.FPDFText_GetFontInfo(
            self._raw, index, self._name, len(self._name), ctypes.byref(self._flags)
        )
        return 0 < length <= len(self._name) and bool(_BOLD.search(self._name.value))


def _is_unreadable(glyph: _Glyph) -> bool:
    code = ord(glyph.text[0])
    private = 0xE000 <= code <= 0xF8FF and code not in (0xF0B7, 0xF0A7)  # these are bullets
    return code in (0, 0xFFFD) or private


def _stated_title(title: str) -> str:
    """The title in the metadata, unless a program or a numbering made it."""
    title = " ".join(title.split())
    letters = sum(map(str.isalpha, title))
    if letters * 2 < len(title.replace(" ", "")) or _FILE_NAME.match(title):
        return ""
    return title


def _date(stated: str) -> str:
    """A PDF date (``D:20240131120000+01'00'``) in ISO 8601, or ""."""
    match = _DATE.match(stated)
    if not match:
        return ""
    year, month, day, time, zone_hours, zone_minutes = match.groups()
    date = f"{year}-{month or '01'}-{day or '01'}"
    if not time:
        return iso_date(date)
    if zone_hours:
        zone = f"{zone_hours}:{zone_minutes or '00'}"
    else:
        zone = "+00:00" if stated.endswith("Z") else ""
    return iso_date(f"{date}T{time[:2]}:{time[2:4]}:{time[4:]}{zone}")
