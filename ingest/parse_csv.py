"""Tables whose cells commas, tabs or the like part."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ingest.decode import decode
from ingest.parsed import Builder, Parsed
from ingest.rows import add_row
from ingest.table_header import are_pairs, has_header
from rag.errors import BadDocument

_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50
_FIGURE = re.compile(r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?%?")


def parse_csv(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read a table: one block per row, labelled by the header when the first row is one.

    Cells are addressed as a spreadsheet does that opens the file, such as ``B2``.
    """
    text, warnings = decode(path, data)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    blanks = delimiter == " "  # several count as one
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=blanks)
    rows: list[tuple[int, int, list[str]]] = []  # number as a spreadsheet counts, line, cells
    line = 1
    try:
        for number, row in enumerate(reader, 1):
            if any(map(str.strip, row)):
                rows.append((number, line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadDocument(
            f"{path}:{line}: cannot be read as a table ({error}): mend its quotes, or rename it "
            "to .txt"
        ) from error
    texts = [row for _, _, row in rows]
    header = rows.pop(0)[2] if has_header(texts) else ()
    pairs = not header and are_pairs(texts)
    builder = Builder()
    builder.tables = 1
    builder.warnings += warnings
    labels = dict(enumerate(header))
    for number, line, row in rows:
        add_row(builder, dict(enumerate(row)), labels, row=number, line=line, pairs=pairs)
    return builder.build(title=path.stem, media_type=media_type)


def _delimiter(text: str) -> str:
    """The delimiter that cuts most of the first rows into the same number of cells.

    Where none does, blanks that part columns of figures.
    """

    def agreement(delimiter: str) -> tuple[int, int]:
        try:
            sizes = Counter(map(len, csv.reader(sample, delimiter=delimiter)))
        except csv.Error:
            return 0, 0
        size, rows = max(sizes.items(), key=lambda item: (item[0] > 1, item[1]), default=(0, 0))
        return (rows, size) if size > 1 else (0, 0)

    sample = list(islice(io.StringIO(text, newline=""), _SNIFFED_ROWS))
    best = max(_DELIMITERS, key=agreement)
    return " " if agreement(best) == (0, 0) and _are_figures(sample) else best


def _are_figures(lines: Sequence[str]) -> bool:
    """Whether every line has as many words as the others, most of them figures."""
    rows = [words for line in lines if (words := line.split())]
    below = [word for row in rows[1:] for word in row]  # the first row may name the columns
    alike = len(set(map(len, rows))) == 1 and len(below) > len(rows) > 2
    return alike and 2 * sum(map(_is_figure, below)) > len(below)


def _is_figure(word: str) -> bool:
    return bool(_FIGURE.fullmatch(word))
