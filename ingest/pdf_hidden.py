"""What no reader of a PDF's page sees: text drawn without ink, without contrast, off the page.

Coordinates are the page's own: PDF points with y upwards, before any turning.
"""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from ingest.pdf_glyphs import page_view
from ingest.pdf_page import Rect

_TINY = 1.8  # points: about the height of a line set in 1.5 points
_PALE = 0xE0  # a colour with all its parts above this may be lost on white
_NEAR = 0x18  # colours that differ less than this in all their parts look the same
_ICON = 10.0  # what is smaller than this many points is a bullet or a line, not a picture
_SHAPE = 4.0  # what is thinner than this is a line, not a background
_SCAN = 0.5  # pictures that cover this share of a page are the page
_INVISIBLE = (pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP)
_NESTING = 4
_SCALE, _MOST_PIXELS = 2.0, 4000  # pixels per point, and along one side

Colour = tuple[int, int, int]


class Inks:
    """The pictures and filled shapes of a page, and which of its words they leave unseen.

    ``images`` are where the pictures stand; ``empty`` is whether nothing at all is drawn.
    """

    def __init__(self, page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, edges: Rect) -> None:
        self._page, self._text, self._edges = page, textpage.raw, edges
        self._rgba = [ctypes.c_uint() for _ in range(4)]
        self._refs = [ctypes.byref(part) for part in self._rgba]
        self._pixels: NDArray[np.uint8] | None = None
        self._fills: dict[Colour, list[Rect]] = defaultdict(list)
        self._plain: set[Colour | None] = set()  # colours that stand out wherever they are
        self._lost: dict[Colour, list[Rect]] = {}
        self.images: list[Rect] = []
        self.empty = not pdfium_c.FPDFPage_CountObjects(page.raw)
        for thing, kind in _objects(page.raw):
            if kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
                rect = _bounds(thing)
                if min(rect[2] - rect[0], rect[3] - rect[1]) >= _ICON:
                    self.images.append(rect)
            elif kind == pdfium_c.FPDF_PAGEOBJ_PATH:
                rect = _bounds(thing)
                wide = min(rect[2] - rect[0], rect[3] - rect[1]) >= _SHAPE
                if wide and _is_filled(thing) and (colour := self._colour(thing)):
                    self._fills[colour].append(rect)

    @property
    def is_scan(self) -> bool:
        """Whether pictures cover most of the page."""
        left, bottom, right, top = self._edges
        covered = sum(
            max(0.0, min(x1, right) - max(x0, left)) * max(0.0, min(y1, top) - max(y0, bottom))
            for x0, y0, x1, y1 in self.images
        )
        return covered > 0 and covered >= _SCAN * (right - left) * (top - bottom)

    def hides(self, index: int, rect: Rect) -> str:
        """Why nobody sees the character ``index``, whose box is ``rect``, or ""."""
        x0, y0, x1, y1 = rect
        left, bottom, right, top = self._edges
        if x1 <= left or x0 >= right or y1 <= bottom or y0 >= top:
            return "outside of the visible page"
        if x1 - x0 < _TINY and y1 - y0 < _TINY:
            return "too small to be read"
        thing = pdfium_c.FPDFText_GetTextObject(self._text, index)
        if pdfium_c.FPDFTextObj_GetTextRenderMode(thing) in _INVISIBLE:
            # Over a scanned page this is what OCR has read there.
            scanned = self.is_scan and any(_holds(image, rect) for image in self.images)
            return "" if scanned else "drawn invisibly"
        colour = self._colour(thing)
        if colour in self._plain:
            return ""
        if self._may_vanish(colour, rect) and self._is_flat(rect):
            return "in the colour of the background" if colour else "fully transparent"
        return ""

    def _may_vanish(self, colour: Colour | None, rect: Rect) -> bool:
        """Whether text of this colour is worth a look at the pixels."""
        if colour is None or min(colour) >= _PALE:
            return True
        if colour not in self._lost:
            alike = [rects for fill, rects in self._fills.items() if _alike(fill, colour)]
            self._lost[colour] = [fill for rects in alike for fill in rects]
            if not alike:
                self._plain.add(colour)
        return any(_holds(fill, rect) for fill in self._lost[colour])

    def _colour(self, thing: object) -> Colour | None:
        """The colour a text or shape is filled with; None if it lets all light through."""
        if not pdfium_c.FPDFPageObj_GetFillColor(thing, *self._refs):
            return 0, 0, 0
        red, green, blue, opaque = self._rgba
        return (red.value, green.value, blue.value) if opaque.value else None

    def _is_flat(self, rect: Rect) -> bool:
        """Whether the displayed page shows one colour only at ``rect``."""
        box = page_view(self._edges, self._page.get_rotation(), 0).box(rect)
        if box is None:
            return True
        if self._pixels is None:
            scale = min(_SCALE, _MOST_PIXELS / max(self._page.get_size()))
            self._pixels = self._page.render(scale=scale).to_numpy()
        height, width = self._pixels.shape[:2]
        left, top, right, bottom = box
        rows = slice(int(top * height) + 1, int(bottom * height))
        columns = slice(int(left * width) + 1, int(right * width))
        pixels = self._pixels[rows, columns]
        # Less than a pixel tells nothing.
        return pixels.size > 0 and bool((np.ptp(pixels, axis=(0, 1)) < _NEAR).all())


def _objects(page: object) -> Iterator[tuple[object, int]]:
    """The paths and pictures of a page, each with its type."""
    get, kind_of = pdfium_c.FPDFPage_GetObject, pdfium_c.FPDFPageObj_GetType
    text, form = pdfium_c.FPDF_PAGEOBJ_TEXT, pdfium_c.FPDF_PAGEOBJ_FORM
    for index in range(pdfium_c.FPDFPage_CountObjects(page)):
        thing = get(page, index)
        kind = kind_of(thing)
        if kind == form:
            yield from _parts(thing, thing, 1)
        elif kind != text:
            yield thing, kind


def _parts(form: object, outermost: object, depth: int) -> Iterator[tuple[object, int]]:
    """What a form draws. A picture in it is given as the whole form, which knows its place."""
    for index in range(pdfium_c.FPDFFormObj_CountObjects(form)):
        thing = pdfium_c.FPDFFormObj_GetObject(form, index)
        kind = pdfium_c.FPDFPageObj_GetType(thing)
        if kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < _NESTING:
            yield from _parts(thing, outermost, depth + 1)
        elif kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            yield outermost, kind


def _bounds(thing: object) -> Rect:
    sides = [ctypes.c_float() for _ in range(4)]
    pdfium_c.FPDFPageObj_GetBounds(thing, *map(ctypes.byref, sides))
    return sides[0].value, sides[1].value, sides[2].value, sides[3].value


def _is_filled(path: object) -> bool:
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium_c.FPDFPath_GetDrawMode(path, ctypes.byref(mode), ctypes.byref(stroke))
    return bool(mode.value != pdfium_c.FPDF_FILLMODE_NONE)


def _holds(outer: Rect, inner: Rect) -> bool:
    """Whether the middle of ``inner`` is in ``outer``."""
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] <= x <= outer[2] and outer[1] <= y <= outer[3]


def _alike(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) < _NEAR for a, b in zip(one, other, strict=True))
