"""The reply to a question that a document asks itself: interviews, FAQs, minutes.

The words of a question are those of the user's, so its sentence is found before the one that
answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.headings import as_it_stands
from rag.library_reader import LibraryReader
from rag.select import Candidate

_ASKS = re.compile(
    r"\?[\"'”’)]*$|\b(?:asked|enquired|inquired|queried|wondered|wanted to know)\s(?:\w+\s){0,3}?"
    r"(?:whether|if|how|what|when|where|which|who|whose|why)\b",
    re.IGNORECASE,
)


def with_replies(chosen: Sequence[Candidate], library: LibraryReader) -> list[Candidate]:
    """What was chosen, and behind each question the sentence that follows it, if that is none."""
    quoted: list[Candidate] = []
    for candidate in chosen:
        quoted.append(candidate)
        if _ASKS.search(candidate.text.strip()) and (reply := _next(candidate, library)):
            quoted.append(reply)
    return list({(c.passage.source.id, c.span): c for c in quoted}.values())


def _next(candidate: Candidate, library: LibraryReader) -> Candidate | None:
    """The sentence after this one, also where that begins the next chunk; None for a question."""
    passage, chunk = candidate.passage, candidate.passage.chunk
    later = [span for span in chunk.sentences if span.start >= candidate.span.end]
    if not later:
        chunks = (c for c in library.chunks_of(chunk.source_id) if c.start >= chunk.end)
        chunk = next((c for c in chunks if c.headings == chunk.headings), chunk)
        later = [span for span in chunk.sentences if span.start >= candidate.span.end]
    if not later or _ASKS.search(chunk.cut(later[0]).strip()):
        return None
    reply = as_it_stands(replace(passage, chunk=chunk, copies=()), later[0])
    return replace(reply, score=candidate.score, rank=candidate.rank)
