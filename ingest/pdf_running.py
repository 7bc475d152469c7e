"""Running headers, footers and page numbers of a PDF.

Lengths are PDF points unless said otherwise; y grows upwards.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product

from ingest.pdf_page import Line, Page

_MARGIN = 0.12  # running headers and footers live in this share of the page, top and bottom
_RUNNING = 0.15  # what comes back at one place of this share of the pages is one
_HIGHEST = 1.15  # a line with a title and a page number is at most this high; in body heights
_INTEGER = re.compile(r"\d+")
_ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50}
_ROMAN = re.compile(r"[ivxl]{1,7}")
_BEFORE = re.compile(r"(\d{1,5}|[ivxl]{1,7}\b)(.*)")  # a page number, and what stands beside it
_AFTER = re.compile(r"(.*?)(\d{1,5}|\b[ivxl]{1,7})")
_PART = re.compile(r"\W*(?:chapter|part|section)\b")

_Columns = list[list[Line]]  # of one page


def running_lines(pages: list[Page], lines: list[_Columns]) -> set[int]:
    """The ids of lines that come back at one place of many pages.

    The place is a height in the margin; a number in the line may stand still or count with the
    pages, and beside one that counts a title may change. A last line that counts is a page number
    at whatever height. Where this would leave no line at all, the pages are alike and nothing is
    running.
    """
    still: dict[tuple[int, str], list[Line]] = defaultdict(list)
    counted: dict[tuple[int | None, str], list[Line]] = defaultdict(list)
    for number, (page, columns) in enumerate(zip(pages, lines, strict=True)):
        every = sorted((line for column in columns for line in column), key=lambda line: -line.top)
        for line in every:
            places: list[int | None] = [None] if line is every[-1] else []
            if _in_margin(line, page):
                places.append(_height(line))
                still[_height(line), line.text].append(line)
            for place, text in product(places, _countings(line.text, number)):
                counted[place, text].append(line)
    few = max(2, min(3, len(pages)))
    many = max(few, math.ceil(_RUNNING * len(pages)))
    found = {id(line) for same in still.values() if len(same) >= many for line in same}
    found |= {id(line) for same in counted.values() if len(same) >= few for line in same}
    found |= {id(line) for line in _titled(pages, lines, max(3, many))}
    total = sum(len(column) for columns in lines for column in columns)
    return found if len(found) < total else set()


def _in_margin(line: Line, page: Page) -> bool:
    margin = _MARGIN * (page.top - page.bottom)
    return page.top - line.top < margin or line.bottom - page.bottom < margin


def _height(line: Line) -> int:
    """Where a line stands on its page, the same for lines that nearly stand at one height."""
    return round(line.bottom / 4)


def _countings(text: str, page: int) -> set[str]:
    """``text`` with its first or its last number taken relative to ``page``."""
    if _ROMAN.fullmatch(text):
        return {f"<{_value(text) - page}>"}
    numbers = list(_INTEGER.finditer(text))
    return {
        f"{text[: number.start()]}<{int(number[0]) - page}>{text[number.end() :]}"
        for number in (*numbers[:1], *numbers[-1:])
        if len(number[0]) < 6
    }


def _titled(pages: list[Page], lines: list[_Columns], many: int) -> Iterator[Line]:
    """Lines in which the title of a chapter or section stands beside the page number.

    On ``many`` pages they stand at one height, and most of their titles are said elsewhere too: on
    other pages beside the number, or in the text as a line of their own.
    """
    heights: Counter[float] = Counter()
    for line in (line for columns in lines for column in columns for line in column):
        heights[round(line.height, 1)] += len(line.text)
    highest = _HIGHEST * heights.most_common(1)[0][0] if heights else 0.0
    said: set[str] = set()
    places: dict[tuple[int, int], list[tuple[str, list[Line]]]] = defaultdict(list)
    for number, (page, columns) in enumerate(zip(pages, lines, strict=True)):
        bands: dict[int, list[Line]] = defaultdict(list)  # by height; a gutter may part a line
        for line in (line for column in columns for line in column):
            if not _in_margin(line, page):
                said.add(name_of(line.text))
            elif line.height <= highest:  # a slide's title is higher
                bands[_height(line)].append(line)
        for height, band in bands.items():
            text = " ".join(line.text for line in sorted(band, key=lambda line: line.x0))
            for value, title in _numbered(text):
                places[height, value - number].append((name_of(title), band))
    for same in places.values():
        titles = Counter(title for title, _ in same if title)
        known = sum(n for title, n in titles.items() if n > 1 or title in said)
        if len(same) >= many and 2 * known >= titles.total() > 0:
            yield from (line for _, band in same for line in band)


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """The numbers that a line may begin and end with, each with the rest of the line."""
    if match := _BEFORE.fullmatch(text):
        yield _value(match[1]), match[2]
    if match := _AFTER.fullmatch(text):
        yield _value(match[2]), match[1]


def name_of(title: str) -> str:
    """What is told of a title however it is set: "Chapter 4. Seeds" and "4 SEEDS" are one."""
    return "".join(filter(str.isalnum, _PART.sub("", title.casefold())))


def _value(number: str) -> int:
    """The value of a number in digits, or in small Roman ones up to 89."""
    if number.isdecimal():
        return int(number)
    values = [_ROMAN_DIGITS[digit] for digit in number]
    return sum(
        -value if any(other > value for other in values[index:]) else value
        for index, value in enumerate(values)
    )
