"""What only a heading says: when something was, or in which version or section it stands.

Release notes, minutes and diaries say above what they tell when it was, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag.dates import period_asked
from rag.library_reader import LibraryReader
from rag.question import read_question
from rag.select import Candidate
from rag.types import Passage, Span

DATED = 100
"""The most days of a time by which a heading says when. Of a year it must say nothing else."""
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


def as_it_stands(passage: Passage, span: Span) -> Candidate:
    """A sentence that is quoted for where it stands, whatever it says."""
    return Candidate(passage, span, passage.chunk.cut(span), score=1.0, rank=0.0, facts=())
