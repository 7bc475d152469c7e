"""Comma- and tab-separated tables."""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import islice
from pathlib import Path

from ingest.decode import decode
from ingest.parsed import Builder, Parsed
from ingest.rows import add_row
from ingest.table_header import are_pairs, has_header
from rag.errors import BadDocument

_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50


def parse_csv(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read a table: one block per row, labelled by the header when the first row is one.

    Cells are addressed as a spreadsheet does that opens the file, such as ``B2``.
    """
    text, warnings = decode(path, data)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
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
    """The delimiter that cuts most of the first rows into the same number of cells."""

    def agreement(delimiter: str) -> tuple[int, int]:
        try:
            sizes = Counter(map(len, csv.reader(sample, delimiter=delimiter)))
        except csv.Error:
            return 0, 0
        size, rows = max(sizes.items(), key=lambda item: (item[0] > 1, item[1]), default=(0, 0))
        return (rows, size) if size > 1 else (0, 0)

    sample = list(islice(io.StringIO(text, newline=""), _SNIFFED_ROWS))
    return max(_DELIMITERS, key=agreement)
