"""Lists of a document, quoted whole: the sentence that announces one, and what it announces.

Which documents are needed, which steps to take, which reasons there are: the answer is a list, of
which no single sentence is an answer. These are rules about how lists are written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from rag.features import is_row
from rag.library_reader import LibraryReader
from rag.select import COLONS, Candidate
from rag.types import Chunk, Span
from rag.words import content_stems, tokens

MOST_ITEMS = 12
LONGEST_ITEM = 300
"""Of a longer item, in characters, only the first sentence is quoted."""
BEFORE, AFTER = 3, 6
"""So many chunks before and after the one quoted are looked through."""
_BULLET = r"[•‣◦▪■●○·*–-]\s+"
# "J. Smith" is no item.
_MARK = re.compile(
    rf"{_BULLET}|(?:\(?(?:(?P<number>\d{{1,3}})|[a-z])[.)]|\((?:[A-Z]|[ivx]{{2,5}})\))\s+"
)
_ANNOUNCES = re.compile(
    rf"[{''.join(COLONS)}]\s*$"
    r"|\bfollowing\b"
    r"|\b(?:several|various|many|some|two|three|four|five|six|seven|eight|nine|ten)"
    r" (?:[\w-]+ ){0,2}?(?!(?:second|minute|hour|day|week|month|quarter|year)s\b)[\w-]+[^\Wsui]s\b"
    r".*[.!]\s*$",
    re.IGNORECASE | re.DOTALL,
)
_WANTS_LIST = re.compile(
    r"^\W*(?:please )?(?:list|name|enumerate)\b"
    r"|\b(?:what|which) (?:are|were)\b(?! you\b)"
    r"|\b(?:what|which) (?!(?:do|does|did|is|was|has|have|had|can|could|will|would"
    r"|should|must|may)\b)(?:[\w-]+ ){0,2}[\w-]+[^\Wsui]s\b"
    r"|\bhow (?:do|can|should|must) (?:i|you|we|one)\b|\bhow to\b",
    re.IGNORECASE,
)

KEYS = 2
"""So many of its labels say what the rows of a table are about."""
_LABEL = re.compile(r"(?:^|(?<=; ))[^;:]{1,60}: ")
_EACH = re.compile(r"\b(?:each|every)\s(?:of the )?((?:[\w-]+\s){0,2}[\w-]+)", re.IGNORECASE)
_ALL = re.compile(r"\ball\b", re.IGNORECASE)
_PLURAL = re.compile(r"[^sui]s$")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line or paragraph: its sentences, the mark that makes it an item, and the gap above it.

    ``mark`` is ``-``, or a number as ``2.``, or "" for none.
    """

    chunk: Chunk
    sentences: tuple[Span, ...]
    mark: str
    newlines: int

    @property
    def whole(self) -> Span:
        """From its first sentence to the end of its last."""
        return Span(self.sentences[0].start, self.sentences[-1].end)

    def text(self, span: Span) -> str:
        """The words of a range of it."""
        return self.chunk.cut(span)


def with_lists(
    question: str, chosen: Sequence[Candidate], library: LibraryReader
) -> list[Candidate]:
    """What was chosen, in which a list takes the place of what stood for it.

    A sentence that ends with a colon brings its list in any case, and is left out if it has none;
    one that speaks of several, and an item, bring it where the question asks for several and has
    a word of what announces them or stands above; so does a row of a table, for each or all of what
    it is labelled with. What is added is quoted from the same source and scored as what it came
    for.
    """
    wanted = bool(_WANTS_LIST.search(question))
    given: dict[tuple[str, int], Candidate] = {}  # an item may be cut with its mark or without
    for candidate in chosen:
        with library.reading():
            found = _list_of(question, candidate, wanted, library)
        if found or candidate.text[-1] not in COLONS:
            for one in found or [_without_bullet(candidate)]:
                given.setdefault((one.passage.source.id, one.span.end), one)
    return list(given.values()) or list(chosen)


def as_item(candidate: Candidate) -> Candidate:
    """A sentence as an item of a list, if it begins with the mark of one."""
    mark = _MARK.match(candidate.text)
    if not mark or mark.end() == len(candidate.text):
        return candidate
    return replace(
        candidate,
        span=Span(candidate.span.start + mark.end(), candidate.span.end),
        text=candidate.text[mark.end() :],
        mark=_mark(candidate.text, Span(0, len(candidate.text))),
    )


def _without_bullet(candidate: Candidate) -> Candidate:
    """An item that is quoted alone."""
    bullet = re.match(_BULLET, candidate.text)
    if not bullet:
        return candidate
    span = Span(candidate.span.start + bullet.end(), candidate.span.end)
    return replace(candidate, span=span, text=candidate.text[bullet.end() :])


def _list_of(
    question: str, candidate: Candidate, wanted: bool, library: LibraryReader
) -> list[Candidate]:
    """The list that a sentence announces or belongs to, with what announces it; else nothing."""
    if is_row(candidate.text):
        return (
            _rows(question, candidate, library) if _asks_for_rows(question, candidate.text) else []
        )
    if not wanted and candidate.text[-1] not in COLONS:
        return []
    lines = _lines(candidate, library)
    at = next((n for n, line in enumerate(lines) if candidate.span in line.sentences), None)
    if at is None:
        return []
    first, last = _run(lines, at)
    announcer = _announcer(lines, first - 1)
    if first == last and lines[at].sentences[-1] == candidate.span:
        # It is no item. Perhaps it announces some.
        announcer = _announcer(lines, at)
        first, last = _run(lines, at + 1) if at + 1 < len(lines) else (at, at)
    items = lines[first:last]
    said = announcer[0].text(announcer[1]) if announcer else ""
    announced = announcer and candidate.text[-1] in COLONS
    if len(items) < 2 or not (announced or _is_asked_for(question, said, items[0])):
        return []
    # Lines without marks are a list only if they stand together, apart from what announces them.
    if not items[0].mark and not (announcer and items[0].newlines > 1):
        return []
    found = [*([announcer] if announcer else []), *_items(items)]
    most = MOST_ITEMS + bool(announcer)
    return [
        _quoted(
            candidate,
            line,
            span,
            mark="" if n == 0 and announcer else line.mark or "-",
            goes_on=n + 1 == most < len(found),
        )
        for n, (line, span) in enumerate(found[:most])
    ]


def _quoted(candidate: Candidate, line: _Line, span: Span, mark: str, goes_on: bool) -> Candidate:
    """A range of a line, quoted for a sentence that was chosen."""
    return replace(
        candidate,
        passage=replace(candidate.passage, chunk=line.chunk, copies=()),
        span=span,
        text=line.text(span),
        answer=candidate.answer if span == candidate.span else None,
        mark=mark,
        goes_on=goes_on,
    )


def _asks_for_rows(question: str, row: str) -> bool:
    """Whether a question asks for each or for all of what the rows of a table are about."""
    keys = content_stems(*_LABEL.findall(row)[:KEYS])
    each = content_stems(*_EACH.findall(question))
    many = {t.stem for t in tokens(question) if _PLURAL.search(t.lower)}
    wanted = many if _WANTS_LIST.search(question) or _ALL.search(question) else set[str]()
    return not keys.isdisjoint(each | wanted)


def _rows(question: str, candidate: Candidate, library: LibraryReader) -> list[Candidate]:
    """The rows of the table that a row is of, as many as the question asks for.

    "Which members pay 35 pounds?" asks for those with most of its words in their cells. "Each" is
    each of them. Of a long table in which no cell has a word of the question, all are quoted only
    where it says so.
    """
    lines = _lines(candidate, library)
    at = next((n for n, line in enumerate(lines) if line.whole == candidate.span), None)
    if at is None:
        return []
    labels = _LABEL.findall(candidate.text)

    def is_alike(line: _Line) -> bool:
        return _LABEL.findall(line.text(line.whole)) == labels

    before = [*takewhile(is_alike, reversed(lines[:at]))][::-1]
    rows = [*before, lines[at], *takewhile(is_alike, lines[at + 1 :])]
    if not _EACH.search(question):
        asked = content_stems(question) - content_stems(*labels)
        held = [len(asked & content_stems(_LABEL.sub(" ", line.text(line.whole)))) for line in rows]
        most = max(held)
        if not most and len(rows) > MOST_ITEMS and not _ALL.search(question):
            return []
        rows = [line for line, count in zip(rows, held, strict=True) if count == most]
    return [
        _quoted(candidate, line, line.whole, "", n + 1 == MOST_ITEMS < len(rows))
        for n, line in enumerate(rows[:MOST_ITEMS])
    ]


def _lines(candidate: Candidate, library: LibraryReader) -> list[_Line]:
    """The lines around a sentence under the same headings, in reading order."""
    own = candidate.passage.chunk
    number = library.numbers([own.id]).get(own.id)
    if number is None:
        return []
    near = library.chunks(range(number - BEFORE, number + AFTER + 1))
    text = library.text(own.source_id)
    lines: list[_Line] = []
    end = 0
    for _, chunk in sorted(near.items()):
        if chunk.source_id != own.source_id or chunk.headings != own.headings:
            continue
        for span in chunk.sentences:
            newlines = text.count("\n", end, span.start) if lines else 2
            # What another chunk holds of a line cannot be quoted in one with its beginning.
            if lines and not newlines:
                if chunk is lines[-1].chunk:
                    lines[-1] = replace(lines[-1], sentences=(*lines[-1].sentences, span))
            else:
                lines.append(_Line(chunk, (span,), _mark(text, span), newlines))
            end = span.end
    return lines


def _run(lines: Sequence[_Line], at: int) -> tuple[int, int]:
    """From where up to where lines around one are items of one list; nothing for no item."""
    kind = bool(lines[at].mark)
    if not kind and not _may_be_item(lines[at]):
        return at, at

    def goes_on(before: _Line, after: _Line) -> bool:
        if kind:
            return bool(before.mark and after.mark)
        return after.newlines == 1 and _may_be_item(before) and _may_be_item(after)

    first, last = at, at + 1
    while first > 0 and goes_on(lines[first - 1], lines[first]):
        first -= 1
    while last < len(lines) and goes_on(lines[last - 1], lines[last]):
        last += 1
    return (first, last) if last - first > 1 else (at, at)


def _may_be_item(line: _Line) -> bool:
    """Whether a line without a mark can be an item: it is not marked, wrapped or long."""
    text = line.text(line.whole)
    return not (line.mark or "\n" in text or is_row(text) or len(text) > LONGEST_ITEM)


def _announcer(lines: Sequence[_Line], at: int) -> tuple[_Line, Span] | None:
    """The last sentence of a line, if it announces a list."""
    if not 0 <= at < len(lines):
        return None
    line, span = lines[at], lines[at].sentences[-1]
    text = line.text(span)
    return (line, span) if _ANNOUNCES.search(text) and not is_row(text) else None


def _is_asked_for(question: str, said: str, first: _Line) -> bool:
    """Whether what announces a list, or the heading above it, has a word of the question."""
    asked = content_stems(question)
    above = " ".join((said, *first.chunk.headings[-1:]))
    return not asked.isdisjoint(t.stem for t in tokens(above))


def _items(lines: Sequence[_Line]) -> list[tuple[_Line, Span]]:
    """What is quoted of each item: all of a short one, or labels where other lines explain them."""
    labels = [line for line in lines if _is_label(line)]
    if _is_label(lines[0]) and 2 <= len(labels) < len(lines):
        lines = labels
    return [(line, _body(line)) for line in lines]


def _mark(text: str, span: Span) -> str:
    found = _MARK.match(text, span.start, span.end)
    return "" if not found else f"{found['number']}." if found["number"] else "-"


def _body(line: _Line) -> Span:
    """An item without its mark."""
    span = line.whole if len(line.text(line.whole)) <= LONGEST_ITEM else line.sentences[0]
    mark = _MARK.match(line.text(span)) if line.mark else None
    return Span(span.start + (mark.end() if mark else 0), span.end)


def _is_label(line: _Line) -> bool:
    return line.text(_body(line))[-1] not in ".;!?"
