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
from ingest.pdf_lines import Rect, hull
from ingest.table_header import is_header

_VALUE = re.compile(r"(?=.*[\d\-–—])[\s($€£¥+\-–—*]*(?:\d[\d.,]*)?[\s\-–—*%)]*(?:ppts?|bps|pts|x)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_ENDED = re.compile(r"\b(?:months|quarter|weeks|year|period)s?\b.*\bended\b", re.IGNORECASE)
_DATE = re.compile(r"\bas of\b|[a-z]{3}.*\b\d{1,2},", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_UNITS = re.compile(r"\(.*\)")
_ROOM = 20.0  # a header may begin this far left of its column
_ASIDE = 25.0  # and its middle may be this far from the column's
_FLUSH = 7.0  # headers that end this near to their columns' right ends are set flush right
_WIDER = 8.0  # what a header pays for each column beyond the first that it spans
_HEADER_LINES = 6
_HEADER_LENGTH = 60
_HEADER_GAP = 2.0  # between a header and the line below it, in line heights
_SECTIONS = 3  # names of sections ("Net sales:") between two rows of one table
_LABEL_LENGTH = 120


Column = tuple[float, float]
_Spread = tuple[float, list[tuple[int, int]]]


class RowCell(NamedTuple):
    """The text of one cell and where it stands."""

    text: str
    rect: Rect

    @property
    def middle(self) -> float:
        """Its x, halfway."""
        return (self.rect[0] + self.rect[2]) / 2


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
        if not index and strip.lines[0][0].rect[0] >= table.columns[0][0] - _FLUSH:
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
    if cells[0].rect[0] < table.left - _FLUSH:
        return None
    if not _is_data(strip):
        # A row of words may as well be the header of the next table.
        if _names_columns(strip):
            return None
        others = [cell.text for cell in cells[1:]]
        if not table.is_grid and (
            len(others) < len(table.columns)
            or any(map(_YEAR.search, others))
            or any(map(_ENDED.search, others))
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
        if over.is_row or cells[0].rect[0] > columns[0][0] - _ROOM:
            return None  # a header of more than one line
    corner = "" if _UNITS.fullmatch(names[0]) or _ENDED.search(names[0]) else names[0]
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
        labels = _labels(lines, columns) if whole else None
        if labels:
            # A column of numbers without a label has the header that stands left of it, if any.
            labels = [_corner(lines, columns) if all(labels) else "", *labels]
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
    left = columns[0][0] - _ROOM
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
            above_columns = all(_over(cell, columns) for cell in strip.lines[0][1:])
        else:
            above_columns = all(line[0].rect[0] >= left for line in strip.lines)
        short = all(len(cell.text) <= _HEADER_LENGTH for line in strip.lines for cell in line)
        if above_columns and short and not (strip.is_row and _is_data(strip)):
            if strip.is_row or not _UNITS.fullmatch(strip.lines[0][0].text):
                found.append(index)
        elif found or not _names_section(strip) or sections == _SECTIONS:
            break
        else:
            sections += 1
        below = strip.lines[0]
    return found[::-1]


def _labels(lines: Sequence[Sequence[RowCell]], columns: Sequence[Column]) -> list[str] | None:
    """One label for each column, or None where the header does not tell them apart."""
    parts: list[list[str]] = [[] for _ in columns]
    over = [[cell for cell in line if _over(cell, columns)] for line in lines]
    flush = all(_flush(cell, columns) for cells in over for cell in cells)
    # Numbers stand at the right of their columns; the lowest headers tell how wide those are.
    extents = list(columns)
    for line, above in zip(reversed(lines), reversed(over), strict=True):
        cells = [cell for cell in above if not _UNITS.fullmatch(cell.text)]
        groups = _spread_flush(cells, columns) if flush else _spread(cells, extents)
        if groups is None:
            return None
        for cell, (first, last) in zip(cells, groups, strict=True):
            if len(cells) < len(columns) and first == last and _ENDED.search(cell.text):
                return None  # a period above one of several columns: it may well span more
            for column in range(first, last + 1):
                parts[column].insert(0, cell.text)
            if first == last:
                x0, x1 = extents[first]
                extents[first] = (min(x0, cell.rect[0]), max(x1, cell.rect[2]))
        for cell in line:
            if cell not in above and _ENDED.search(cell.text):  # it holds for every column
                for part in parts:
                    part.insert(0, cell.text)
    labels = list(map(" ".join, parts))
    named = labels if labels[0] else labels[1:]  # a first column of numbers may label the rows
    # "Change" may come back, behind each pair of years; a year or a period may not.
    doubled = [label for label in named if named.count(label) > 1]
    good = named and all(named) and not any(map(_DIGIT.search, doubled)) and len(set(named)) > 1
    if len(named) == 1:
        good = bool(named[0])
    return labels if good and max(map(len, labels)) <= _LABEL_LENGTH else None


def _corner(lines: Sequence[Sequence[RowCell]], columns: Sequence[Column]) -> str:
    """What the header says above the names of the rows, "" if not one short thing.

    Remarks in parentheses, which hold for some rows only, are none.
    """
    corner = [cell.text for line in lines for cell in line if not _over(cell, columns)]
    if len(corner) != 1 or _UNITS.fullmatch(corner[0]) or _ENDED.search(corner[0]):
        return ""
    return corner[0]


def _over(cell: RowCell, columns: Sequence[Column]) -> bool:
    """Whether a header's cell stands over the numbers; one set flush right may begin far left."""
    return cell.middle > columns[0][0] - _ROOM or bool(_flush(cell, columns))


def _flush(cell: RowCell, columns: Sequence[Column]) -> int:
    """The number, from 1, of the column that ``cell`` ends with; 0 for none."""
    near = [i for i, (_, right) in enumerate(columns, 1) if abs(cell.rect[2] - right) <= _FLUSH]
    return near[0] if near else 0


def _spread_flush(
    cells: Sequence[RowCell], columns: Sequence[Column]
) -> list[tuple[int, int]] | None:
    """Like ``_spread`` for headers that end where their columns end: a period spans to the left."""
    groups: list[tuple[int, int]] = []
    for cell in cells:
        last = _flush(cell, columns) - 1
        after = groups[-1][1] + 1 if groups else 0
        if last < after:
            return None
        is_time = _ENDED.search(cell.text) or _DATE.search(cell.text)
        groups.append((after if is_time else last, last))
    return groups


def _spread(cells: Sequence[RowCell], columns: Sequence[Column]) -> list[tuple[int, int]] | None:
    """For each cell of a header's line the first and last column that it stands over.

    The middles decide; of two readings as good, a period spans more columns and all else fewer.
    """
    pitch = min((b[1] - a[1] for a, b in pairwise(columns)), default=0.0)
    limit = max(_ASIDE, pitch / 2)
    # best[n]: the cost and the groups of the cells so far, over none but the first n columns.
    best: list[_Spread | None] = [(0.0, [])] * (len(columns) + 1)
    for cell in cells:
        wider = -2.0 if _ENDED.search(cell.text) else 0.3 if _DATE.search(cell.text) else _WIDER
        following: list[_Spread | None] = [None]
        for last in range(len(columns)):
            options = [following[last]]
            for first in range(last + 1):
                aside = abs(cell.middle - (columns[first][0] + columns[last][1]) / 2)
                before = best[first]
                if before and aside <= limit:
                    cost = before[0] + aside + wider * (last - first)
                    options.append((cost, [*before[1], (first, last)]))
            following.append(min(filter(None, options), default=None))
        best = following
    return best[-1][1] if best[-1] else None


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
