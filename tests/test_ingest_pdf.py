"""Where the text of a PDF stands on its pages, its tables, its labels, and what is hidden in it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from ingest import parse_pdf as pdf_door
from ingest.parse_pdf import parse_pdf
from ingest.parsed import Parsed
from ingest.pdf_headers import RowCell
from ingest.pdf_tables import Strip, read_tables
from rag.errors import BadDocument
from rag.types import Box, Place
from tests.test_ingest_parse import DATA

PDFS = sorted((DATA / "pdf").glob("*.pdf"))
WIDTH, HEIGHT = A4
SIZE = 11


def read(path: Path) -> Parsed:
    """Parse, and check what holds of every map from text to page."""
    parsed = parse_pdf(path, "application/pdf")
    last = 0
    for place in parsed.places:
        assert last <= place.start < place.end <= len(parsed.text)
        last = place.start
        assert place.page is not None
        assert 1 <= place.page <= (parsed.pages or 0)
        if place.box:
            left, top, right, bottom = place.box
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
    for block in parsed.blocks:
        inside = [p for p in parsed.places if block.start <= p.start and p.end <= block.end]
        assert inside
        assert {place.page for place in inside} == {block.page}
    return parsed


def quotes(parsed: Parsed) -> dict[str, Place]:
    """Every place by the text that stands there."""
    return {parsed.text[place.start : place.end]: place for place in parsed.places}


def printed(text: str, x: float, y: float) -> Box:
    """The least box that must be covered when ``text`` is drawn at ``x``, ``y`` upright on A4."""
    right = x + stringWidth(text, "Helvetica", SIZE)
    return x / WIDTH, (HEIGHT - y - 0.6 * SIZE) / HEIGHT, right / WIDTH, (HEIGHT - y) / HEIGHT


def covers(outer: Box | None, inner: Box, slack: float = 0.005) -> bool:
    """Whether ``outer`` covers ``inner`` and is hardly larger."""
    if outer is None:
        return False
    grown = all(
        sign * (a - b) <= slack for sign, a, b in zip((1, 1, -1, -1), outer, inner, strict=True)
    )
    return grown and outer[2] - outer[0] < inner[2] - inner[0] + 0.02 and outer[3] - outer[1] < 0.04


def turned(box: Box, degrees: int) -> Box:
    """``box`` after the page is turned clockwise."""
    for _ in range(degrees // 90):
        left, top, right, bottom = box
        box = (1 - bottom, left, 1 - top, right)
    return box


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_lines_know_their_boxes_however_the_page_is_turned(tmp_path: Path, degrees: int) -> None:
    lines = {
        "The first line of a paragraph runs to the right edge of the column, and the": (72, 700),
        "second line ends.": (72, 686),
        "Elsewhere on the page": (300, 120),
    }
    # The canvas is told the size of the page as displayed.
    size = A4 if degrees % 180 == 0 else (HEIGHT, WIDTH)
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=size)
    canvas.setPageRotation(degrees)
    for text, (x, y) in lines.items():
        canvas.setFont("Helvetica", SIZE)
        canvas.drawString(x, y, text)
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    assert len(parsed.blocks) == 2
    for text, (x, y) in lines.items():
        box = quotes(parsed)[text].box
        assert box is not None
        assert covers(turned(box, (360 - degrees) % 360), printed(text, x, y))


def test_boxes_are_shares_of_the_visible_part_of_a_page(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4, cropBox=(100, 200, 500, 700))
    canvas.setFont("Helvetica", SIZE)
    canvas.drawString(150, 600, "Inside of the crop box")
    canvas.drawString(150, 100, "Outside of the crop box")
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    left, top, right, bottom = quotes(parsed)["Inside of the crop box"].box or (0, 0, 0, 0)
    assert left == pytest.approx(50 / 400, abs=0.01)
    assert top < 100 / 500 < bottom
    assert right < 1
    assert [(parsed.text[f.start : f.end], f.reason) for f in parsed.flags] == [
        ("Outside of the crop box", "outside of the visible page")
    ]


def test_the_lines_of_two_columns_have_boxes_in_their_column(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for number in range(8):
        canvas.setFont("Helvetica", SIZE)
        canvas.drawString(72, 700 - 13 * number, f"left {number} runs over the whole column")
        canvas.drawString(320, 700 - 13 * number, f"right {number} runs over the whole column")
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    for number in range(8):
        for side, x in (("left", 72), ("right", 320)):
            text = f"{side} {number} runs over the whole column"
            assert covers(quotes(parsed)[text].box, printed(text, x, 700 - 13 * number))


def test_a_broken_word_has_its_halves_on_two_lines(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.setFont("Helvetica", SIZE)
    canvas.drawString(72, 700, "The word information is here, and once again but now it is infor-")
    canvas.drawString(72, 687, "mation in two halves.")
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    assert "it is information in two" in parsed.text
    first, second = parsed.places
    assert parsed.text[first.start : first.end].endswith("it is infor")
    assert parsed.text[second.start : second.end] == "mation in two halves."


def without_rules(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``ink`` without its runs of 40 and more pixels: rules and shaded rows, no letters."""
    sums = np.cumsum(np.pad(ink.astype(int), ((0, 0), (1, 39))), axis=1)
    starts = sums[:, 39:] - sums[:, :-39] == 39
    spread = np.cumsum(np.pad(starts.astype(int), ((0, 0), (39, 0))), axis=1)
    in_run = spread[:, 39:] - spread[:, :-39] > 0
    return ink & ~in_run[:, : ink.shape[1]]


@pytest.mark.skipif(not PDFS, reason="the shared filings are not here")
@pytest.mark.parametrize("path", PDFS[::3], ids=lambda path: path.stem)
def test_the_ink_of_real_pages_is_inside_the_boxes(path: Path) -> None:
    parsed = read(path)
    document = pdfium.PdfDocument(path)
    words = digits = 0
    for number in (4, 12, 25):
        page = document[number - 1]
        pixels = page.render(scale=2).to_pil().convert("L")
        ink = without_rules(np.asarray(pixels) < 170)
        text = page.get_textpage()
        boxes = [p for p in parsed.places if p.page == number and p.box]
        covered = np.zeros_like(ink)
        for place in boxes:
            left, top, right, bottom = place.box or (0, 0, 0, 0)
            height, width = ink.shape
            rows = slice(int(top * height), int(bottom * height) + 1)
            columns = slice(int(left * width), int(right * width) + 1)
            covered[rows, columns] = True
            # Each box holds ink, and the characters that PDFium finds there are its text.
            assert ink[rows, columns].any(), parsed.text[place.start : place.end]
            wide, high = page.get_size()
            inside = text.get_text_bounded(
                left * wide - 1, high - bottom * high, right * wide + 1, high - top * high
            )
            said = re.findall(r"\w+", parsed.text[place.start : place.end])
            words += len(said)
            digits += sum(word in inside for word in said)
        # What is left out are running headers and footers.
        assert ink[covered].sum() > 0.9 * ink.sum()
    assert digits >= 0.98 * words


def test_headers_set_flush_right_may_begin_far_left_of_their_numbers(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for row, cells in enumerate(
        [
            [(72, "Origin"), (250, "Share of all purchases"), (350, "Price")],
            [(72, "Brazil"), (250, "41%"), (350, "5.31")],
            [(72, "Vietnam"), (250, "13%"), (350, "3.87")],
        ]
    ):
        for x, cell in cells:
            canvas.setFont("Helvetica", SIZE)
            draw = canvas.drawRightString if x > 72 else canvas.drawString
            draw(x, 700 - 14 * row, cell)
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    assert [parsed.text[b.start : b.end] for b in parsed.blocks if b.kind == "table_row"][1:] == [
        "Origin: Brazil; Share of all purchases: 41%; Price: 5.31",
        "Origin: Vietnam; Share of all purchases: 13%; Price: 3.87",
    ]


@pytest.mark.parametrize(
    ("corner", "label"),
    [("£ million", "£ million: "), ("(in millions)", ""), ("Year ended", "")],
)
def test_what_stands_above_the_names_of_rows_is_their_label(
    tmp_path: Path, corner: str, label: str
) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.setFont("Helvetica", SIZE)
    for row, cells in enumerate([(corner, "Sales", "Debt"), ("Anvils", "5", "6")]):
        for x, cell in zip((72, 350, 450), cells, strict=True):
            canvas.drawString(x, 700 - 14 * row, cell)
    canvas.save()
    assert f"\n{label}Anvils; " in read(tmp_path / "a.pdf").text


def test_rows_are_read_with_the_headers_above_them(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for row, cells in enumerate(
        [
            [(72, "(in millions)"), (408, "Three Months Ended"), (533, "Six Months Ended")],
            [(345, "June 30,"), (410, "June 30,"), (475, "June 30,"), (540, "June 30,")],
            [(337, "2022"), (402, "2021"), (467, "2022"), (532, "2021")],
            [(72, "Sales:")],
            [(72, "Anvils"), (350, "$ 1,200"), (415, "$ (900)"), (480, "2,000"), (545, "—")],
            [(72, "Hammers"), (350, "5"), (415, "6"), (480, "7"), (545, "8")],
        ]
    ):
        for x, cell in cells:
            canvas.setFont("Helvetica", SIZE)
            draw = canvas.drawRightString if x > 300 else canvas.drawString
            draw(x, 700 - 14 * row, cell)
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    rows = [parsed.text[b.start : b.end] for b in parsed.blocks if b.kind == "table_row"]
    three, six = "Three Months Ended June 30,", "Six Months Ended June 30,"
    assert rows[-2:] == [
        f"Anvils; {three} 2022: $ 1,200; {three} 2021: $ (900); {six} 2022: 2,000; {six} 2021: —",
        f"Hammers; {three} 2022: 5; {three} 2021: 6; {six} 2022: 7; {six} 2021: 8",
    ]
    assert parsed.fidelity.tables == 1
    found = quotes(parsed)
    assert (found["Hammers"].cell, found["7"].cell) == ("Table 1!A5", "Table 1!D5")
    assert covers(
        found["7"].box, printed("7", 480 - stringWidth("7", "Helvetica", SIZE), 700 - 14 * 5)
    )


def row(*cells: tuple[float, str], y: float) -> Strip:
    """A row of cells whose middles are given."""
    width = [(x - 3 * len(text), y, x + 3 * len(text), y + 10) for x, text in cells]
    return Strip(True, [[RowCell(t, box) for (_, t), box in zip(cells, width, strict=True)]])


@pytest.mark.parametrize(
    "header",
    [
        [(300, "2022"), (400, "2022")],  # which is which?
        [(300, "Three Months Ended"), (400, "2021")],  # of one column, or of both?
        [(300, "2021")],
    ],
)
def test_a_header_that_does_not_tell_the_columns_apart_is_not_believed(
    header: list[tuple[float, str]],
) -> None:
    table = [row((50, "Year"), *header, y=50)] if len(header) == 2 else [row(*header, y=50)]
    table += [row((50, "Anvils"), (300, "12"), (400, "13"), y=38 - 12 * i) for i in range(2)]
    if header[0][1].startswith("Three"):
        table.insert(1, row((300, "2022"), (400, "2021"), y=38))
        table[0] = row((300, "Three Months Ended"), y=50)
        table[2:] = [row((50, "Anvils"), (300, "12"), (400, "13"), y=26 - 12 * i) for i in (0, 1)]
    texts = [read.text if read else "" for read in read_tables(table)[0]]
    assert texts[-2:] == ["Anvils | 12 | 13"] * 2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(["", "1", "(2)", "—", "x y", "Ada", "Bo", "2022", "5 %"]),
            min_size=1,
            max_size=5,
        ),
        max_size=8,
    )
)
def test_no_cell_of_a_table_is_lost_or_doubled(grid: list[list[str]]) -> None:
    strips = [
        row(*((100.0 + 80 * c, text) for c, text in enumerate(cells) if text), y=-12.0 * r)
        for r, cells in enumerate(grid)
        if any(cells)
    ]
    if strips:
        strips[0] = strips[0]._replace(bold=True)
    first, table = read_tables(strips)
    again, _ = read_tables(strips, table)
    for strip, read in zip(strips * 2, [*first, *again], strict=True):
        assert read is not None
        said = [read.text[start:end] for start, end, _, _ in read.cells]
        assert said == [cell.text for cell in strip.lines[0]]


def test_labels_author_and_language_are_read_and_no_page_is_dropped(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4, lang="de-AT")
    canvas.setAuthor("Ada Lovelace")
    canvas.addPageLabel(0, style="ROMAN_LOWER", start=4)
    canvas.addPageLabel(2, style="ARABIC", prefix="A-")
    for name in ("preface", "contents", "appendix"):
        canvas.drawString(72, 500, f"The text of the {name}.")
        canvas.showPage()
    canvas.showPage()
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    assert parsed.fidelity.labels == ("iv", "v", "A-1", "A-2")
    assert [block.page for block in parsed.blocks] == [1, 2, 3]
    assert (parsed.author, parsed.language) == ("Ada Lovelace", "de-AT")
    assert (parsed.pages, parsed.fidelity.blank_pages) == (4, (4,))


def test_plain_page_numbers_are_no_labels(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.drawString(72, 500, "A page.")
    canvas.save()
    parsed = read(tmp_path / "a.pdf")
    assert (parsed.fidelity.labels, parsed.author, parsed.language) == ((), "", "")


def test_a_pdf_of_endless_pages_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for _ in range(4):
        canvas.drawString(72, 500, "A page.")
        canvas.showPage()
    canvas.save()
    monkeypatch.setattr(pdf_door, "MAX_PAGES", 3)
    with pytest.raises(BadDocument, match=r"a\.pdf: has 4 pages, at most 3 are read: split it"):
        parse_pdf(tmp_path / "a.pdf", "application/pdf")
