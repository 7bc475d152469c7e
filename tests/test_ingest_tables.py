"""Tables and sheets: every cell comes back by its address, as a spreadsheet shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.cell_format import shown as show
from ingest.parse import parse
from ingest.parsed import collapse, column_letters
from ingest.table_header import are_pairs, has_header
from tests.make_files import make, odt_parts, with_part, write_zip
from tests.test_ingest_formats import cells, shown
from tests.test_ingest_parse import check


def test_sheets_show_what_a_spreadsheet_shows(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.xlsx"))
    assert shown(parsed) == [
        "Plums",
        "Harvest of the year",
        "Plum: Victoria; Picked: 2024-08-01; Share: 45.7%; Weight: 1,234.50 kg; Sum: 2469",
        "Plum: Victoria; Picked: 2024-08-02; Weight: (3.00 kg)",
        "County: Sussex; Trees: 12; TRUE",
    ]
    assert parsed.title == "Harvest"
    assert cells(parsed) == {
        "Plums!A1": "Harvest of the year",
        "Plums!A4": "Victoria",
        "Plums!B4": "2024-08-01",
        "Plums!C4": "45.7%",
        "Plums!D4": "1,234.50 kg",
        "Plums!E4": "2469",
        "Plums!A5": "Victoria",
        "Plums!B5": "2024-08-02",
        "Plums!D5": "(3.00 kg)",
        "Plums!A6": "Hidden",
        "Plums!B6": "row",
        "Plums!B10": "Sussex",
        "Plums!C10": "12",
        "Plums!AB10": "TRUE",
        "Secret!A1": "hidden sheet",
    }
    assert [flag.reason for flag in parsed.flags] == [
        "row 6 of sheet Plums is hidden",
        *["sheet Secret is hidden"] * 2,
    ]
    assert "hidden column" not in parsed.text
    assert parsed.fidelity.warnings == (
        "sheet Plums: cells in hidden columns left out: 1",
        "sheet Plums: hidden rows: 1",
        "sheet Secret is hidden",
    )


def test_formulas_without_results_are_said(tmp_path: Path) -> None:
    source = make(tmp_path, "plums.xlsx")
    path = with_part(
        source,
        tmp_path / "raw.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"<v>2469</v>", b""),
    )
    parsed = parse(path)
    assert "2469" not in parsed.text
    assert any(
        "formulas without a stored result: 1" in warning for warning in parsed.fidelity.warnings
    )


def test_workbooks_store_text_and_days_in_several_ways(tmp_path: Path) -> None:
    source = make(tmp_path, "plums.xlsx")
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    strings = (
        f"<sst {space}><si><r><t>Pl</t></r><r><t>um_x000D_s</t></r><rPh><t>reading aid</t></rPh>"
        "</si>" + "<si><t>x</t></si>" * 30 + "</sst>"
    )
    sheet = (
        f'<worksheet {space}><sheetData><row><c s="1"><v>1</v></c></row>'
        '<row><c t="s"><v>0</v></c><c t="inlineStr"><is><t>in</t></is></c><c t="b"><v>0</v></c>'
        '<c t="e"><v>#N/A</v></c><c t="str"><v>result</v></c></row></sheetData></worksheet>'
    )
    changes = {
        "xl/sharedStrings.xml": lambda _: strings.encode(),
        "xl/worksheets/sheet1.xml": lambda _: sheet.encode(),
        "xl/workbook.xml": lambda xml: xml.replace(b"<workbookPr", b'<workbookPr date1904="1"'),
    }
    path = source
    for number, (name, change) in enumerate(changes.items()):
        path = with_part(path, tmp_path / f"{number}.xlsx", name, change)
    assert cells(parse(path)) == {
        "Plums!A1": "1904-01-02",
        "Plums!A2": "Plum s",
        "Plums!B2": "in",
        "Plums!C2": "FALSE",
        "Plums!D2": "#N/A",
        "Plums!E2": "result",
        "Secret!A1": "x",
    }


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("General", "1234.5", "1234.5"),
        ("General", "0.1", "0.1"),
        ("General", "12", "12"),
        ("0", "2.5", "3"),
        ("00000", "1234", "01234"),
        ("#,##0", "1234567.4", "1,234,567"),
        ("#,##0.00", "-0.001", "0.00"),
        ("0.0#", "1.20", "1.2"),
        ("0%", "0.256", "26%"),
        ("$#,##0.00", "-5", "-$5.00"),
        ("[$€-407] #,##0.00", "5", "€ 5.00"),
        ("#,##0.0,,", "1234567", "1.2"),
        ('0" kg"', "5", "5 kg"),
        ("0;(0)", "-7", "(7)"),
        ('0;-0;"none"', "0", "0"),
        ("yyyy-mm-dd", "45413", "2024-05-01"),
        ("d. mmmm yyyy", "1", "1900-01-01"),
        ("mmm yy", "45413", "2024-05-01"),
        ("dd/mm/yyyy hh:mm", "45413.5", "2024-05-01 12:00:00"),
        ("h:mm AM/PM", "0.75", "18:00:00"),
        ("[h]:mm", "1.5", "36:00:00"),
        ("0.00E+00", "12345", "12345"),
        ("# ?/?", "0.5", "0.5"),
        ("yyyy", "1e9", "1000000000"),
        ("@", "5", "5"),
        ("0", "no number", "no number"),
    ],
)
def test_numbers_are_shown_by_their_format(code: str, value: str, text: str) -> None:
    assert show(value, code) == text


def write_csv(path: Path, rows: list[list[str]]) -> str:
    """A table in a file of its own; returns how its addresses begin."""
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return ""


def write_xlsx(path: Path, rows: list[list[str]]) -> str:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("S")
        for y, row in enumerate(rows):
            for x, text in enumerate(row):
                sheet.write_string(y, x, text)
    return "S!"


def write_docx(path: Path, rows: list[list[str]]) -> str:
    from docx import Document

    document = Document()
    table = document.add_table(len(rows), len(rows[0]))
    for made, row in zip(table.rows, rows, strict=True):
        for cell, text in zip(made.cells, row, strict=True):
            cell.text = text
    document.save(str(path))
    return "Table 1!"


def write_pptx(path: Path, rows: list[list[str]]) -> str:
    from pptx import Presentation

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    table = slide.shapes.add_table(len(rows), len(rows[0]), 0, 0, 99, 99).table
    for y, row in enumerate(rows):
        for x, text in enumerate(row):
            table.cell(y, x).text = text
    deck.save(str(path))
    return "Table 1!"


def write_odt(path: Path, rows: list[list[str]]) -> str:
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    xml = "".join(
        "<table:table-row>"
        + "".join(cell.format(escape(text)) for text in row)
        + "</table:table-row>"
        for row in rows
    )
    write_zip(path, odt_parts(f"<table:table>{xml}</table:table>"))
    return "Table 1!"


def write_html(path: Path, rows: list[list[str]]) -> str:
    lines = ("".join(f"<td>{escape(text)}</td>" for text in row) for row in rows)
    path.write_text(f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>")
    return "Table 1!"


def write_md(path: Path, rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    path.write_text("\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]))
    return "Table 1!"


WRITERS = [write_csv, write_xlsx, write_docx, write_pptx, write_odt]
MINUTES = [
    ["Present", "Ada Lovelace (chair), Mary Somerville, Charles Babbage"],
    ["Apologies", "Lord Fenwick"],
    ["Date", "18 September"],
]


@pytest.mark.parametrize("write", [*WRITERS, write_html, write_md])
def test_values_stand_beside_their_labels(
    write: Callable[[Path, list[list[str]]], str], tmp_path: Path
) -> None:
    path = tmp_path / f"minutes.{write.__name__.removeprefix('write_')}"
    sheet = write(path, MINUTES)
    parsed = parse(path)
    rows = [parsed.text[b.start : b.end] for b in parsed.blocks if b.kind == "table_row"]
    assert rows == [
        "Present: Ada Lovelace (chair), Mary Somerville, Charles Babbage",
        "Apologies: Lord Fenwick",
        "Date: 18 September",
    ]
    found = cells(parsed)
    assert found[f"{sheet}A2"] == "Apologies"
    assert found[f"{sheet}B2"] == "Lord Fenwick"


@pytest.mark.parametrize(
    "rows",
    [
        [["Datum:", "heute"], ["Ort:", "Kiel"]],  # colons tell in any language
        [["Venue", "Town Hall"], ["Chair", "Ada Lovelace"], ["Ventilation", "good"]],
        [["Charge", "1.2 kg"], ["Length", "30 cm"]],
        [["Opened", "in March 2025"], ["Warden", "Ada Lovelace"]],
        [
            ["Cover", "theft, fire and flood, where the door was locked and nobody was in"],
            ["A", "b"],
        ],
    ],
)
def test_labels_are_told_by_their_values(rows: list[list[str]]) -> None:
    assert are_pairs(rows)
    assert not has_header(rows)


@pytest.mark.parametrize(
    "rows",
    [
        [["Item", "Price"], ["Apples", "2"], ["Pears", "on request"]],
        [["Name", "Role"], ["Ada Lovelace", "chair"], ["Lord Fenwick", "member"]],
        [["Status", "Meaning"], ["Present", "The pupil is here."], ["Absent", "Away."]],
        [["Date", "Venue"], ["5 May", "Kiel"], ["6 June", "Bonn"]],
        [["Region", "Sales in 2024"], ["North", "2.1 m"], ["South", "3.4 m"]],
        [["Fruit", "Price per 100 g"], ["Apples", "£2 each"], ["Pears", "£3 each"]],
        [["Topic", "Note"], ["Cleaning", "Use a cloth."], ["Address", "5 Elm Street"]],
        [["Date", "Venue", "Chair"], ["Time", "Room", "Secretary"]],
    ],
)
def test_names_of_columns_are_told_from_labels(rows: list[list[str]]) -> None:
    assert has_header(rows)


def test_a_header_that_word_repeats_on_every_page_is_one(tmp_path: Path) -> None:
    from docx import Document
    from docx.oxml import OxmlElement

    document = Document()
    table = document.add_table(2, 2)
    for made, row in zip(table.rows, MINUTES, strict=False):
        for cell, text in zip(made.cells, row, strict=True):
            cell.text = text
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    document.save(str(tmp_path / "a.docx"))
    (line,) = shown(parse(tmp_path / "a.docx"))
    assert line.startswith("Present: Apologies; Ada Lovelace (chair)")


@pytest.mark.parametrize("write", WRITERS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_cell_of_a_table_comes_back_by_its_address(
    write: Callable[[Path, list[list[str]]], str],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    words = st.text("abé1 ,;:|<&\"'", max_size=8).map(str.strip)
    width = data.draw(st.integers(2, 4))
    names = st.lists(st.text("abcxyz", min_size=1, max_size=5), min_size=width, max_size=width)
    row = st.lists(words.filter(bool) | words, min_size=width, max_size=width).filter(any)
    header = data.draw(names.filter(lambda row: len(set(row)) == width))
    rows = [header, *data.draw(st.lists(row, min_size=1, max_size=5))]
    suffix = write.__name__.removeprefix("write_")
    path = tmp_path_factory.getbasetemp() / f"table.{suffix}"
    sheet = write(path, rows)
    parsed = parse(path)
    check(parsed)
    expected = {
        f"{sheet}{column_letters(x)}{y}": collapse(text)
        for y, cells_of_row in enumerate(rows[1:], 2)
        for x, text in enumerate(cells_of_row)
        if text
    }
    assert cells(parsed) == expected
    found = [block for block in parsed.blocks if block.kind == "table_row"]
    for block, texts in zip(found, rows[1:], strict=True):
        pairs = zip(header, texts, strict=True)
        line = "; ".join(f"{name}: {collapse(text)}" for name, text in pairs if text)
        assert parsed.text[block.start : block.end] == line
