"""Lines of a PDF's pages in reading order, rows of its tables made one, without running headers.

Lengths are PDF points unless said otherwise; y grows upwards.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from itertools import pairwise, product

from ingest.pdf_columns import columns_of
from ingest.pdf_page import Cell, Line, Page, hull, lines_of

_MOST_COLUMNS = 50
_WIDER_GAP = 0.2  # rows of more than one line are parted by so much more; in line heights
_SAME_START = 1.5  # lines of one cell begin at places that differ by less; in points
_INTERLOCKED = 0.25  # lines of one row reach into each other by more; in line heights
_OFF_CENTRE = 0.2  # cells of one row are centred at most this far from each other; likewise
_MARGIN = 0.12  # running headers and footers live in this share of the page, top and bottom
_RUNNING = 0.15  # a line that comes back unchanged on this share of the pages is one
_INTEGER = re.compile(r"\d+")


def reading_order(pages: list[Page]) -> list[list[list[Line]]]:
    """For every page its columns, for every column its lines, from top to bottom."""
    result = [
        [_unwrapped(_centred(lines_of(column))) for column in columns_of(page.cells)]
        for page in pages
    ]
    running = _running(pages, result)
    return [
        [[line for line in column if id(line) not in running] for column in columns]
        for columns in result
    ]


def _centred(lines: list[Line]) -> list[Line]:
    """``lines`` with those made one that are a row of a table: its cells centred on one height.

    Where one cell goes over two lines and its neighbour over one, no two of the three are beside
    each other.
    """
    result: list[Line] = []
    band: list[Line] = []
    for line in lines:
        if band and line.top - band[-1].bottom > _INTERLOCKED * line.height:
            band.append(line)
        else:
            result += _as_row(band)
            band = [line]
    return result + _as_row(band)


def _as_row(band: list[Line]) -> list[Line]:
    """Lines that reach into each other as one, if what they stack up is centred, else as they are.

    What stands above each other, from the highest down, is the text of one cell.
    """
    if len(band) < 2:
        return band
    stacks: list[list[Cell]] = []
    right = -math.inf
    for cell in sorted((cell for line in band for cell in line.cells), key=lambda cell: cell.x0):
        if cell.x0 < right:
            stacks[-1].append(cell)
        else:
            stacks.append([cell])
        right = max(right, cell.x1)
    hulls = [hull(cell.rect for cell in stack) for stack in stacks]
    middles = [(bottom + top) / 2 for _, bottom, _, top in hulls]
    if len(stacks) < 2 or max(middles) - min(middles) > _OFF_CENTRE * band[0].height:
        return band
    cells: list[Cell] = []
    for stack, (x0, bottom, x1, top) in zip(stacks, hulls, strict=True):
        text = " ".join(cell.text for cell in sorted(stack, key=lambda cell: -cell.top))
        cells.append(Cell(text, x0, x1, bottom, top, all(cell.bold for cell in stack)))
    row = Line(cells)
    _, row.bottom, _, row.top = row.rect
    row.height = band[0].height
    return [row]


def _unwrapped(lines: list[Line]) -> list[Line]:
    """``lines`` with those made one that are a row of a table: its cells go over several lines.

    It begins where the cells of the first row do, begins small, and is nearer to the line above it
    than one row to the next.
    """
    result: list[Line] = []
    index = 0
    while index < len(lines):
        starts = [cell.x0 for cell in lines[index].cells]
        end = index + 1
        if 1 < len(starts) <= _MOST_COLUMNS:
            while end < len(lines) and _under(lines[end], lines[end - 1], starts):
                end += 1
        gaps = [above.bottom - below.top for above, below in pairwise(lines[index:end])]
        widest = max(gaps, default=0.0)
        rows = [[lines[index]]]
        for gap, line in zip(gaps, lines[index + 1 : end], strict=True):
            if gap < widest - _WIDER_GAP * line.height and _is_rest(line, rows[-1][0]):
                rows[-1].append(line)
            else:
                rows.append([line])
        named = [_has_names(row[0]) for row in rows]
        for row, names in zip(rows, named, strict=True):
            result += [_joined(row)] if len(row) > 1 and names and sum(named) > 1 else row
        index = end
    return result


def _under(line: Line, above: Line, starts: list[float]) -> bool:
    """Whether a line is near the one above and all its cells begin at one of ``starts``."""
    return above.bottom - line.top < 2 * line.height and all(
        any(abs(cell.x0 - x) < _SAME_START for x in starts) for cell in line.cells
    )


def _has_names(line: Line) -> bool:
    """Whether a line is the first of a row: its cells are several, and none a bullet or so."""
    return len(line.cells) > 1 and sum(map(str.isalpha, line.cells[0].text)) > 1


def _is_rest(line: Line, above: Line) -> bool:
    """Whether a line may be the rest of the cells above it: of names at the left and of prose.

    A name that does not begin small, or a number, begins a row of its own.
    """
    if any(not any(map(str.isalpha, cell.text)) for cell in line.cells):
        return False
    if line.x0 - above.x0 < _SAME_START and not line.cells[0].text[0].islower():
        return False
    return any(
        cell.text[0].islower() and abs(cell.x0 - other.x0) < _SAME_START and " " in other.text
        for cell in line.cells
        for other in above.cells
    )


def _joined(lines: list[Line]) -> Line:
    """One row of lines whose cells go on below each other."""
    row = lines[0]
    for line in lines[1:]:
        for cell in line.cells:
            above = min(row.cells, key=lambda other: abs(other.x0 - cell.x0))
            if abs(above.x0 - cell.x0) < _SAME_START:
                above.text += cell.text if above.text.endswith("-") else f" {cell.text}"
                above.cover(cell.rect)
            else:
                row.cells.append(cell)
        row = Line(row.cells)
    _, row.bottom, _, row.top = row.rect
    row.height = lines[0].height
    return row


def _running(pages: list[Page], lines: list[list[list[Line]]]) -> set[int]:
    """The ids of lines that come back at one place of many pages.

    The place is a height in the margin; a number in the line may stand still or count with the
    pages. A last line that counts is a page number at whatever height. Where this would leave no
    line at all, the pages are alike and nothing is running.
    """
    still: dict[tuple[int, str], list[Line]] = defaultdict(list)
    counted: dict[tuple[int | None, str], list[Line]] = defaultdict(list)
    for number, (page, columns) in enumerate(zip(pages, lines, strict=True)):
        every = sorted((line for column in columns for line in column), key=lambda line: -line.top)
        margin = _MARGIN * (page.top - page.bottom)
        for line in every:
            places: list[int | None] = [None] if line is every[-1] else []
            if page.top - line.top < margin or line.bottom - page.bottom < margin:
                places.append(round(line.bottom / 4))
                still[round(line.bottom / 4), line.text].append(line)
            for place, text in product(places, _countings(line.text, number)):
                counted[place, text].append(line)
    few = max(2, min(3, len(pages)))
    many = max(few, math.ceil(_RUNNING * len(pages)))
    found = {id(line) for same in still.values() if len(same) >= many for line in same}
    found |= {id(line) for same in counted.values() if len(same) >= few for line in same}
    total = sum(len(column) for columns in lines for column in columns)
    return found if len(found) < total else set()


def _countings(text: str, page: int) -> set[str]:
    """``text`` with its first or its last number taken relative to ``page``."""
    numbers = list(_INTEGER.finditer(text))
    return {
        f"{text[: number.start()]}<{int(number[0]) - page}>{text[number.end() :]}"
        for number in (*numbers[:1], *numbers[-1:])
        if len(number[0]) < 6
    }
