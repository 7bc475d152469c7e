"""Tables of contents and indexes of a PDF: entries that dots lead to the numbers of pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ingest.pdf_page import Line
from ingest.pdf_running import name_of

_DOTS = " .…·"
_LEAST_DOTS = 3  # an entry's leader has as many; "…" counts for three
_LEAST_ENTRIES = 3  # a table of contents has as many on a page
_ORDERED = 0.8  # so many of the entries are not below the one before
_WRAPPED = 3  # lines between two entries that may belong to them
_PAGES = "0123456789,–- "
_ROMAN = re.compile(r"[ivxl]{1,7}")
_LABEL = re.compile(r"\d+")
_HEADINGS = frozenset({"contents", "tableofcontents", "inhalt", "inhaltsverzeichnis", "sommaire"})


class _Entry(NamedTuple):
    """The end of a line taken for numbers of pages: what they are of, and whether dots lead there.

    ``page`` is the last of the numbers, 0 for a Roman one.
    """

    title: str
    page: int
    is_led: bool


def contents_lines(pages: Sequence[Sequence[Sequence[Line]]]) -> set[int]:
    """The ids of the lines of tables of contents and of indexes that are set like them.

    A menu or a statement of accounts may be set so as well. In contents the numbers are those of
    pages and grow, and most of the entries are said elsewhere too, as headings are; an index goes
    by its letters, in a document that has contents.
    """
    entries = [[_entry(line.text) for column in page for line in column] for page in pages]
    said = {
        name_of(line.text)
        for page, of_page in zip(pages, entries, strict=True)
        for line, entry in zip((line for column in page for line in column), of_page, strict=True)
        if not (entry and entry.is_led)
    }
    led = [[entry for entry in of_page if entry and entry.is_led] for of_page in entries]
    are_pages = [
        len(some) >= _LEAST_ENTRIES and all(entry.page <= len(pages) for entry in some)
        for some in led
    ]
    contents = [
        good and _are_contents(some, said) for good, some in zip(are_pages, led, strict=True)
    ]
    indexes = [
        any(contents) and good and 2 * len(some) >= len(of_page) and _are_index(some)
        for good, some, of_page in zip(are_pages, led, entries, strict=True)
    ]
    return {
        id(line)
        for page, one, other in zip(pages, contents, indexes, strict=True)
        if one or other
        for column in page
        for line in _listed(column, said)
    }


def _entry(text: str) -> _Entry | None:
    """``text`` as an entry, None for what does not end with a number."""
    rest = text.rstrip(_PAGES)
    numbers = text[len(rest) :].replace("–", " ").replace("-", " ").replace(",", " ").split()
    if not numbers:
        rest, _, last = text.rpartition(" ")
        if not _ROMAN.fullmatch(last):
            return None
    title = rest.rstrip(_DOTS)
    dots = rest[len(title) :].replace("…", "...")
    page = int(numbers[-1][:6]) if numbers else 0
    return _Entry(title, page, len(dots) - dots.count(" ") >= _LEAST_DOTS)


def _are_contents(entries: Sequence[_Entry], said: set[str]) -> bool:
    known = sum(name_of(entry.title) in said for entry in entries)
    return 2 * known >= len(entries) and _mostly(a.page <= b.page for a, b in pairwise(entries))


def _are_index(entries: Sequence[_Entry]) -> bool:
    return _mostly(name_of(a.title) <= name_of(b.title) for a, b in pairwise(entries))


def _mostly(ordered: Iterable[bool]) -> bool:
    every = list(ordered)
    return sum(every) >= _ORDERED * len(every)


def _listed(column: Sequence[Line], said: set[str]) -> Iterator[Line]:
    """The lines of a column that are of its list: entries and what stands between two of them."""
    last = -1
    for index, line in enumerate(column):
        if _belongs(line, said):
            if last >= 0 and index - last - 1 <= _WRAPPED:
                yield from column[last + 1 : index]
            yield line
            last = index


def _belongs(line: Line, said: set[str]) -> bool:
    """Whether a line on a page of contents is an entry, a heading over them, or an index's letter.

    An entry without dots is one if it is said elsewhere, with or without its number.
    """
    if len(line.text) == 1 or name_of(line.text) in _HEADINGS:
        return True
    entry = _entry(line.text)
    if entry is None or entry.is_led:
        return entry is not None
    name = name_of(entry.title)
    return bool(name) and bool({name, _LABEL.sub("", name, count=1)} & said)
