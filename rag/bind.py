"""Binds what a model said to the characters that support it, and judges whether they do.

The model's numbers are claims. A sentence is held against the passages it names; if they do not
support it and another retrieved passage does so better, it is bound to that one instead. Numbers of
passages that do not exist or add nothing are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.reply import Claim
from rag.types import Passage, Span, Verdict
from rag.verify import Judgement, Verifier, find_copy


@dataclass(frozen=True, slots=True)
class Bound:
    """A claim with its judgement and its evidence: ranges of sources, in source coordinates."""

    claim: Claim
    verdict: Verdict
    score: float
    reasons: tuple[str, ...]
    evidence: tuple[tuple[Passage, Span], ...]


def bind(claim: Claim, passages: Sequence[Passage], verifier: Verifier) -> Bound:
    """Find what supports a claim among the passages that the model was shown, in their order."""
    named = [passages[n - 1] for n in claim.numbers if 1 <= n <= len(passages)]
    alone = {p.chunk.id: _judge(claim, [p], verifier) for p in named}
    chosen = [p for p in named if alone[p.chunk.id].verdict == "supported"]
    if chosen:
        judgement = max((alone[p.chunk.id] for p in chosen), key=lambda j: j.score)
        return _bound(claim, judgement, chosen, verifier)
    if len(named) > 1:
        together = _judge(claim, named, verifier)
        if together.verdict == "supported":
            return _bound(claim, together, named, verifier)
    others = [p for p in passages if p.chunk.id not in alone]
    alone |= {p.chunk.id: _judge(claim, [p], verifier) for p in others}
    # max keeps the first of equals, so a named passage goes before another that is no better.
    best = max((*named, *others), key=lambda p: alone[p.chunk.id].score, default=None)
    if best is None:
        return Bound(claim, "unsupported", 0.0, ("there is no evidence",), ())
    return _bound(claim, alone[best.chunk.id], [best], verifier)


def _bound(
    claim: Claim, judgement: Judgement, chosen: Sequence[Passage], verifier: Verifier
) -> Bound:
    evidence: tuple[tuple[Passage, Span], ...] = ()
    if judgement.verdict != "unsupported" or claim.numbers:
        evidence = tuple((p, _place(claim, p, verifier)) for p in chosen)
    return Bound(claim, judgement.verdict, judgement.score, judgement.reasons, evidence)


def _judge(claim: Claim, passages: Sequence[Passage], verifier: Verifier) -> Judgement:
    """Titles and headings may complete what a passage says, as they do for a reader, not say it."""
    text = verifier.verify(claim.text, [p.chunk.text for p in passages])
    if text.verdict != "partial":
        return text
    whole = verifier.verify(claim.text, [f"{_heading(p)}\n{p.chunk.text}" for p in passages])
    return max(text, whole, key=lambda judgement: judgement.score)


def _heading(passage: Passage) -> str:
    return " > ".join((passage.source.title, *passage.chunk.headings))


def _place(claim: Claim, passage: Passage, verifier: Verifier) -> Span:
    """The whole sentences of a passage that hold the words copied, else that say it best."""
    chunk = passage.chunk
    copied = (
        find_copy(quote, chunk.text) for _, quote in claim.quotes if any(map(str.isalnum, quote))
    )
    found = next(filter(None, copied), None) or verifier.verify(claim.text, chunk.text).best
    if found is None:
        return Span(chunk.start, chunk.end)
    start, end = chunk.start + found.start, chunk.start + found.end
    touched = [s for s in chunk.sentences if s.start < end and start < s.end]
    return Span(touched[0].start, touched[-1].end) if touched else Span(start, end)
