"""Which of the texts above a PDF's table name which of its columns.

Lengths are PDF points; y grows upwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ingest.pdf_page import Rect

ENDED = re.compile(r"\b(?:months|quarter|weeks|year|period)s?\b.*\bended\b", re.IGNORECASE)
_DATE = re.compile(r"\bas of\b|[a-z]{3}.*\b\d{1,2},", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
UNITS = re.compile(r"\(.*\)")
ROOM = 20.0  # a header may begin this far left of its column
_ASIDE = 25.0  # and its middle may be this far from the column's
FLUSH = 7.0  # headers that end this near to their columns' right ends are set flush right
_LABEL_LENGTH = 120
_WIDER = 8.0  # what a header pays for each column beyond the first that it spans

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


def labels_of(lines: Sequence[Sequence[RowCell]], columns: Sequence[Column]) -> list[str] | None:
    """One label for each column, or None where the header does not tell them apart."""
    parts: list[list[str]] = [[] for _ in columns]
    over = [[cell for cell in line if is_over(cell, columns)] for line in lines]
    flush = all(_flush(cell, columns) for cells in over for cell in cells)
    # Numbers stand at the right of their columns; the lowest headers tell how wide those are.
    extents = list(columns)
    for line, above in zip(reversed(lines), reversed(over), strict=True):
        cells = [cell for cell in above if not UNITS.fullmatch(cell.text)]
        groups = _spread_flush(cells, columns) if flush else _spread(cells, extents)
        if groups is None:
            return None
        for cell, (first, last) in zip(cells, groups, strict=True):
            if len(cells) < len(columns) and first == last and ENDED.search(cell.text):
                return None  # a period above one of several columns: it may well span more
            for column in range(first, last + 1):
                parts[column].insert(0, cell.text)
            if first == last:
                x0, x1 = extents[first]
                extents[first] = (min(x0, cell.rect[0]), max(x1, cell.rect[2]))
        for cell in line:
            if cell not in above and ENDED.search(cell.text):  # it holds for every column
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


def corner_of(lines: Sequence[Sequence[RowCell]], columns: Sequence[Column]) -> str:
    """What the header says above the names of the rows, "" if not one short thing.

    Remarks in parentheses, which hold for some rows only, are none.
    """
    corner = [cell.text for line in lines for cell in line if not is_over(cell, columns)]
    if len(corner) != 1 or UNITS.fullmatch(corner[0]) or ENDED.search(corner[0]):
        return ""
    return corner[0]


def is_over(cell: RowCell, columns: Sequence[Column]) -> bool:
    """Whether a header's cell stands over the numbers; one set flush right may begin far left."""
    return cell.middle > columns[0][0] - ROOM or bool(_flush(cell, columns))


def _flush(cell: RowCell, columns: Sequence[Column]) -> int:
    """The number, from 1, of the column that ``cell`` ends with; 0 for none."""
    near = [i for i, (_, right) in enumerate(columns, 1) if abs(cell.rect[2] - right) <= FLUSH]
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
        is_time = ENDED.search(cell.text) or _DATE.search(cell.text)
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
        wider = -2.0 if ENDED.search(cell.text) else 0.3 if _DATE.search(cell.text) else _WIDER
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
