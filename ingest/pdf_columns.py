"""Columns of prose on a PDF's page, in reading order.

Lengths are PDF points unless said otherwise; y grows upwards.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate, groupby, pairwise

from ingest.pdf_page import Cell, Line, lines_of

_PROSE_LINES = 6  # a column of prose has at least as many lines, most of them filled
_WIDE_ROWS = 3  # rows one after the other that make a table over the width of a page
_IN_STEP = 0.75  # lines of one table are at heights that differ by less; in points
_FILLED = 0.7  # a filled line takes this share of its column


def columns_of(cells: list[Cell]) -> list[list[Cell]]:
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
            result += [wide, *columns_of(left), *columns_of(right)]
            wide, left, right = [], [], []
        (wide if crosses else left if cell.x1 <= gutter else right).append(cell)
    result += [wide, *columns_of(left), *columns_of(right)]
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
            if 2 * len(own) < _alone(lines_of(side), others):
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
    one, other = ([(line.top + line.bottom) / 2 for line in lines_of(s)] for s in (cells, others))
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
    for short, run in groupby(lines_of(cells), key=lambda line: all(map(is_short, line.cells))):
        lines = list(run)
        over = [number for number, line in enumerate(lines) if line.x0 < gutter < line.x1]
        if short and len(over) >= _WIDE_ROWS:
            found |= {id(cell) for line in lines[over[0] : over[-1] + 1] for cell in line.cells}
    return found
