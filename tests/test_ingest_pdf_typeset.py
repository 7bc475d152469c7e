"""PDFs as typesetters make books of them: with ligatures, running lines, contents and notes."""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from ingest.parsed import Parsed
from tests.test_ingest_pdf import quotes, read

# One printed sign each, which the file says to be several letters: "fi", "ff", "fl", "ffi".
LIGATURES = {"\x01": "fi", "\x02": "ff", "\x03": "fl", "\x04": "ffi"}
FONT = f"""<</Type/Font/Subtype/Type1/BaseFont/Helvetica/FirstChar 1/LastChar 126
/Widths[{"600 " * 126}]/ToUnicode 5 0 R
/Encoding<</Type/Encoding/Differences[1/fi/ff/fl/ffi]>>>>"""


def write_with_ligatures(path: Path, lines: list[tuple[float, float, str]]) -> None:
    """A page with texts at x, y whose font has ligatures; a reader rebuilds its references."""
    drawn = "".join(
        f"BT /F1 11 Tf {x} {y} Td <{text.encode('latin-1').hex()}> Tj ET\n" for x, y, text in lines
    )
    codes = "".join(
        f"<{ord(code):02x}> <{text.encode('utf-16-be').hex()}>\n"
        for code, text in LIGATURES.items()
    )
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"{len(LIGATURES)} beginbfchar\n{codes}endbfchar\n"
        "1 beginbfrange <20> <7e> <0020> endbfrange\nendcmap end end"
    )
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595.27 841.89]/Contents 6 0 R"
        "/Resources<</Font<</F1 4 0 R>>>>>>",
        FONT,
        *(f"<</Length {len(s)}>>stream\n{s}\nendstream" for s in (cmap, drawn)),
    ]
    body = "".join(f"{n} 0 obj\n{text}\nendobj\n" for n, text in enumerate(objects, start=1))
    path.write_bytes(f"%PDF-1.4\n{body}trailer<</Root 1 0 R>>\n%%EOF".encode("latin-1"))


@pytest.mark.parametrize(
    ("drawn", "text"),
    [
        ("The con\x01gure script is run.", "The configure script is run."),
        ("\x01les may con\x03ict", "files may conflict"),
        ("That is di\x02erent and su\x04cient, o\x02", "That is different and sufficient, off"),
        ("both \x02\x01 and \x04 \x03", "both fffi and ffi fl"),
    ],
)
def test_the_letters_of_a_ligature_belong_to_their_word(
    tmp_path: Path, drawn: str, text: str
) -> None:
    write_with_ligatures(tmp_path / "a.pdf", [(72, 700, drawn)])
    parsed = read(tmp_path / "a.pdf")
    assert parsed.text == text
    assert [b.kind for b in parsed.blocks] == ["paragraph"]
    assert [(p.start, p.end) for p in parsed.places] == [(0, len(text))]


Drawn = list[tuple[float, float, float, str]]


def draw(path: Path, pages: list[Drawn]) -> Parsed:
    """A PDF with texts at x, y and in a size, parsed."""
    canvas = Canvas(str(path), pagesize=A4)
    for page in pages:
        for x, y, size, text in page:
            canvas.setFont("Helvetica", size)
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return read(path)


def said(parsed: Parsed) -> list[str]:
    return [parsed.text[block.start : block.end] for block in parsed.blocks]


def body(number: int) -> Drawn:
    return [(72, 600 - 40 * n, 10, f"This is sentence {number}.{n} of the book.") for n in (0, 1)]


TITLES = ["Seeds", "Soil", "Water and light", "Pests", "Harvest", "Storing", "Cooking"]


def test_titles_beside_page_numbers_are_running_lines(tmp_path: Path) -> None:
    pages: list[Drawn] = []
    for number, title in enumerate(TITLES):
        heading = (72, 650, 10, f"{number} {title}")
        outer: Drawn = [(72, 40, 10, f"{number}. {title}"), (500, 40, 10, str(2 * number + 1))]
        inner = (72, 40, 10, f"{2 * number + 2} Chapter {number}. {title.upper()}")
        pages += [[heading, *body(2 * number), *outer], [*body(2 * number + 1), inner]]
    texts = said(draw(tmp_path / "a.pdf", pages))
    assert texts == [
        text
        for number, title in enumerate(TITLES)
        for text in (
            f"{number} {title}",
            *(
                f"This is sentence {2 * number + k}.{n} of the book."
                for k in (0, 1)
                for n in (0, 1)
            ),
        )
    ]


def test_a_title_in_one_column_with_the_page_number_in_the_other_is_a_running_line(
    tmp_path: Path,
) -> None:
    pages: list[Drawn] = []
    for number in range(6):
        title = f"Part {number // 2}: {TITLES[number // 2]}"
        header: Drawn = [(60, 800, 10, title), (500, 800, 10, str(number))]
        columns: Drawn = [
            (x, 700 - 13.5 * n, 10, f"{side} line {number}.{n} runs over the whole of its column")
            for side, x in (("left", 60), ("right", 310))
            for n in range(12)
        ]
        pages.append([*header, *columns])
    texts = said(draw(tmp_path / "a.pdf", pages))
    assert all(" line " in text for text in texts)
    assert len(texts) == 12


def test_small_roman_page_numbers_are_running_lines(tmp_path: Path) -> None:
    numbers = ["iii", "iv", "v", "vi"]
    texts = said(
        draw(tmp_path / "a.pdf", [[*body(n), (300, 40, 10, r)] for n, r in enumerate(numbers)])
    )
    assert not set(numbers) & set(texts)
    assert len(texts) == 8


@pytest.mark.parametrize("size", [10, 24])
def test_numbered_first_lines_of_pages_are_kept(tmp_path: Path, size: int) -> None:
    # In small letters nothing else says that these are titles; in large ones they are no headers.
    pages: list[Drawn] = [
        [(72, 800, size, f"{n} {title}"), *body(n)] for n, title in enumerate(TITLES, start=1)
    ]
    if size > 10:
        pages.append([(72, 600 - 40 * n, 10, title) for n, title in enumerate(TITLES)])
    texts = said(draw(tmp_path / "a.pdf", pages))
    assert [text for text in texts if text[0].isdigit()] == [
        f"{n} {title}" for n, title in enumerate(TITLES, start=1)
    ]


DOTS = " . . . . . . . . . . . . . . "


def chapters() -> list[Drawn]:
    return [
        [(72, 700, 14, f"{n + 1}.1 {title}"), (72, 600, 10, f"{title} is all that is told here.")]
        for n, title in enumerate(TITLES)
    ]


def listed(lines: list[str], top: float = 700, x: float = 72) -> Drawn:
    return [(x, top - 14 * n, 10, text) for n, text in enumerate(lines)]


def test_a_table_of_contents_is_left_out(tmp_path: Path) -> None:
    entries = [f"{n + 1}.1 {title}{DOTS}{n + 2}" for n, title in enumerate(TITLES)]
    # One entry goes over two lines, one is of a chapter and has no dots.
    wrapped = ["1.2 How plants are watered where there is no water,", f"and given light{DOTS}3"]
    lines = ["Contents", "1 Seeds 2", entries[0], *wrapped, *entries[1:]]
    page = [(72, 780, 10, "A Gardener's Book"), *listed(lines), (72, 300, 10, "For Ada.")]
    numbers: Drawn = [(400, 500 - 14 * n, 10, "8") for n in (0, 1)]
    cells: Drawn = [(72, 500 - 14 * n, 10, f"A list of plants{DOTS}") for n in (0, 1)]
    texts = said(draw(tmp_path / "a.pdf", [[*page, *cells, *numbers], *chapters()]))
    assert texts[:3] == ["A Gardener's Book", "For Ada.", "1.1 Seeds"]
    assert len(texts) == 2 + 2 * len(TITLES)


def test_an_index_behind_contents_is_left_out(tmp_path: Path) -> None:
    contents = [f"{n + 1}.1 {title}{DOTS}{n + 2}" for n, title in enumerate(TITLES)]
    index = ["A", f"ants{DOTS}5", "B", f"bees{DOTS}2, 7", f"beetles{DOTS}3-5", f"birds{DOTS}4"]
    parsed = draw(tmp_path / "a.pdf", [listed(contents), *chapters(), listed(["Index", *index])])
    assert said(parsed)[0] == "1.1 Seeds"
    assert said(parsed)[-1] == "Index"


@pytest.mark.parametrize(
    "prices",
    [
        ["90", "120", "150", "100"],  # there are not so many pages
        ["7", "6", "4", "2"],  # the numbers of pages would grow
    ],
)
def test_dots_may_lead_to_prices(tmp_path: Path, prices: list[str]) -> None:
    lines = [
        f"{n + 1}.1 {title}{DOTS}{price}"
        for n, (title, price) in enumerate(zip(TITLES, prices, strict=False))
    ]
    parsed = draw(tmp_path / "a.pdf", [listed(lines), *chapters()])
    assert all(line in parsed.text for line in lines)


def test_dots_may_lead_to_numbers_of_what_is_said_nowhere_else(tmp_path: Path) -> None:
    lines = [f"{name}{DOTS}{n + 1}" for n, name in enumerate(["Ants", "Bees", "Birds", "Cats"])]
    parsed = draw(tmp_path / "a.pdf", [listed(lines), *chapters()])
    assert all(line in parsed.text for line in lines)


def test_a_word_broken_in_a_cell_is_one_word(tmp_path: Path) -> None:
    rows: Drawn = [
        (72, 700, 10, "pipefail"),
        (200, 700, 10, "If set, the shell tells whether all commands have ended suc-"),
        (200, 688, 10, "cessfully, with a key-"),
        (200, 676, 10, "value pair."),
        (72, 656, 10, "posix"),
        (200, 656, 10, "A key-value pair that is read successfully follows the standard."),
    ]
    texts = said(draw(tmp_path / "a.pdf", [rows]))
    assert texts[0] == (
        "pipefail | If set, the shell tells whether all commands have ended successfully, with a "
        "key-value pair."
    )


PROSE = "line {} of this text is set so that all of its lines are as wide as the column,"


def justified(y: float, *parts: str) -> Drawn:
    """Parts of a line driven apart until it ends where the lines of ``PROSE`` do."""
    widths = [stringWidth(part, "Helvetica", 10) for part in parts]
    gap = (stringWidth(PROSE.format(0), "Helvetica", 10) - sum(widths)) / (len(parts) - 1)
    assert 12 < gap < 20
    return [(72 + sum(widths[:n]) + n * gap, y, 10, part) for n, part in enumerate(parts)]


def test_words_that_justified_type_drives_apart_are_no_cells(tmp_path: Path) -> None:
    parts = "The names are long.", "They are so long that few of them fit", "into one"
    page: Drawn = [
        *((72, 700 - 12 * n, 10, PROSE.format(n)) for n in range(3)),
        *justified(664, *parts),
        (72, 652, 10, "line, and the last line is short."),
    ]
    parsed = draw(tmp_path / "a.pdf", [page])
    assert [block.kind for block in parsed.blocks] == ["paragraph"]
    assert f"column, {' '.join(parts)} line, and the last" in parsed.text
    whole, line = (quotes(parsed)[text].box for text in (PROSE.format(0), " ".join(parts)))
    assert whole and line
    assert (line[0], line[2]) == pytest.approx((whole[0], whole[2]), abs=0.001)


def test_terms_beside_what_they_mean_stay_cells(tmp_path: Path) -> None:
    widest = "They are told in so many words as it takes to fill the line"
    page: Drawn = [*((72, 700 - 12 * n, 10, PROSE.format(n)) for n in range(3))]
    for n, term in enumerate(["A first term", "Another one"]):
        cells = justified(640 - 30 * n, term, widest)
        page += [*cells, (cells[1][0], 628 - 30 * n, 10, "a line, and another.")]
    parsed = draw(tmp_path / "a.pdf", [page])
    assert f"A first term | {widest}" in parsed.text


def noted(x: float, y: float, *parts: str) -> Drawn:
    """Parts of a line one behind the other, every second raised and small."""
    page: Drawn = []
    for n, part in enumerate(parts):
        size = 7.0 if n % 2 else 10.0
        page.append((x, y + (4 if n % 2 else 0), size, part))
        x += stringWidth(part, "Helvetica", size)
    return page


NOTES: Drawn = [
    (72, 104, 6, "2"),
    (78, 100, 9, "The first of these two notes is told here."),
    (72, 84, 6, "13"),
    (82, 80, 9, "The other is told here."),
]


@pytest.mark.parametrize(
    ("drawn", "text"),
    [
        (
            ("It has a use.", "2", " It is a fruit,", "13", " or so."),
            "It has a use. It is a fruit, or so.",
        ),
        (("It is of use as a fruit", "2", " or so."), "It is of use as a fruit or so."),
        (
            ("It takes 5 m", "2", " of land, or 5 km", "2", " of it."),
            "It takes 5 m2 of land, or 5 km2 of it.",
        ),
        (("It is told to be 10", "2", " years old."), "It is told to be 102 years old."),
        (("No note has a number as this.", "7"), "No note has a number as this.7"),
    ],
)
def test_numbers_of_notes_are_no_part_of_the_word_before(
    tmp_path: Path, drawn: tuple[str, ...], text: str
) -> None:
    parsed = draw(tmp_path / "a.pdf", [[*noted(72, 700, *drawn), *NOTES]])
    assert said(parsed) == [
        text,
        "2 The first of these two notes is told here.",
        "13 The other is told here.",
    ]


def test_the_first_line_of_a_note_has_the_height_of_its_text(tmp_path: Path) -> None:
    parsed = draw(tmp_path / "a.pdf", [[(72, 700, 10, "It has a use."), *NOTES]])
    box = quotes(parsed)["13 The other is told here."].box
    assert box is not None
    assert box[1] < 1 - 86 / A4[1]
    assert box[3] > 1 - 80 / A4[1]


def test_a_title_page_names_one_heading(tmp_path: Path) -> None:
    title: Drawn = [
        (72, 600, 30, "A Gardener's Book"),
        (72, 500, 20, "Edition 3"),
        (72, 400, 20, "Ada Lovelace"),
        (72, 300, 10, "2023-03-06"),
    ]
    parsed = draw(tmp_path / "a.pdf", [title, *chapters()])
    kinds = dict(zip(said(parsed), (block.kind for block in parsed.blocks), strict=True))
    assert kinds["A Gardener's Book"] == kinds["1.1 Seeds"] == "heading"
    assert kinds["Edition 3"] == kinds["Ada Lovelace"] == "paragraph"
    begun: Drawn = [*title, (72, 200, 10, "It is told here what the book is of.")]
    parsed = draw(tmp_path / "b.pdf", [begun, *chapters()])
    assert [block.kind for block in parsed.blocks[:3]] == ["heading"] * 3
