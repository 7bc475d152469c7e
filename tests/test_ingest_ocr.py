"""Pictures of text: scanned PDFs and image files are read, and say how surely."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingest import ocr
from ingest.parse_image import parse_image
from ingest.parse_pdf import parse_pdf
from ingest.parsed import Parsed
from rag.errors import BadDocument, NoDocument

PROSE = [
    "Acme makes anvils and has done so for a very long time now, through",
    "good and ill times alike. This plan suits every worker.",
]


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Image.Image:
    """A printed page of prose and a table, at 200 dots per inch."""
    path = tmp_path_factory.mktemp("ocr") / "page.pdf"
    canvas = Canvas(str(path), pagesize=A4)
    for number, line in enumerate(PROSE):
        canvas.drawString(72, 700 - 15 * number, line)
    for number, cells in enumerate(
        [("", "2022", "2021"), ("Anvils", "1,200", "900"), ("Hammers", "35", "40")]
    ):
        for x, cell in zip((72, 300, 400), cells, strict=True):
            canvas.drawString(x, 600 - 16 * number, cell)
    canvas.save()
    image = pdfium.PdfDocument(path)[0].render(scale=200 / 72).to_pil()
    assert isinstance(image, Image.Image)
    return image


def texts(parsed: Parsed) -> list[str]:
    """The text of every block."""
    return [parsed.text[block.start : block.end] for block in parsed.blocks]


EXPECTED = [
    " ".join(PROSE),
    "2022 | 2021",
    "Anvils; 2022: 1,200; 2021: 900",
    "Hammers; 2022: 35; 2021: 40",
]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp"])
def test_a_picture_is_read_in_every_format(
    tmp_path: Path, picture: Image.Image, suffix: str
) -> None:
    path = tmp_path / f"page{suffix}"
    picture.save(path)
    parsed = parse_image(path, "image/x")
    assert texts(parsed) == EXPECTED
    assert (parsed.pages, parsed.title) == (1, "page")
    assert parsed.fidelity.ocr_pages == (1,)
    assert (parsed.fidelity.ocr_confidence or 0) > 0.85
    assert parsed.fidelity.warnings == ()


@pytest.mark.parametrize("degrees", [0.0, 1.5, 90.0, 180.0])
def test_words_stand_where_they_are_in_the_picture(
    tmp_path: Path, picture: Image.Image, degrees: float
) -> None:
    image = picture.rotate(
        degrees, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC
    )
    image.save(tmp_path / "page.png")
    parsed = parse_image(tmp_path / "page.png", "image/png")
    assert texts(parsed) == EXPECTED
    grey = image.convert("L")
    boxes = []
    for place in parsed.places:
        left, top, right, bottom = place.box or (0, 0, 0, 0)
        boxes.append(
            (left * grey.width, top * grey.height, right * grey.width, bottom * grey.height)
        )
        assert grey.crop(tuple(map(round, boxes[-1]))).getextrema()[0] < 100
    for box in boxes:  # all ink is in a box: painted white, nothing is left
        grey.paste(255, tuple(map(round, (box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2))))
    assert grey.getextrema()[0] > 100


def test_every_page_of_a_fax_is_read(tmp_path: Path, picture: Image.Image) -> None:
    blank = Image.new("RGB", picture.size, "white")
    path = tmp_path / "fax.tiff"
    picture.save(path, save_all=True, append_images=[blank, picture])
    parsed = parse_image(path, "image/tiff")
    assert texts(parsed) == EXPECTED * 2
    assert {block.page for block in parsed.blocks} == {1, 3}
    assert parsed.pages == parsed.fidelity.images == 3
    assert (parsed.fidelity.ocr_pages, parsed.fidelity.blank_pages) == ((1, 3), (2,))


def test_transparent_and_deep_pictures_are_read(tmp_path: Path, picture: Image.Image) -> None:
    grey = picture.convert("L")
    ink = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    ink.paste((0, 0, 0, 255), mask=grey.point(lambda value: 255 - value))
    ink.save(tmp_path / "clear.png")
    grey.convert("I").point(lambda value: value * 256).save(tmp_path / "deep.tif")
    for name in ("clear.png", "deep.tif"):
        assert texts(parse_image(tmp_path / name, "image/x")) == EXPECTED


def write_scan(path: Path, picture: Image.Image, *stamps: str) -> None:
    """A PDF: a page of text, then a page that is a picture, with a stamp printed over it."""
    canvas = Canvas(str(path), pagesize=A4)
    canvas.drawString(72, 700, "A page of text.")
    canvas.showPage()
    canvas.drawImage(ImageReader(picture), 0, 0, *A4)
    for stamp in stamps:
        canvas.drawString(400, 800, stamp)
    canvas.save()


def test_a_scanned_page_of_a_pdf_is_read(tmp_path: Path, picture: Image.Image) -> None:
    write_scan(tmp_path / "scan.pdf", picture)
    parsed = parse_pdf(tmp_path / "scan.pdf", "application/pdf")
    assert texts(parsed) == ["A page of text.", *EXPECTED]
    assert {b.page for b in parsed.blocks[1:]} == {2}
    assert parsed.fidelity.ocr_pages == (2,)
    assert parsed.fidelity.blank_pages == parsed.fidelity.warnings == ()
    place = next(p for p in parsed.places if parsed.text[p.start : p.end] == "Anvils")
    left, top, _, bottom = place.box or (0, 0, 0, 0)
    assert left == pytest.approx(72 / A4[0], abs=0.01)
    assert top < 1 - 588 / A4[1] < bottom


def test_a_stamp_on_a_scan_does_not_stand_for_its_text(
    tmp_path: Path, picture: Image.Image
) -> None:
    write_scan(tmp_path / "scan.pdf", picture, "Received May 2")
    parsed = parse_pdf(tmp_path / "scan.pdf", "application/pdf")
    assert EXPECTED[0] in texts(parsed)
    assert "Received May 2" in parsed.text


def test_a_picture_without_text_is_blank_and_said(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.drawString(72, 700, "A page of text.")
    canvas.showPage()
    canvas.circle(300, 400, 100, fill=1)
    canvas.save()
    parsed = parse_pdf(tmp_path / "a.pdf", "application/pdf")
    assert parsed.fidelity.blank_pages == (2,)
    assert parsed.fidelity.warnings == ("page 2: no text was found in its picture",)


@pytest.mark.parametrize("size", [(12, 12), (16, 155)])
def test_icons_are_passed_over_as_too_small(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "white").save(tmp_path / "plus.png")
    with pytest.raises(NoDocument, match=rf"plus\.png: .* {size[0]} by {size[1]} pixels, too sm"):
        parse_image(tmp_path / "plus.png", "image/png")


def test_a_blurred_picture_gives_a_warning(tmp_path: Path, picture: Image.Image) -> None:
    small = picture.resize((picture.width // 4, picture.height // 4))
    noisy = Image.effect_noise(small.size, 90)
    Image.blend(small.convert("L"), noisy, 0.35).save(tmp_path / "bad.png")
    parsed = parse_image(tmp_path / "bad.png", "image/png")
    confidence = parsed.fidelity.ocr_confidence
    assert confidence is None or (
        confidence < 0.75 and "OCR is only" in parsed.fidelity.warnings[0]
    )
    assert parsed.fidelity.warnings


def test_gigapixel_pictures_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    for side in (10_000, 100_000):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        data = (
            b"\x89PNG\r\n\x1a\n"
            + header
            + chunk(b"IDAT", zlib.compress(b"\0"))
            + chunk(b"IEND", b"")
        )
        (tmp_path / "bomb.png").write_bytes(data)
        with pytest.raises(BadDocument, match=r"bomb\.png: has more than 89 million pixels"):
            parse_image(tmp_path / "bomb.png", "image/png")


def test_broken_pictures_are_refused(tmp_path: Path, picture: Image.Image) -> None:
    picture.save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    for data in (b"no picture", whole[: len(whole) // 2]):
        (tmp_path / "a.png").write_bytes(data)
        with pytest.raises(BadDocument, match=r"a\.png: is not a readable picture"):
            parse_image(tmp_path / "a.png", "image/png")


def test_where_ocr_is_missing_the_user_learns_what_to_install(
    tmp_path: Path, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    ocr._engine.cache_clear()
    monkeypatch.setattr(ocr, "_DATA", "no-such-package")
    try:
        write_scan(tmp_path / "scan.pdf", picture)
        parsed = parse_pdf(tmp_path / "scan.pdf", "application/pdf")
        assert texts(parsed) == ["A page of text."]
        assert parsed.fidelity.blank_pages == (2,)
        assert any(
            ocr.INSTALL in warning and "page 2" in warning for warning in parsed.fidelity.warnings
        )
        picture.save(tmp_path / "a.png")
        with pytest.raises(BadDocument, match=r"a\.png: .*only OCR reads.*pip install tesserocr"):
            parse_image(tmp_path / "a.png", "image/png")
    finally:
        ocr._engine.cache_clear()
