"""Binds what a model said to the characters that support it, and judges whether they do.

The model's numbers are claims. A sentence is held against the passages it names; if they do not
support it and another retrieved passage does so better, it is bound to that one instead. Numbers of
passages that do not exist or add nothing are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.features import CLAUSE
from rag.reply import Claim, unmarked
from rag.spans import overlap
from rag.types import Passage, Span, Verdict
from rag.verify import Judgement, Verifier, find_copy
from rag.verify_facts import read_dates

Evidence = Sequence[tuple[Passage, Span]]
"""Ranges of sources, in source coordinates."""
FRAGMENT = 8  # words
SENTENCE = 4  # words of the shortest sentence that says something without what it answers


@dataclass(frozen=True, slots=True)
class Bound:
    """A claim with its judgement and its evidence: ranges of sources, in source coordinates.

    ``sure``: it is a sentence, and supported beyond doubt; a few words are not, whatever the score.
    """

    claim: Claim
    verdict: Verdict
    score: float
    reasons: tuple[str, ...]
    evidence: tuple[tuple[Passage, Span], ...]
    sure: bool = False


def bind(
    claim: Claim, passages: Sequence[Passage], verifier: Verifier, question: str = ""
) -> Bound:
    """Find what supports a claim among the passages that the model was shown, in their order.

    ``question`` is what the claim answers; see ``statement``. A sentence that a passage has word
    for word states what it states there, whatever was asked.
    """
    copied = _is_sentence_of(unmarked(claim.text), passages)
    whole = replace(claim, text=statement(claim.text, "" if copied else question))
    bound = _bind(whole, passages, verifier)
    return replace(bound, claim=claim, sure=bound.sure and whole.text == unmarked(claim.text))


def statement(text: str, question: str) -> str:
    """What a sentence states: with its question, where it is a few words and no sentence.

    "In 1981." is supported by whatever names that year; that it answers the question is the claim.
    Its Markdown states nothing.
    """
    text = unmarked(text)
    if not question or len(text.split()) > FRAGMENT or CLAUSE.search(text):
        return text
    return f"{question.rstrip(' ?')}: {text}"


def _is_sentence_of(text: str, passages: Sequence[Passage]) -> bool:
    if len(text.split()) < SENTENCE or not text.endswith((".", "!", "?")):
        return False
    sentences = (p.chunk.cut(span) for p in passages for span in p.chunk.sentences)
    return any(" ".join(sentence.split()) == text for sentence in sentences)


def _bind(claim: Claim, passages: Sequence[Passage], verifier: Verifier) -> Bound:
    named = [passages[n - 1] for n in claim.numbers if 1 <= n <= len(passages)]
    alone = {p.chunk.id: _judge(claim, _whole([p]), verifier) for p in named}
    chosen = [p for p in named if alone[p.chunk.id].verdict == "supported"]
    if (
        not chosen
        and len(named) > 1
        and _judge(claim, _whole(named), verifier).verdict == "supported"
    ):
        chosen = named
    if not chosen:
        others = [p for p in passages if p.chunk.id not in alone]
        alone |= {p.chunk.id: _judge(claim, _whole([p]), verifier) for p in others}
        # max keeps the first of equals: a named passage goes before another that is no better.
        chosen = sorted((*named, *others), key=lambda p: -alone[p.chunk.id].score)[:1]
    if not chosen:
        return Bound(claim, "unsupported", 0.0, ("there is no evidence",), ())
    return _bound(claim, chosen, verifier)


def judge(text: str, evidence: Sequence[tuple[str, str]], verifier: Verifier) -> Judgement:
    """Judge a sentence by texts, each given after the title and headings that it stands under.

    These may complete what a text says, as they do for a reader; they do not say it.
    """
    bare = verifier.verify(text, [body for _, body in evidence])
    if bare.verdict != "partial":
        return bare
    placed = verifier.verify(text, [f"{place}\n{body}" for place, body in evidence])
    return max(bare, placed, key=lambda judgement: judgement.score)


def place_of(title: str, headings: Sequence[str]) -> str:
    """Title and headings as one line."""
    return " > ".join((title, *headings))


def _bound(claim: Claim, chosen: Sequence[Passage], verifier: Verifier) -> Bound:
    """With the sentences that are nearest as evidence, or what else of the passages it takes.

    The judgement is that of the characters cited, and of nothing else.
    """
    evidence: Evidence = [(p, _nearest(claim, p, verifier)) for p in chosen]
    near, far = (_judge(claim, e, verifier) for e in (evidence, _whole(chosen)))
    dated = any(_of_another_time(claim, p, s) for p, s in evidence)
    if near.verdict != far.verdict and far.score > near.score and not dated:
        near, evidence = far, _whole(chosen)
    if near.verdict == "supported":
        near, evidence = _needed(claim, evidence, near, verifier)
    cited = near.verdict != "unsupported" or bool(claim.numbers)
    kept = tuple(evidence) if cited else ()
    return Bound(claim, near.verdict, near.score, near.reasons, kept, near.sure)


def _needed(
    claim: Claim, evidence: Evidence, judgement: Judgement, verifier: Verifier
) -> tuple[Judgement, Evidence]:
    """The sentences of the evidence without which it would not support a claim, or not surely.

    At least one is left of each passage. What stands among them and is not needed, such as an
    instruction that somebody planted there, is then neither cited nor quoted.
    """
    kept = [(p, s) for p, span in evidence for s in p.chunk.sentences if _within(s, span)]
    for piece in reversed(kept[:]):
        fewer = [other for other in kept if other is not piece]
        if all(passage is not piece[0] for passage, _ in fewer):
            continue
        found = _judge(claim, _joined(fewer), verifier)
        if found.verdict == "supported" and found.sure >= judgement.sure:
            kept, judgement, evidence = fewer, found, _joined(fewer)
    return judgement, evidence


def _within(sentence: Span, span: Span) -> bool:
    return span.start <= sentence.start and sentence.end <= span.end


def _joined(pieces: Evidence) -> Evidence:
    """Sentences, those that follow each other in a passage as one range."""
    joined: list[tuple[Passage, Span]] = []
    for passage, span in pieces:
        if joined and joined[-1][0] is passage:
            last = joined[-1][1]
            if not any(last.end <= s.start < span.start for s in passage.chunk.sentences):
                joined[-1] = (passage, Span(last.start, span.end))
                continue
        joined.append((passage, span))
    return joined


def _whole(passages: Sequence[Passage]) -> Evidence:
    return [(p, Span(p.chunk.start, p.chunk.end)) for p in passages]


def _judge(claim: Claim, evidence: Evidence, verifier: Verifier) -> Judgement:
    return judge(claim.text, [_text(p, s) for p, s in evidence], verifier)


def _of_another_time(claim: Claim, passage: Passage, span: Span) -> bool:
    """Whether years are given for what is claimed, and none of them is claimed.

    The claim's own year may then stand elsewhere in the passage, where it is of something else.
    """
    claimed, given = (
        {date.first for date in read_dates(text)} - {None}
        for text in (claim.text, _text(passage, span)[1])
    )
    return bool(claimed and given) and not claimed & given


def _text(passage: Passage, span: Span) -> tuple[str, str]:
    """A range of a passage's source, and where it stands."""
    chunk = passage.chunk
    body = chunk.cut(span)
    return place_of(passage.source.title, chunk.headings), body


def _nearest(claim: Claim, passage: Passage, verifier: Verifier) -> Span:
    """The whole sentences of a passage that hold the words copied, else that say it best."""
    chunk = passage.chunk
    quotes = (quote for _, quote in claim.quotes if any(map(str.isalnum, quote)))
    copied = (find_copy(quote, chunk.text) for quote in quotes)
    found = next(filter(None, copied), None) or verifier.verify(claim.text, chunk.text).best
    if found is None:
        return Span(chunk.start, chunk.end)
    said = found.moved(chunk.start)
    touched = [sentence for sentence in chunk.sentences if overlap(sentence, said)]
    return Span(touched[0].start, touched[-1].end) if touched else said
