"""Parts of a document that a question names: "clause 6.3", "version 5.2.0", "the action items".

Words and embeddings cannot tell clause 6.3 from clause 6.2, so these are rules. What a question
asks of a part is looked for in that part alone; a question for the part itself gets all of it,
however little its sentences sound like an answer. And what only a heading says, as a date over
release notes, is quoted from the heading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.dates import period_asked
from rag.features import read_question
from rag.lexical import analyze
from rag.library_reader import LibraryReader
from rag.lists import LONGEST_ITEM, MOST_ITEMS, as_item
from rag.select import Candidate
from rag.types import Chunk, Passage, Span
from rag.words import STOP, tokens

DATED = 100
"""The most days of a time by which a heading says when. Of a year it must say nothing else."""
LOOKED_AT = 5
"""So many documents are looked through for a number, those with the question's words first."""
SOURCES = 3
"""A number without a document's name may be meant in so many of them."""
_RELEASE = r"(?:version|release)"
_UNIT = (
    r"(?:clause|section|article|paragraph|item|rule|chapter|part|point|step|annex|appendix|schedule"
    r"|exhibit)"
)
_NUMBER = r"\d+(?:\.\d+)*[A-Za-z]?"
_BEFORE = r"(?:\b(?:in|of|under|by|from|for|with|to|per|does|do|did|is|was) )?(?:\bthe )?"
_ADDRESSES = (
    rf"\b(?P<unit>{_UNIT}) (?P<number>{_NUMBER}|(?-i:[A-H]|[IVXL]{{2,}}))(?![\w%])",
    rf"§ ?(?P<number>{_NUMBER})(?![\w%])",
    rf"\b{_RELEASE} (?P<version>{_NUMBER})(?!\w)",
    r"(?:\b[A-Z][\w-]+ )?\bv?(?P<version>\d+(?:\.\d+){2,})(?!\w)",
    r"\b(?P<number>\d+\.\d+)(?= of the\b| say| mean| require|\W*$)",
)
_ADDRESSED = tuple(re.compile(_BEFORE + address, re.IGNORECASE) for address in _ADDRESSES)
# "7. Probation", "6.3 On termination" and "Clause 4:", but not "7 employees".
_LEAD = re.compile(
    rf"\W*(?:{_UNIT} )?(?P<number>\d+(?:\.\d+)+|\d+[A-Za-z]?(?=[.):]))(?![\d.]*\d)",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"^[\d.)\s]+")
_SAYS = frozenset(
    analyze(
        "say state require provide contain cover new change include regulate stipulate set quote "
        "show read summarize text content detail word item point section part list rule"
    )
)
_APPEARS = frozenset(analyze("release publish issue launch ship appear date come out"))
_WANTS_ALL = re.compile(r"\W*(?:what|which) (?:are|were)\b|\W*(?:list|show|give)\b", re.IGNORECASE)
_WHICH = re.compile(
    rf"\b(?:which|what) (?:{_RELEASE}|clause|section|chapter|annex|appendix|schedule)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    rf"\W*(?:(?:{_UNIT}|{_RELEASE}) )?(?:{_NUMBER}|[A-H]|[IVXL]+)(?!\w)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Address:
    """A number by which a question names a part.

    ``rest`` is the question without it. ``heading`` is how the heading over such a part begins.
    Versions have headings alone.
    """

    rest: str
    number: str
    heading: re.Pattern[str]
    has_lines: bool


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
    words with the question.
    """
    address = _address(question)
    if not address:
        return _headed(question, passages, library)
    asked = _stems(question)
    first = {p.source.id: p for p in reversed(passages)}
    shared = {
        i: len(asked & _stems(first[i].source.title, openings.get(i, "")))
        for i in dict.fromkeys(p.source.id for p in passages)
    }
    nearest = sorted(shared, key=lambda i: -shared[i])[:LOOKED_AT]
    parts = {i: under for i in nearest if (under := _under(address, library.chunks_of(i)))}
    meant = [i for i in parts if shared[i] == max(shared[n] for n in parts)][:SOURCES]
    found = [replace(first[i], chunk=chunk, similarity=None) for i in meant for chunk in parts[i]]
    if not found:
        return None
    place = (text for p in found for text in (p.source.title, *p.chunk.headings))
    left = _stems(address.rest) - _stems(*place) - _SAYS
    if _wants_time(question):
        dated = _heading(found[0], library, _is_dated) if left <= _APPEARS else None
        return Named(address.rest, found, [dated] if dated else ())
    return Named(address.rest, found, () if left else _all(found))


def with_heading(
    question: str, chosen: Sequence[Candidate], library: LibraryReader
) -> list[Candidate]:
    """What was chosen, and the heading over the first of it where that has what is asked for.

    Release notes, minutes and diaries say above what they tell when it was, and nowhere else.
    """
    if not chosen:
        return []
    first = chosen[0]
    heading = None
    if _wants_time(question) and not period_asked(first.text).periods:
        heading = _heading(first.passage, library, _is_dated)
    elif _WHICH.search(question):
        heading = _heading(first.passage, library, _LABEL.match)
    return [first, *([heading] if heading else []), *chosen[1:]]


def _wants_time(question: str) -> bool:
    return read_question(question, lambda _: 1.0).wanted == "time"


def _is_dated(heading: str) -> bool:
    periods = period_asked(heading).periods
    return any(period.days <= DATED for period in periods) or bool(periods and heading.isdigit())


def _heading(
    passage: Passage, library: LibraryReader, says: Callable[[str], object]
) -> Candidate | None:
    """The nearest heading above a passage that says something, to be quoted."""
    chunk = passage.chunk
    heading = next((h for h in reversed(chunk.headings) if says(h)), "")
    if not heading:
        return None
    text = library.text(chunk.source_id)
    words = r"\s+".join(re.escape(word) for word in heading.split())
    places = list(re.finditer(rf"(?m)^\W*({words})\s*$", text[: chunk.start]))
    if not places:
        return None
    span = Span(*places[-1].span(1))
    above = replace(
        chunk,
        id=f"{chunk.source_id}-{span.start}-{span.end}",
        text=text[span.start : span.end],
        start=span.start,
        end=span.end,
        headings=(),
        sentences=(span,),
    )
    return _candidate(replace(passage, chunk=above), span)


def _address(question: str) -> _Address | None:
    for pattern in _ADDRESSED:
        if match := pattern.search(question):
            found = match.groupdict()
            version = found.get("version")
            number = version or found["number"]
            within = rf"{re.escape(number)}(?:\.\d+)*(?![\w]|\.\d)"
            if version:
                # The word before it may be the product's name.
                before = r"(?:[\w-]+ )?v?" if "." in version else rf"{_RELEASE} "
            elif number[0].isdigit():
                before = rf"(?:{_UNIT} |§ ?)?"
            else:
                before = f"{found['unit']} "
            rest = question[: match.start()] + question[match.end() :]
            heading = re.compile(rf"\W*{before}{within}", re.IGNORECASE)
            return _Address(rest, number, heading, not version)
    return None


def _headed(question: str, passages: Sequence[Passage], library: LibraryReader) -> Named | None:
    """The section whose heading is all that a question asks for, if it is short."""
    asked = _stems(question)
    for passage in passages:
        path = passage.chunk.headings
        heading = path[-1] if path else ""
        if not (_WANTS_ALL.match(question) or _asks_alike(heading, question)):
            continue
        own = _stems(_ORDINAL.sub("", heading))
        if own and own <= asked and asked <= own | _stems(passage.source.title) | _SAYS:
            chunks = library.chunks_of(passage.source.id)
            below = [c for c in chunks if c.headings[: len(path)] == path]
            if sum(len(c.sentences) for c in below) <= MOST_ITEMS:
                found = [replace(passage, chunk=chunk) for chunk in below]
                return Named(question, found, _all(found))
    return None


def _asks_alike(heading: str, question: str) -> bool:
    """Whether a heading is a question that begins as this one does: with who, how, can."""
    return heading.endswith("?") and tokens(heading)[:1] == tokens(question)[:1]


def _under(address: _Address, chunks: Sequence[Chunk]) -> list[Chunk]:
    """Of a document's chunks those under what is addressed, with only its sentences."""
    found: list[Chunk] = []
    inside = False
    path: tuple[str, ...] = ()
    for chunk in chunks:
        if any(map(address.heading.match, chunk.headings)):
            found.append(chunk)
            continue
        inside, path = inside and chunk.headings == path, chunk.headings
        spans: list[Span] = []
        for span in chunk.sentences if address.has_lines else ():
            if lead := _LEAD.match(_text(chunk, span)):
                inside = f"{lead['number']}.".startswith(f"{address.number}.")
            if inside:
                spans.append(span)
        if spans:
            found.append(replace(chunk, sentences=tuple(spans)))
    return found


def _all(passages: Sequence[Passage]) -> list[Candidate]:
    """Every sentence and item of the passages, up to ``MOST_ITEMS``."""
    found = [as_item(line) for p in passages for line in _lines(p)]
    most = found[:MOST_ITEMS]
    return [replace(c, goes_on=n + 1 == MOST_ITEMS < len(found)) for n, c in enumerate(most)]


def _lines(passage: Passage) -> list[Candidate]:
    """The sentences of a passage, those of one item of a list together unless they are long."""
    lines: list[Candidate] = []
    for span in passage.chunk.sentences:
        whole = Span(lines[-1].span.start, span.end) if lines else span
        if (
            lines
            and as_item(lines[-1]).mark
            and whole.end - whole.start <= LONGEST_ITEM
            and "\n" not in _text(passage.chunk, Span(lines[-1].span.end, span.start))
        ):
            lines[-1] = _candidate(passage, whole)
        else:
            lines.append(_candidate(passage, span))
    return lines


def _candidate(passage: Passage, span: Span) -> Candidate:
    """A sentence that is quoted for where it stands."""
    return Candidate(passage, span, _text(passage.chunk, span), score=1.0, rank=0.0, facts=())


def _text(chunk: Chunk, span: Span) -> str:
    return chunk.text[span.start - chunk.start : span.end - chunk.start]


def _stems(*texts: str) -> frozenset[str]:
    return frozenset(
        t.stem for text in texts for t in tokens(text) if t.lower not in STOP and not t.digit
    )
