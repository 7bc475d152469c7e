"""What a language model replies, read sentence by sentence while it arrives.

``The bridge opened in 1932 [2: "opened in 1932"].`` becomes a claim: the sentence without its
brackets, the numbers it points to, and the words it says it copied. Pieces may end anywhere, also
inside a bracket: how a reply is cut into pieces never changes what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.sentences import pieces
from rag.spans import stripped
from rag.types import Span

LONGEST_MARKER = 400  # characters; a bracket that is open for longer is text
_NUMBERS = r"\d{1,3}(?:\s*(?:,|;|-|–|and|&)\s*\d{1,3})*"
FENCE = "```"
_EMPHASIS = r"\*\*|__|`"
_MARKED_OR_MARKER = re.compile(
    rf"""(?P<fenced>```.*?(?:```|\Z))|`(?P<code>[^`\n]+)`|{_EMPHASIS}
    |\s*[\[【]\s*(?:(?:passages?|sources?)\s*|[#^])?(?P<numbers>{_NUMBERS})
    (?:†[^\]】]*)?(?:\s*[:,]\s*["“„«](?P<quote>[^\]】]*?)["”»])?\s*[\]】]""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MARKS_BEFORE = re.compile(rf"(?:{_EMPHASIS})+\Z")
_MARKS_AFTER = re.compile(rf"(?:{_EMPHASIS})+")
_LAYOUT = re.compile(r"\s*(?:(?:[-*•+>]|\d{1,2}[.)])\s+)*")
_LIST_MARK = re.compile(r"[-*•+](?=\s)|\d{1,2}[.)]")
_TABLE_ROW = re.compile(r"\|(.*\S.*)\|")
_BELOW_HEADER = re.compile(r"\|[ \t]*:?-[-:| \t]*\|")
_INSIDE = " \t,"  # what is between words of one sentence, and never ends it
_CELL_END = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence that a model wrote, and what it says it stands on.

    ``text`` keeps its Markdown; a block of code is one sentence, with its fences and lines.
    ``numbers`` are the passages it points to, from 1, as written: they may not exist. ``quotes``
    are the words it says to have copied, each with its passage. ``lead`` is what separates it from
    the sentence before: a space, a line break, or a line break with the mark of a list or the line
    below the header of a table.
    """

    text: str
    numbers: tuple[int, ...] = ()
    quotes: tuple[tuple[int, str], ...] = ()
    lead: str = " "


class ReplyReader:
    """Reads one reply. Feed it the pieces as they come, then end it."""

    def __init__(self) -> None:
        self._raw = ""
        self._begun = False
        # Whether a sentence may have ended since it was last looked for, and a word followed.
        self._ended = self._followed = False

    def feed(self, piece: str) -> Iterator[Claim]:
        """The sentences that are complete now: a word has followed them."""
        for character in piece:
            self._raw += character
            if character.isalnum():
                self._followed = True
            elif character not in _INSIDE:
                self._ended, self._followed = True, False
            if character.isspace() and self._ended and not self._waits():
                found = _read(self._raw, self._begun)[:-1]
                yield from self._take(found)
                # What is left may read otherwise without what went before.
                self._ended = bool(found) or not self._followed

    def end(self) -> Iterator[Claim]:
        """The sentences that were still waiting for what might follow."""
        if not self._thinks():
            yield from self._take(_read(self._raw, self._begun))

    def _take(self, found: Sequence[tuple[Claim, int]]) -> Iterator[Claim]:
        for claim, _ in found:
            yield claim if self._begun else replace(claim, lead=claim.lead.lstrip())
            self._begun = True
        if found:
            self._raw = self._raw[found[-1][1] :]

    def _waits(self) -> bool:
        """Whether what comes next may belong to a bracket or to code, or the model still thinks."""
        opened = max(self._raw.rfind("["), self._raw.rfind("【"))
        closed = max(self._raw.rfind("]"), self._raw.rfind("】"))
        inside = closed < opened and len(self._raw) - opened < LONGEST_MARKER
        return inside or self._thinks() or self._fenced()

    def _fenced(self) -> bool:
        """Whether all that is waiting is a block of code that is still open."""
        layout = _LAYOUT.match(self._raw)
        at = layout.end() if layout else 0
        return self._raw.startswith(FENCE, at) and self._raw.find(FENCE, at + len(FENCE)) < 0

    def _thinks(self) -> bool:
        """Whether the reply is still a model's thoughts; once they end they are dropped."""
        if self._begun or not self._raw.lstrip().startswith("<think>"):
            return False
        _, ended, after = self._raw.partition("</think>")
        if ended:
            self._raw = after
        return not ended


def _read(raw: str, begun: bool) -> list[tuple[Claim, int]]:
    """Every sentence with the place in ``raw`` where it and its brackets end.

    ``begun`` says that others went before.
    """
    text, places, markers = _without_markers(raw)
    spans = list(_sentences(text))
    found = []
    before = end = 0
    for n, span in enumerate(spans):
        first = -1 if n == 0 else span.start
        last = spans[n + 1].start if n + 1 < len(spans) else len(text)
        own = [marker for position, marker in markers if first < position <= last]
        written, ends = _written(raw, places[span.start], places[span.end - 1] + 1, end)
        claim = Claim(
            text=written,
            numbers=tuple(dict.fromkeys(i for m in own for i in _numbers(m["numbers"]))),
            quotes=tuple((_numbers(m["numbers"])[0], m["quote"]) for m in own if m["quote"]),
            lead=_lead(text[before : span.start], n == 0 and not begun),
        )
        end = max([ends, *(m.end() for m in own)])
        before = span.end
        if any(map(str.isalnum, unmarked(written))):
            found.append((claim, end))
    return found


def _written(raw: str, start: int, end: int, after: int) -> tuple[str, int]:
    """A sentence as it was written, with the marks around it, and where these end.

    Marks of which the other half stands in another sentence are dropped.
    """
    if raw.startswith(FENCE, start):
        return raw[start:end], end
    if opened := _MARKS_BEFORE.search(raw, after, start):
        start = opened.start()
    if closed := _MARKS_AFTER.match(raw, end):
        end = closed.end()
    text = _without_numbers(raw[start:end])
    for mark in ("**", "__", "`"):
        if text.count(mark) % 2:
            text = text.replace(mark, "")
    # What a mark without its other half seemed to hold is text, and so are the brackets in it.
    return " ".join(_without_numbers(text).split()), end


def _without_numbers(text: str) -> str:
    return _MARKED_OR_MARKER.sub(lambda m: "" if m["numbers"] else m[0], text)


def unmarked(text: str) -> str:
    """What a sentence says, without its Markdown: this is held against the sources."""
    if text.startswith(FENCE):
        return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(FENCE))
    text = re.sub(_EMPHASIS, "", text)
    cells = table_cells(text)
    return "; ".join(cell for cell in cells if cell) if cells else text


def table_cells(text: str) -> list[str]:
    """The cells of a sentence that is a row of a table, ``| a | b |``; none for any other."""
    row = _TABLE_ROW.fullmatch(text)
    return [cell.strip() for cell in _CELL_END.split(row[1])] if row else []


def _lead(gap: str, is_first: bool) -> str:
    """What stands between two sentences, as it is to be shown."""
    if "\n" not in gap and not is_first:
        return " "
    if below := _BELOW_HEADER.search(gap):
        return f"\n{below[0]}\n"
    mark = _LIST_MARK.search(gap)
    return f"\n{mark[0]} " if mark else "\n"


def _numbers(written: str) -> list[int]:
    """``1, 3-5`` as numbers. A range that is none, or wide, is its two ends."""
    found: list[int] = []
    for part in re.split(r"\s*(?:,|;|and|&)\s*", written):
        first, *rest = (int(n) for n in re.split(r"\s*[-–]\s*", part))
        last = rest[-1] if rest else first
        found += range(first, last + 1) if first <= last <= first + 9 else (first, last)
    return found


def _without_markers(raw: str) -> tuple[str, list[int], list[tuple[int, re.Match[str]]]]:
    """The text without brackets and emphasis, where each character stood, and where they were."""
    places: list[int] = []
    markers: list[tuple[int, re.Match[str]]] = []
    at = 0
    for found in _MARKED_OR_MARKER.finditer(raw):
        places += range(at, found.start())
        if found["numbers"]:
            markers.append((len(places), found))
        places += range(*found.span("fenced" if found["fenced"] else "code"))
        at = found.end()
    places += range(at, len(raw))
    return "".join(raw[i] for i in places), places, markers


def _sentences(text: str) -> Iterator[Span]:
    """Each sentence without the layout before it; headings and lines without a word are none."""
    position = fenced = 0
    for line in text.splitlines(keepends=True):
        if position < fenced:
            position += len(line)
            continue
        layout = _LAYOUT.match(line)
        at = position + (layout.end() if layout else 0)
        position += len(line)
        if line.lstrip().startswith("#"):
            continue
        if text.startswith(FENCE, at):
            closed = text.find(FENCE, at + len(FENCE))
            fenced = len(text) if closed < 0 else closed + len(FENCE)
            block = Span(at, len(text[:fenced].rstrip()))
            if any(map(str.isalnum, unmarked(text[block.start : block.end]))):
                yield block
            continue
        for found in pieces(text[at:position]):
            piece = stripped(text, found.moved(at))
            if any(map(str.isalnum, text[piece.start : piece.end])):
                yield piece
