"""What only a heading says: when something was, in which version or section it stands, or of what.

Release notes, minutes and diaries say above what they tell when it was, and nowhere else; manuals,
which option it is that they describe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag.dates import period_asked
from rag.library_reader import LibraryReader
from rag.question import read_question
from rag.select import Candidate
from rag.terms import is_named, term_of
from rag.types import Chunk, Passage, Span

DATED = 100
"""The most days of a time by which a heading says when. Of a year it must say nothing else."""
BEFORE = 8
"""So many passages before one are looked through for the term that it defines."""
_UNIT = r"(?:clause|section|chapter|annex|appendix|schedule)"
_WHICH = re.compile(
    rf"\b(?:which|what) (?:version|release|{_UNIT})\b(?! (?:of|in)\b)", re.IGNORECASE
)
_NUMBERED = re.compile(rf"\W*(?:(?i:version|release|{_UNIT}) (?:[A-Z]\b|[IVXL]+\b|v?\d)|v?\d)")


def with_heading(
    question: str, chosen: Sequence[Candidate], library: LibraryReader
) -> list[Candidate]:
    """What was chosen, and the heading over the first of it where that has what is asked for."""
    if not chosen:
        return []
    first = chosen[0]
    heading = None
    if asks_when(question) and not period_asked(first.text).periods:
        heading = heading_over(first.passage, library, is_dated)
    elif _WHICH.search(question):
        heading = heading_over(first.passage, library, _NUMBERED.match)
    return [first, *([heading] if heading else []), *chosen[1:]]


def asks_when(question: str) -> bool:
    """Whether a question asks for a time."""
    return read_question(question, lambda _: 1.0).wanted == "time"


def is_dated(heading: str) -> bool:
    """Whether a heading says when what is under it was."""
    periods = period_asked(heading).periods
    return any(period.days <= DATED for period in periods) or bool(periods and heading.isdigit())


def heading_over(
    passage: Passage, library: LibraryReader, says: Callable[[str], object]
) -> Candidate | None:
    """The nearest heading above a passage that says something, to be quoted.

    Its passage is the heading alone, as a chunk of its own that no index has.
    """
    chunk = passage.chunk
    heading = next((h for h in reversed(chunk.headings) if says(h)), "")
    if not heading:
        return None
    text = library.text(chunk.source_id)
    words = r"\s+".join(re.escape(word) for word in heading.split())
    line = re.compile(rf"^[^\w\n]*({words})[^\S\n]*$", re.MULTILINE)
    places = list(line.finditer(text, 0, chunk.start))
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
    return as_it_stands(replace(passage, chunk=above, copies=()), span)


def with_terms(
    question: str, quoted: Sequence[Candidate], library: LibraryReader
) -> list[Candidate]:
    """What is quoted, and the term over each definition of which only a later sentence is.

    "The default is 64 MB." alone does not say of what. Where all that is quoted is of one term, and
    the question names it, it goes without saying.
    """
    openings = [_opening(candidate.passage.chunk, library) for candidate in quoted]
    terms = {term_of(opening) if opening else "" for opening in openings}
    if len(terms) == 1 and is_named(terms.pop(), question):
        return list(quoted)
    said = {(c.passage.source.id, c.span.start) for c in quoted}
    whole: list[Candidate] = []
    for candidate, opening in zip(quoted, openings, strict=True):
        if opening and (opening.source_id, opening.start) not in said:
            said.add((opening.source_id, opening.start))
            span = Span(opening.start, opening.start + len(f"{term_of(opening)}:"))
            passage = replace(candidate.passage, chunk=opening, copies=())
            whole.append(replace(as_it_stands(passage, span), score=candidate.score))
        whole.append(candidate)
    return whole


def _opening(chunk: Chunk, library: LibraryReader) -> Chunk | None:
    """The passage with which the definition begins that one is of; None for any other passage."""
    if term_of(chunk):
        return chunk
    number = library.numbers([chunk.id]).get(chunk.id) if chunk.headings else None
    if number is None:
        return None
    before = library.chunks(range(number - BEFORE, number))
    alike = (
        c
        for _, c in sorted(before.items(), reverse=True)
        if c.source_id == chunk.source_id and c.headings == chunk.headings
    )
    return next((c for c in alike if term_of(c)), None)


def as_it_stands(passage: Passage, span: Span) -> Candidate:
    """A sentence that is quoted for where it stands, whatever it says."""
    return Candidate(passage, span, passage.chunk.cut(span), score=1.0, rank=0.0, facts=())
