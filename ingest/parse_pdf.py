"""PDF: PDFium's characters, or what OCR reads off a page, in; text with structure out."""

from __future__ import annotations

import ctypes
import re
import threading
from collections import Counter
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from ingest.ocr import DPI, MOST_PIXELS, Ocr
from ingest.parsed import Builder, Parsed, iso_date
from ingest.pdf_glyphs import Glyph, is_unreadable, page_view, read_cells, read_glyphs, upright
from ingest.pdf_hidden import Inks
from ingest.pdf_layout import lay_out
from ingest.pdf_notes import note_marks
from ingest.pdf_page import EMPTY_PAGE, Page
from rag.errors import BadDocument

MAX_PAGES = 5000
_LOCK = threading.Lock()  # PDFium is not thread-safe, not even across documents
_UNREADABLE = 0.2  # a page with a larger share of meaningless characters is better read by OCR
_STAMP = 200  # a picture of a page with no more characters on it than this is a scan

_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d{6})?(?:Z|([+-]\d\d)'?(\d\d)?)?")
_FILE_NAME = re.compile(r"untitled|microsoft (word|powerpoint) - |.*\.[a-z]{3,5}$", re.IGNORECASE)
_NOBODY = re.compile(r"\W*(?:anonymous|unknown|unspecified)\W*", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


def parse_pdf(path: Path, media_type: str) -> Parsed:
    """Read a PDF; every line and table cell knows its box, and no block crosses pages.

    A page that is a picture, or whose characters have no meaning, is read by OCR. Running headers,
    footers and page numbers are left out, what no reader sees is flagged. Raises ``BadDocument``
    for an encrypted or broken file and for more than ``MAX_PAGES`` pages. A file without any text
    gives a ``Parsed`` without blocks.
    """
    builder = Builder()
    ocr = Ocr(builder)
    with _LOCK:
        try:
            with pdfium.PdfDocument(path) as document:
                if len(document) > MAX_PAGES:
                    raise BadDocument(
                        f"{path}: has {len(document):,} pages, at most {MAX_PAGES:,} are read: "
                        "split it and ingest the parts"
                    )
                metadata = document.get_metadata_dict()
                language = _language(document)
                builder.labels = _labels(document)
                pages = [_page(document, index, builder, ocr) for index in range(len(document))]
        except pdfium.PdfiumError as error:
            if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
                advice = "is encrypted: remove its password and ingest it again"
            else:
                advice = "is a broken PDF: open it in a viewer, print it to a new PDF, ingest that"
            raise BadDocument(f"{path}: {advice}") from error
    ocr.finish()
    title = lay_out(pages, builder)
    author = metadata.get("Author", "")
    return builder.build(
        title=_stated_title(metadata.get("Title", "")) or title or path.stem,
        media_type=media_type,
        date=_date(metadata.get("CreationDate", "")),
        pages=len(pages),
        author="" if _NOBODY.fullmatch(author) else author,
        language=language,
    )


def _page(document: pdfium.PdfDocument, index: int, builder: Builder, ocr: Ocr) -> Page:
    """One page as cells. What cannot be read of it is said in the builder's warnings."""
    number = index + 1
    try:
        page = document[index]
        textpage = page.get_textpage()
    except pdfium.PdfiumError:
        builder.warnings.append(f"page {number} is damaged and was left out")
        return EMPTY_PAGE
    edges = page.get_bbox()
    inks = Inks(page, textpage, edges)
    builder.images += len(inks.images)
    glyphs = list(read_glyphs(textpage))
    turns = Counter(glyph.turn for glyph in glyphs)
    turn = max((0, 1, 2, 3), key=turns.__getitem__)
    read = [glyph for glyph in glyphs if glyph.turn == turn]
    cells = list(read_cells(read, turn, textpage, inks.hides, note_marks(read, turn)))
    _, bottom, _, top = upright(edges, turn)
    printed = Page(cells, bottom, top, page_view(edges, page.get_rotation(), turn))
    seen: Page | None = None
    unreadable = _unreadable(glyphs)
    if unreadable or (inks.is_scan and len(glyphs) <= _STAMP) or not (glyphs or inks.empty):
        scale = min(DPI / 72, MOST_PIXELS / max(page.get_size()))
        least = 0 if unreadable else 2 * len(glyphs)  # what is printed is read without error
        seen = ocr.read(number, page.render(scale=scale).to_pil(), least)
    if seen is None and not glyphs:
        builder.blank_pages.append(number)
    if seen is None and unreadable:
        builder.warnings.append(f"page {number}: {unreadable} characters have no meaning")
    if left_out := 0 if seen else len(glyphs) - turns[turn]:
        builder.warnings.append(
            f"page {number}: {left_out} characters of turned text were left out"
        )
    textpage.close()
    page.close()
    return seen or printed


def _unreadable(glyphs: list[Glyph]) -> int:
    """How many characters have no meaning, if they are more than a few."""
    texts = Counter(glyph.text for glyph in glyphs)
    count = sum(times for text, times in texts.items() if is_unreadable(text))
    return count if count > _UNREADABLE * len(glyphs) else 0


def _labels(document: pdfium.PdfDocument) -> tuple[str, ...]:
    """The label printed on every page, or none at all where they are the numbers."""
    labels = [document.get_page_label(index) for index in range(len(document))]
    plain = all(label in ("", str(number)) for number, label in enumerate(labels, start=1))
    return () if plain else tuple(labels)


def _language(document: pdfium.PdfDocument) -> str:
    """The language the file states for itself, or ""."""
    size = pdfium_c.FPDFCatalog_GetLanguage(document.raw, None, 0)
    buffer = (ctypes.c_ushort * (size // 2))()
    pdfium_c.FPDFCatalog_GetLanguage(document.raw, buffer, size)
    language = bytes(buffer).decode("utf-16-le", errors="replace").rstrip("\0").strip()
    return language if _LANGUAGE.fullmatch(language) else ""


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
