"""The lines of plain text: which of them are one paragraph, wrapped by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

_ROMAN = r"(?=[ivx])x{0,3}(?:ix|iv|v?i{0,3})"
ITEM = re.compile(
    rf"\s*(?:[-*+•‣◦▪–]|o(?=\s\s)|\(?\d{{1,3}}[.)]|\(?[a-zA-Z][.)]|\(?{_ROMAN}[.)])\s+\S"
)
LABELLED = re.compile(r"\s*[A-Z][^\n.:;!?]{1,40}: \S")  # "Signed for the tenant: ..."
WRAP_WIDTH = 120  # nobody wraps lines by hand at more columns
_NARROWEST = 50  # nor a whole text at fewer than these
_LEAST_LINES = 12  # a text with fewer says nothing of its width
_WIDEST = 0.9  # of the lines that another one follows, so many are not longer than the width,
_MOSTLY = 0.6  # and so many are full where the text is wrapped
_FULL = 0.85  # of the width
_NEARLY = 0.7  # of it, where the sentence does not end
_COLUMNS = re.compile(r"\S {3,}\S")
_CLAUSE = re.compile(r"\d{1,3}(?:\.\d{1,3})+\.?\s")  # '1.7. "Larger Work"'
_END = re.compile(r"[.!?,;:…。！？：；]$")


class _Line(NamedTuple):
    """A line without the whitespace around it, and the columns in which it begins and ends."""

    start: int
    end: int
    margin: int
    right: int


def paragraphs(text: str) -> tuple[list[tuple[int, int]], int]:
    """The ranges of paragraphs, list items and single lines, without whitespace around them.

    And the columns at which the text as a whole was wrapped by hand, 0 if it was not.
    """
    groups = list(_groups(text))
    width = _width(groups)
    return [piece for group in groups for piece in _unwrap(text, group, width)], width


def _groups(text: str) -> Iterator[list[_Line]]:
    """The lines between two blank ones."""
    group: list[_Line] = []
    for match in re.finditer(r"[^\n]*\n?", text):
        line = match[0]
        if line.strip():
            indent = len(line) - len(line.lstrip())
            end = len(line.rstrip())
            # Counted from the margin: continuations may hang under the text of their first line.
            margin = len(line[:indent].expandtabs())
            start = match.start()
            group.append(_Line(start + indent, start + end, margin, margin + end - indent))
        elif group:
            yield group
            group = []


def _width(groups: Sequence[Sequence[_Line]]) -> int:
    """The columns at which a text was wrapped by hand; 0 if its lines end anywhere."""
    rights = sorted(line.right for group in groups for line in group[:-1])
    if len(rights) < _LEAST_LINES:
        return 0
    width = rights[int(_WIDEST * len(rights))]
    full = sum(_FULL * width <= right <= WRAP_WIDTH for right in rights)
    wrapped = _NARROWEST <= width <= WRAP_WIDTH and full >= _MOSTLY * len(rights)
    return width if wrapped else 0


def _unwrap(text: str, lines: Sequence[_Line], width: int) -> Iterator[tuple[int, int]]:
    """Join the lines between two blank lines that were wrapped by hand.

    What is wrapped tells the longest of them, or better the ``width`` of the whole text.
    """
    pairs = [_Pair.of(text, before, after) for before, after in pairwise(lines)]
    longest = max(line.right for line in lines)
    wrapped = [False] * len(pairs)
    if longest <= WRAP_WIDTH:
        wrapped = _trusted([pair.overflows(longest) for pair in pairs], pairs, 2)
    if width:
        full = _trusted([pair.is_full(width) for pair in pairs], pairs, 1)
        wrapped = [one or other for one, other in zip(wrapped, full, strict=True)]
    start, end = lines[0].start, lines[0].end
    for line, join, pair in zip(lines[1:], wrapped, pairs, strict=True):
        if not (join or pair.defines):
            yield start, end
            start = line.start
        end = line.end
    yield start, end


def _trusted(joined: list[bool], pairs: Sequence[_Pair], weight: int) -> list[bool]:
    """``joined``, or none at all if too many lines are kept apart, each of so much ``weight``.

    Lines of a poem or a log end anywhere; that one of them is the longest is no wrapping. Where the
    margin changes, a term stands above its definition: that tells nothing of the lines below.
    """
    kept = sum(
        not join and not pair.is_item and pair.before.margin == pair.after.margin
        for join, pair in zip(joined, pairs, strict=True)
    )
    return joined if weight * kept <= sum(joined) else [False] * len(joined)


class _Pair(NamedTuple):
    """Two lines, one below the other, and what the lower one begins with."""

    before: _Line
    after: _Line
    upper: str
    lower: str
    is_item: bool
    are_labels: bool

    @staticmethod
    def of(text: str, before: _Line, after: _Line) -> _Pair:
        """The pair of two neighbours in ``text``."""
        upper, lower = text[before.start : before.end], text[after.start : after.end]
        labels = bool(LABELLED.match(upper) and LABELLED.match(lower))
        return _Pair(before, after, upper, lower, bool(ITEM.match(lower)), labels)

    def overflows(self, width: int) -> bool:
        """Whether the first word of the lower line did not fit into the upper one any more."""
        room = self.before.right + 1 + len(self.lower.split(maxsplit=1)[0]) > width
        alike = self.upper.isupper() == self.lower.isupper()
        return room and alike and not (self.is_item or self.are_labels)

    def is_full(self, width: int) -> bool:
        """Whether the upper line is as full as those of paragraphs are."""
        if self.is_item or self.are_labels or self.before.right > WRAP_WIDTH:
            return False
        ends = bool(_END.search(self.upper))
        alike = self.upper.isupper() == self.lower.isupper() or not ends
        columns = _COLUMNS.search(self.upper) or _COLUMNS.search(self.lower)
        level = self.before.margin == self.after.margin  # a centred title's lines are not
        least = _NEARLY if level and not ends else _FULL
        return self.before.right >= least * width and alike and not columns

    @property
    def defines(self) -> bool:
        """Whether a numbered term stands above what it means, as in a contract."""
        hangs = self.after.margin > self.before.margin and self.lower[0].islower()
        return hangs and bool(_CLAUSE.match(self.upper)) and not _END.search(self.upper)
