"""From the lines of a PDF's pages to headings, paragraphs, list items and table rows.

Lengths are PDF points unless said otherwise; y grows upwards.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from ingest.parsed import BlockKind, Builder, column_letters
from ingest.pdf_headers import RowCell
from ingest.pdf_lines import reading_order
from ingest.pdf_page import Cell, Line, Page, Rect, hull
from ingest.pdf_tables import Strip, Table, TableRow, read_tables
from ingest.pdf_words import Words
from rag.types import Place

_LARGE = 1.15  # a line this much higher than the body text is a heading
_TIGHT = 0.75  # the widest gap inside a paragraph, in line heights
_HEADING_LENGTH = 200

_BULLETS = "•‣◦▪■●○·\uf0b7\uf0a7"
_MARKER = re.compile(rf"[{_BULLETS}–*-]|\(?(?:\d{{1,2}}|[a-zA-Z]|[ivx]+)[.)]")
_LABEL = re.compile(
    r"(?:(?i:item|part|note|section|chapter|article|appendix)\s+)?"
    r"(?:[\dA-Z]{1,4}(?:\.\d+)*[A-Za-z]?|[a-z])\s*[.:)–—-]?"
)
_TRAILING_SIGN = re.compile(r"(?:^|\s)([$€£¥]\s*\(?|\()$")
_CLOSING = re.compile(r"[)%]+")


class Spot(NamedTuple):
    """Where ``text[start:end]`` of a piece stands on its page; ``column`` counts in a table."""

    start: int
    end: int
    rect: Rect
    column: int | None = None


class Piece(NamedTuple):
    """One block to be.

    ``row`` is 0 outside of tables; in one it counts from 1, so that 1 begins the next table.
    """

    kind: BlockKind
    text: str
    level: int
    spots: list[Spot]
    row: int = 0


@dataclass(slots=True)
class _Open:
    """A block that may still grow by the next line."""

    kind: BlockKind
    level: int
    lines: list[Line]

    def takes(self, line: Line, kind: BlockKind, level: int, right: float, words: Words) -> bool:
        """Add ``line``, itself a ``kind``, if it continues this block; ``right`` is the margin."""
        last = self.lines[-1]
        if last.bottom - line.top > _TIGHT * line.height:
            return False
        if kind == "table_row" and self.kind == "paragraph" and len(self.lines) == 1:
            # A row's label may begin on the line above its numbers, or go on below them.
            if not (_goes_on(line) and last.x1 < line.cells[1].x1):
                return False
            line.cells[0].text = words.join(last.text, line.cells[0].text)
            line.cells[0].cover(last.rect)
            self.kind, self.lines = "table_row", [line]
            return True
        if self.kind == "table_row":
            below_last = abs(line.x0 - last.cells[-1].x0) < 0.5 * line.height
            below_first = line.x1 < last.cells[min(1, len(last.cells) - 1)].x0
            if kind != "paragraph" or not _goes_on(line) or not (below_first or below_last):
                return False
            above = last.cells[-1 if below_last else 0]
            above.text = words.join(above.text, line.text)
            above.cover(line.rect)
            last.bottom = line.bottom
            return True
        if self.kind == "heading":
            fits = (kind, level) == ("heading", self.level)
            if kind == "paragraph" and _goes_on(line) and _wraps(last, line, right):
                fits = True
                if not line.bold:  # it was the bold beginning of a paragraph
                    self.kind, self.level = "paragraph", 0
        else:
            fits = kind == "paragraph" and _wraps(last, line, right)
        if fits:
            self.lines.append(line)
        return fits


def lay_out(pages: list[Page], builder: Builder) -> str:
    """Add the text of ``pages`` to ``builder``, with the place of every line and table cell.

    What is hidden follows the rest of its page. Returns the title that stands out, or "".
    """
    layout = Layout([replace(p, cells=[c for c in p.cells if not c.hidden]) for p in pages])
    for number, (page, pieces) in enumerate(zip(pages, layout.pieces(), strict=True), start=1):
        for piece in pieces:
            builder.tables += piece.row == 1
            places = [
                Place(
                    spot.start,
                    spot.end,
                    page=number,
                    box=page.view.box(spot.rect),
                    cell=f"Table {builder.tables}!{column_letters(spot.column)}{piece.row}"
                    if piece.row and spot.column is not None
                    else "",
                )
                for spot in piece.spots
            ]
            builder.add(piece.kind, piece.text, level=piece.level, page=number, places=places)
        for reason, cells in groupby(page.cells, key=lambda cell: cell.hidden):
            if reason:
                _add_hidden(builder, list(cells), page, number, reason)
    return layout.title()


def _add_hidden(builder: Builder, cells: list[Cell], page: Page, number: int, reason: str) -> None:
    """Add cells that nobody sees as a block of their own."""
    text, places = "", []
    for cell in cells:
        text += " " * bool(text)
        start, text = len(text), text + cell.text
        places.append(Place(start, len(text), page=number, box=page.view.box(cell.rect)))
    builder.add("paragraph", text, page=number, places=places, hidden=reason)


class Layout:
    """Reads the pages of one document with what the whole document tells about each.

    That is the height of body text, the sizes of headings and the words to undo hyphenation with.
    """

    def __init__(self, pages: list[Page]) -> None:
        self._words = Words([cell.text for page in pages for cell in page.cells])
        self._pages = reading_order(pages, self._words.join)
        lines = [line for page in self._pages for column in page for line in column]
        heights: Counter[float] = Counter()
        for line in lines:
            heights[round(line.height, 1)] += len(line.text)
        self._body = heights.most_common(1)[0][0] if heights else 1.0
        self._sizes: list[float] = []
        for height in sorted(heights, reverse=True):
            if height > _LARGE * self._body and not any(height > 0.95 * s for s in self._sizes):
                self._sizes.append(height)

    def title(self) -> str:
        """The largest lines of the first page when they stand out, else ""."""
        first = self._pages[0] if self._pages else []
        lines = [line for column in first for line in column if len(line.text) > 2]
        largest = max((line.height for line in lines), default=0.0)
        if largest <= _LARGE * self._body:
            return ""
        title = " ".join(line.text for line in lines if line.height > 0.95 * largest)
        return title[:_HEADING_LENGTH]

    def pieces(self) -> Iterator[list[Piece]]:
        """The blocks of every page, in reading order; tables go on from page to page."""
        above: Table | None = None
        for page in self._pages:
            pieces: list[Piece] = []
            for lines in page:
                blocks = list(self._blocks(lines))
                rows, above = read_tables(map(_strip, blocks), above)
                pieces += map(self._piece, blocks, rows)
            yield _title_page(pieces) if page is self._pages[0] and self._pages[1:] else pieces

    def _blocks(self, lines: list[Line]) -> Iterator[_Open]:
        """The lines of one column, gathered."""
        left = min((line.x0 for line in lines), default=0.0)
        right = max((line.x1 for line in lines), default=0.0)
        margin = max((line.x1 for line in lines if len(line.cells) == 1), default=right)
        block: _Open | None = None
        for line in lines:
            kind, level = self._classify(line, left, right)
            if block is not None:
                if block.takes(line, kind, level, margin, self._words):
                    continue
                yield block
            block = _Open(kind, level, [line])
        if block is not None:
            yield block

    def _classify(self, line: Line, left: float, right: float) -> tuple[BlockKind, int]:
        text, cells = line.text, line.cells
        labelled = len(cells) == 2 and bool(_LABEL.fullmatch(cells[0].text))
        if (len(cells) == 1 or labelled) and len(text) <= _HEADING_LENGTH and _has_word(text):
            if line.height > _LARGE * self._body:
                rank = sum(size > 1.05 * line.height for size in self._sizes) + 1
                return "heading", min(rank, 6)
            # Bold text elsewhere than at the left or in the middle names the columns of a table.
            at_left = line.x0 - left < 0.15 * (right - left)
            in_middle = abs(line.x0 + line.x1 - left - right) < 0.05 * (right - left)
            strong = line.bold or (text.isupper() and " " in text)
            if strong and (at_left or in_middle) and text[0] != "(" and text[-1] not in ".,;":
                return "heading", min(len(self._sizes) + 1, 6)
        marker = text.split(maxsplit=1)
        marked = len(marker) == 2 and bool(_MARKER.fullmatch(marker[0]))
        if marked and (len(cells) == 1 or (len(cells) == 2 and cells[0].text == marker[0])):
            return "list_item", 0
        return ("paragraph", 0) if len(cells) == 1 else ("table_row", 0)

    def _piece(self, block: _Open, row: TableRow | None) -> Piece:
        if row is not None:
            return Piece("table_row", row.text, 0, [Spot(*cell) for cell in row.cells], row.number)
        text = block.lines[0].text
        spots = [Spot(0, len(text), block.lines[0].rect)]
        for line in block.lines[1:]:
            text = self._words.join(text, line.text)
            start = len(text) - len(line.text)
            spots[-1] = spots[-1]._replace(end=min(spots[-1].end, start))
            spots.append(Spot(start, len(text), line.rect))
        return Piece(block.kind, text, block.level, spots)


def _title_page(pieces: list[Piece]) -> list[Piece]:
    """The blocks of the first page: of headings, and a date, only the highest head what follows.

    On a page that only names a book, its edition, author and date are none of its parts.
    """
    if any(piece.kind != "heading" and _has_word(piece.text) for piece in pieces):
        return pieces
    highest = min((piece.level for piece in pieces if piece.kind == "heading"), default=0)
    return [
        piece if piece.level == highest else piece._replace(kind="paragraph", level=0)
        for piece in pieces
    ]


def _wraps(last: Line, line: Line, right: float) -> bool:
    """Whether ``last`` ended for want of room: the first word of ``line`` did not fit any more."""
    if _goes_on(line) and last.text[-1] not in ".!?:;":
        return True
    text = line.text
    word = len(text.split(maxsplit=1)[0]) + 1
    # The width of a word is only guessed; a sentence that has not ended leaves less doubt.
    slack = 1.0 if last.text[-1] in ".!?:;" else 1.5
    return last.x1 + slack * word * (line.x1 - line.x0) / len(text) > right


def _goes_on(line: Line) -> bool:
    return line.cells[0].text[0].islower()


def _has_word(text: str) -> bool:
    return sum(map(str.isalpha, text)) > 1


def _strip(block: _Open) -> Strip:
    """What ``read_tables`` needs to know about a block."""
    bold = all(line.bold for line in block.lines)
    if block.kind == "table_row":
        return Strip(True, [_row(block.lines[0])], bold)
    return Strip(False, [[RowCell(line.text, line.rect)] for line in block.lines], bold)


def _row(line: Line) -> list[RowCell]:
    """A row's cells, with currency and percent signs back at their numbers."""
    cells: list[RowCell] = []
    prefix: list[RowCell] = []
    for cell in line.cells:
        text, sign = _TRAILING_SIGN.sub("", cell.text), _TRAILING_SIGN.search(cell.text)
        x0, bottom, x1, top = cell.rect
        letter = (x1 - x0) / len(cell.text)  # about the width of one
        rect = (x0, bottom, x0 + letter * len(text), top) if sign else cell.rect
        if cells and _CLOSING.fullmatch(text):
            cells[-1] = _joined([cells[-1], RowCell(text, rect)])
        elif text:
            cells.append(_joined([*prefix, RowCell(text, rect)]))
            prefix = []
        if sign:
            prefix.append(RowCell(sign[1], (x1 - letter * len(sign[1]), bottom, x1, top)))
    return [*cells, _joined(prefix)] if prefix else cells


def _joined(cells: list[RowCell]) -> RowCell:
    return RowCell("".join(cell.text for cell in cells), hull(cell.rect for cell in cells))
