"""An answer made of quotations: what was selected, in reading order, each with its citation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rag.select import Candidate
from rag.types import DECLINED, Citation, Passage, Sentence, Span

NEAREST = 3


def quote(chosen: Sequence[Candidate]) -> tuple[str, tuple[Sentence, ...], tuple[Citation, ...]]:
    """Put selected sentences, best first, into an answer.

    Sources come in the order of their best sentence, sentences in the order of their source. Every
    sentence is the quotation itself, on one line, with the number of its citation behind it; the
    answer's text outside the sentences is only these numbers, and the marks before items of a list,
    each of which begins a line.
    """
    best = list(dict.fromkeys(c.passage.source.id for c in chosen))
    ordered = sorted(chosen, key=lambda c: (best.index(c.passage.source.id), c.span.start))
    text, in_list = "", False
    sentences: list[Sentence] = []
    citations: list[Citation] = []
    for number, candidate in enumerate(ordered, 1):
        citation = cite(number, candidate.passage, candidate.span)
        gap = f"\n{candidate.mark} " if candidate.mark else "\n" if in_list else " "
        text += gap if text else gap.lstrip()
        in_list = bool(candidate.mark)
        start = len(text)
        body = " ".join(citation.quote.split())
        text += body
        sentences.append(
            Sentence(
                body,
                start,
                start + len(body),
                "supported",
                candidate.score,
                (citation,),
                answer=_on_one_line(citation, candidate.answer),
            )
        )
        citations.append(citation)
        text += f" [{number}]"
    return text, tuple(sentences), tuple(citations)


def _on_one_line(citation: Citation, answer: Span | None) -> Span | None:
    """Where a part of the source is in the quotation once that is on one line."""
    if answer is None:
        return None
    place = answer.moved(-citation.start)
    before, words = citation.quote[: place.start], citation.quote[place.start : place.end]
    start = len(" ".join(before.split())) + (bool(before.strip()) and before[-1].isspace())
    return Span(start, start + len(" ".join(words.split())))


def nearest(found: Sequence[Sequence[Candidate]]) -> tuple[Citation, ...]:
    """What to show of a declined question: the best sentences of its parts, each once."""
    turn_by_turn = [c for row in zip_longest(*found) for c in row if c]
    best = {(c.passage.source.id, c.span): c for c in turn_by_turn}
    return tuple(
        cite(number, c.passage, c.span) for number, c in enumerate(list(best.values())[:NEAREST], 1)
    )


def declined_text(near: Sequence[Citation], passages: Sequence[Passage]) -> str:
    """What a declined answer says: which documents come nearest."""
    titles = [c.title for c in near] or [p.source.title for p in passages]
    if not titles:
        return "The library holds nothing on this."
    return f"{DECLINED} Nearest to it: {'; '.join(list(dict.fromkeys(titles))[:NEAREST])}."


def cite(number: int, passage: Passage, span: Span) -> Citation:
    """The citation of a range of a passage's source, which must lie in the passage."""
    chunk, source = passage.chunk, passage.source
    return Citation(
        number=number,
        source_id=source.id,
        uri=source.uri,
        title=source.title,
        page=chunk.page,
        headings=chunk.headings,
        start=span.start,
        end=span.end,
        quote=chunk.cut(span),
        date=source.date,
    )
