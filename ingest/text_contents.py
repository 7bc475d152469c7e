"""Plain text: lists of contents, which say nothing, rules under headings, and boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from ingest.text_pages import Line

_DOTS = " .…·\t"
_LEAST_DOTS = 3  # of a leader; "…" counts for three
_LEAST_ENTRIES = 3
_ORDERED = 0.8  # so many of the entries are on no page before that of the one above
_WRAPPED = 2  # lines between two entries that may belong to them
_ROMAN = re.compile(r"[ivxl]{1,7}")
_HEADINGS = frozenset({"contents", "tableofcontents", "inhalt", "inhaltsverzeichnis", "sommaire"})
_PART = re.compile(r"\s*(?:chapter|part|section)\b")
_RULE = re.compile(r"\s*([-=~^_*#])\1{2,}\s*")
_TABLE = re.compile(r"\||\S {3,}\S")
_BOXED = re.compile(r"(?P<margin>\s*)\*(?P<inside>\s.*\s|\*+)\*\s*")
_NEAR = 2  # a rule under a heading is at most so much longer or shorter
_HEADING_LENGTH = 80
_LEAST_BOXED = 3  # lines of a box, with those of asterisks alone


class _Entry(NamedTuple):
    title: str
    page: int  # 0 for a Roman number
    is_led: bool  # there by dots, and not by blanks alone


def without_contents(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines without tables of contents, whose entries dots or blanks lead to page numbers.

    A menu or a price list may be set so as well: in contents the numbers grow, and most of the
    entries stand in the text too, as headings.
    """
    entries = {n: entry for n, line in enumerate(lines) if (entry := _entry(line.text))}
    runs = [run for run in _runs(lines, sorted(entries)) if len(run) >= _LEAST_ENTRIES]
    if not runs:
        return lines
    said = {_name(line.text) for n, line in enumerate(lines) if n not in entries}
    left_out: set[int] = set()
    for run in runs:
        heading = _heading_above(lines, run[0])
        some = [entries[n] for n in run]
        ordered = sum(a.page <= b.page for a, b in pairwise(some)) >= _ORDERED * (len(some) - 1)
        known = 2 * sum(_name(entry.title) in said for entry in some) >= len(some)
        marked = heading is not None or sum(one.is_led for one in some) >= _ORDERED * len(some)
        if ordered and known and marked:
            left_out |= set(range(run[0] if heading is None else heading, run[-1] + 1))
    return [line for n, line in enumerate(lines) if n not in left_out]


def _entry(text: str) -> _Entry | None:
    """``text`` as an entry, None for what does not end with a number set apart."""
    text = text.rstrip()
    rest = text.rstrip("0123456789")
    page = text[len(rest) :]
    if not page:
        last = re.split(r"[\s.]", text[-10:])[-1]
        if not _ROMAN.fullmatch(last):
            return None
        rest = text[: -len(last)]
    title = rest.rstrip(_DOTS)
    gap = rest[len(title) :].replace("…", "...")
    is_led = gap.count(".") >= _LEAST_DOTS
    if not title.strip() or not (is_led or len(gap) >= _LEAST_DOTS) or len(page) > 4:
        return None
    return _Entry(title, int(page or 0), is_led)


def _runs(lines: Sequence[Line], numbers: Sequence[int]) -> Iterator[list[int]]:
    """Entries that follow one another, with no more between them than they may go over."""
    run: list[int] = []
    for number in numbers:
        if run:
            between = lines[run[-1] + 1 : number]
            if sum(1 for line in between if line.text.strip()) > _WRAPPED:
                yield run
                run = []
        run.append(number)
    yield run


def _heading_above(lines: Sequence[Line], number: int) -> int | None:
    """Where the heading of a table of contents stands right above one of its entries."""
    above = number - 1
    while above >= 0 and not lines[above].text.strip():
        above -= 1
    return above if above >= 0 and _name(lines[above].text) in _HEADINGS else None


def _name(text: str) -> str:
    """What is told of a heading however it is set."""
    return "".join(filter(str.isalnum, _PART.sub("", text.casefold())))


def without_rules(lines: Sequence[Line]) -> tuple[Sequence[Line], Mapping[int, str]]:
    """The lines without the rules under headings; and the sign of each rule by its heading's line.

    What is underlined stands alone, or below a second rule, and is about as long as its rule.
    """
    signs: dict[int, str] = {}
    rules: set[int] = set()
    rule = [_RULE.fullmatch(line.text) for line in lines]
    for n in range(1, len(lines)):
        match, text = rule[n], lines[n - 1].text.strip()
        if match is None or rule[n - 1] or not 0 < len(text) <= _HEADING_LENGTH:
            continue
        over = n > 1 and rule[n - 2] is not None
        if _TABLE.search(text):
            continue
        alone = n == 1 or over or not lines[n - 2].text.strip()
        alike = abs(len(match[0].strip()) - len(text)) <= _NEAR
        if alone and alike and any(map(str.isalnum, text)):
            signs[lines[n - 1].number] = match[1]
            rules |= {n, n - 2} if over else {n}
    blank = [line._replace(text="") if n in rules else line for n, line in enumerate(lines)]
    return blank if rules else lines, signs


def without_boxes(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines without the asterisks on both sides, of equally long ones that make up a box."""
    boxed = [_BOXED.fullmatch(line.text) if "*" in line.text else None for line in lines]
    if sum(map(bool, boxed)) < _LEAST_BOXED:
        return lines
    found = list(lines)
    start = 0
    for width, run in groupby(zip(lines, boxed, strict=True), key=_box_width):
        same = list(run)
        if width and len(same) >= _LEAST_BOXED:
            for n, (line, match) in enumerate(same, start):
                found[n] = line._replace(text=_inside(match) if match else line.text)
        start += len(same)
    return found


def _box_width(boxed: tuple[Line, re.Match[str] | None]) -> int:
    """Where a line's box ends, 0 without one."""
    return len(boxed[0].text.rstrip()) if boxed[1] else 0


def _inside(box: re.Match[str]) -> str:
    inside = box["inside"].rstrip().strip("*")
    return f"{box['margin']} {inside}" if inside.strip() else ""
