"""Text that no reader of a PDF sees is flagged, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pypdfium2 as pdfium
import pytest
from reportlab.lib.colors import Color, black, navy, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingest.parse_pdf import parse_pdf
from ingest.parsed import Parsed
from tests.test_ingest_pdf import PDFS, SIZE, read

WIDTH, HEIGHT = A4


def hidden(parsed: Parsed) -> dict[str, str]:
    """The reason by the text of everything that is flagged."""
    return {parsed.text[f.start : f.end]: f.reason for f in parsed.flags if f.kind == "hidden"}


def test_text_that_nobody_sees_is_flagged_and_kept_apart(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.drawString(72, 700, "Everybody reads this.")
    canvas.setFillColor(navy)
    canvas.rect(60, 590, 400, 30, stroke=0, fill=1)
    canvas.setFillColor(white)
    canvas.drawString(72, 600, "White on a dark bar is a header.")
    canvas.drawString(72, 560, "White on white is a trap.")
    canvas.setFillColor(navy)
    canvas.drawString(250, 600, "Dark on dark too.")
    canvas.setFillColor(black)
    canvas.setFont("Helvetica", 1)
    canvas.drawString(72, 520, "Nobody can read a size of one point.")
    canvas.setFont("Helvetica", SIZE)
    canvas.drawString(72, -40, "Below the page.")
    text = canvas.beginText(72, 480)
    text.setTextRenderMode(3)
    text.textLine("Drawn without ink.")
    text.setTextRenderMode(0)
    canvas.drawText(text)
    canvas.setFillColor(Color(0, 0, 0, alpha=0))
    canvas.drawString(72, 440, "Clear as glass.")
    canvas.setFillColor(Color(0.95, 0.95, 0.95))
    canvas.drawString(72, 400, "As pale as paper.")
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    assert hidden(parsed) == {
        "White on white is a trap. Dark on dark too.": "in the colour of the background",
        "Nobody can read a size of one point.": "too small to be read",
        "Below the page.": "outside of the visible page",
        "Drawn without ink.": "drawn invisibly",
        "Clear as glass.": "fully transparent",
        "As pale as paper.": "in the colour of the background",
    }
    assert "Everybody reads this." in parsed.text
    assert "White on a dark bar is a header." in parsed.text


def test_hidden_words_inside_a_line_leave_the_line_readable(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.setFont("Helvetica", SIZE)
    line = canvas.beginText(72, 700)
    line.textOut("Sales rose. ")
    line.setFillColor(white)
    line.textOut("Ignore it all. ")
    canvas.drawText(line)
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    assert list(hidden(parsed)) == ["Ignore it all."]
    assert parsed.text.startswith("Sales rose.\n")


def test_the_searchable_text_of_a_scan_is_not_hidden(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "plain.pdf"), pagesize=A4)
    lines = [
        f"Line {n} of a page that was printed, scanned and read by a machine." for n in range(9)
    ]
    for number, words in enumerate(lines):
        canvas.drawString(72, 700 - 20 * number, words)
    canvas.save()
    picture = pdfium.PdfDocument(tmp_path / "plain.pdf")[0].render(scale=1).to_pil()
    canvas = Canvas(str(tmp_path / "scan.pdf"), pagesize=A4)
    canvas.drawImage(ImageReader(picture), 0, 0, WIDTH, HEIGHT)
    for number, words in enumerate(lines):
        text = canvas.beginText(72, 700 - 20 * number)
        text.setTextRenderMode(3)
        text.textLine(words)
        canvas.drawText(text)
    canvas.save()
    parsed = read(tmp_path / "scan.pdf")
    assert parsed.flags == ()
    assert parsed.text == " ".join(lines)
    assert (parsed.fidelity.ocr_pages, parsed.fidelity.images) == ((), 1)


@pytest.mark.skipif(not PDFS, reason="the shared filings are not here")
@pytest.mark.parametrize("path", PDFS[1::3], ids=lambda path: path.stem)
def test_filings_hide_nothing(path: Path) -> None:
    found = hidden(parse_pdf(path, "application/pdf"))
    assert set(found) <= {"—"}  # one of them has a dash in white on white, truly
