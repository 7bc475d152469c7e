"""Rows of a PDF's tables, read with the headers above them.

A header is believed where it is bold, unlike its rows, and names every column; or where every
column of numbers gets a label of its own. All other rows keep their cells side by side. What goes
on below, or on the next page, keeps the header. Lengths are PDF points; y grows upwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ingest.parsed import row_spans
from ingest.pdf_headers import (
    ENDED,
    FLUSH,
    ROOM,
    UNITS,
    Column,
    RowCell,
    corner_of,
    is_over,
    labels_of,
)
from ingest.pdf_page import Rect, hull
from ingest.table_header import is_header

_VALUE = re.compile(r"(?=.*[\d\-–—])[\s($€£¥+\-–—*]*(?:\d[\d.,]*)?[\s\-–—*%)]*(?:ppts?|bps|pts|x)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_HEADER_LINES = 6
_HEADER_LENGTH = 60
_HEADER_GAP = 2.0  # between a header and the line below it, in line heights
_SECTIONS = 3  # names of sections ("Net sales:") between two rows of one table


class Strip(NamedTuple):
    """One block of a page: a row of cells, or lines of text of one cell each."""

    is_row: bool
    lines: list[list[RowCell]]
    bold: bool = False


class TableRow(NamedTuple):
    """A row as text; ``cells`` are (start, end, where, column), ``number`` counts from 1.

    ``number`` is 0 for a row that stands alone.
    """

    text: str
    cells: list[tuple[int, int, Rect, int]]
    number: int


class Table(NamedTuple):
    """What its rows need to know of a table.

    ``columns`` are those behind the first, which begins at ``left``; ``labels`` has one for that
    too. ``head`` holds the texts of the header's blocks, ``number`` is that of the last row.
    ``is_grid`` says that the header names every column, whatever stands in them.
    """

    columns: list[Column]
    labels: list[str]
    left: float
    head: list[str]
    number: int
    is_grid: bool


def read_tables(
    strips: Iterable[Strip], above: Table | None = None
) -> tuple[list[TableRow | None], Table | None]:
    """The text of every row among the blocks of a page's column; None for what is no row.

    ``above`` is the table that the column before ended with, if any; the second of the result is
    the one that this column ends with.
    """
    strips = list(strips)
    if not strips:
        return [], above
    result: list[TableRow | None] = []
    table: Table | None = None
    index = 0
    if above:
        index, rows, table = _go_on(strips, 0, above)
        result += rows
    # What stands before, between and behind the grids is read by its numbers.
    for header in range(index, len(strips) - 1):
        grid = _grid(strips, header) if header >= index else None
        end, rows, after = _go_on(strips, header + 1, grid) if grid else (0, [], None)
        if rows:
            result += _read_numbers(strips[index:header])[0]
            result += [_plain(strips[header].lines[0], 1), *rows]
            index, table = end, after
    if index < len(strips):
        rows, table = _read_numbers(strips[index:])
        result += rows
    return result, table


def _go_on(
    strips: Sequence[Strip], start: int, table: Table
) -> tuple[int, list[TableRow | None], Table | None]:
    """The rows from ``start`` on that go on with ``table``, and the index of what is behind them.

    A header that is repeated among them is a row that labels itself; names of sections are no
    rows. With it comes the table up to its last row, None if more follows it.
    """
    rows: list[TableRow | None] = []
    taken = 0
    number = table.number
    for index in range(start, len(strips)):
        strip = strips[index]
        if not index and strip.lines[0][0].rect[0] >= table.columns[0][0] - FLUSH:
            rows.append(_plain(strip.lines[0], number) if strip.is_row else None)
            continue  # the end of a cell that the page before began
        if index and _apart(strips[index - 1], strip):
            break
        row: TableRow | None = None
        if _said(strip) in table.head:
            row = _plain(strip.lines[0], number + 1) if strip.is_row else None
        elif strip.is_row:
            row = _row_of(table, strip, number + 1)
            if row is None:
                break
            taken = index + 1 - start
        elif not (index and table.is_grid and _names_section(strip)) or (
            len(rows) - taken == _SECTIONS or _YEAR.search(_said(strip))
        ):
            break  # what stands first on a page, or dates what follows, names something new
        number += row is not None
        rows.append(row)
    end = start + taken
    rows = rows[:taken]
    number = max((row.number for row in rows if row), default=table.number)
    return end, rows, table._replace(number=number) if end == len(strips) else None


def _row_of(table: Table, strip: Strip, number: int) -> TableRow | None:
    """A row of ``table``, or None for one that is not its."""
    cells = strip.lines[0]
    if cells[0].rect[0] < table.left - FLUSH:
        return None
    if not _is_data(strip):
        # A row of words may as well be the header of the next table.
        if _names_columns(strip):
            return None
        others = [cell.text for cell in cells[1:]]
        if not table.is_grid and (
            len(others) < len(table.columns)
            or any(map(_YEAR.search, others))
            or any(map(ENDED.search, others))
        ):
            return None
    return _labelled(cells, table.columns, table.labels, number)


def _grid(strips: Sequence[Strip], index: int) -> Table | None:
    """The table below a bold row of names, if every cell of its rows stands under one of them."""
    strip = strips[index]
    if not _names_columns(strip) or strips[index + 1].bold:
        return None
    names = [cell.text for cell in strip.lines[0]]
    below = [strip]
    for above, row in pairwise(strips[index:]):
        if _apart(above, row) or not (row.is_row or _names_section(row)) or _names_columns(row):
            break
        if row.is_row:
            below.append(row)
    whole = [row.lines[0][1:] for row in below if len(row.lines[0]) == len(names)]
    columns = _merged((cell.rect[0], cell.rect[2]) for cells in whole for cell in cells)
    if len(below) < 2 or len(columns) != len(names) - 1:
        return None
    left = min(row.lines[0][0].rect[0] for row in below)
    over = strips[index - 1] if index else None
    if over and over.bold and not _apart(over, strip):
        cells = over.lines[-1]
        if over.is_row or cells[0].rect[0] > columns[0][0] - ROOM:
            return None  # a header of more than one line
    corner = "" if UNITS.fullmatch(names[0]) or ENDED.search(names[0]) else names[0]
    table = Table(columns, [corner, *names[1:]], left, [_said(strip)], 1, is_grid=True)
    if not all(_labelled(row.lines[0], columns, names, 0) for row in below):
        return None
    # Lines without a name at the left are no rows, but the text of cells that goes on.
    named = sum(row.lines[0][0].rect[0] < columns[0][0] for row in below[1:])
    return table if 2 * named > len(below) - 1 else None


def _names_columns(strip: Strip) -> bool:
    """Whether a row is bold, and its cells are different names."""
    return strip.is_row and strip.bold and is_header([cell.text for cell in strip.lines[0]])


def _gap(above: Strip, below: Strip) -> float:
    """The height of the gap between two blocks."""
    bottom = hull(cell.rect for cell in above.lines[-1])[1]
    return bottom - hull(cell.rect for cell in below.lines[0])[3]


def _apart(above: Strip, below: Strip) -> bool:
    """Whether the gap between two blocks is too wide for one table."""
    height = max(cell.rect[3] - cell.rect[1] for cell in above.lines[-1])
    return _gap(above, below) > _HEADER_GAP * height


def _steady(rows: Sequence[Strip]) -> bool:
    """Whether three rows are alike: cells side by side, the same gap between them, none bold."""
    above, row, below = rows
    return (
        row.is_row
        and not row.bold
        and len(above.lines[0]) == len(row.lines[0]) == len(below.lines[0])
        and abs(_gap(above, row) - _gap(row, below)) < 1.0
    )


def _said(strip: Strip) -> str:
    return " ".join(cell.text for line in strip.lines for cell in line)


def _read_numbers(strips: Sequence[Strip]) -> tuple[list[TableRow | None], Table | None]:
    """``read_tables`` for tables that are told by their numbers."""
    result: list[TableRow | None] = [
        _plain(strip.lines[0], 0) if strip.is_row else None for strip in strips
    ]
    table: Table | None = None
    floor = 0
    for first, last in _bodies(strips):
        if last < floor:
            continue  # rows that went on with the table above
        first = max(first, floor)
        body = [index for index in range(first, last + 1) if strips[index].is_row]
        columns = _columns([strips[index].lines[0] for index in body])
        head = _head(strips, floor, first, columns)
        if floor and head[:1] == [floor] and _steady(strips[floor - 1 : floor + 2]):
            head = []  # a row of words in the middle of a table
        floor = last + 1
        table = None
        if len(body) < 2 and (not head or len(columns) < 2):
            continue
        rows = [strips[index].lines[0] for index in body]
        whole = any(sum(_is_value(cell.text) for cell in row) >= len(columns) for row in rows)
        lines = [line for index in head for line in strips[index].lines]
        labels = labels_of(lines, columns) if whole else None
        if labels:
            # A column of numbers without a label has the header that stands left of it, if any.
            labels = [corner_of(lines, columns) if all(labels) else "", *labels]
        number = 0
        for index in sorted(set(head) | set(body)):
            if not strips[index].is_row:
                continue
            number += 1
            cells = strips[index].lines[0]
            row = _labelled(cells, columns, labels, number) if index >= first and labels else None
            result[index] = row or _plain(cells, number)
        if labels:
            left = min(cells[0].rect[0] for cells in rows)
            said = [_said(strips[index]) for index in head]
            table = Table(columns, labels, left, said, number, is_grid=False)
            floor, more, table = _go_on(strips, last + 1, table)
            result[last + 1 : floor] = more
    return result, table


def _bodies(strips: Sequence[Strip]) -> list[tuple[int, int]]:
    """The first and last index of every run of rows with numbers, names of sections between."""
    rows = [index for index, strip in enumerate(strips) if strip.is_row and _is_data(strip)]
    bodies: list[tuple[int, int]] = []
    for index in rows:
        if bodies:
            first, last = bodies[-1]
            between = strips[last + 1 : index]
            if len(between) <= _SECTIONS and all(_names_section(strip) for strip in between):
                bodies[-1] = (first, index)
                continue
        bodies.append((index, index))
    return bodies


def _is_data(strip: Strip) -> bool:
    """Whether a row has numbers behind its label, and not only years."""
    cells = strip.lines[0]
    values = [_is_value(cell.text) for cell in cells]
    rest = cells if values[0] else cells[1:]
    count = sum(_is_value(cell.text) for cell in rest)
    return 2 * count >= len(rest) > 0 < count and not all(
        _YEAR.fullmatch(cell.text) for cell in rest if _is_value(cell.text)
    )


def _is_value(text: str) -> bool:
    return bool(_VALUE.fullmatch(text))


def _names_section(strip: Strip) -> bool:
    """Whether a block between two rows may be the name of what follows."""
    return not strip.is_row and len(strip.lines) == 1 and len(strip.lines[0][0].text) <= 100


def _columns(rows: Sequence[Sequence[RowCell]]) -> list[Column]:
    """The left and right ends of every column of numbers, from left to right."""
    values = [
        (cell.rect[0], cell.rect[2])
        for cells in rows
        for cell in (cells if _is_value(cells[0].text) else cells[1:])
        if _is_value(cell.text)
    ]
    labels = [(c[0].rect[0], c[0].rect[2]) for c in rows if not _is_value(c[0].text)]
    columns = _merged(values)
    # A number that ends a label of two lines is no column.
    while len(columns) > 1:
        left, right = columns[0]
        if sum(x0 < right and left < x1 for x0, x1 in labels) <= sum(
            x0 < right for x0, _ in values
        ):
            break
        del columns[0]
    return columns


def _merged(extents: Iterable[Column]) -> list[Column]:
    """The extents, those as one that reach over each other, from left to right."""
    columns: list[Column] = []
    for x0, x1 in sorted(extents):
        if columns and x0 < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], x1))
        else:
            columns.append((x0, x1))
    return columns


def _head(strips: Sequence[Strip], floor: int, first: int, columns: Sequence[Column]) -> list[int]:
    """The indices of the header's blocks above ``first``, from top to bottom."""
    left = columns[0][0] - ROOM
    found: list[int] = []
    sections = 0
    below = strips[first].lines[0]
    for index in range(first - 1, floor - 1, -1):
        strip = strips[index]
        bottom = hull(cell.rect for cell in strip.lines[-1])[1]
        top = hull(cell.rect for cell in below)[3]
        height = max(cell.rect[3] - cell.rect[1] for cell in strip.lines[-1])
        if bottom - top > _HEADER_GAP * height or len(found) == _HEADER_LINES:
            break
        if strip.is_row:
            above_columns = all(is_over(cell, columns) for cell in strip.lines[0][1:])
        else:
            above_columns = all(line[0].rect[0] >= left for line in strip.lines)
        short = all(len(cell.text) <= _HEADER_LENGTH for line in strip.lines for cell in line)
        if above_columns and short and not (strip.is_row and _is_data(strip)):
            if strip.is_row or not UNITS.fullmatch(strip.lines[0][0].text):
                found.append(index)
        elif found or not _names_section(strip) or sections == _SECTIONS:
            break
        else:
            sections += 1
        below = strip.lines[0]
    return found[::-1]


def _labelled(
    cells: Sequence[RowCell],
    columns: Sequence[Column],
    labels: Sequence[str],
    number: int,
) -> TableRow | None:
    """A row, each cell under its label; None where a cell is in no column or two are in one."""
    texts = [""] * (len(columns) + 1)
    rects: list[Rect | None] = [None] * (len(columns) + 1)
    for cell in cells:
        x0, _, x1, _ = cell.rect
        over = [
            index
            for index, (left, right) in enumerate(columns, start=1)
            if x0 < right and left < x1
        ]
        if not over and x1 <= columns[0][0]:
            over = [0]
        elif over and cell is cells[0] and x0 < columns[0][0] and not _is_value(cell.text):
            over = [0]  # a long label reaches into the columns where they are empty
        if len(over) != 1 or texts[over[0]]:
            return None
        texts[over[0]], rects[over[0]] = cell.text, cell.rect
    text, spans = row_spans(texts, labels)
    places = [
        (span.start, span.end, rect, column)
        for column, span in spans
        if (rect := rects[column]) is not None
    ]
    return TableRow(text, places, number)


def _plain(cells: Sequence[RowCell], number: int) -> TableRow:
    text, spans = row_spans([cell.text for cell in cells], None)
    places = [(span.start, span.end, cells[column].rect, column) for column, span in spans]
    return TableRow(text, places, number)
