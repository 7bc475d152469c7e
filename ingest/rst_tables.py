"""Simple tables of reStructuredText whose head begins with an empty cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BORDER = re.compile(r"[ \t]*=+(?: +=+)+[ \t]*")
_COLUMN = re.compile(r"=+")
_CELL = re.compile(r"\S+(?: \S+)*")
_MOST_COLUMNS = 100
BLANK = "\u2063"  # stands where a cell is empty; in no text, as decoding removes it


def with_blank_cells(text: str) -> str:
    """``text`` with a mark in the empty first cell of the rows right under simple tables' borders.

    The library leaves out such rows, which most often name the columns, without a look at them.
    Where their cells do not stand in their columns, they are moved there, or else nothing is done:
    the library would refuse the whole table.
    """
    lines = text.split("\n")
    for number in range(1, len(lines)):
        if "= =" not in lines[number - 1] and "=  " not in lines[number - 1]:
            continue
        if not _BORDER.fullmatch(lines[number - 1]):
            continue
        columns = [match.span() for match in _COLUMN.finditer(lines[number - 1])]
        if len(columns) > _MOST_COLUMNS:
            continue
        rows = _headless(lines, number, columns[0][1])
        moved = [_in_columns(line, columns) for line in rows]
        if moved and all(moved):
            moved[0] = moved[0][: columns[0][0]] + BLANK + moved[0][columns[0][0] + 1 :]
            lines[number : number + len(moved)] = moved
    return "\n".join(lines)


def _headless(lines: Sequence[str], number: int, end: int) -> list[str]:
    """The lines from ``number`` on that have text, but none before the column ``end``."""
    last = number
    while last < len(lines) and lines[last].strip() and not lines[last][:end].strip():
        last += 1
    return list(lines[number:last])


def _in_columns(line: str, columns: Sequence[tuple[int, int]]) -> str:
    """``line`` with each cell in a column of its own, "" where one has no room in any."""
    starts, ends = zip(*columns, strict=True)
    gaps = (line[end:start] for end, start in zip(ends, starts[1:], strict=False))
    if not any(map(str.strip, gaps)):
        return line
    moved = ""
    for cell in _CELL.finditer(line):
        touched = [c for c in columns if c[0] < cell.end() and cell.start() < c[1]]
        if len(touched) != 1:
            return ""
        start, end = touched[0]
        fits = start == starts[-1] or len(cell[0]) <= end - start
        if len(moved) >= start or not fits:
            return ""
        moved = moved.ljust(start) + cell[0]
    return moved
