"""Excel workbooks: every sheet with its tables, each cell by its address.

The sheets are streamed here rather than by openpyxl: that lays out every cell of a merged range,
so that a file of a kilobyte can take all memory, and stops at styles that Excel itself accepts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from ingest import cell_format
from ingest.parsed import Builder, Parsed, collapse, column_letters, iso_date
from ingest.rows import add_row
from ingest.table_header import are_pairs, is_header
from ingest.zipped import open_zip, read_xml, reading
from rag.errors import BadDocument
from rag.types import Place

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_CELLS = 2_000_000
MAX_CHARACTERS = 50_000_000
_MAX_ROW, _MAX_COLUMN = 1_048_576, 16_384  # of a sheet
_WORKBOOK = "xl/workbook.xml"
_ADDRESS = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
_ESCAPED = re.compile(r"_x([0-9A-F]{4})_")  # a character that XML does not allow


@dataclass
class _Sheet:
    """The cells of a sheet as shown, by row from 1 and column from 0."""

    name: str
    hidden: bool
    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    uncomputed: int = 0


def parse_xlsx(path: Path, media_type: str) -> Parsed:
    """Read the sheets of a workbook in their order: numbers as shown, formulas by their results.

    Hidden sheets and rows are flagged, hidden columns left out with a warning. Raises
    ``BadDocument`` for a file that is no workbook, is broken, has more than ``MAX_CELLS`` or
    ``MAX_CHARACTERS``, or would unpack to too much; see ``open_zip``.
    """
    builder = Builder()
    with open_zip(path) as archive, reading(path):
        for sheet in _Workbook(path, archive).sheets():
            _add_sheet(builder, sheet)
        names = archive.namelist()
        builder.images = sum(name.startswith("xl/media/") for name in names)
        if charts := sum(bool(re.match(r"xl/charts/chart[^/]*\.xml", name)) for name in names):
            builder.warnings.append(f"{charts} charts were not read, only the cells")
        core = "docProps/core.xml"
        properties = read_xml(archive, core) if core in names else None
    return builder.build(
        title=_stated(properties, "title") or path.stem,
        media_type=media_type,
        date=iso_date(_stated(properties, "created")),
        author=_stated(properties, "creator"),
        language=_stated(properties, "language"),
    )


def _stated(properties: _Element | None, name: str) -> str:
    element = properties.find(f"{{*}}{name}") if properties is not None else None
    return collapse(element.text or "") if element is not None else ""


def _add_sheet(builder: Builder, sheet: _Sheet) -> None:
    """Append a sheet: its name as heading, then its tables, which empty rows divide."""
    left_out = 0
    for cells in sheet.rows.values():
        for column in sheet.hidden_columns & cells.keys():
            left_out += bool(cells.pop(column).strip())
    rows = {number: cells for number, cells in sorted(sheet.rows.items()) if any(cells.values())}
    if not rows:
        return
    hidden = f"sheet {sheet.name} is hidden" if sheet.hidden else ""
    builder.add("heading", sheet.name, level=1, hidden=hidden)
    for table in _tables(rows):
        _add_table(builder, sheet, table, hidden)
    if left_out:
        builder.warnings.append(f"sheet {sheet.name}: cells in hidden columns left out: {left_out}")
    if count := len(sheet.hidden_rows & rows.keys()):
        builder.warnings.append(f"sheet {sheet.name}: hidden rows: {count}")
    if hidden:
        builder.warnings.append(hidden)
    if sheet.uncomputed:
        builder.warnings.append(
            f"sheet {sheet.name}: formulas without a stored result: {sheet.uncomputed} (open the "
            "file in a spreadsheet program and save it)"
        )


def _tables(rows: Mapping[int, dict[int, str]]) -> Iterator[dict[int, dict[int, str]]]:
    """Runs of rows without an empty row between them."""
    table: dict[int, dict[int, str]] = {}
    for number, cells in rows.items():
        if table and number - 1 not in table:
            yield table
            table = {}
        table[number] = cells
    if table:
        yield table


def _add_table(
    builder: Builder, sheet: _Sheet, rows: dict[int, dict[int, str]], hidden: str
) -> None:
    """Append a table; a lone cell above it is a line of text, a first row of names labels it."""
    numbers = list(rows)
    lone = {number for number in numbers if sum(map(bool, rows[number].values())) == 1}
    while numbers and numbers[0] in lone and (len(lone) < len(rows) or len(rows) == 1):
        number = numbers.pop(0)
        column, text = next((c, text) for c, text in rows[number].items() if text)
        cell = f"{sheet.name}!{column_letters(column)}{number}"
        why = hidden or _hidden_row(sheet, number)
        builder.add("paragraph", text, places=[Place(0, len(text), cell=cell)], hidden=why)
    if not numbers:
        return
    builder.tables += 1
    first = list(rows[numbers[0]].values())
    columns = sorted({c for number in numbers for c, text in rows[number].items() if text})
    pairs = len(columns) == 2 and are_pairs(
        [[rows[n].get(c, "") for c in columns] for n in numbers]
    )
    heads = len(numbers) > 1 and is_header(first) and not pairs
    labels = rows[numbers.pop(0)] if heads else {}
    for number in numbers:
        why = hidden or _hidden_row(sheet, number)
        add_row(
            builder, rows[number], labels, sheet=sheet.name, row=number, hidden=why, pairs=pairs
        )


def _hidden_row(sheet: _Sheet, number: int) -> str:
    return f"row {number} of sheet {sheet.name} is hidden" if number in sheet.hidden_rows else ""


class _Workbook:
    """Reads the sheets of an archive."""

    def __init__(self, path: Path, archive: ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._names = frozenset(archive.namelist())
        self._targets = self._relations()
        self._workbook = read_xml(archive, _WORKBOOK)
        properties = self._workbook.find("{*}workbookPr")
        self._epoch_1904 = properties is not None and _is_true(properties.get("date1904"))
        self._strings = list(self._shared_strings())
        self._formats = list(self._cell_formats())
        self._cells = self._characters = 0

    def sheets(self) -> Iterator[_Sheet]:
        """The worksheets in the order of their tabs."""
        for element in self._workbook.iterfind("{*}sheets/{*}sheet"):
            relation = next((v for k, v in element.attrib.items() if k.endswith("}id")), "")
            kind, target = self._targets[str(relation)]
            if kind != "worksheet":
                continue
            sheet = _Sheet(element.get("name", ""), element.get("state", "visible") != "visible")
            self._read(sheet, target)
            yield sheet

    def _relations(self) -> dict[str, tuple[str, str]]:
        """The kind and the entry that each relation of the workbook leads to."""
        relations = read_xml(self._archive, "xl/_rels/workbook.xml.rels")
        return {
            r.get("Id", ""): (
                r.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/xl", r.get("Target", ""))).lstrip("/"),
            )
            for r in relations.iterfind("{*}Relationship")
        }

    def _entry(self, kind: str) -> _Element | None:
        name = next((name for found, name in self._targets.values() if found == kind), "")
        return read_xml(self._archive, name) if name in self._names else None

    def _shared_strings(self) -> Iterator[str]:
        root = self._entry("sharedStrings")
        for item in root.iterfind("{*}si") if root is not None else ():
            yield _rich_text(item)

    def _cell_formats(self) -> Iterator[str]:
        """The number format of each cell style."""
        root = self._entry("styles")
        if root is None:
            return
        own = {f.get("numFmtId"): f.get("formatCode", "") for f in root.iter("{*}numFmt")}
        for style in root.iterfind("{*}cellXfs/{*}xf"):
            number = style.get("numFmtId", "0")
            builtin = cell_format.BUILTIN.get(int(number), "General") if number.isdecimal() else ""
            yield own.get(number) or builtin

    def _read(self, sheet: _Sheet, name: str) -> None:
        from lxml import etree

        merged: list[tuple[int, int, int]] = []  # first row, last row, column
        number = 0
        with self._archive.open(name) as file:
            tags = [f"{{*}}{tag}" for tag in ("col", "row", "mergeCell")]
            for _, element in etree.iterparse(
                file, tag=tags, resolve_entities=False, no_network=True, huge_tree=False
            ):
                tag = etree.QName(element).localname
                if tag == "col" and _is_true(element.get("hidden")):
                    first, last = int(element.get("min", "1")), int(element.get("max", "1"))
                    sheet.hidden_columns.update(range(first - 1, min(last, _MAX_COLUMN)))
                elif tag == "row":
                    number = int(element.get("r", number + 1))
                    if not 0 < number <= _MAX_ROW:
                        raise ValueError(f"row {number}")
                    if _is_true(element.get("hidden")):
                        sheet.hidden_rows.add(number)
                    sheet.rows[number] = dict(self._row(sheet, element))
                elif tag == "mergeCell":
                    merged += _merged(element.get("ref", ""))
                element.clear()
        self._spread(sheet, merged)

    def _spread(self, sheet: _Sheet, merged: Sequence[tuple[int, int, int]]) -> None:
        """Let every row that a cell is merged over say what it says."""
        coming = sorted(merged, reverse=True)
        reaching: dict[int, tuple[int, str]] = {}  # column -> last row, text
        for number in sorted(sheet.rows):
            while coming and coming[-1][0] <= number:
                first, last, column = coming.pop()
                if text := sheet.rows.get(first, {}).get(column):
                    reaching[column] = (last, text)
            if not sheet.rows[number]:
                continue
            reaching = {c: (last, text) for c, (last, text) in reaching.items() if last >= number}
            self._count(len(reaching), sum(len(text) for _, text in reaching.values()))
            for column, (_, text) in reaching.items():
                sheet.rows[number].setdefault(column, text)

    def _count(self, cells: int, characters: int) -> None:
        self._cells += cells
        self._characters += characters  # a text that is stored once may be in every cell
        if self._cells > MAX_CELLS or self._characters > MAX_CHARACTERS:
            raise BadDocument(
                f"{self._path}: has more than {MAX_CELLS:,} cells or {MAX_CHARACTERS:,} characters "
                "in them: split it into several files"
            )

    def _row(self, sheet: _Sheet, row: _Element) -> Iterator[tuple[int, str]]:
        column = -1
        for cell in row.iterfind("{*}c"):
            match = _ADDRESS.fullmatch(cell.get("r", ""))
            column = _column(match[1]) if match else column + 1
            text = self._shown(cell)
            self._count(1, len(text))
            if text.strip():
                yield column, text
            elif cell.find("{*}f") is not None and cell.find("{*}v") is None:
                sheet.uncomputed += 1

    def _shown(self, cell: _Element) -> str:
        """What a cell shows."""
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            inline = cell.find("{*}is")
            return _rich_text(inline) if inline is not None else ""
        element = cell.find("{*}v")
        value = (element.text or "") if element is not None else ""
        if kind == "s":
            return self._strings[int(value)] if value else ""
        if kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(value, value)
        if kind != "n" or not value:
            return value
        style = int(cell.get("s", "0"))
        code = self._formats[style] if 0 <= style < len(self._formats) else "General"
        return cell_format.shown(value, code, epoch_1904=self._epoch_1904)


def _merged(reference: str) -> Sequence[tuple[int, int, int]]:
    """The rows and the column of a range merged downwards."""
    first, _, last = reference.partition(":")
    top, bottom = _ADDRESS.fullmatch(first), _ADDRESS.fullmatch(last)
    if top is None or bottom is None or top[2] == bottom[2]:
        return ()
    return [(int(top[2]), int(bottom[2]), _column(top[1]))]


def _rich_text(item: _Element) -> str:
    """The text of runs, without the reading aids above East Asian words."""
    text = "".join(
        text.text or ""
        for text in item.iter("{*}t")
        if not str(text.getparent().tag).endswith("}rPh")
    )
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _column(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


def _is_true(value: str | None) -> bool:
    return value in ("1", "true", "on")
