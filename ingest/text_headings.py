"""Which lines of plain text are headings, and of which level."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ingest.parsed import collapse
from ingest.text_lines import ITEM, LABELLED, WRAP_WIDTH
from rag.features import CLAUSE

_NUMBERED = re.compile(r"\d+[.)]\s")
# "3.1  Looms", "A.2. Looms", "Appendix B. Looms"; whether "3 Looms" is one tells its number.
_LABEL = re.compile(
    r"(?P<appendix>Appendix )?(?P<number>(?:\d{1,3}|[A-Z])(?:\.\d{1,3}){0,6})(?P<stop>[.:]?)\s+"
    r"(?P<title>\S[^\n]*)"
)
# "Step 2: ..." and "Appendix: ..." head all the same.
_COUNTED = re.compile(
    r"[^\n:]* (?:\d+|[IVXLC]+|[A-Z]): "
    r"|(?:Annex|Appendix|Article|Case|Chapter|Lesson|Module|Part|Phase|Section|Unit)\b[^\n:]*: "
)
# "PART III - CONDUCT"; that a line is in capitals is asked apart.
_PART = re.compile(r"(?:PART|CHAPTER|SECTION|TITLE|ANNEX|SCHEDULE) (?:\d+|[IVXLC]+|[A-Z])\b")
SALUTATION = re.compile(r"Dear [^\n.:;!?]{1,60}[,:]")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
# "The wifi password is Ivy" is a sentence, "What is covered" and "Goods that are out" are not.
_STATES = re.compile(
    r"(?!.*\b(?:that|which|who|what|how|why|when|where|if)\b)"
    r"(?:\S+ ){1,6}(?:is|are|was|were|has|have|must|costs?|will be)\b",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?,;:…。！？：；]$")
_SIGNS = re.compile(r"[<>=|{}]|\S {3,}\S|\A[A-Z]: ")  # of code, of tables, of who says a line
_HEADING_LENGTH = 80
_TITLE_SPACES = 3


class Piece(NamedTuple):
    """A paragraph, item or line, ``text[start:end]``, and what stands around it.

    ``margin`` is the column in which it begins. ``above`` and ``below`` say whether a blank line,
    or nothing, stands there. ``sign`` is that of the rule under it, "" without one.
    """

    text: str
    start: int
    end: int
    margin: int
    above: bool
    below: bool
    sign: str


def pieces_of(
    text: str, ranges: Sequence[tuple[int, int]], signs: Mapping[int, str]
) -> list[Piece]:
    """The pieces at some ranges; ``signs`` has the rules under them by the start of a line."""
    gaps = [True, *(_parted(text[a[1] : b[0]]) for a, b in pairwise(ranges)), True]
    pieces: list[Piece] = []
    for (start, end), above, below in zip(ranges, gaps, gaps[1:], strict=False):
        line = text.rfind("\n", 0, start) + 1
        margin = len(text[line:start].expandtabs())
        pieces.append(Piece(text[start:end], start, end, margin, above, below, signs.get(line, "")))
    return pieces


class Outline:
    """The levels of the headings among pieces, asked for one after the other.

    In a text ``wrapped`` by hand, headings have a blank line above, and what begins with a figure
    or has signs of code in it is none unless it is numbered.
    """

    def __init__(self, pieces: Sequence[Piece], *, wrapped: bool, title: int = 0) -> None:
        self._pieces = pieces
        self._wrapped = wrapped
        self._title = title  # what is known to be one, 0 if that is to be found out
        self._letterhead = title or _letterhead(pieces)
        self._above = 0  # the level of the last heading
        self._divided = False  # into parts, which stand above all other headings
        self._top = 0  # the number of the last numbered heading's section
        self._numbered = (0, 0)  # the margin and level of that heading
        self._signs: list[str] = []  # of rules, in the order of their levels

    def level(self, position: int) -> int:
        """The level of a piece as a heading, 0 if it is none."""
        piece = self._pieces[position]
        if self._title and position <= self._title:
            return int(position == self._title)
        label = self._label(position)
        if label is None and not piece.sign and not self._heads(position):
            return 0
        is_part = _is_part(piece.text)
        self._divided = self._divided or is_part
        level = 1 if position == 0 else self._depth(piece, label or _LABEL.match(piece.text))
        self._above = min(level + (self._divided and not is_part and level > 1), 6)
        return self._above

    def _depth(self, piece: Piece, label: re.Match[str] | None) -> int:
        """The level that a heading has by its number, its rule or its margin."""
        if label is not None:
            level = 1 + len(label["number"].split("."))
            self._numbered = (piece.margin, level)
            if label["number"][0].isdigit():
                self._top = int(label["number"].split(".")[0])
            return level
        if piece.sign:
            if piece.sign not in self._signs:
                self._signs.append(piece.sign)
            return 2 + self._signs.index(piece.sign)
        margin, level = self._numbered
        return level + 1 if level and piece.margin > margin else 2

    def _label(self, position: int) -> re.Match[str] | None:
        """The number and title of a numbered heading that stands alone, whatever is below it."""
        piece, following = self._pieces[position], self._following(position)
        lines = piece.text.count("\n") + 1
        label = _LABEL.fullmatch(collapse(piece.text)) if lines <= 2 else None
        if label is None or not (piece.above and piece.below and _may_be_named(label["title"])):
            return None
        number, appendix = label["number"], bool(label["appendix"])
        if label["stop"] == ":" and not appendix:  # "C: HELO"
            return None
        is_plain = not (label["stop"] or "." in number or appendix)
        if is_plain and number != str(self._top + 1):  # "3 Looms", but not "12 December"
            return None
        below = _LABEL.match(following)
        if below and below["number"].startswith(f"{number}."):
            return label
        if "." in number or appendix:
            alike = below and below["number"].count(".") == number.count(".")
            return None if alike or not following else label
        return label if _is_prose(following, piece.text) and not ITEM.match(following) else None

    def _heads(self, position: int) -> bool:
        """Whether a piece without a rule or a number that tells it heads what is below it."""
        piece, following = self._pieces[position], self._following(position)
        line, first = piece.text, position == 0
        if position < self._letterhead:
            return first
        heads = _is_part(line) or _is_heading(line, following, first=first)
        heads = heads or (first and piece.below and _says_nothing(line))
        if self._wrapped and not first and not self._stands_out(position):
            heads = False
        # What a letter says is not under the list of findings above it.
        heads = heads or (self._above > 1 and bool(SALUTATION.fullmatch(line)))
        if ITEM.match(line):
            return heads and bool(_NUMBERED.match(line)) and not ITEM.match(following)
        return heads

    def _stands_out(self, position: int) -> bool:
        piece = self._pieces[position]
        is_value = piece.text[0].isdigit() and not _NUMBERED.match(piece.text)
        # The second line of a title in capitals may be, a short one ends a list of names.
        apart = piece.above or (piece.text.isupper() and piece.text.count(" ") >= _TITLE_SPACES)
        return apart and not is_value and not _SIGNS.search(piece.text)

    def _following(self, position: int) -> str:
        return self._pieces[position + 1].text if position + 1 < len(self._pieces) else ""


def _may_be_named(title: str) -> bool:
    """Whether what follows a number may be the name of a section.

    One with a full stop is a sentence, unless its words are written as those of names are.
    """
    if len(title) > _HEADING_LENGTH or title[0].islower() or "   " in title:
        return False
    if not _END.search(title):
        return any(map(str.isalpha, title))
    words = _LONG_WORD.findall(title)
    named = sum(word[0].isupper() for word in words)
    return title.endswith(".") and any(words) and 3 * named >= 2 * len(words)


def _letterhead(pieces: Sequence[Piece]) -> int:
    """How many pieces are the title and the lines directly below it; 0 without such a title.

    Names of its own tell a title from the first of other lines, and so does prose further down:
    lists of names have none.
    """
    size = next((n for n, piece in enumerate(pieces, 1) if piece.below), len(pieces))
    if not 1 < size < len(pieces):
        return 0
    line, below = (piece.text for piece in pieces[:2])
    words = _LONG_WORD.findall(line)
    named = len(words) > 1 and 2 * sum(word[0].isupper() for word in words) >= len(words)
    prose = any(_is_prose(piece.text, line) for piece in pieces[size:])
    title = _says_nothing(line) and not below[0].islower() and not ITEM.match(below)
    return size if named and prose and title else 0


def _is_heading(line: str, following: str, *, first: bool) -> bool:
    """Whether a short line without an end mark stands above a longer paragraph or a list.

    A line amid prose that is a sentence but for its end mark says something, and so does a label
    with its value: both are kept to be quoted. As the ``first`` one it is a headline.
    """
    if not _may_head(line):
        return False
    if not (first or line.isupper()) and LABELLED.match(line) and not _COUNTED.match(line):
        return False
    heads = _is_prose(following, line) and (first or not _STATES.match(line))
    return heads or bool(ITEM.match(following))


def _is_prose(text: str, heading: str) -> bool:
    """Whether a text may stand below a heading, by its length and its end."""
    if len(text) <= len(heading) or SALUTATION.fullmatch(text):
        return False
    return bool(_END.search(text)) or len(text) > WRAP_WIDTH


def _says_nothing(line: str) -> bool:
    """Whether a line may be a title: one with a verb or a value is kept to be quoted.

    One in capitals may go over lines and have a colon.
    """
    if line.isupper():
        return _may_head(collapse(line))
    return _may_head(line) and not (LABELLED.match(line) or CLAUSE.search(line))


def _is_part(line: str) -> bool:
    """Whether a line in capitals names a part of the whole."""
    return line.isupper() and len(line) <= _HEADING_LENGTH and bool(_PART.match(line))


def _parted(gap: str) -> bool:
    """Whether what stands between two pieces has a blank line."""
    return gap.count("\n") > 1


def _may_head(line: str) -> bool:
    return (
        "\n" not in line
        and len(line) <= _HEADING_LENGTH
        and not _END.search(line)
        and line[0].isalnum()
        and not line[0].islower()
    )
