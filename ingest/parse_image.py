"""Pictures of text, such as scans, faxes and photographs, read by OCR."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from ingest.ocr import MOST_PIXELS, Ocr
from ingest.parsed import Builder, Parsed
from ingest.pdf_layout import lay_out
from ingest.pdf_page import EMPTY_PAGE, Page
from rag.errors import BadDocument, NoDocument

MAX_FRAMES = 5000
LEAST_PIXELS = 64 * 64
"""A picture of fewer is an icon or an ornament."""
_FEW_PIXELS = 1600  # along the longer side: a screen, whose letters are too small for OCR


def parse_image(path: Path, media_type: str) -> Parsed:
    """Read the text of a picture, and of every page of a TIFF file; each line knows its box.

    Raises ``BadDocument`` for a file that is no readable picture, has more pixels than
    ``PIL.Image.MAX_IMAGE_PIXELS`` or more pages than ``MAX_FRAMES`` (both before it is decoded),
    and where OCR is not installed; ``NoDocument`` for one of less than ``LEAST_PIXELS``. A picture
    without text gives a ``Parsed`` without blocks.
    """
    builder = Builder()
    ocr = Ocr(builder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pixels we judge below, of odd tags nobody asks
            pages = _pages(path, builder, ocr)
    except Image.DecompressionBombError as error:
        raise BadDocument(_too_large(path)) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadDocument(
            f"{path}: is not a readable picture ({error}): open it in a viewer and save it as PNG"
        ) from error
    ocr.finish()
    if ocr.missing:
        raise BadDocument(f"{path}: is a picture, which only OCR reads. {ocr.missing}")
    title = lay_out(pages, builder)
    return builder.build(title=title or path.stem, media_type=media_type, pages=len(pages))


def _pages(path: Path, builder: Builder, ocr: Ocr) -> list[Page]:
    """The frames of the file, each as it is displayed."""
    pages: list[Page] = []
    with Image.open(path) as image:
        frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        if frames > MAX_FRAMES:
            raise BadDocument(
                f"{path}: has {frames:,} pages, at most {MAX_FRAMES:,} are read: "
                "split it and ingest the parts"
            )
        for index in range(frames):
            image.seek(index)
            if frames == 1 and image.width * image.height < LEAST_PIXELS:
                raise NoDocument(
                    f"{path}: is a picture of {image.width} by {image.height} pixels, too small to "
                    "hold text"
                )
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or 0):
                raise BadDocument(_too_large(path))
            page = ocr.read(index + 1, _legible(image))
            if page is None:
                builder.blank_pages.append(index + 1)
            pages.append(page or EMPTY_PAGE)
    builder.images = frames
    return pages


def _too_large(path: Path) -> str:
    millions = (Image.MAX_IMAGE_PIXELS or 0) // 10**6
    return f"{path}: has more than {millions} million pixels: make it smaller and ingest it again"


def _legible(image: Image.Image) -> Image.Image:
    """``image`` upright, in grey on white, at a size that OCR can read."""
    upright = ImageOps.exif_transpose(image)
    if "transparency" in upright.info or upright.mode in ("RGBA", "LA", "PA"):
        over = upright.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        upright = Image.alpha_composite(white, over)
    if upright.mode.startswith(("I", "F")):  # 16 or 32 bits a pixel
        low, high = (float(end) for end in upright.getextrema())  # type: ignore[arg-type]
        scale = 255 / ((high - low) or 1)
        upright = upright.point(lambda value: value * scale - low * scale)
    grey = upright.convert("L")
    longer = max(grey.size)
    factor = 2 if longer <= _FEW_PIXELS else min(1.0, MOST_PIXELS / longer)
    if factor == 1:
        return grey
    return grey.resize((round(grey.width * factor) or 1, round(grey.height * factor) or 1))
