"""From PDFium's characters to cells, and from those back to where the reader sees them.

Coordinates are PDF points with y upwards, turned so that the text of a page stands upright.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable, Iterator, Sequence, Set
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from ingest.pdf_page import CELL_GAP, Cell, Point, Rect, View

_WORD_GAP = 0.3  # in character heights

_BOLD = re.compile(rb"bold|black|heavy|demi", re.IGNORECASE)
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB06: "st"}
_SPELLED = {**_LIGATURES, 0x02: "-", 0xFFFE: "-"}  # 0x02: PDFium's hyphen at the end of a line

Hidden = Callable[[int, Rect], str]


class Glyph(NamedTuple):
    """One printed character; ``turn`` is its direction in quarter turns clockwise, -1 oblique."""

    position: int
    text: str
    turn: int
    x0: float
    y0: float
    x1: float
    y1: float


def is_unreadable(text: str) -> bool:
    """Whether nobody can tell which character ``text`` is."""
    code = ord(text[0])
    private = 0xE000 <= code <= 0xF8FF and code not in (0xF0B7, 0xF0A7)  # these are bullets
    return code in (0, 0xFFFD) or private


def page_view(edges: Rect, rotation: int, turn: int) -> View:
    """The view of a page whose visible part has ``edges``, displayed ``rotation`` degrees turned.

    ``turn`` is that of its text.
    """
    left, bottom, right, top = edges
    width, height = (right - left) or 1.0, (top - bottom) or 1.0

    def show(x: float, y: float) -> Point:
        x, y = ((x, y), (y, -x), (-x, -y), (-y, x))[turn]
        u, v = (x - left) / width, (top - y) / height
        return ((u, v), (1 - v, u), (1 - u, 1 - v), (v, 1 - u))[rotation // 90 % 4]

    return View.of(show)


def read_glyphs(textpage: pdfium.PdfTextPage) -> Iterator[Glyph]:
    """The printed characters in the order of the content stream; the gaps tell the spaces."""
    raw, box = textpage.raw, pdfium_c.FS_RECTF()
    pointer = ctypes.byref(box)
    loose_box = pdfium_c.FPDFText_GetLooseCharBox
    turn, bottom, right = 0, math.inf, 0.0
    for index, code in enumerate(_codes(textpage)):
        text = _SPELLED.get(code) or chr(code)
        if text.isspace() or code == 0xAD:
            continue
        loose_box(raw, index, pointer)
        x0, y0, x1, y1 = box.left, box.bottom, box.right, box.top
        if turn or y0 != bottom or x0 < right - 1:  # asking is slow, and needless along a line
            quarters = pdfium_c.FPDFText_GetCharAngle(raw, index) / (math.pi / 2)
            turn = round(quarters) % 4 if abs(quarters - round(quarters)) < 0.05 else -1
        bottom, right = y0, x1
        yield Glyph(index, text, turn, x0, y0, x1, y1)


def _codes(textpage: pdfium.PdfTextPage) -> Sequence[int]:
    """The code point of every character of a page."""
    raw, count = textpage.raw, textpage.count_chars()
    buffer = (ctypes.c_ushort * (count + 1))()
    # All at once is fast, but leaves out what has no code point, and halves what is beyond 16 bits.
    if pdfium_c.FPDFText_GetText(raw, 0, count, buffer) == count + 1:
        codes: Sequence[int] = buffer[:count]
        if not any(0xD800 <= code < 0xE000 for code in set(codes)):
            return codes
    return [pdfium_c.FPDFText_GetUnicode(raw, index) for index in range(count)]


def upright(rect: Rect, turn: int) -> Rect:
    """``rect`` turned back by ``turn`` quarters."""
    x0, y0, x1, y1 = rect
    return ((x0, y0, x1, y1), (-y1, x0, -y0, x1), (-x1, -y1, -x0, -y0), (y0, -x1, y1, -x0))[turn]


def read_cells(
    glyphs: Sequence[Glyph],
    turn: int,
    textpage: pdfium.PdfTextPage,
    hidden: Hidden,
    marks: Set[int],
) -> Iterator[Cell]:
    """Gather characters that follow each other on one line without a wide gap.

    ``hidden`` says of a word, by the index of its first character and where that stands on the
    page as it is, why no reader sees it, or "". Those of ``marks``, which follow a word, are no
    text, but in its box.
    """
    fonts = _Fonts(textpage)
    cell: Cell | None = None
    last = -1
    rect = before = (0.0, 0.0, 0.0, 0.0)
    for index, text, _, x0, y0, x1, y1 in glyphs:
        before, rect = rect, (x0, y0, x1, y1)
        if turn:
            x0, y0, x1, y1 = upright(rect, turn)
        height = y1 - y0
        if cell is not None:
            if index in marks:
                cell.x1, last = max(cell.x1, x1), index
                continue
            gap = (x0 - cell.x1) / (height or 1.0)
            level = y0 == cell.bottom and y1 == cell.top  # as most are; it saves a call
            # The letters of a ligature follow each other without a space, all in its one box.
            onwards = gap > -0.5 or (rect == before and index == last + 1)
            if (level or cell.beside(y0, y1)) and onwards and gap < CELL_GAP:
                # PDFium puts a space between words, printed or generated: an index is skipped.
                joined = index == last + 1 and gap < _WORD_GAP
                if joined or hidden(index, rect) == cell.hidden:
                    if not level and height > cell.height and cell.text.isdecimal():
                        cell.bottom, cell.top = y0, y1  # a raised number begins a note
                    cell.text += text if joined else " " + text
                    if x1 > cell.x1:
                        cell.x1 = x1
                    last = index
                    continue
            cell.bold = cell.bold and fonts.bold(last)
            yield cell
        reason = hidden(index, rect)
        cell = Cell(text, x0, x1, y0, y1, bold=fonts.bold(index), hidden=reason)
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
