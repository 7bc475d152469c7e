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
