"""One row of a table that may be sparse, with the address of every cell."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.parsed import Builder, collapse, column_letters, row_spans
from rag.types import Place


def add_row(
    builder: Builder,
    cells: Mapping[int, str],
    labels: Mapping[int, str],
    *,
    row: int,
    sheet: str = "",
    line: int | None = None,
    hidden: str = "",
    pairs: bool = False,
) -> None:
    """Append the cells of a row, keyed by column from 0, as a block; see ``row_spans``.

    Every cell gets a place with its address, such as ``Prices!B2``, or ``B2`` without a ``sheet``,
    and its line if the row begins on ``line``; cells may go over several.
    Unlike ``Builder.add_table`` this costs nothing for the empty cells between the others.
    """
    columns = [column for column in sorted(cells) if collapse(cells[column])]
    header = [labels.get(column, "") for column in columns] if labels else None
    text, spans = row_spans([cells[column] for column in columns], header, pairs=pairs)
    lines = _cell_lines(cells, line) if line is not None else {}
    places = [
        Place(
            span.start,
            span.end,
            cell=f"{sheet}{'!' * bool(sheet)}{column_letters(columns[position])}{row}",
            line=lines.get(columns[position]),
        )
        for position, span in spans
    ]
    builder.add("table_row", text, line=line, places=places, hidden=hidden)


def _cell_lines(cells: Mapping[int, str], line: int) -> dict[int, int]:
    """The line on which each cell's text begins, where the row begins on ``line``."""
    lines: dict[int, int] = {}
    for column in sorted(cells):
        text = cells[column]
        lines[column] = line + text.count("\n", 0, len(text) - len(text.lstrip()))
        line += text.count("\n")
    return lines
