"""Plain text set by a machine: pages, hard-wrapped lines, numbered headings, contents."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.test_ingest_parse_text import outline, read

TURN = "\n\n\n\nHolm                    Mill Standards                 [Page {}]\n\f\n"
HEAD = "MILL 12                     Looms                     October 2008\n\n\n"


def paged(*pages: str, turn: str = TURN, head: str = HEAD) -> str:
    """A text of some pages with running lines, the first one without a header."""
    parts = [(head if n > 1 else "") + page + turn.format(n) for n, page in enumerate(pages, 1)]
    return "".join(parts)


PAGES = (
    "   A loom has a warp and a weft, and a beam on which the cloth is",
    "   wound. Nobody may stop it.\n\n   The weaver sits before it.",
    "   The wheel turns all day long.\n\n   o  wood is its material",
    "   o  iron is rare",
)


@pytest.mark.parametrize("turn", [TURN, TURN.replace("\f", "")])
def test_what_runs_along_pages_is_no_text(tmp_path: Path, turn: str) -> None:
    parsed = read(tmp_path, "mill.txt", paged(*PAGES, turn=turn))
    assert [" ".join(text.split()) for _, text in outline(parsed)] == [
        "A loom has a warp and a weft, and a beam on which the cloth is wound. Nobody may stop it.",
        "The weaver sits before it.",
        "The wheel turns all day long.",
        "o wood is its material",
        "o iron is rare",
    ]
    lines = paged(*PAGES, turn=turn).replace("\f", "").split("\n")
    for block, place in zip(parsed.blocks, parsed.places, strict=True):
        first = parsed.text[block.start : block.end].partition("\n")[0]
        assert place.line is not None
        assert lines[place.line - 1].strip() == first


def test_three_pages_are_enough_to_tell_a_header(tmp_path: Path) -> None:
    text = paged(*PAGES[:3]).replace("[Page 1]", "[Page i]")
    assert "MILL" not in read(tmp_path, "mill.txt", text).text


def test_headers_that_differ_left_and_right_run_too(tmp_path: Path) -> None:
    left, right = "{0}\nThe Mill\nLooms\n\n\n", "          The Mill\n           {0}\n\n\n"
    pages = [
        (left if n % 2 else right).format("May 1981")
        + f"The wheel number {'I' * n} turns.\n\n\n"
        + ("[Page {}]" if n % 2 else "            [Page {}]").format(n)
        for n in range(1, 9)
    ]
    parsed = read(tmp_path, "mill.txt", "\n\f\n".join(pages))
    texts = [text for _, text in outline(parsed)]
    assert texts[-7:] == [f"The wheel number {'I' * n} turns." for n in range(2, 9)]
    assert "[Page" not in parsed.text
    assert parsed.text.count("The Mill") == 1  # on the first page, as a title


@pytest.mark.parametrize(
    "text",
    [
        "\f".join(f"Chapter {n}\n\nThe wheel {'turned ' * n}.\n" for n in range(1, 9)),
        "\f".join(f"{n}. Wheels\n\nThe wheel {'turned ' * n}.\n" for n in range(1, 9)),
        "Of wheels\n\f\nOf looms\n\f\nOf both\n\f\nThe end\n",
        "The wheel turns. [Page 3]\n\nThe loom stands. [Page 3]\n\nBoth do. [Page 3]\n",
        "12\n\n13\n\n14\n",
    ],
)
def test_text_without_running_lines_stays_as_it_is(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, "mill.txt", text).text == text


def test_pages_of_nothing_but_running_lines_stay(tmp_path: Path) -> None:
    text = "\f".join(["The Mill"] * 4)
    assert read(tmp_path, "mill.txt", text).text


def test_very_many_pages_are_read_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    read(tmp_path, "mill.txt", "The Mill\n\fWheel " * 50_000 + "\f" * 500_000)
    assert time.monotonic() - began < 10


FILLED = "".join(
    f"   Nobody may stop the wheel of the mill while it grinds corn for\n   town {name}.\n\n"
    for name in "ABCDEFGHIJKLMN"
)
TORN = """   2. Grant of Wheel. Subject to the terms and conditions of the
      mill, each miller hereby grants to You a perpetual,
      (but for what is said here) wheel to turn, have turned, use,
      sell, and otherwise move THE CORN OF THE MILL, ITS FLOUR AND ITS BREAD
      as of the day on which such corn comes to the mill for it is
      ground. The miller says so.

      (a) You must give any other people of this town a copy of the
          wheel; and
      (b) You must not stop it.
  ii. moral rights of the miller;
 iii. the wheel.

1.7. "Larger Mill"
    means a mill that has wheels of
    more than one kind."""


def test_a_text_wrapped_at_one_width_has_whole_paragraphs(tmp_path: Path) -> None:
    parsed = read(tmp_path, "mill.txt", FILLED + TORN)
    assert [(kind, " ".join(text.split())) for kind, text in outline(parsed)[14:]] == [
        (
            "list_item",
            "2. Grant of Wheel. Subject to the terms and conditions of the mill, each miller "
            "hereby grants to You a perpetual, (but for what is said here) wheel to turn, have "
            "turned, use, sell, and otherwise move THE CORN OF THE MILL, ITS FLOUR AND ITS BREAD "
            "as of the day on which such corn comes to the mill for it is ground. The miller says "
            "so.",
        ),
        ("list_item", "(a) You must give any other people of this town a copy of the wheel; and"),
        ("list_item", "(b) You must not stop it."),
        ("list_item", "ii. moral rights of the miller;"),
        ("list_item", "iii. the wheel."),
        ("paragraph", '1.7. "Larger Mill" means a mill that has wheels of more than one kind.'),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ["The mill is old,", "Its wheel is cold,", "And nobody is told.", "So it goes"],
        ["Ada Holm", "12 Weaver Street", "Ambleford on the River", "AM1 2XY"],
        ["if wheel:", "    turn(wheel, by=water, until=evening)", "else:", "    wait()"],
        [f"Wheel {n}     turns {n * n} times a day       {'x' * 22}" for n in range(1, 5)],
        [f"Wheel {n}: it turns so many times a day, or more {'x' * 12}" for n in range(1, 5)],
    ],
)
def test_lines_that_end_where_they_will_stay_lines(tmp_path: Path, lines: list[str]) -> None:
    text = "\n".join(lines)
    alone = [t for _, t in outline(read(tmp_path, "a.txt", f"The end.\n\n{text}\n"))[1:]]
    beside = [t for _, t in outline(read(tmp_path, "b.txt", f"{FILLED}{text}\n"))[14:]]
    assert beside == alone


def test_numbered_and_underlined_headings_have_levels(tmp_path: Path) -> None:
    text = (
        "The Mill\n========\n\n  0. Additional Terms.\n\n  Corn is ground here every day.\n\n"
        "1. Wheels\n---------\n\n1.1. Grants\n\n1.1.1  What a Miller\nMay Do\n\n"
        "(a) He may turn the wheel.\n\n2 Looms\n\nA loom has a warp and a weft.\n\n"
        "12 December 31\n\nThat is the last day of the year.\n\n"
        "3. Grant of Corn. Subject to the terms, corn is free.\n\n4. Wash the wheel.\n\n"
        "It is wet then.\n\nAppendix A. Names\n\nA.1 People of the Mill\n\nAda Holm lives.\n\n"
    )
    parsed = read(tmp_path, "mill.txt", text + FILLED)
    assert parsed.title == "The Mill"
    assert [(kind, " ".join(text.split())) for kind, text in outline(parsed)[:-14]] == [
        ("heading1", "The Mill"),
        ("heading2", "0. Additional Terms."),
        ("paragraph", "Corn is ground here every day."),
        ("heading2", "1. Wheels"),
        ("heading3", "1.1. Grants"),
        ("heading4", "1.1.1 What a Miller May Do"),
        ("list_item", "(a) He may turn the wheel."),
        ("heading2", "2 Looms"),
        ("paragraph", "A loom has a warp and a weft."),
        ("paragraph", "12 December 31"),
        ("paragraph", "That is the last day of the year."),
        ("list_item", "3. Grant of Corn. Subject to the terms, corn is free."),
        ("list_item", "4. Wash the wheel."),
        ("paragraph", "It is wet then."),
        ("heading2", "Appendix A. Names"),
        ("heading3", "A.1 People of the Mill"),
        ("paragraph", "Ada Holm lives."),
    ]


def test_in_a_wrapped_text_code_and_last_lines_head_nothing(tmp_path: Path) -> None:
    lines = [
        "MAIL FROM:<ada@mill.example>",
        "Corn     = wheat / rye",
        "250 Corn is ready",
        "C: Corn",
    ]
    text = "".join(f"{line}\n\n   That is what the mill answers to it.\n\n" for line in lines)
    kinds = [kind for kind, _ in outline(read(tmp_path, "a.txt", FILLED + text))]
    assert kinds == ["paragraph"] * 22
    title = (
        "   MILL LICENCE\n   TERMS FOR ALL THE CORN\n\n   0. The corn is free for all who come.\n"
    )
    assert ("heading2", "TERMS FOR ALL THE CORN") in outline(
        read(tmp_path, "c.txt", FILLED + title)
    )
    states = "   OPEN STATE\n   SHUT STATE\n\n   In both the wheel of the mill turns.\n"
    kinds = [kind for kind, _ in outline(read(tmp_path, "b.txt", FILLED + states))]
    assert set(kinds) == {"paragraph"}


@pytest.mark.parametrize(
    "table", ["Name     Born\n--------------\nAda      1815", "Soup 5\nBread 3\n-------\nAll 8"]
)
def test_rules_in_tables_are_under_no_heading(tmp_path: Path, table: str) -> None:
    assert read(tmp_path, "a.txt", table).text == table


@pytest.mark.parametrize("dots", [" . . . . . . . ", "........", "            "])
def test_a_table_of_contents_is_left_out(tmp_path: Path, dots: str) -> None:
    contents = (
        f"Table of Contents\n\n   Section 1. Wheels{dots}2\n     1.1 What a Miller May Do\n"
        f"         {dots}3\n\n   2. Looms{dots}13\n   3. Corn of all Kinds{dots}21\n\n"
    )
    text = "".join(
        f"{heading}\n\nThe wheel turns in the water.\n\n"
        for heading in ("1. Wheels", "1.1 What a Miller May Do", "2. Looms", "3. Corn of All Kinds")
    )
    parsed = read(tmp_path, "mill.txt", f"The Mill\n\n{contents}{text}")
    assert parsed.text == f"The Mill\n\n\n{text}"
    assert [place.line for place in parsed.places][:2] == [1, 12]


def test_a_menu_is_no_table_of_contents(tmp_path: Path) -> None:
    menu = (
        "The Inn\n\nSoup ........ 5\nBread ....... 6\nStew ........ 9\n\nBread is free with stew.\n"
    )
    assert read(tmp_path, "menu.txt", menu).text == menu


def test_a_memo_has_its_number_and_title(tmp_path: Path) -> None:
    memo = (
        "\n\nMill Working Group                                        A. Holm\n"
        "Request for Comments: 5321                           October 2008\n"
        "Category: Standards Track\n\n\n"
        "                    Simple Wheel Protocol\n                         for Looms\n\n"
        "Abstract\n\n   A wheel turns in the water of the river.\n"
    )
    parsed = read(tmp_path, "rfc.txt", memo)
    assert parsed.title == "RFC 5321: Simple Wheel Protocol for Looms"
    assert [kind for kind, _ in outline(parsed)] == [
        *["paragraph"] * 3,
        *("heading1", "heading2", "paragraph"),
    ]
    bare = memo.replace(
        "                    Simple Wheel Protocol\n                         for Looms\n", ""
    )
    assert read(tmp_path, "b.txt", bare).title != "RFC 5321: Abstract"
    assert read(tmp_path, "c.txt", bare.replace("Abstract", "Wheels")).title == "RFC 5321: Wheels"


def test_a_box_of_asterisks_is_not_read(tmp_path: Path) -> None:
    box = (
        "*" * 30 + "\n*                            *\n*  6. No Warranty            *\n"
        "*  --------------            *\n*                            *\n"
        "*  The wheel is lent as it   *\n*  stands in the water.      *\n" + "*" * 30 + "\n"
    )
    parsed = read(tmp_path, "mill.txt", f"The Mill\n\n{box}\n* one\n* two *\n")
    assert [(kind, " ".join(text.split())) for kind, text in outline(parsed)] == [
        ("heading1", "The Mill"),
        ("heading2", "6. No Warranty"),
        ("paragraph", "The wheel is lent as it stands in the water."),
        ("list_item", "* one"),
        ("list_item", "* two *"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "*" * 400_000,
        ("* " + "x " * 40 + "*\n") * 5_000,
        "." * 400_000 + " 5",
        ("a ." * 30 + "5\n") * 5_000,
        "1." * 200_000 + " a",
        "a" + " " * 400_000 + "b\n\n" + "-" * 400_000,
        ("Wheels\n------\n\n") * 20_000,
        ("1.1 Wheels\n\n") * 20_000,
        "x\n" * 200_000,
    ],
)
def test_no_text_takes_long(tmp_path: Path, text: str) -> None:
    began = time.monotonic()
    read(tmp_path, "a.txt", "The Mill\n\n" + text)
    assert time.monotonic() - began < 10
