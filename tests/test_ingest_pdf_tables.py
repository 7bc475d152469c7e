"""Tables of a PDF beside columns of prose, over the width of a page, and over several pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from ingest.parsed import Parsed
from tests.test_ingest_pdf import quotes, read

SIZE = 10
LEFT, RIGHT = 60.0, 310.0
PROSE = "{} line {} runs over the whole of its own column"

Drawn = list[tuple[float, float, str]]


def draw(path: Path, *pages: Drawn) -> Parsed:
    """A PDF with texts at x, y, parsed; those that begin with an asterisk are bold."""
    canvas = Canvas(str(path), pagesize=A4)
    for page in pages:
        for x, y, text in page:
            canvas.setFont("Helvetica-Bold" if text.startswith("*") else "Helvetica", SIZE)
            canvas.drawString(x, y, text.removeprefix("*"))
        canvas.showPage()
    canvas.save()
    return read(path)


def prose(name: str, x: float, count: int, top: float = 700) -> Drawn:
    return [(x, top - 13.5 * n, PROSE.format(name, n)) for n in range(count)]


def grid(
    x: float, top: float, rows: list[list[str]], width: float = 60, leading: float = 18
) -> Drawn:
    return [
        (x + width * column, top - leading * number, text)
        for number, row in enumerate(rows)
        for column, text in enumerate(row)
    ]


def rows_of(parsed: Parsed) -> list[str]:
    return [parsed.text[b.start : b.end] for b in parsed.blocks if b.kind == "table_row"]


TABLE = [["Size", "Old", "New"], *([f"Size {n}", f"{n}.1", f"{n}.2"] for n in range(14))]
READ = ["Size | Old | New", *(f"Size: Size {n}; Old: {n}.1; New: {n}.2" for n in range(14))]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_table_in_a_column_stands_beside_the_prose_of_the_other(
    tmp_path: Path, side: str
) -> None:
    of_table, of_prose = (LEFT, RIGHT) if side == "left" else (RIGHT, LEFT)
    parsed = draw(
        tmp_path / "a.pdf",
        [
            *prose("short", of_table, 8),
            *grid(of_table, 580, TABLE),
            *prose("long", of_prose, 30),
        ],
    )
    assert rows_of(parsed) == READ
    order = [parsed.text.index(PROSE.format("long", n)) for n in range(30)]
    assert order == sorted(order)
    last, first = (("long", 29), ("short", 0)) if side == "right" else (("short", 7), ("long", 0))
    assert parsed.text.index(PROSE.format(*last)) < parsed.text.index(PROSE.format(*first))


@pytest.mark.parametrize(("of_table", "of_prose"), [(LEFT, RIGHT), (RIGHT, LEFT)])
def test_a_column_may_be_nothing_but_a_table(
    tmp_path: Path, of_table: float, of_prose: float
) -> None:
    parsed = draw(
        tmp_path / "a.pdf",
        [*grid(of_table, 697, TABLE, leading=19), *prose("long", of_prose, 30)],
    )
    assert rows_of(parsed) == READ
    order = [parsed.text.index(PROSE.format("long", n)) for n in range(30)]
    assert order == sorted(order)


def test_long_names_keep_the_numbers_beside_them(tmp_path: Path) -> None:
    page: Drawn = []
    for n in range(12):
        page += [
            (LEFT, 700 - 36 * n, f"Days of absence of the pupils of school {n},"),
            (LEFT, 688 - 36 * n, "in per cent of all days that it was open"),
            *((RIGHT + 80 * k, 694 - 36 * n, f"{n}.{k}") for k in range(3)),
        ]
    name = "Days of absence of the pupils of school {0}, in per cent of all days that it was open"
    assert rows_of(draw(tmp_path / "a.pdf", page)) == [
        f"{name} | {{0}}.0 | {{0}}.1 | {{0}}.2".format(n) for n in range(12)
    ]


def test_a_table_over_both_columns_of_prose_is_not_cut(tmp_path: Path) -> None:
    table = [["Region", "Sales"], *([f"Region {name}", f"{n}.5"] for n, name in enumerate("ABCD"))]
    label = [(LEFT, 421, "Region E that has"), (LEFT, 409, "a long name"), (RIGHT, 415, "4.5")]
    parsed = draw(
        tmp_path / "a.pdf",
        [
            *prose("left", LEFT, 15),
            *prose("right", RIGHT, 15),
            *grid(LEFT, 490, table, width=RIGHT - LEFT, leading=15),
            *label,
            (LEFT, 395, "Region F"),
            (RIGHT, 395, "5.5"),
            *prose("below left", LEFT, 8, top=370),
            *prose("below right", RIGHT, 8, top=370),
        ],
    )
    assert rows_of(parsed) == [
        "Region | Sales",
        *(
            f"Region: Region {name}; Sales: {n}.5"
            for n, name in enumerate([*"ABCD", "E that has a long name", "F"])
        ),
    ]
    order = [parsed.text.index(PROSE.format(*end)) for end in (("right", 14), ("below left", 0))]
    assert order == sorted(order)
    assert order[0] < parsed.text.index("Region A") < order[1]


def test_cells_that_are_centred_beside_a_cell_of_two_lines_are_in_its_row(tmp_path: Path) -> None:
    table = [
        [
            (60.0, 700.0, "Outcome"),
            (200.0, 706.0, "With"),
            (200.0, 694.0, "filter"),
            (260.0, 700.0, "Control"),
        ],
        [
            (60.0, 676.0, "Days of absence,"),
            (60.0, 664.0, "% of all days"),
            (200.0, 670.0, "4.1"),
            (260.0, 670.0, "4.7"),
        ],
        [(60.0, 646.0, "Noise complaints"), (200.0, 646.0, "0.9"), (260.0, 646.0, "0.1")],
    ]
    parsed = draw(tmp_path / "a.pdf", [cell for row in table for cell in row])
    assert rows_of(parsed) == [
        "Outcome | With filter | Control",
        "Outcome: Days of absence, % of all days; With filter: 4.1; Control: 4.7",
        "Outcome: Noise complaints; With filter: 0.9; Control: 0.1",
    ]


def test_cells_that_go_over_several_lines_are_read_one_after_the_other(tmp_path: Path) -> None:
    rows = [
        [["*Measure"], ["*Definition"], ["*Use"]],
        [["Adjusted gross", "margin"], ["Gross margin without", "what was paid"], ["It shows it"]],
        [["Free cash"], ["Cash from the business"], ["It shows what is", "left for", "owners"]],
        [["Net debt"], ["Loans less cash"], ["It shows risk"]],
    ]
    page: Drawn = []
    y = 700.0
    for cells in rows:
        for x, lines in zip((60.0, 160.0, 300.0), cells, strict=True):
            page += [(x, y - 11.5 * n, line) for n, line in enumerate(lines)]
        y -= 11.5 * max(map(len, cells)) + 8
    assert rows_of(draw(tmp_path / "a.pdf", page)) == [
        "Measure | Definition | Use",
        "Measure: Adjusted gross margin; Definition: Gross margin without what was paid; "
        "Use: It shows it",
        "Measure: Free cash; Definition: Cash from the business; "
        "Use: It shows what is left for owners",
        "Measure: Net debt; Definition: Loans less cash; Use: It shows risk",
    ]


def test_groups_of_rows_are_no_cells_of_several_lines(tmp_path: Path) -> None:
    names = [["Ada", "chair"], ["Bo", "member"], ["Cy", "member"], ["Di", "clerk"], ["Ed", "guest"]]
    figures = [["sales", "1"], ["costs", "2"], ["tax", "3"], ["debt", "4"], ["cash", "5"]]
    for rows in (names, figures):
        page = [
            cell
            for n, row in enumerate(rows)
            for cell in grid(LEFT, 700 - 12 * n - 10 * (n > 2), [row], width=160)
        ]
        parsed = draw(tmp_path / "a.pdf", page)
        assert [line.replace(" | ", " ") for line in rows_of(parsed)] == list(map(" ".join, rows))


LIMITS = [
    ["Any single valuable", "£2,000, unless listed"],
    ["All together", "a third of the sum"],
    ["Money", "£600"],
    ["Sheds", "£3,500"],
    ["Bicycles", "£900 each"],
    ["Food", "£400"],
    ["Office", "£5,000"],
]
LIMITS_READ = [f"Item: {item}; Most we pay: {most}" for item, most in LIMITS]
ABOVE = [(LEFT, 200.0, "The following limits apply within that sum:")]
BELOW = [(LEFT, 500.0, "We replace new for old, apart from clothes.")]


def test_a_table_goes_on_over_the_page(tmp_path: Path) -> None:
    parsed = draw(
        tmp_path / "a.pdf",
        [*ABOVE, *grid(LEFT, 150, [["*Item", "*Most we pay"], *LIMITS[:2]], width=160)],
        # the last cell goes on too
        [(LEFT + 160, 772, "in the schedule"), *grid(LEFT, 755, LIMITS[2:], width=160), *BELOW],
    )
    assert rows_of(parsed) == ["Item | Most we pay", *LIMITS_READ]
    assert parsed.fidelity.tables == 1
    assert (quotes(parsed)["£400"].page, quotes(parsed)["£400"].cell) == (2, "Table 1!B7")


def test_a_header_repeated_on_the_next_page_is_one(tmp_path: Path) -> None:
    header = [["*Item", "*Most we pay"]]
    parsed = draw(
        tmp_path / "a.pdf",
        [*ABOVE, *grid(LEFT, 150, [*header, *LIMITS[:2]], width=160)],
        [*grid(LEFT, 760, [*header, *LIMITS[2:]], width=160), *BELOW],
    )
    assert rows_of(parsed) == [
        *("Item | Most we pay", *LIMITS_READ[:2]),
        *("Item | Most we pay", *LIMITS_READ[2:]),
    ]
    assert parsed.fidelity.tables == 1


def test_a_table_of_numbers_goes_on_over_the_page(tmp_path: Path) -> None:
    parsed = draw(
        tmp_path / "a.pdf",
        [*ABOVE, *grid(LEFT, 150, TABLE[:4])],
        [*grid(LEFT, 760, [*TABLE[4:], ["Rating", "good", "poor"]]), *BELOW],
    )
    assert rows_of(parsed) == [*READ, "Size: Rating; Old: good; New: poor"]


@pytest.mark.parametrize(
    ("top", "read"),
    [
        ([["*Sum", "*Fee"], ["Food", "£400"]], ["Sum | Fee", "Sum: Food; Fee: £400"]),
        ([["Food", "", "£400"], ["Office", "", "£500"]], ["Food | £400", "Office | £500"]),
    ],
)
def test_another_table_on_the_next_page_does_not_take_the_header(
    tmp_path: Path, top: list[list[str]], read: list[str]
) -> None:
    parsed = draw(
        tmp_path / "a.pdf",
        [*ABOVE, *grid(LEFT, 150, [["*Item", "*Most we pay"], *LIMITS[:2]], width=160)],
        [*grid(LEFT, 760, top, width=160), *BELOW],
    )
    assert rows_of(parsed) == ["Item | Most we pay", *LIMITS_READ[:2], *read]


def test_a_table_below_a_heading_on_the_next_page_does_not_take_the_header(tmp_path: Path) -> None:
    parsed = draw(
        tmp_path / "a.pdf",
        [*ABOVE, *grid(LEFT, 150, [["*Item", "*Most we pay"], *LIMITS[:2]], width=160)],
        [(LEFT, 760, "*5. Fees"), *grid(LEFT, 740, LIMITS[5:], width=160), *BELOW],
    )
    assert rows_of(parsed)[3:] == ["Food | £400", "Office | £5,000"]


@pytest.mark.parametrize("bold", ["", "*"])
def test_rows_of_words_belong_to_the_numbers_above_them(tmp_path: Path, bold: str) -> None:
    table = [
        [f"{bold}To June", f"{bold}Fjell", f"{bold}Sval"],
        *(["Revenue", "2,860", "4,120"], ["Change", "+7%", "-2%"], ["Stand", "rising", "falling"]),
        *(["Debt", "210", "1,480"], ["Target", "NOK 14", "SEK 61"], ["Rating", "Buy", "Hold"]),
    ]
    parsed = draw(tmp_path / "a.pdf", [*ABOVE, *grid(LEFT, 180, table, leading=16)])
    assert rows_of(parsed) == [
        "To June | Fjell | Sval",
        *(f"To June: {name}; Fjell: {one}; Sval: {two}" for name, one, two in table[1:]),
    ]


def test_a_row_of_words_amid_numbers_is_no_header(tmp_path: Path) -> None:
    parsed = draw(tmp_path / "a.pdf", [*grid(LEFT, 760, LIMITS[2:], width=160), *BELOW])
    assert rows_of(parsed) == [f"{item} | {most}" for item, most in LIMITS[2:]]


def test_a_second_table_below_the_first_keeps_its_own_header(tmp_path: Path) -> None:
    parsed = draw(
        tmp_path / "a.pdf",
        [
            *grid(LEFT, 760, [["", "Cost", "Value"], ["Cash", "5", "6"], ["Bonds", "7", "8"]]),
            (LEFT, 706, "At the end of 2021"),
            *grid(
                LEFT,
                688,
                [["", "Cost then", "Value then"], ["Cash", "1", "2"], ["Bonds", "3", "4"]],
            ),
        ],
    )
    assert "Cash; Cost then: 1; Value then: 2" in rows_of(parsed)
