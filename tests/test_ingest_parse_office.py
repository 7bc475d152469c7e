"""PDF and Word: real files, written here, come back with their structure and pages."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import pytest
from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pptx import Presentation
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from ingest.parse import parse
from ingest.parsed import Parsed
from rag.errors import BadDocument
from tests.test_ingest_parse import DATA, check

PDFS = sorted((DATA / "pdf").glob("*.pdf"))
PAGES = {
    "2022-Q3-AAPL": 28,
    "2022-Q3-AMZN": 50,
    "2022-Q3-INTC": 61,
    "2022-Q3-MSFT": 80,
    "2022-Q3-NVDA": 49,
    "2023-Q1-AAPL": 46,
    "2023-Q1-AMZN": 52,
    "2023-Q1-INTC": 43,
    "2023-Q1-MSFT": 72,
    "2023-Q1-NVDA": 49,
}


def outline(parsed: Parsed) -> list[tuple[int | None, str, str]]:
    """Page, kind and text of every block."""
    return [(b.page, b.kind, parsed.text[b.start : b.end]) for b in parsed.blocks]


class Writer:
    """Writes lines onto the pages of a PDF, with a header, a footer and a page number."""

    def __init__(self, path: Path, *, encrypt: str | None = None, running: bool = True) -> None:
        self.canvas = Canvas(str(path), pagesize=A4, encrypt=encrypt)
        self.page = 1
        self.y = 760.0
        self.running = running

    def line(self, text: str, *, x: float = 72, size: float = 11, bold: bool = False) -> None:
        """Write a line and go to the next."""
        self.canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
        self.canvas.drawString(x, self.y, text)
        self.y -= 1.2 * size

    def row(self, *cells: str) -> None:
        """Write a line of cells, the first wide and the others narrow."""
        self.canvas.setFont("Helvetica", 11)
        for x, cell in zip((72, 300, 320, 400, 420), cells, strict=False):
            self.canvas.drawString(x, self.y, cell)
        self.y -= 14

    def gap(self) -> None:
        """Leave room between two paragraphs."""
        self.y -= 14

    def next(self) -> None:
        """Finish the page."""
        if self.running:
            self.canvas.setFont("Helvetica", 9)
            self.canvas.drawString(72, 810, "Acme Annual Report")
            self.canvas.drawString(72, 30, f"Page {self.page} of 4")
        self.canvas.showPage()
        self.page += 1
        self.y = 760.0


@pytest.fixture
def report(tmp_path: Path) -> Parsed:
    """A report of four pages, the third without text."""
    path = tmp_path / "report.pdf"
    writer = Writer(path)
    writer.line("The Year at Acme", size=20, bold=True)
    writer.gap()
    writer.line("Acme makes anvils and has done so for a very long time now, through good and ill")
    writer.line(
        "times alike. Its long-term plan keeps every worker and asks for a little more infor-"
    )
    writer.line(
        "mation about each of the anvils that it sells, which is to say about all of its long-"
    )
    writer.line("term business.")
    writer.gap()
    writer.line("A second paragraph says that information is kept.")
    writer.next()
    writer.line("Sales", bold=True)
    writer.gap()
    writer.row("Product", "", "2022", "", "2021")
    writer.row("Anvils", "$", "1,200", "$", "(900)")
    writer.row("Hammers for all of", "", "", "", "")
    writer.row("our customers", "", "35%", "", "40%")
    writer.gap()
    writer.line("• heavy")
    writer.line(
        "• heavier than anything that was ever sold before by anybody else who sells to the"
    )
    writer.line("same people", x=80)
    writer.next()
    writer.canvas.rect(100, 100, 200, 200)
    writer.canvas.showPage()
    writer.page += 1
    writer.line("The end of this report.")
    writer.next()
    writer.canvas.save()
    return parse(path)


def test_a_pdf_comes_back_page_by_page(report: Parsed) -> None:
    check(report)
    assert report.pages == 4
    assert report.title == "The Year at Acme"
    assert report.fidelity.warnings == ("page 3: no text was found in its picture",)
    assert datetime.fromisoformat(report.date).year >= 2000
    assert outline(report) == [
        (1, "heading", "The Year at Acme"),
        (
            1,
            "paragraph",
            "Acme makes anvils and has done so for a very long time now, through good and ill "
            "times alike. Its long-term plan keeps every worker and asks for a little more "
            "information about each of the anvils that it sells, which is to say about all of its "
            "long-term business.",
        ),
        (1, "paragraph", "A second paragraph says that information is kept."),
        (2, "heading", "Sales"),
        (2, "table_row", "Product | 2022 | 2021"),
        (2, "table_row", "Product: Anvils; 2022: $1,200; 2021: $(900)"),
        (2, "table_row", "Product: Hammers for all of our customers; 2022: 35%; 2021: 40%"),
        (2, "list_item", "• heavy"),
        (
            2,
            "list_item",
            "• heavier than anything that was ever sold before by anybody else who sells to the "
            "same people",
        ),
        (4, "paragraph", "The end of this report."),
    ]


def test_columns_of_prose_are_read_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "columns.pdf"
    writer = Writer(path, running=False)
    writer.line("A Title over Both of the Columns that is Set Large", size=18, x=90)
    for number in range(10):  # written line by line across the columns, to be sure
        writer.canvas.setFont("Helvetica", 10)
        writer.canvas.drawString(
            72, 700 - 12 * number, f"left {number} runs over the whole column width"
        )
        writer.canvas.drawString(
            320, 700 - 12 * number, f"right {number} runs over the whole column too"
        )
    writer.next()
    writer.canvas.save()
    text = parse(path).text
    order = [text.index(f"{side} {number} ") for side in ("left", "right") for number in range(10)]
    assert order == sorted(order)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_pages_are_read_upright(tmp_path: Path, degrees: int) -> None:
    path = tmp_path / "turned.pdf"
    canvas = Canvas(str(path), pagesize=A4)
    canvas.translate(300, 400)
    canvas.rotate(degrees)
    canvas.drawString(0, 0, "First line stands above.")
    canvas.drawString(0, -40, "Second line stands below.")
    canvas.save()
    assert parse(path).text == "First line stands above.\n\nSecond line stands below."


def test_text_across_the_page_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "draft.pdf"
    canvas = Canvas(str(path), pagesize=A4)
    canvas.drawString(72, 700, "A line of text on a draft.")
    canvas.translate(300, 400)
    canvas.rotate(45)
    canvas.drawString(0, 0, "DRAFT")
    canvas.save()
    parsed = parse(path)
    assert parsed.text == "A line of text on a draft."
    assert parsed.fidelity.warnings == ("page 1: 5 characters of turned text were left out",)


def test_encrypted_broken_and_empty_pdfs_are_refused(tmp_path: Path) -> None:
    secret = Writer(tmp_path / "secret.pdf", encrypt="password")
    secret.line("Secret")
    secret.next()
    secret.canvas.save()
    with pytest.raises(BadDocument, match="is encrypted: remove its password and ingest it again"):
        parse(tmp_path / "secret.pdf")
    (tmp_path / "broken.pdf").write_bytes((tmp_path / "secret.pdf").read_bytes()[:300])
    with pytest.raises(BadDocument, match=r"broken\.pdf: is a broken PDF"):
        parse(tmp_path / "broken.pdf")
    scan = Writer(tmp_path / "scan.pdf", running=False)
    scan.next()
    scan.canvas.save()
    with pytest.raises(BadDocument, match=r"no text could be extracted from it\. OCR found none"):
        parse(tmp_path / "scan.pdf")


def test_the_title_is_the_stated_one_unless_a_program_made_it(tmp_path: Path) -> None:
    titles = {"Anvils: a History": "Anvils: a History", "0000320193-22-000070": "named"}
    titles |= {"Microsoft Word - draft.doc": "named", "untitled": "named"}
    for stated, title in titles.items():
        writer = Writer(tmp_path / "named.pdf", running=False)
        writer.canvas.setTitle(stated)
        writer.line("Only one line of text.")
        writer.next()
        writer.canvas.save()
        assert parse(tmp_path / "named.pdf").title == title


def test_pages_that_are_all_alike_are_not_taken_for_headers(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.pdf", running=False)
    for _ in range(4):
        writer.line("The same text on every page.")
        writer.next()
    writer.canvas.save()
    assert len(parse(tmp_path / "a.pdf").blocks) == 4


def test_pdfs_are_read_from_several_threads(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.pdf")
    for _ in range(4):
        writer.y = 500
        writer.line("The same text on every page.")
        writer.next()
    writer.canvas.save()
    texts: list[str] = []
    threads = [
        threading.Thread(target=lambda: texts.append(parse(tmp_path / "a.pdf").text))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["\n\n".join(["The same text on every page."] * 4)] * 8


@pytest.mark.skipif(not PDFS, reason="the shared filings are not here")
@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.stem)
def test_filings_parse_with_all_their_pages(path: Path) -> None:
    parsed = parse(path)
    check(parsed)
    assert parsed.pages == PAGES[path.stem]
    assert {block.page for block in parsed.blocks} == set(range(1, parsed.pages + 1))
    assert parsed.fidelity.warnings == ()
    assert sum(block.kind == "table_row" for block in parsed.blocks) > 200
    if path.stem == "2022-Q3-AAPL":
        rows = {text for _, kind, text in outline(parsed) if kind == "table_row"}
        times = [
            f"{n} Months Ended June {d}"
            for n in ("Three", "Nine")
            for d in ("25, 2022", "26, 2021")
        ]
        for label, values in {
            "Total net sales": ["82,959", "81,434", "304,182", "282,457"],
            "Net income": ["$19,442", "$21,744", "$79,082", "$74,129"],
        }.items():
            cells = [f"{when}: {value}" for when, value in zip(times, values, strict=True)]
            assert "; ".join([label, *cells]) in rows


def test_a_word_document_comes_back_in_order(tmp_path: Path) -> None:
    document = Document()
    document.core_properties.created = datetime(2024, 5, 6, 7, 8, 9)
    document.add_heading("The Year at Acme", 0)
    document.add_heading("Sales", 2)
    document.add_paragraph("Sales were good.\tVery good.")
    document.add_paragraph("anvils", style="List Bullet")
    table = document.add_table(4, 3)
    rows = [
        ("Product", "2022 sales", "Note"),
        ("Anvils", "5", ""),
        ("", "6", "x"),
        ("All", "", "y"),
    ]
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(3, 0).merge(table.cell(3, 1))
    paragraph = document.add_paragraph("Kept")
    paragraph.add_run(" hidden").font.hidden = True
    change = f"<w:ins {nsdecls('w')}><w:r><w:t> and inserted</w:t></w:r></w:ins>"
    paragraph._p.append(parse_xml(change))
    change = f"<w:del {nsdecls('w')}><w:r><w:delText> gone</w:delText></w:r></w:del>"
    paragraph._p.append(parse_xml(change))
    control = (
        f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>In a control</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>"
    )
    document.element.body.insert(1, parse_xml(control))
    document.save(str(tmp_path / "year.docx"))
    parsed = parse(tmp_path / "year.docx")
    check(parsed)
    assert [(kind, text) for _, kind, text in outline(parsed)] == [
        ("heading", "The Year at Acme"),
        ("paragraph", "In a control"),
        ("heading", "Sales"),
        ("paragraph", "Sales were good.\tVery good."),
        ("list_item", "anvils"),
        ("table_row", "Product: Anvils; 2022 sales: 5"),
        ("table_row", "Product: Anvils; 2022 sales: 6; Note: x"),
        ("table_row", "Product: All; Note: y"),
        ("paragraph", "Kept and inserted"),
    ]
    assert [block.level for block in parsed.blocks if block.kind == "heading"] == [1, 2]
    assert (parsed.title, parsed.date[:19]) == ("The Year at Acme", "2024-05-06T07:08:09")


def test_an_empty_word_document_is_refused(tmp_path: Path) -> None:
    Document().save(str(tmp_path / "empty.docx"))
    with pytest.raises(BadDocument, match="no text could be extracted"):
        parse(tmp_path / "empty.docx")


def write_notes(path: Path, **notes: str) -> None:
    """Write a document of one heading and paragraph, with the XML of its note parts."""
    document = Document()
    document.add_heading("Sales", 1)
    document.add_paragraph("Sales were good.")
    for name, xml in notes.items():
        part = Part(PackURI(f"/word/{name}.xml"), "application/xml", xml.encode())
        document.part.relate_to(part, getattr(RELATIONSHIP_TYPE, name.upper()))
    document.save(str(path))


def test_notes_of_a_word_document_follow_its_body(tmp_path: Path) -> None:
    def note(tag: str, *texts: str, attribute: str = "") -> str:
        inner = "".join(f"<w:p><w:r><w:footnoteRef/><w:t>{t}</w:t></w:r></w:p>" for t in texts)
        return f"<w:{tag} {attribute}>{inner}</w:{tag}>"

    separator = note("footnote", "unseen", attribute='w:type="separator"')
    more = note("footnote", "unseen", attribute='w:type="continuationSeparator"')
    gone = "<w:footnote><w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    shown = note("footnote", "Anvils only.", "And hammers.") + note("footnote", "Audited.")
    write_notes(
        tmp_path / "notes.docx",
        endnotes=f"<w:endnotes {nsdecls('w')}>{note('endnote', 'At the end.')}</w:endnotes>",
        footnotes=f"<w:footnotes {nsdecls('w')}>{separator}{more}{gone}</w:footnote>{shown}"
        "</w:footnotes>",
    )
    parsed = parse(tmp_path / "notes.docx")
    check(parsed)
    assert [(kind, text) for _, kind, text in outline(parsed)] == [
        ("heading", "Sales"),
        ("paragraph", "Sales were good."),
        ("paragraph", "Anvils only.\nAnd hammers."),
        ("paragraph", "Audited."),
        ("paragraph", "At the end."),
    ]
    assert parsed.fidelity.warnings == ()


def test_a_word_document_with_broken_notes_is_refused(tmp_path: Path) -> None:
    write_notes(tmp_path / "broken.docx", footnotes="<w:footnotes")
    with pytest.raises(BadDocument, match=r"broken\.docx: is not a readable Word document"):
        parse(tmp_path / "broken.docx")


def test_the_date_and_author_of_an_empty_template_are_none_of_the_document(tmp_path: Path) -> None:
    document, slides = Document(), Presentation()
    document.add_paragraph("The mill was sold.")
    slides.slides.add_slide(slides.slide_layouts[0]).shapes.title.text = "The mill was sold."
    for file, name in ((document, "made.docx"), (slides, "made.pptx")):
        file.save(str(tmp_path / name))
        parsed = parse(tmp_path / name)
        assert (parsed.date, parsed.author) == ("", "")
        file.core_properties.author = "Ada Holm"
        file.save(str(tmp_path / name))
        parsed = parse(tmp_path / name)
        assert (parsed.date, parsed.author) == ("", "Ada Holm")
        file.core_properties.created = datetime(2024, 5, 6, 7, 8, 9)
        for author, known in (("Ada Holm", "Ada Holm"), ("python-docx", "")):
            file.core_properties.author = author
            file.save(str(tmp_path / name))
            parsed = parse(tmp_path / name)
            assert (parsed.date[:19], parsed.author) == ("2024-05-06T07:08:09", known)
