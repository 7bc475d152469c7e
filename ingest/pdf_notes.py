"""Raised numbers that lead from a PDF's text to the notes at the foot of its page.

Lengths are PDF points unless said otherwise; y grows upwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from ingest.pdf_glyphs import Glyph, upright
from ingest.pdf_page import Rect

_SMALLER = 0.85  # a raised number is at most this high; in heights of the text beside it
_RAISED = 0.2  # and its foot is at least this far up; likewise
_NEAR = 0.3  # and nothing parts it from the word before; likewise
_INDENT = 1.0  # a note begins this near to its number; likewise
_WORD = 4  # a raised number behind fewer letters may be the power of a unit, as in "km2"
_ENDS = frozenset(".,;:!?)]”’\"'")


class _Number(NamedTuple):
    """Digits one behind the other, and the indices of their first and last glyph."""

    text: str
    rect: Rect
    first: int
    last: int


def note_marks(glyphs: Sequence[Glyph], turn: int) -> set[int]:
    """The positions of the digits that only say which note belongs to the word before them.

    A note on the same page begins with the number. All glyphs have the same ``turn``.
    """
    marks: dict[str, set[int]] = defaultdict(set)
    notes: set[str] = set()
    for number in _numbers(glyphs, turn):
        before = glyphs[number.first - 1] if number.first else None
        after = glyphs[number.last + 1] if number.last + 1 < len(glyphs) else None
        if before and _is_above(number.rect, word := _rect(before, turn)):
            near = abs(number.rect[0] - word[2]) < _NEAR * (word[3] - word[1])
            if near and _ends_word(glyphs[max(0, number.first - _WORD) : number.first]):
                digits = glyphs[number.first : number.last + 1]
                marks[number.text] |= {glyph.position for glyph in digits}
        elif after and _begins(number.rect, _rect(after, turn)):
            notes.add(number.text)
    return {position for text in notes for position in marks[text]}


def _numbers(glyphs: Sequence[Glyph], turn: int) -> list[_Number]:
    """Digits side by side at one height, gathered."""
    result: list[_Number] = []
    for index, glyph in enumerate(glyphs):
        if not glyph.text.isdecimal():
            continue
        rect = _rect(glyph, turn)
        if result and result[-1].last == index - 1 and result[-1].rect[1::2] == rect[1::2]:
            text, (x0, *_), first, _ = result[-1]
            result[-1] = _Number(text + glyph.text, (x0, *rect[1:]), first, index)
        else:
            result.append(_Number(glyph.text, rect, index, index))
    return result


def _rect(glyph: Glyph, turn: int) -> Rect:
    return upright((glyph.x0, glyph.y0, glyph.x1, glyph.y1), turn)


def _is_above(rect: Rect, beside: Rect) -> bool:
    """Whether ``rect`` is smaller than ``beside``, and raised on the same line."""
    height = beside[3] - beside[1]
    small = rect[3] - rect[1] < _SMALLER * height
    return small and beside[1] + _RAISED * height < rect[1] < beside[3]


def _begins(rect: Rect, note: Rect) -> bool:
    """Whether a raised number at ``rect`` begins the note whose first letter is at ``note``."""
    return _is_above(rect, note) and abs(note[0] - rect[2]) < _INDENT * (note[3] - note[1])


def _ends_word(glyphs: Sequence[Glyph]) -> bool:
    """Whether these few glyphs are of a word, or the last of them ends one."""
    return glyphs[-1].text in _ENDS or (
        len(glyphs) == _WORD and all(glyph.text.isalpha() for glyph in glyphs)
    )
