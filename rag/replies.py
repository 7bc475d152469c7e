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

_QUESTION = re.compile(
    r"\?[\"'”’)]*$|(?<!\bbe )(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )"
    r"\b(?:asked|enquired|inquired|queried|wanted to know)\s(?:\w+\s){0,3}?"
    r"(?:whether|if|how|what|when|where|which|who|whose|why)\b[^,;]*$",
    re.IGNORECASE,
)
"""A sentence that is a question, or tells that one was put and no more."""
_REPLY = re.compile(r"A(?:nswer)?[:.]\s|.*[.!:;…][\"'”’)\]]*$", re.DOTALL)


def with_replies(chosen: Sequence[Candidate], library: LibraryReader) -> list[Candidate]:
    """What was chosen, and behind each question the sentence that follows it, if that is none."""
    quoted: list[Candidate] = []
    for candidate in chosen:
        quoted.append(candidate)
        if _QUESTION.search(candidate.text.strip()) and (reply := _next(candidate, library)):
            quoted.append(reply)
    return list({(c.passage.source.id, c.span): c for c in quoted}.values())


def _next(candidate: Candidate, library: LibraryReader) -> Candidate | None:
    """The sentence after this one, which may begin the next chunk, if it may be a reply."""
    passage, chunk = candidate.passage, candidate.passage.chunk
    later = [span for span in chunk.sentences if span.start >= candidate.span.end]
    if not later:
        chunks = (c for c in library.chunks_of(chunk.source_id) if c.start >= chunk.end)
        chunk = next((c for c in chunks if c.headings == chunk.headings), chunk)
        later = [span for span in chunk.sentences if span.start >= candidate.span.end]
    said = chunk.cut(later[0]).strip() if later else ""
    if not _REPLY.match(said):
        return None
    reply = as_it_stands(replace(passage, chunk=chunk, copies=()), later[0])
    return replace(reply, score=candidate.score, rank=candidate.rank)
