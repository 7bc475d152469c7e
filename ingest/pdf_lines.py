"""From the cells of a PDF's pages to lines in reading order, without running headers and footers.

Lengths are PDF points unless said otherwise; y grows upwards.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate, groupby, pairwise, product
from typing import NamedTuple

from rag.types import Box

CELL_GAP = 1.0  # a gap this wide separates cells; in character heights
_PROSE_LINES = 6  # a column of prose has at least as many lines, most of them filled
_WIDE_ROWS = 3  # rows one after the other that make a table over the width of a page
_MOST_COLUMNS = 50
_WIDER_GAP = 0.2  # rows of more than one line are parted by so much more; in line heights
_SAME_START = 1.5  # lines of one cell begin at places that differ by less; in points
_IN_STEP = 0.75  # lines of one table are at heights that differ by less; in points
_INTERLOCKED = 0.25  # lines of one row reach into each other by more; in line heights
_OFF_CENTRE = 0.2  # cells of one row are centred at most this far from each other; likewise
_FILLED = 0.7  # a filled line takes this share of its column
_MARGIN = 0.12  # running headers and footers live in this share of the page, top and bottom
_RUNNING = 0.15  # a line that comes back unchanged on this share of the pages is one
_MARKS = ("®", "™", "℠")
_INTEGER = re.compile(r"\d+")


Rect = tuple[float, float, float, float]  # left, bottom, right, top
Point = tuple[float, float]


def hull(rects: Iterable[Rect]) -> Rect:
    """The smallest rectangle around ``rects``, of which there is at least one."""
    lefts, bottoms, rights, tops = zip(*rects, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


class View(NamedTuple):
    """Where a page's upright coordinates stand on the page as displayed, in shares of it."""

    origin: Point
    right: Point
    up: Point

    @classmethod
    def of(cls, show: Callable[[float, float], Point]) -> View:
        """The view that ``show``, a linear function, makes of upright coordinates."""
        (u, v), (ru, rv), (uu, uv) = show(0, 0), show(1, 0), show(0, 1)
        return cls((u, v), (ru - u, rv - v), (uu - u, uv - v))

    def box(self, rect: Rect) -> Box | None:
        """The box of ``rect``, cut at the edges of the page; None outside of them."""
        x0, y0, x1, y1 = rect
        corners = [(x, y) for x in (x0, x1) for y in (y0, y1)]
        us = [self.origin[0] + x * self.right[0] + y * self.up[0] for x, y in corners]
        vs = [self.origin[1] + x * self.right[1] + y * self.up[1] for x, y in corners]
        left, top = max(0.0, min(us)), max(0.0, min(vs))
        right, bottom = min(1.0, max(us)), min(1.0, max(vs))
        if left >= right or top >= bottom:
            return None
        return round(left, 5), round(top, 5), round(right, 5), round(bottom, 5)


@dataclass(slots=True)
class Cell:
    """Characters on one line without a wide gap; ``hidden`` says why no reader sees them."""

    text: str
    x0: float
    x1: float
    bottom: float
    top: float
    bold: bool
    hidden: str = ""

    @property
    def height(self) -> float:
        """The height of its characters, ascender to descender."""
        return self.top - self.bottom

    @property
    def rect(self) -> Rect:
        """Where it stands on the page."""
        return self.x0, self.bottom, self.x1, self.top

    def cover(self, rect: Rect) -> None:
        """Grow to where text joined to this cell stands."""
        self.x0, self.bottom, self.x1, self.top = hull([self.rect, rect])

    def beside(self, bottom: float, top: float) -> bool:
        """Whether a box from ``bottom`` to ``top`` is on the same line, indices included."""
        overlap = min(self.top, top) - max(self.bottom, bottom)
        return overlap > 0.5 * min(self.height, top - bottom)


@dataclass(slots=True)
class Page:
    """The cells of one page in content order, and where its bottom and top edges are.

    ``view`` leads from these coordinates to the page as displayed.
    """

    cells: list[Cell]
    bottom: float
    top: float
    view: View


EMPTY_PAGE = Page([], 0.0, 0.0, View((0, 0), (0, 0), (0, 0)))


@dataclass(slots=True)
class Line:
    """Cells side by side, from left to right; ``height`` is that of the characters."""

    cells: list[Cell]
    x0: float = field(init=False)
    x1: float = field(init=False)
    bottom: float = field(init=False)
    top: float = field(init=False)
    height: float = field(init=False)

    def __post_init__(self) -> None:
        # A trade mark sign drawn later than its word would tear the line it stands in apart.
        self.cells = [
            cell
            for cell in sorted(self.cells, key=lambda cell: cell.x0)
            if cell.text not in _MARKS or not any(o.x0 < cell.x0 < o.x1 for o in self.cells)
        ]
        self.x0 = self.cells[0].x0
        self.x1 = max(cell.x1 for cell in self.cells)
        longest = max(self.cells, key=lambda cell: len(cell.text))
        self.bottom, self.top, self.height = longest.bottom, longest.top, longest.height

    @property
    def text(self) -> str:
        """All of it, cells joined by a space."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def rect(self) -> Rect:
        """Where its cells stand, with what was joined to them."""
        return hull(cell.rect for cell in self.cells)

    @property
    def bold(self) -> bool:
        """Whether nothing in it is light."""
        return all(cell.bold for cell in self.cells)


def reading_order(pages: list[Page]) -> list[list[list[Line]]]:
    """For every page its columns, for every column its lines, from top to bottom."""
    result = [
        [_unwrapped(_centred(_lines(column))) for column in _columns(page.cells)] for page in pages
    ]
    running = _running(pages, result)
    return [
        [[line for line in column if id(line) not in running] for column in columns]
        for columns in result
    ]


def _columns(cells: list[Cell]) -> list[list[Cell]]:
    """Cut a page into columns of prose, in reading order; a table stays in one of them.

    What reaches over the gutter (a title, a wide figure's caption, a wide table) ends the columns
    above it.
    """
    gutter = _gutter(cells)
    if gutter is None:
        return [cells] if cells else []
    tabular = _wide_rows(cells, gutter)
    result: list[list[Cell]] = []
    left: list[Cell] = []
    right: list[Cell] = []
    wide: list[Cell] = []
    for cell in sorted(cells, key=lambda cell: -cell.top):
        crosses = cell.x0 < gutter < cell.x1 or id(cell) in tabular
        if crosses and (left or right):
            result += [wide, *_columns(left), *_columns(right)]
            wide, left, right = [], [], []
        (wide if crosses else left if cell.x1 <= gutter else right).append(cell)
    result += [wide, *_columns(left), *_columns(right)]
    return [column for column in result if column]


def _gutter(cells: list[Cell]) -> float | None:
    """The x between two columns of prose, or None.

    Of all that few cells cross, the first from the middle of the page that parts two columns.
    """
    if len(cells) < 2 * _PROSE_LINES:
        return None
    x0, x1 = min(cell.x0 for cell in cells), max(cell.x1 for cell in cells)
    steps = [x0 + (x1 - x0) * share / 100 for share in range(25, 76)]
    crossed = [sum(cell.x0 < x < cell.x1 for cell in cells) for x in steps]
    least = min(crossed)
    if least > 0.3 * len(cells):
        return None
    gaps = [list(run) for same, run in groupby(range(51), lambda i: crossed[i] == least) if same]
    middles = sorted((gap[len(gap) // 2] for gap in gaps), key=lambda i: abs(i - 25))
    return next((steps[i] for i in middles if _parts_columns(cells, steps[i])), None)


def _parts_columns(cells: list[Cell], gutter: float) -> bool:
    """Whether columns of prose stand at both sides of ``gutter``, or at one beside a table.

    A column has enough lines, most of which fill it: that tells prose from a table, whose cells
    leave room. Lines beside prose need not: they are a table, or a list, in one column. A column
    without prose is none if its lines are in step with the prose: both are one table.
    """
    x0, x1 = min(cell.x0 for cell in cells), max(cell.x1 for cell in cells)
    left = [cell for cell in cells if cell.x1 <= gutter]
    right = [cell for cell in cells if cell.x0 >= gutter]
    sides = [
        (side, [cell for cell in side if cell.x1 - cell.x0 > _FILLED * width])
        for side, width in ((left, gutter - x0), (right, x1 - gutter))
    ]
    (few_of, few), (most_of, most) = sorted(sides, key=lambda side: len(side[1]))
    if len(few) < _PROSE_LINES:
        goes_on = sum(cell.text[0].islower() for cell in most)
        if len(most) < 2 * _PROSE_LINES or 4 * goes_on < len(most) or _in_step(few_of, most_of):
            return False
        sides = [(most_of, most)]
    for side, own in sides:
        if 2 * len(own) < len(side):
            others = [cell for _, prose in sides if prose is not own for cell in prose]
            if 2 * len(own) < _alone(_lines(side), others):
                return False
    return True


def _alone(lines: list[Line], cells: list[Cell]) -> int:
    """How many of ``lines`` have none of ``cells`` at their height."""
    cells = sorted(cells, key=lambda cell: cell.bottom)
    bottoms = [cell.bottom for cell in cells]
    tops = [-math.inf, *accumulate((cell.top for cell in cells), max)]
    return sum(tops[bisect_left(bottoms, line.top)] <= line.bottom for line in lines)


def _in_step(cells: list[Cell], others: list[Cell]) -> bool:
    """Whether most lines of one side stand at, or halfway between, the heights of the other's.

    So do the rows of a table and the lines of the names beside them. Few lines tell nothing.
    """
    one, other = ([(line.top + line.bottom) / 2 for line in _lines(s)] for s in (cells, others))
    for heights, beside in ((one, other), (other, one)):
        steps = sorted([*heights, *((a + b) / 2 for a, b in pairwise(heights))])
        inside = [y for y in beside if steps and steps[0] <= y <= steps[-1]]
        near = sum(
            bisect_left(steps, y - _IN_STEP) < bisect_left(steps, y + _IN_STEP) for y in inside
        )
        if len(inside) < _PROSE_LINES or 2 * near >= len(inside):
            return True
    return False


def _wide_rows(cells: list[Cell], gutter: float) -> set[int]:
    """The ids of cells in tables that go over the gutter without a cell that does.

    Row after row, such a table has cells on both sides, and none of them fills its side.
    """
    x0, x1 = min(cell.x0 for cell in cells), max(cell.x1 for cell in cells)

    def is_short(cell: Cell) -> bool:
        if cell.x0 < gutter < cell.x1:
            return False
        return cell.x1 - cell.x0 <= _FILLED * (gutter - x0 if cell.x1 <= gutter else x1 - gutter)

    found: set[int] = set()
    for short, run in groupby(_lines(cells), key=lambda line: all(map(is_short, line.cells))):
        lines = list(run)
        over = [number for number, line in enumerate(lines) if line.x0 < gutter < line.x1]
        if short and len(over) >= _WIDE_ROWS:
            found |= {id(cell) for line in lines[over[0] : over[-1] + 1] for cell in line.cells}
    return found


def _lines(cells: list[Cell]) -> list[Line]:
    """Gather cells into lines, from top to bottom."""
    groups: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda cell: -(cell.top + cell.bottom)):
        if groups and groups[-1][0].beside(cell.bottom, cell.top):
            groups[-1].append(cell)
        else:
            groups.append([cell])
    return [Line(group) for group in groups]


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
