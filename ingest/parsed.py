"""What a parser hands on: one text, and the blocks it consists of.

``Parsed.text`` is the text that every later offset refers to, so nothing may change it afterwards.
Offsets are Python string indices (code points), half-open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from ingest.table_header import are_pairs
from rag.types import Box, Fidelity, Flag, Place, Span

# Of parsers and chunker together; raised when they read a file differently.
VERSION = 8
# When the templates of python-docx and python-pptx were made, and by whom: files keep both unless
# they are given others.
_TEMPLATES = {
    datetime(2013, 12, 23, 23, 15): "python-docx",
    datetime(2013, 1, 27, 9, 14, 16): "Steve Canny",
}

BlockKind = Literal["heading", "paragraph", "list_item", "table_row", "code", "definition"]
_RUNNING_ON = ("list_item", "table_row", "definition")

_UNUSABLE = re.compile("[\x00\ud800-\udfff]")  # neither survives SQLite nor UTF-8
# What shows nothing and only parts words in two: zero-width spaces (but South-East Asian scripts
# divide words with them), joiners after letters that never join (emoji, Arabic and Indian scripts
# need them), invisible operators, overrides of the writing direction and, inside a word, all marks
# of direction, and runs of variation selectors, of which one is enough.
_UNSHOWN = re.compile(
    "(?<![\u0e00-\u109f\u1780-\u17ff])\u200b|[\u2060-\u2064\ufeff\u180e\u202d\u202e]"
    "|(?<![^\x00-\u052f\u1e00-\u1fff])[\u200c\u200d]"
    r"|(?<=\w)[\u200e\u200f\u202a-\u202c\u2066-\u2069]+(?=\w)"
    "|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}"
)
# One of these among words is where a line may break, as within the long names of manuals; text is
# hidden in many.
_ALONE = re.compile(
    "(?<![\u200b-\u200d\u2060-\u2064\ufeff])(?<![\u200b-\u200d\u2060-\u2064\ufeff].)"
    "[\u200b\u2060\ufeff](?!.?[\u200b-\u200d\u2060-\u2064\ufeff])",
    re.DOTALL,
)
# Tag characters mirror ASCII and show nothing: text written in them is for machines. Three of the
# world's flags are emoji that end in some.
_TAGS = re.compile("(?<!\U0001f3f4)(?<![\U000e0001-\U000e007f])[\U000e0000-\U000e007f]+")
INVISIBLE = re.compile("⟦invisible: [^⟦⟧]*⟧")
"""How ``repair`` makes text visible that was written in invisible characters."""
_CHARACTER_REPAIR = (
    "{} unusable or invisible characters (NUL, lone surrogates, zero-width marks) were replaced by "
    "U+FFFD or removed"
)


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of structure, ``text[start:end]``: not empty, no whitespace at either end.

    ``level`` is 1 to 6 for a heading and 0 for the rest; inside a list of definitions it is higher
    (``ingest.definitions``), for a heading or a term and for what stands below them. The first
    ``term`` characters stand over what follows as a heading does. A definition is a term and all
    that is said of it. ``page`` is 1-based, None without pages.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    page: int | None = None
    term: int = 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document as text.

    ``blocks`` are in reading order and do not overlap; outside them ``text`` is whitespace only.
    ``title`` is never empty. ``date`` is the ISO 8601 date the document states for itself, or "";
    likewise ``author`` and ``language`` (BCP 47). ``pages`` is None for formats without pages.
    ``places`` map ranges of the text to the original, in order of ``start``; they may overlap.
    ``flags`` are ranges that are kept in the text but out of every chunk.
    """

    text: str
    blocks: tuple[Block, ...]
    title: str
    date: str
    media_type: str
    pages: int | None
    author: str = ""
    language: str = ""
    places: tuple[Place, ...] = ()
    flags: tuple[Flag, ...] = ()
    fidelity: Fidelity = field(default_factory=Fidelity)


class Builder:
    """Lays blocks one after the other into one text and keeps their offsets.

    What a parser learns on the way about the whole file (``images``, ``blank_pages`` and others of
    ``Fidelity``) it sets on the builder. ``below`` is the level of blocks that are given none.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.warnings: list[str] = []
        self.tables = 0
        self.images = 0
        self.blank_pages: list[int] = []
        self.ocr_pages: list[int] = []
        self.ocr_confidence: float | None = None
        self.labels: tuple[str, ...] = ()
        self.below = 0
        self._places: list[Place] = []
        self._flags: list[Flag] = []
        self._parts: list[str] = []
        self._length = 0
        self._repaired = 0

    def add(
        self,
        kind: BlockKind,
        text: str,
        *,
        level: int = 0,
        page: int | None = None,
        line: int | None = None,
        places: Sequence[Place] = (),
        hidden: str = "",
        term: str = "",
    ) -> None:
        """Append a block, stripped; whitespace alone is no block.

        Rows of a table and items of a list follow on the next line, all else after a blank line.
        ``term`` is what of the beginning of ``text`` stands over what follows.
        ``places`` count their offsets from the start of ``text`` as given; without any, the block
        as a whole gets one if its ``page`` or ``line`` is known. ``hidden`` says why a person does
        not see this block.
        """
        given = text
        text, repaired = repair(given)
        if places and len(text) != len(given):
            places = [
                replace(
                    p, start=len(repair(given[: p.start])[0]), end=len(repair(given[: p.end])[0])
                )
                for p in places
            ]
        lead = len(text) - len(text.lstrip())
        text = text.strip()
        if not text:
            return
        self._repaired += repaired
        if self.blocks:
            run_on = kind == self.blocks[-1].kind and kind in _RUNNING_ON
            self._append("\n" if run_on else "\n\n")
        start = self._length
        self._append(text)
        end = self._length
        head = len(repair(term)[0].strip())
        self.blocks.append(Block(kind, start, end, level or self.below, page, head))
        if not places and (page is not None or line is not None):
            self._places.append(Place(start, end, page=page, line=line))
        for place in places:
            first, last = max(start, start + place.start - lead), min(end, start + place.end - lead)
            if first < last:
                self._places.append(replace(place, start=first, end=last))
        if hidden and any(map(str.isalnum, text)):
            self._flags.append(Flag(start, end, "hidden", hidden))

    def add_table(
        self,
        rows: Sequence[Sequence[str]],
        header: Sequence[str] | None,
        *,
        page: int | None = None,
        sheet: str = "",
        first_row: int | None = None,
        boxes: Sequence[Sequence[Box | None]] | None = None,
    ) -> None:
        """Append one ``table_row`` block per row that has a cell; see ``row_spans``.

        Every cell gets a place with its address, such as ``Prices!B2``: in ``sheet``, or else in
        the table by its number in the document. ``first_row`` is the number of the first of
        ``rows``, the header's being one less. ``boxes`` has one box a cell.
        """
        self.tables += 1
        pairs = not header and are_pairs(rows)
        sheet = sheet or f"Table {self.tables}"
        first = first_row if first_row is not None else 2 if header else 1
        for offset, row in enumerate(rows):
            text, spans = row_spans(row, header, pairs=pairs)
            self.add(
                "table_row",
                text,
                page=page,
                places=[
                    Place(
                        span.start,
                        span.end,
                        page=page,
                        box=boxes[offset][column] if boxes else None,
                        cell=f"{sheet}!{column_letters(column)}{first + offset}",
                    )
                    for column, span in spans
                ],
            )

    def title_or(self, stem: str, *stated: str) -> str:
        """The first title that the file states, or else its first heading, or else ``stem``."""
        block = next((b for b in self.blocks if b.kind == "heading"), None)
        heading = "".join(self._parts)[block.start : block.end] if block else ""
        return next(filter(None, (*stated, heading)), stem)

    def build(
        self,
        *,
        title: str,
        media_type: str,
        date: str = "",
        pages: int | None = None,
        author: str = "",
        language: str = "",
    ) -> Parsed:
        """Close the text. No block is a valid outcome here; ``parse`` refuses it."""
        return Parsed(
            text="".join(self._parts),
            blocks=tuple(self.blocks),
            title=collapse(repair(title)[0]),
            date=date,
            media_type=media_type,
            pages=pages,
            author=collapse(repair(author)[0]),
            language=language,
            places=tuple(self._places),
            flags=tuple(self._flags),
            fidelity=Fidelity(
                tables=self.tables,
                images=self.images,
                blank_pages=tuple(self.blank_pages),
                ocr_pages=tuple(self.ocr_pages),
                ocr_confidence=self.ocr_confidence,
                labels=self.labels,
                repaired=self._repaired,
                warnings=(*self.warnings, *repair_warnings(self._repaired)),
            ),
        )

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def repair(text: str) -> tuple[str, int]:
    r"""``text`` with ``\n`` line ends, without NUL, lone surrogates and marks that show nothing.

    Also how many of them it had, but for marks that only say where a line may break. Text in
    invisible tag characters is made visible: ``INVISIBLE``.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text, unusable = _UNUSABLE.subn("\ufffd", text)
    if text.isascii():
        return text, unusable
    unshown = sum(
        len(found[0]) for found in _UNSHOWN.finditer(text) if not _ALONE.match(text, found.start())
    )
    text = _UNSHOWN.sub("", text)
    tags = sum(len(run) for run in _TAGS.findall(text))
    return _TAGS.sub(_made_visible, text) if tags else text, unusable + unshown + tags


def _made_visible(tags: re.Match[str]) -> str:
    said = "".join(chr(ord(tag) - 0xE0000) for tag in tags[0] if "\U000e0020" <= tag < "\U000e007f")
    return f"⟦invisible: {collapse(said)}⟧" if said.strip() else ""


def repair_warnings(repaired: int) -> tuple[str, ...]:
    """What to tell the user about ``repaired`` characters of ``repair``."""
    return (_CHARACTER_REPAIR.format(repaired),) if repaired else ()


def collapse(text: str) -> str:
    """``text`` on one line, with single spaces."""
    return " ".join(text.split())


def row_spans(
    cells: Sequence[str], header: Sequence[str] | None, *, pairs: bool = False
) -> tuple[str, list[tuple[int, Span]]]:
    """One table row as a line that reads on its own, and the column and range of each cell in it.

    ``Name: Ada; Born: 1815`` under a header, ``Ada | 1815`` without. A cell under an empty header
    stands alone; empty cells are left out. Of ``pairs`` the first cell labels the second:
    ``Born: 1815``; see ``are_pairs``.
    """
    labels = [collapse(label).rstrip(":") for label in header or ()]
    text = ""
    spans: list[tuple[int, Span]] = []
    for column, cell in enumerate(map(collapse, cells)):
        if not cell:
            continue
        if text:
            beside = (" " if text.endswith(":") else ": ") if pairs else " | "
            text += "; " if header else beside
        label = labels[column] if column < len(labels) else ""
        text += f"{label}: " if label else ""
        spans.append((column, Span(len(text), len(text) + len(cell))))
        text += cell
    return text, spans


def column_letters(column: int) -> str:
    """The letters a spreadsheet gives a column counted from 0: A, B, ... Z, AA, AB."""
    letters = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def office_origin(created: datetime | None, author: str) -> tuple[str, str]:
    """When a Word document or slides were made, as ISO 8601, and by whom.

    What they only have from a template is "".
    """
    template = _TEMPLATES.get(created.replace(tzinfo=None)) if created else None
    date = created.isoformat() if created and template is None else ""
    return date, "" if author in (template, "python-docx") else author


def iso_date(text: str) -> str:
    """``text`` if it is an ISO 8601 date or date-time (bare dates stay bare), else ""."""
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text if len(text) == len("2024-01-31") else moment.isoformat()
