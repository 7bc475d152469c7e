"""Plain text laid out in pages: what runs along their tops and bottoms is no part of the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ingest.text_lines import ITEM, WRAP_WIDTH

_FOOTER = re.compile(r"\[Page (\d{1,5})\]\s*")
_TOP = 4  # so many lines may stand together at the top of a page, or at its bottom
_FEW = 3  # a text of fewer pages tells nothing of what comes back, unless they are numbered
_SHARE = 3  # what comes back on every third page is running; left and right pages may differ
# A number that counts pages stands alone, apart or beside the word: "Chapter 3" does not.
_PAGE_NUMBER = re.compile(
    r"\bpage\W{0,3}(\d{1,5}|[ivxl]{1,7})\b|^\W*(\d{1,5})\W*(?:$|\s\s)|\s\s\W*(\d{1,5})\W*$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?:;…。！？：；][\"'”’)\]]*$")
_NEAR = 0.75  # a line this full, measured by the longest of its page, ended for want of room


class Line(NamedTuple):
    """A line, and its number in the file, counted from 1."""

    number: int
    text: str


def without_running(text: str) -> Sequence[Line]:
    """The lines of ``text`` without running headers and footers.

    Pages end with a form feed, or else with a line that ends in "[Page 3]". At a page turn a
    paragraph goes on if it does not end there. A text without pages or without such lines is
    returned as it is.
    """
    lines = [Line(number, line) for number, line in enumerate(text.split("\n"), 1)]
    pages = _pages(text)
    few = 2 if sum(map(_is_numbered, pages)) > 1 else _FEW
    if len(pages) < few:
        return lines
    running = _running(pages, few)
    kept = [[line for line in page if line.number not in running] for page in pages]
    kept = [page for page in map(_trimmed, kept) if page]
    return list(_joined(kept)) if running and kept else lines


def _pages(text: str) -> list[list[Line]]:
    """The pages that are not empty."""
    number = 1
    pages: list[list[Line]] = []
    for part in text.split("\f"):
        texts = part.split("\n")
        pages.append([Line(number + offset, line) for offset, line in enumerate(texts)])
        number += len(texts) - 1
    if len(pages) == 1:
        pages = list(_after_footers(pages[0]))
    return [page for page in pages if any(line.text.strip() for line in page)]


def _after_footers(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines cut behind each that ends in the number of its page."""
    last = 0
    page: list[Line] = []
    for line in lines:
        page.append(line)
        match = _FOOTER.search(line.text)
        if match and match.end() == len(line.text) and int(match[1]) > last:
            last = int(match[1])
            yield page
            page = []
    yield page


def _is_numbered(page: Sequence[Line]) -> bool:
    """Whether a page ends with its number."""
    return any(_FOOTER.search(line.text) for line in _edge(page[::-1]))


def _running(pages: Sequence[Sequence[Line]], few: int) -> set[int]:
    """The numbers of the lines that come back at the top or at the bottom of many pages.

    On the first page a header may be the text's only title: without a page number it stays there.
    """
    tops = [_edge(page) for page in pages]
    titles = {line.number for line in tops[0] if _key(line.text, 0) == _key(line.text, 1)}
    return (_repeated(tops, few) - titles) | _repeated([_edge(p[::-1]) for p in pages], few)


def _repeated(edges: Sequence[Sequence[Line]], few: int) -> set[int]:
    """The numbers of the lines that come back, and of those beside them that do so less often.

    The name of a chapter stands below the title of the whole, on fewer pages than that.
    """
    many = max(few, len(edges) // _SHARE)
    times = Counter(key for n, edge in enumerate(edges) for key in {_key(x.text, n) for x in edge})
    found: set[int] = set()
    for page, edge in enumerate(edges):
        beside = False
        for line in edge:
            seen = times[_key(line.text, page)]
            beside = seen >= many or (beside and seen > 1)
            if beside:
                found.add(line.number)
    return found


def _edge(page: Sequence[Line]) -> list[Line]:
    """The lines that stand together at the beginning of a page."""
    edge: list[Line] = []
    for line in page:
        if line.text.strip():
            edge.append(line)
        elif edge:
            break
        if len(edge) == _TOP:
            break
    return edge


def _key(text: str, page: int) -> str:
    """The same for lines that differ only in how they are set and in the number of their page."""
    text = text.strip()
    if len(text) > WRAP_WIDTH:
        return text

    def relative(match: re.Match[str]) -> str:
        number = match[match.lastindex or 0]
        said = "#" if match[1] else str(int(number) - page)
        return f" {match[0].replace(number, f'<{said}>')} "

    return " ".join(_PAGE_NUMBER.sub(relative, text).split())


def _trimmed(page: list[Line]) -> list[Line]:
    """A page without the empty lines at its beginning and end."""
    full = [position for position, line in enumerate(page) if line.text.strip()]
    return page[full[0] : full[-1] + 1] if full else []


def _joined(pages: Sequence[Sequence[Line]]) -> Iterator[Line]:
    """The lines of all pages, an empty one between two unless a paragraph goes on."""
    for before, after in pairwise(pages):
        yield from before
        if not _goes_on(before, after):
            yield Line(before[-1].number, "")
    yield from pages[-1]


def _goes_on(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Whether the last line of a page ends amid a sentence that the next page continues."""
    last, first = before[-1].text.rstrip(), after[0].text
    if _END.search(last) or ITEM.match(first):
        return False
    width = min(WRAP_WIDTH, max(len(line.text.rstrip()) for line in before))
    is_full = len(last) >= _NEAR * width and _margin(last) == _margin(first)
    return is_full or first.lstrip()[0].islower()


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())
