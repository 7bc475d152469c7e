"""Writes one real file of each format, for the tests of the parsers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from tests.sample_texts import TEXTS

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
ODF = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{space}:1.0"'
    for name, space in {
        "office": "office",
        "text": "text",
        "table": "table",
        "style": "style",
        "draw": "drawing",
        "meta": "meta",
        "manifest": "manifest",
    }.items()
)
ODF += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'


def write_zip(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    """A zip archive of these entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def with_part(source: Path, path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """A copy of an archive with one entry changed."""
    with zipfile.ZipFile(source) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    parts[name] = change(parts[name])
    return write_zip(path, parts)


def write_docx(path: Path) -> None:
    """A heading, a paragraph with hidden text and a picture."""
    from docx import Document

    document = Document()
    document.core_properties.author = "Ada Lovelace"
    document.core_properties.language = "en-GB"
    document.core_properties.created = datetime(2024, 5, 6, 7, 8, 9)
    document.add_heading("Plums", 1)
    paragraph = document.add_paragraph("Plums are stone fruit.")
    paragraph.add_run(" unseen").font.hidden = True
    document.add_picture(io.BytesIO(PNG))
    document.save(str(path))


def write_pptx(path: Path) -> None:
    """A slide with text and notes, one with a table, a hidden one, an empty one and a chart."""
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = Presentation()
    deck.core_properties.title = "PowerPoint Presentation"
    deck.core_properties.author = "Ada Lovelace"
    deck.core_properties.language = "en-GB"
    deck.core_properties.created = datetime(2024, 5, 6, 7, 8, 9)
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Plums"
    slide.placeholders[1].text = "Victoria\nPershore"
    slide.shapes.add_picture(io.BytesIO(PNG), 0, 0)
    slide.notes_slide.notes_text_frame.text = "Say where they grow."
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Where"
    frame = slide.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(5), Inches(3))
    rows = [("Plum", "County"), ("Victoria", "Sussex"), ("Pershore", "Worcestershire")]
    for y, row in enumerate(rows):
        for x, text in enumerate(row):
            frame.table.cell(y, x).text = text
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Secret"
    slide.element.set("show", "0")
    deck.slides.add_slide(deck.slide_layouts[6])
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    group = slide.shapes.add_group_shape()
    box = group.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))
    box.text_frame.text = "In a group"
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Tons", (1.5, 2))
    size = Inches(4)
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, size, size, size, size, data)
    deck.save(str(path))


def write_xlsx(path: Path) -> None:
    """Formats, a formula, merged cells, two tables in a sheet, and hidden things."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties(
            {"title": "Harvest", "author": "Ada Lovelace", "created": datetime(2024, 5, 6)}
        )
        sheet = book.add_worksheet("Plums")
        percent = book.add_format({"num_format": "0.0%"})
        day = book.add_format({"num_format": "d mmm yyyy"})
        money = book.add_format({"num_format": '#,##0.00 "kg";[Red](#,##0.00 "kg")'})
        sheet.write("A1", "Harvest of the year")
        sheet.write_row("A3", ["Plum", "Picked", "Share", "Weight", "Sum"])
        sheet.merge_range("A4:A5", "Victoria")
        sheet.write("B4", datetime(2024, 8, 1), day)
        sheet.write("C4", 0.4567, percent)
        sheet.write("D4", 1234.5, money)
        sheet.write_formula("E4", "=D4*2", None, 2469)
        sheet.write("B5", datetime(2024, 8, 2), day)
        sheet.write("D5", -3, money)
        sheet.write_row("A6", ["Hidden", "row"])
        sheet.set_row(5, None, None, {"hidden": True})
        sheet.write("G4", "hidden column")
        sheet.set_column("G:G", None, None, {"hidden": True})
        sheet.write_row("B9", ["County", "Trees"])
        sheet.write_row("B10", ["Sussex", 12])
        sheet.write("AB10", True)
        secret = book.add_worksheet("Secret")
        secret.write("A1", "hidden sheet")
        secret.hide()
        book.add_worksheet("Empty")


def epub_parts() -> dict[str, str | bytes]:
    """The entries of a book of two chapters, in another order than they are read."""
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": (
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
        ),
        "OEBPS/book.opf": (
            '<package xmlns="http://www.idpf.org/2007/opf" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            "<dc:title>The Plum Book</dc:title><dc:creator>Ada Lovelace</dc:creator>"
            "<dc:creator>Bob</dc:creator><dc:language>en-GB</dc:language>"
            "<dc:date>2024-05-06</dc:date></metadata><manifest>"
            '<item id="two" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" '
            'properties="nav"/></manifest>'
            '<spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/></spine>'
            "</package>"
        ),
        "OEBPS/nav.xhtml": "<html><body><p>Contents</p></body></html>",
        "OEBPS/text/two b.xhtml": "<html><body><p>The second chapter.</p></body></html>",
        "OEBPS/text/one.xhtml": (
            '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
            '<body><header><h1>One<a id="x"/></h1></header><p>The first&#160;chapter.</p>'
            "<table><tr><th>Plum</th><th>County</th></tr><tr><td>Victoria</td><td>Sussex</td></tr>"
            '</table><img src="a.png"/><aside>A note.</aside></body></html>'
        ),
    }


def write_epub(path: Path) -> None:
    """A book of two chapters."""
    write_zip(path, epub_parts())


def odt_parts(body: str, styles: str = "") -> dict[str, str | bytes]:
    """The entries of a text document with this body."""
    return {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": (
            f"<office:document-content{ODF}><office:automatic-styles>{styles}"
            f"</office:automatic-styles><office:body><office:text>{body}</office:text>"
            "</office:body></office:document-content>"
        ),
        "meta.xml": (
            f"<office:document-meta{ODF}><office:meta><dc:title>Plums and more</dc:title>"
            "<meta:initial-creator>Ada Lovelace</meta:initial-creator>"
            "<meta:creation-date>2024-05-06T07:08:09.123</meta:creation-date>"
            "<dc:language>en-GB</dc:language></office:meta></office:document-meta>"
        ),
        "META-INF/manifest.xml": f"<manifest:manifest{ODF}/>",
    }


def write_odt(path: Path) -> None:
    """Headings, spaces, a list, a table, a note, a box, and text that is not shown."""
    hidden = (
        '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
    )
    row = "<table:table-row>{}</table:table-row>"
    cell = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>"
    body = (
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">Plums</text:h>'
        '<text:p>Two<text:s text:c="2"/>spaces<text:line-break/>a <text:span>new\n line</text:span>'
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>The note."
        '</text:p></text:note-body></text:note>, end<text:span text:style-name="H"> unseen'
        "</text:span>.</text:p>"
        "<text:list><text:list-item><text:p>Victoria</text:p><text:list><text:list-item>"
        "<text:p>inner</text:p></text:list-item></text:list></text:list-item></text:list>"
        "<table:table><table:table-header-rows>"
        + row.format(cell.format("", "Plum") + cell.format("", "2023"))
        + "</table:table-header-rows>"
        + row.format(cell.format("", "Victoria") + cell.format("", "5"))
        + row.format(cell.format(' table:number-columns-repeated="2"', "same"))
        + "</table:table><text:p>Before<draw:frame><draw:text-box><text:p>In a box</text:p>"
        "</draw:text-box></draw:frame></text:p>"
        "<text:section><text:p>In a section<draw:frame><draw:image/></draw:frame></text:p>"
        "</text:section>"
    )
    write_zip(path, odt_parts(body, hidden))


def write_eml(path: Path) -> None:
    """A message in two forms, with an attachment."""
    message = EmailMessage()
    message["Subject"] = "The plum harvest – überall"
    message["From"] = "Ada Lovelace <ada@example.org>"
    message["To"] = "Bob <bob@example.org>, carol@example.org"
    message["Date"] = "Mon, 06 May 2024 07:08:09 +0200"
    message.set_content("Dear Bob,\n\nthe harvest was good – très bon.\n")
    message.add_alternative("<p>Dear <b>HTML</b></p>", subtype="html")
    message.add_attachment(PNG, maintype="image", subtype="png", filename="plüm.png")
    message["Content-Language"] = "en-GB"
    path.write_bytes(message.as_bytes())


WRITERS: Mapping[str, Callable[[Path], None]] = {
    "plums.docx": write_docx,
    "plums.eml": write_eml,
    "plums.epub": write_epub,
    "plums.odt": write_odt,
    "plums.pptx": write_pptx,
    "plums.xlsx": write_xlsx,
}
NAMES = sorted([*TEXTS, *WRITERS])


def make(folder: Path, name: str) -> Path:
    """The file of that name, written to ``folder``."""
    path = folder / name
    if name in TEXTS:
        path.write_text(TEXTS[name], encoding="utf-8", newline="")
    else:
        WRITERS[name](path)
    return path
