"""Parts of a document that a question names: "clause 6.3", "version 5.2.0", "the action items".

Words and embeddings cannot tell clause 6.3 from clause 6.2, so these are rules. What a question
asks of a part is looked for in that part; a question for just the part gets all of it, however
little its sentences sound like an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.headings import as_it_stands, asks_when, heading_over, is_dated
from rag.lexical import analyze
from rag.library_reader import LibraryReader
from rag.lists import LONGEST_ITEM, MOST_ITEMS, as_item
from rag.scope import DEPTH, called
from rag.select import Candidate
from rag.types import Chunk, Passage, Source, Span
from rag.words import content_stems, stems_of, tokens

LOOKED_AT = 5
"""So many documents are looked through for a part, those with the question's words first."""
SOURCES = 3
"""What a question names without a document may be meant in so many of them."""
# Parts that may be counted without being called so, as "2. Rent" is section 2; others may not.
_COUNTED = r"clause|section|article|paragraph|item|rule|chapter|part|point|step"
_LETTERED = r"annex|appendix|schedule|exhibit"
_RELEASE = r"(?:version|release)"
_FIGURES = r"\d{1,4}(?:\.\d{1,4})*"
_NUMBER = _FIGURES + "[A-Za-z]?"
_BEFORE = r"(?:\b(?:in|of|under|by|from|for|with|to|per|does|do|did|is|was)\s)?(?:\bthe\s)?"
# "6(2)", "6-2" and "4 and 5" are more than a number, and "6(a)" is an item of one.
_END = r"(?:\s?(?P<item>\([a-z]{1,4}\)))?(?!\w|%|\(|[-–/.,]\w| (?:and|or|to) \d)"
_ADDRESSED = tuple(
    re.compile(_BEFORE + address + _END, re.IGNORECASE)
    for address in (
        rf"\b(?P<unit>{_COUNTED}|{_LETTERED})\s(?P<number>{_NUMBER}|(?-i:[A-H]|[IVXL]{{2,}}))",
        rf"§\s?(?P<number>{_NUMBER})",
        rf"\b{_RELEASE}\sv?(?P<version>{_NUMBER})",
        r"(?:\b[A-Z][\w-]+\s)?\bv?(?P<version>\d+(?:\.\d+){2,})",
        r"\b(?:does|do|under|in|of)\s(?P<number>\d+\.\d+)"
        r"(?=(?:\s?\([a-z]{1,4}\))?\s(?:of the|say|mean|require)\b)",
    )
)
# "7. Probation", "6.3 On termination" and "Clause 4:", but not "7 employees" or "1.5 days".
_LEAD = re.compile(
    rf"(?:(?P<unit>{_COUNTED}|{_LETTERED})\s)?(?P<number>{_FIGURES})(?P<end>[.):]?)"
    r"(?:\s+(?-i:[^\sa-z])|\s*$)",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\([A-Za-z]{1,4}\)")
_ORDINAL = re.compile(r"^[\d.)\s]+")
_PLAIN = "say contain text content detail list show item point part section"
_SAYS = frozenset(
    analyze(f"{_PLAIN} state require provide cover regulate stipulate set quote read")
)
_PLAIN_SAYS = frozenset(analyze(_PLAIN))
_CHANGES = frozenset(analyze("new change include"))
_APPEARS = frozenset(analyze("release publish issue launch ship appear date come out"))
_VERSION = re.compile(r"\bversion (?=\d)", re.IGNORECASE)
_WANTS_ALL = re.compile(
    r"\W*(?:what|which) (?:are|were)\b|\W*(?:list|show|give)\b"
    r"|\W*what (?:does|do|did)\b.* (?:say|state) (?:about|on)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Address:
    """A number by which a question names a part.

    ``rest`` is the question without it, ``unit`` what the part is called ("clause"), or "";
    ``item`` is that of a list within it, as "(a)", or "".
    """

    rest: str
    number: str
    unit: str
    is_version: bool
    item: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """What is in the part that a question names.

    ``question`` is what it asks of that part, and of the chunks of ``passages`` only the sentences
    of the part are left. ``whole`` is what to quote where it asks for just the part.
    """

    question: str
    passages: Sequence[Passage]
    whole: Sequence[Candidate] = ()


def named_part(
    question: str,
    passages: Sequence[Passage],
    openings: Mapping[str, str],
    library: LibraryReader,
) -> Named | None:
    """The part that a question names by its number or its heading; None if it names none there is.

    ``openings`` are how the sources of the passages begin, by id. Only documents among ``passages``
    are looked at, and of those that have the part, the ones whose title and opening share most
    words with the question. Where too many have it to tell which is meant, it is None.
    """
    address = _address(question)
    if not address:
        return _headed(question, passages, openings, library)
    shared = _shared(address.rest, passages, openings)
    near = sorted(shared, key=lambda i: -shared[i])[:LOOKED_AT]
    parts = {i: _item(address.item, _numbered(address, i, library)) for i in near}
    found = _meant(parts, shared, passages)
    if not found:
        return None
    place = (text for p in found for text in (*called(p.source), *p.chunk.headings))
    begins = (t for p in found for t in tokens(openings.get(p.source.id, "")))
    edition = {t.stem for t in begins if t.digit}  # "Version 3, 29 June 2007"
    asked = content_stems(_VERSION.sub("", address.rest))
    left = asked - content_stems(*place) - edition - _SAYS
    if asks_when(question):
        dated = heading_over(found[0], library, is_dated) if left <= _APPEARS else None
        return Named(address.rest, found, [dated] if dated else ())
    asks_for_it = not (left - _CHANGES if address.is_version else left)
    if _WANTS_ALL.match(question):  # "What are the conditions of section 4?"
        asks_for_it |= left <= stems_of(*(p.chunk.text for p in found))
    return Named(address.rest, found, _all(found) if asks_for_it else ())


def _shared(
    question: str, passages: Sequence[Passage], openings: Mapping[str, str]
) -> dict[str, int]:
    """How many of the question's words each document has in its names and opening, by source."""
    asked = content_stems(question)
    sources = {p.source.id: p.source for p in passages}
    return {
        i: len(asked & content_stems(*called(s), openings.get(i, ""))) for i, s in sources.items()
    }


def _meant(
    parts: Mapping[str, Sequence[Chunk]], shared: Mapping[str, int], passages: Sequence[Passage]
) -> list[Passage]:
    """Of the parts that documents have, by source, those that may be meant.

    These are of the documents that share most words with the question; none if too many do.
    """
    having = [i for i, part in parts.items() if part]
    most = max((shared[i] for i in having), default=0)
    meant = [i for i in having if shared[i] == most]
    alike = sum(count == most for count in shared.values())
    if len(meant) > SOURCES or (len(meant) > 1 and alike > LOOKED_AT):
        return []
    first = {p.source.id: p for p in reversed(passages)}
    known = {p.chunk.id: p for p in passages}
    return [
        replace(known.get(chunk.id) or replace(first[i], similarity=None, copies=()), chunk=chunk)
        for i in meant
        for chunk in parts[i][:DEPTH]
    ]


def _address(question: str) -> _Address | None:
    for pattern in _ADDRESSED:
        if match := pattern.search(question):
            found = match.groupdict()
            version = found.get("version")
            rest = question[: match.start()] + question[match.end() :]
            number = version or found["number"]
            unit, item = ((found.get(key) or "").lower() for key in ("unit", "item"))
            return _Address(rest, number, unit, bool(version), item)
    return None


def _headed(
    question: str,
    passages: Sequence[Passage],
    openings: Mapping[str, str],
    library: LibraryReader,
) -> Named | None:
    """The sections whose heading is all that a question asks for, if they are short."""
    asked = content_stems(question)
    wants_all = bool(_WANTS_ALL.match(question))

    def heads(source: Source, chunk: Chunk) -> bool:
        for heading in chunk.headings:
            if wants_all or _asks_alike(heading, question):
                own = content_stems(_ORDINAL.sub("", heading))
                if own and own <= asked <= content_stems(heading, source.title) | _PLAIN_SAYS:
                    return True
        return False

    sources = {p.source.id: p.source for p in passages if heads(p.source, p.chunk)}
    if not sources:
        return None
    parts = {
        i: [c for c in library.chunks_of(i) if heads(source, c)] for i, source in sources.items()
    }
    found = _meant(parts, _shared(question, passages, openings), passages)
    whole = _all(found)
    short = whole and not any(c.goes_on for c in whole)
    return Named(question, found, whole) if short else None


def _asks_alike(heading: str, question: str) -> bool:
    """Whether a heading is a question that begins as this one does: with who, how, can."""
    first, own = tokens(question)[:1], tokens(heading)[:1]
    return heading.endswith("?") and [t.lower for t in first] == [t.lower for t in own]


def _numbered(address: _Address, source_id: str, library: LibraryReader) -> list[Chunk]:
    """The part of a document that has a number, by a heading or else by how its lines begin."""
    chunks = library.chunks_of(source_id)
    within = rf"{re.escape(address.number)}(?:\.\d+)*(?!\w|\.\d)"
    if address.is_version:
        # The word before it may be the product's name.
        before = [r"(?:[\w-]+ )?v?" if "." in address.number else rf"{_RELEASE} v?"]
    else:
        before = [f"{address.unit} "] if address.unit else []
    is_counted = not address.is_version and not re.fullmatch(_LETTERED, address.unit)
    for words in [*before, *(["§? ?"] if is_counted else [])]:
        heading = re.compile(rf"\W*{words}{within}", re.IGNORECASE)
        if found := [c for c in chunks if any(map(heading.match, c.headings))]:
            return found
    return _led(address, chunks, library.text(source_id)) if is_counted else []


def _item(item: str, part: Sequence[Chunk]) -> Sequence[Chunk]:
    """Of a part the item asked for, below what announces it; all of it where none is asked for."""
    if not item:
        return part
    found: list[Chunk] = []
    mark = ""
    marks: set[str] = set()
    for chunk in part:
        spans = []
        for span in chunk.sentences:
            begun = _ITEM.match(chunk.cut(span))
            if begun and not _is_below(begun[0].lower(), mark):
                mark = begun[0].lower()
            marks.add(mark)
            if mark in ("", item):
                spans.append(span)
        if spans:
            found.append(replace(chunk, sentences=tuple(spans)))
    return found if item in marks else []


def _is_below(mark: str, above: str) -> bool:
    """Whether an item is one of a list within the item above: (ii) below (c), not (i) after (h)."""
    if len(above) != len("(c)") or above[1] == "z":
        return False
    return set(mark) <= set("(ivx)") and mark != f"({chr(ord(above[1]) + 1)})"


def _led(address: _Address, chunks: Sequence[Chunk], text: str) -> list[Chunk]:
    """The chunks of a part that begins with a numbered line, with only its sentences.

    Lines count up, so a smaller number is that of a list within the part. Where two lists have the
    number, neither is meant for sure.
    """
    wanted = _order(address.number) if address.number.replace(".", "").isdigit() else ()
    found: list[Chunk] = []
    starts = 0
    path: tuple[str, ...] | None = None
    last: tuple[int, ...] = ()
    for chunk in chunks if wanted else ():
        if chunk.headings != path:
            path, last = chunk.headings, ()
        spans: list[Span] = []
        for span in chunk.sentences:
            lead = _lead(address, chunk, span, text)
            if lead and (not last or (lead > last and lead[0] <= last[0] + 1)):
                starts += lead == wanted
                last = lead
            if last[: len(wanted)] == wanted:
                spans.append(span)
        if spans:
            found.append(replace(chunk, sentences=tuple(spans)))
    return found if starts <= 1 else []


def _lead(address: _Address, chunk: Chunk, span: Span, text: str) -> tuple[int, ...]:
    """The number that a sentence begins with, if that begins a line; else nothing."""
    before = span.start - 1
    while before >= 0 and text[before] in " \t":
        before -= 1
    lead = _LEAD.match(chunk.cut(span))
    if not lead or (before >= 0 and text[before] != "\n"):
        return ()
    unit, end = lead["unit"], lead["end"]
    if unit:
        return _order(lead["number"]) if unit.lower() == address.unit else ()
    counts = end in (".", ")") or (not end and "." in lead["number"])
    return _order(lead["number"]) if counts else ()


def _order(number: str) -> tuple[int, ...]:
    return tuple(int(figure) for figure in number.split("."))


def _all(passages: Sequence[Passage]) -> list[Candidate]:
    """Every sentence and item of the passages; of several documents the first of each."""
    sources = list(dict.fromkeys(p.source.id for p in passages))
    most = MOST_ITEMS // max(1, len(sources))
    quoted: list[Candidate] = []
    for source in sources:
        lines = [as_item(c) for p in passages if p.source.id == source for c in _lines(p)]
        quoted += lines[:most]
        if len(lines) > most:
            quoted[-1] = replace(quoted[-1], goes_on=True)
    return quoted


def _lines(passage: Passage) -> list[Candidate]:
    """The sentences of a passage, those of one item of a list together unless they are long."""
    lines: list[Candidate] = []
    for span in passage.chunk.sentences:
        whole = Span(lines[-1].span.start, span.end) if lines else span
        if (
            lines
            and as_item(lines[-1]).mark
            and whole.end - whole.start <= LONGEST_ITEM
            and "\n" not in passage.chunk.cut(Span(lines[-1].span.end, span.start))
        ):
            lines[-1] = as_it_stands(passage, whole)
        else:
            lines.append(as_it_stands(passage, span))
    return lines
