"""Pages of PDF files and pictures as images, and where on them the quoted words stand."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import BadDocument
from rag.types import Box, Place, Span

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH = 1200
"""Pixels across an image of a page: sharp in a pane of half the window."""
MOST_PIXELS = 4_000_000
KEPT = 24
_LEAST = 0.004  # of the page's width: what is narrower cannot be seen

# PDFium may be used by one thread at a time.
_PDFIUM = threading.Lock()


def has_pages(media_type: str) -> bool:
    """Whether documents of this type are shown as images of their pages."""
    return media_type == "application/pdf" or media_type.startswith("image/")


@lru_cache(maxsize=KEPT)
def page_image(path: Path, media_type: str, number: int) -> str:
    """Page ``number``, from 1, as the ``data:`` address of a JPEG image.

    Raises ``BadDocument`` when the kept original cannot be shown.
    """
    try:
        image = (_pdf_page if media_type == "application/pdf" else _frame)(path, number)
    except Exception as error:  # what a damaged file raises is not ours to list
        raise BadDocument(f"page {number} cannot be shown as an image: {error}") from error
    image.thumbnail((WIDTH, MOST_PIXELS // WIDTH))
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def boxes(
    path: Path, media_type: str, number: int, places: Iterable[Place], span: Span, text: str
) -> list[Box]:
    """Where on a page the characters ``span`` of the document's ``text`` stand, line by line.

    Places are known by the line; within the first and the last one, words are found by the
    letters of the page, or else by their share of the line.
    """
    found: list[Box] = []
    letters: Sequence[tuple[str, Box]] | None = None
    for place in places:
        start, end = max(place.start, span.start), min(place.end, span.end)
        if place.box is None or place.page != number or not text[start:end].strip():
            continue
        box = place.box
        if (start, end) != (place.start, place.end):
            if letters is None:
                letters = _letters(path, number) if media_type == "application/pdf" else ()
            inner = Span(start - place.start, end - place.start)
            box = _within(box, text[place.start : place.end], inner, letters)
        found.append(box)
    return found


def _pdf_page(path: Path, number: int) -> Image:
    import pypdfium2 as pdfium

    with _PDFIUM, pdfium.PdfDocument(path) as document:
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(WIDTH / width, (MOST_PIXELS / (width * height)) ** 0.5)
        image: Image = page.render(scale=scale).to_pil()
        return image


def _frame(path: Path, number: int) -> Image:
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        image.seek(number - 1)
        return ImageOps.exif_transpose(image)


@lru_cache(maxsize=KEPT)
def _letters(path: Path, number: int) -> Sequence[tuple[str, Box]]:
    """The characters that show on a page, each with its box as shares of the page."""
    import pypdfium2 as pdfium

    with _PDFIUM, pdfium.PdfDocument(path) as document:
        page = document[number - 1]
        if page.get_rotation():
            return []
        left, bottom, right, top = page.get_bbox()
        words = page.get_textpage()
        written = [(words.get_text_range(i, 1), i) for i in range(words.count_chars())]
        return [
            (text, _shares(words.get_charbox(i), left, bottom, right, top))
            for text, i in written
            if text.strip()
        ]


def _shares(box: Any, left: float, bottom: float, right: float, top: float) -> Box:  # noqa: ANN401
    width, height = right - left, top - bottom
    return (
        (box[0] - left) / width,
        (top - box[3]) / height,
        (box[2] - left) / width,
        (top - box[1]) / height,
    )


def _within(line: Box, text: str, span: Span, letters: Sequence[tuple[str, Box]]) -> Box:
    """The part of a line's box in which ``text[span.start:span.end]`` stands."""
    left, top, right, bottom = line
    inside = [
        (letter, box)
        for letter, box in letters
        if left - _LEAST <= (box[0] + box[2]) / 2 <= right + _LEAST
        and top <= (box[1] + box[3]) / 2 <= bottom
    ]
    shown = [i for i, letter in enumerate(text) if not letter.isspace()]
    if "".join(letter for letter, _ in inside) == "".join(text[i] for i in shown):
        wanted = [
            box for i, (_, box) in zip(shown, inside, strict=True) if span.start <= i < span.end
        ]
        first, last = min(b[0] for b in wanted), max(b[2] for b in wanted)
    else:
        first = left + (right - left) * span.start / len(text)
        last = left + (right - left) * span.end / len(text)
    return (max(left, first), top, max(min(right, last), first + _LEAST), bottom)
