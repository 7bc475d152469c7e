"""What a parser hands on: one text, and the blocks it consists of.

``Parsed.text`` is the text that every later offset refers to, so nothing may change it afterwards.
Offsets are Python string indices (code points), half-open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

BlockKind = Literal["heading", "paragraph", "list_item", "table_row", "code"]

_UNUSABLE = re.compile("[\x00\ud800-\udfff]")  # neither survives SQLite nor UTF-8
_NUMBER = re.compile(r"[\s(\[$€£¥+\-–−—]*\d[\d.,:/\-\s]*[%)\]]*")
_CHARACTER_REPAIR = "{} unusable characters (NUL or lone surrogates) were replaced by U+FFFD"


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of structure, ``text[start:end]``: not empty, no whitespace at either end.

    ``level`` is 1 to 6 for a heading and 0 for the rest. ``page`` is 1-based, None without pages.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document as text.

    ``blocks`` are in reading order and do not overlap; outside them ``text`` is whitespace only.
    ``title`` is never empty. ``date`` is the ISO 8601 date the document states for itself, or "".
    ``pages`` is None for formats without pages. ``warnings`` are sentences for the user, about
    what was lost or guessed.
    """

    text: str
    blocks: tuple[Block, ...]
    title: str
    date: str
    media_type: str
    pages: int | None
    warnings: tuple[str, ...]


class Builder:
    """Lays blocks one after the other into one text and keeps their offsets."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.warnings: list[str] = []
        self._parts: list[str] = []
        self._length = 0
        self._repaired = 0

    def add(self, kind: BlockKind, text: str, *, level: int = 0, page: int | None = None) -> None:
        """Append a block, stripped; whitespace alone is no block.

        Rows of a table and items of a list follow on the next line, all else after a blank line.
        """
        text, repaired = repair(text)
        text = text.strip()
        if not text:
            return
        self._repaired += repaired
        if self.blocks:
            run_on = kind == self.blocks[-1].kind and kind in ("list_item", "table_row")
            self._append("\n" if run_on else "\n\n")
        start = self._length
        self._append(text)
        self.blocks.append(Block(kind, start, self._length, level, page))

    def add_table(self, rows: Sequence[Sequence[str]], header: Sequence[str] | None) -> None:
        """Append one ``table_row`` block per row that has a cell; see ``row_text``."""
        for row in rows:
            self.add("table_row", row_text(row, header))

    def text_of(self, block: Block) -> str:
        """The text of a block added before."""
        return "".join(self._parts)[block.start : block.end]

    def build(
        self, *, title: str, media_type: str, date: str = "", pages: int | None = None
    ) -> Parsed:
        """Close the text. No block is a valid outcome here; ``parse`` refuses it."""
        warnings = list(self.warnings)
        if self._repaired:
            warnings.append(_CHARACTER_REPAIR.format(self._repaired))
        return Parsed(
            text="".join(self._parts),
            blocks=tuple(self.blocks),
            title=collapse(repair(title)[0]),
            date=date,
            media_type=media_type,
            pages=pages,
            warnings=tuple(warnings),
        )

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def repair(text: str) -> tuple[str, int]:
    r"""``text`` with ``\n`` line ends and without NUL and lone surrogates; how many it had."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNUSABLE.subn("\ufffd", text)


def repair_warnings(repaired: int) -> tuple[str, ...]:
    """What to tell the user about ``repaired`` characters of ``repair``."""
    return (_CHARACTER_REPAIR.format(repaired),) if repaired else ()


def collapse(text: str) -> str:
    """``text`` on one line, with single spaces."""
    return " ".join(text.split())


def row_text(cells: Sequence[str], header: Sequence[str] | None) -> str:
    """One table row as a line that reads on its own; empty cells are left out.

    ``Name: Ada; Born: 1815`` under a header, ``Ada | 1815`` without. A cell under an empty header
    stands alone.
    """
    labels = [collapse(label).rstrip(":") for label in header or ()]
    parts: list[str] = []
    for column, cell in enumerate(map(collapse, cells)):
        if cell:
            label = labels[column] if column < len(labels) else ""
            parts.append(f"{label}: {cell}" if label else cell)
    return ("; " if header else " | ").join(parts)


def is_header(row: Sequence[str]) -> bool:
    """Whether a first row names columns: two or more different names, none of them a number."""
    names = [collapse(cell) for cell in row]
    filled = [name for name in names if name]
    return (
        len(filled) >= 2
        and len(set(filled)) == len(filled)
        and not any(_NUMBER.fullmatch(name) for name in filled)
    )


def iso_date(text: str) -> str:
    """``text`` if it is an ISO 8601 date or date-time (bare dates stay bare), else ""."""
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text if len(text) == len("2024-01-31") else moment.isoformat()
