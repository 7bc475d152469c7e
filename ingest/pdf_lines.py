"""Lines of a PDF's pages in reading order, rows of its tables made one, without navigation.

Lengths are PDF points unless said otherwise; y grows upwards.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import reduce
from itertools import pairwise

from ingest.pdf_columns import columns_of
from ingest.pdf_contents import contents_lines
from ingest.pdf_page import Cell, Line, Page, hull, lines_of
from ingest.pdf_running import running_lines

_MOST_COLUMNS = 50
_WIDER_GAP = 0.2  # rows of more than one line are parted by so much more; in line heights
_SAME_START = 1.5  # lines of one cell begin at places that differ by less; in points
_INTERLOCKED = 0.25  # lines of one row reach into each other by more; in line heights
_OFF_CENTRE = 0.2  # cells of one row are centred at most this far from each other; likewise
_STRETCHED = 2.0  # justified type leaves less between words; in line heights
_JUSTIFIED = 2  # so many other lines begin and end where a line of justified type does

Join = Callable[[str, str], str]  # a text and the next line of it, as one


def reading_order(pages: list[Page], join: Join) -> list[list[list[Line]]]:
    """For every page its columns, for every column its lines, from top to bottom.

    Running lines and tables of contents, which only lead to other pages, are left out.
    """
    result = [
        [
            _unwrapped(_centred(_closed_up(lines_of(column)), join), join)
            for column in columns_of(page.cells)
        ]
        for page in pages
    ]
    result = _without(result, running_lines(pages, result))
    return _without(result, contents_lines(result))


def _without(pages: list[list[list[Line]]], left_out: set[int]) -> list[list[list[Line]]]:
    """``pages`` without the lines of these ids."""
    return [
        [[line for line in column if id(line) not in left_out] for column in columns]
        for columns in pages
    ]


def _closed_up(lines: list[Line]) -> list[Line]:
    """``lines`` with the words put together that justified type has driven far apart.

    Other lines of the column begin and end where such a line does, and no other cell begins where
    one in the middle of it does: in a table, or a list of terms, some do.
    """
    edges = Counter((round(line.x0), round(line.x1)) for line in lines if len(line.cells) == 1)
    starts = Counter(round(cell.x0) for line in lines for cell in line.cells)
    near = (-1, 0, 1)
    result: list[Line] = []
    for line in lines:
        gaps = [right.x0 - left.x1 for left, right in pairwise(line.cells)]
        if gaps and max(gaps) < _STRETCHED * line.height:
            x0, x1 = round(line.x0), round(line.x1)
            alike = sum(edges[x0 + i, x1 + j] for i in near for j in near)
            alone = all(sum(starts[round(c.x0) + i] for i in near) == 1 for c in line.cells[1:])
            words = all(any(map(str.isalpha, cell.text)) for cell in line.cells[1:])
            if alike >= _JUSTIFIED and alone and words:
                line = _as_one(line)
        result.append(line)
    return result


def _as_one(line: Line) -> Line:
    """``line`` with one cell."""
    x0, bottom, x1, top = line.rect
    return Line([Cell(line.text, x0, x1, bottom, top, line.bold)])


def _centred(lines: list[Line], join: Join) -> list[Line]:
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
            result += _as_row(band, join)
            band = [line]
    return result + _as_row(band, join)


def _as_row(band: list[Line], join: Join) -> list[Line]:
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
        text = reduce(join, (cell.text for cell in sorted(stack, key=lambda cell: -cell.top)))
        cells.append(Cell(text, x0, x1, bottom, top, all(cell.bold for cell in stack)))
    row = Line(cells)
    _, row.bottom, _, row.top = row.rect
    row.height = band[0].height
    return [row]


def _unwrapped(lines: list[Line], join: Join) -> list[Line]:
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
            result += [_joined(row, join)] if len(row) > 1 and names and sum(named) > 1 else row
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


def _joined(lines: list[Line], join: Join) -> Line:
    """One row of lines whose cells go on below each other."""
    row = lines[0]
    for line in lines[1:]:
        for cell in line.cells:
            above = min(row.cells, key=lambda other: abs(other.x0 - cell.x0))
            if abs(above.x0 - cell.x0) < _SAME_START:
                above.text = join(above.text, cell.text)
                above.cover(cell.rect)
            else:
                row.cells.append(cell)
        row = Line(row.cells)
    _, row.bottom, _, row.top = row.rect
    row.height = lines[0].height
    return row
