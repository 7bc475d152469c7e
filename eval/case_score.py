"""What one question adds to each figure: a numerator and a denominator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval import answer_metrics, retrieval_metrics
from eval.cases import NEEDS_ALL, Case
from eval.figures import BY_NAME, MEASURES, Confidence, Part, worst
from eval.grounding_metrics import Claim, Grounds, Supports, ground
from eval.locate import overlaps
from eval.metrics import contains_answer
from eval.record import Anchor, Excerpt, Piece, Record, Spot, citations_of, passage_spots, spot_of
from rag.types import Answer, Citation
from rag.verify import SUPPORTED, find_copy
from rag.verify_words import read

K = 10
Places = Sequence[Sequence[Spot]]


@dataclass(frozen=True, slots=True)
class Response:
    """What a system came back with, ours or an anchor, as far as it is scored.

    ``best`` is the sentence it is surest of. ``quoted`` of its citations' quotes are ``exact``,
    ``unused`` are listed but borne by no sentence; ``told`` sentences it calls supported itself.
    ``said_again`` is ``Record.unused``.
    """

    status: Literal["answered", "declined", "failed"]
    confidence: float
    text: str = ""
    best: str = ""
    claims: tuple[Claim, ...] = ()
    cited: tuple[Spot, ...] = ()
    passages: tuple[Spot, ...] = ()
    contexts: tuple[str, ...] = ()
    quoted: int = 0
    exact: int = 0
    listed: int = 0
    unused: int = 0
    told: int = 0
    said_again: tuple[bool, ...] | None = ()


@dataclass(frozen=True, slots=True)
class CaseScore:
    """A question's scores: ``parts`` by figure, and what the rest is made of.

    ``found`` and ``cites`` say of each piece of evidence whether a passage has it and whether a
    citation does; ``grounds`` has one entry a sentence.
    """

    parts: Mapping[str, Part]
    right: bool
    right_and_cited: bool
    found: tuple[bool, ...]
    cites: tuple[bool, ...]
    grounds: tuple[Grounds, ...]
    confidence: Confidence


def response_of(record: Record, answerable: bool) -> Response:
    """What our own answer says.

    One that failed is as wrong as can be: sure of nothing, or sure of what is not there.
    """
    answer = record.answer
    if answer is None:
        return Response("failed", float(not answerable), said_again=record.unused)
    citations = citations_of(answer)
    used = {c for sentence in answer.sentences for c in sentence.citations}
    answered = answer.status == "answered"
    return Response(
        status=answer.status,
        confidence=answer.confidence,
        text=spoken(answer) if answered else "",
        best=max(answer.sentences, key=lambda s: s.score).text if answer.sentences else "",
        claims=tuple(_claim(s.text, s.citations) for s in answer.sentences),
        cited=tuple(map(spot_of, citations)),
        passages=passage_spots(answer.passages),
        contexts=tuple(passage.chunk.text for passage in answer.passages),
        quoted=len(citations),
        exact=sum(is_exact(citation, record.excerpts) for citation in citations),
        listed=len(answer.citations),
        unused=sum(citation not in used for citation in answer.citations),
        told=sum(sentence.verdict == "supported" for sentence in answer.sentences),
        said_again=record.unused,
    )


def anchor_response(anchor: Anchor) -> Response:
    """What an anchor says: one quote, exact by its making."""
    if anchor.declined:
        return Response("declined", anchor.confidence, passages=anchor.passages)
    claim = Claim(anchor.quote, (anchor.spot,), (anchor.quote,))
    return Response(
        "answered", anchor.confidence, anchor.quote, anchor.quote, (claim,), (anchor.spot,),
        anchor.passages, (), quoted=1, exact=1, listed=1, told=1, said_again=(False,),
    )  # fmt: skip


def is_exact(citation: Citation, excerpts: Sequence[Excerpt]) -> bool:
    """Whether a citation quotes its source to the character, as the library has it."""
    return bool(citation.quote) and any(
        e.source_id == citation.source_id
        and e.start <= citation.start
        and e.text[citation.start - e.start : citation.end - e.start] == citation.quote
        for e in excerpts
    )


def score_case(
    case: Case, pieces: Sequence[Piece], response: Response, supports: Supports, relevance: float
) -> CaseScore:
    """Score what was said to one case. ``relevance`` is that of the text to the question."""
    places = [piece.places for piece in pieces]
    declined = response.status == "declined"
    right = contains_answer(response.text, case.answers) if case.answerable else declined
    cites = tuple(overlaps(spots, response.cited) for spots in places)
    needed = all if case.kind in NEEDS_ALL else any
    right_and_cited = right and (needed(cites) or not case.answerable)
    grounds = tuple(
        ground(claim, response.contexts, supports, SUPPORTED, _is_copy) for claim in response.claims
    )
    parts: dict[str, Part] = {
        "right": (right, 1),
        "right_and_cited": (right_and_cited, 1),
    }
    if case.answerable:
        parts |= _answer_parts(case, response, relevance) | _retrieval_parts(response, places)
        parts["over_refusal"] = (declined, 1)
    else:
        parts["refusal_recall"] = (declined, 1)
        parts["hallucination_rate"] = (response.status == "answered", 1)
    if response.status == "failed":
        about = "answerable" if case.answerable else "unanswerable"
        parts |= {m.name: worst(m) for m in MEASURES if m.about in ("all", about)}
    else:
        parts["refusal_precision"] = (declined and not case.answerable, declined)
        parts |= _grounding_parts(response, places, grounds)
    if response.said_again is None:
        parts.pop("cited_but_unused", None)
    found = tuple(overlaps(spots, response.passages) for spots in places)
    return CaseScore(
        {name: (float(a), float(b)) for name, (a, b) in parts.items() if b and name in BY_NAME},
        right,
        right_and_cited,
        found,
        cites,
        grounds,
        Confidence(response.confidence, case.answerable, case.answerable and right, any(found)),
    )


def spoken(answer: Answer) -> str:
    """The answer's sentences without the numbers of citations, which might be a gold answer."""
    return " ".join(sentence.text for sentence in answer.sentences) or answer.text


def _answer_parts(case: Case, response: Response, relevance: float) -> dict[str, Part]:
    words = " ".join(claim.text for claim in response.claims) or response.text
    found = answer_metrics.nuggets(case, response.text)
    assert found is not None  # an answerable case has evidence
    return {
        "exact_match": (answer_metrics.exact_match(words, case.answers), 1),
        "token_f1": (answer_metrics.token_f1(words, case.answers), 1),
        "sentence_hit": (contains_answer(response.best, case.answers), 1),
        "nuggets_strict": (found.strict, 1),
        "nuggets_weighted": (found.weighted, 1),
        "relevance": (relevance, 1),
    }


def _retrieval_parts(response: Response, places: Places) -> dict[str, Part]:
    passages = response.passages[:K]
    ranks = retrieval_metrics.first_ranks(passages, places)
    figures = {f"recall@{k}": retrieval_metrics.recall(ranks, k) for k in (1, 5, K)} | {
        f"ndcg@{K}": retrieval_metrics.ndcg(ranks, K),
        f"mrr@{K}": retrieval_metrics.reciprocal_rank(ranks, K),
        f"all_gold@{K}": retrieval_metrics.all_gold(ranks, K),
        f"context_precision@{K}": retrieval_metrics.context_precision(passages, places, K),
        f"character_recall@{K}": retrieval_metrics.character_recall(passages, places),
        f"character_iou@{K}": retrieval_metrics.character_iou(passages, places),
    }
    return {name: (value or 0.0, 1) for name, value in figures.items()}


def _grounding_parts(
    response: Response, places: Places, grounds: Sequence[Grounds]
) -> dict[str, Part]:
    n, citations = len(grounds), sum(g.citations for g in grounds)
    both, cited, gold = retrieval_metrics.shared_characters(response.cited, places)
    parts: dict[str, Part] = {
        "supported_sentences": (response.told, n),
        "faithfulness": (sum(g.faithful for g in grounds), n),
        "citation_recall": (sum(g.supported for g in grounds), n),
        "citation_precision": (sum(g.precise for g in grounds), citations),
        "exact_quotes": (response.exact, response.quoted),
        "unused_citations": (response.unused, response.listed),
        "cited_but_unused": (sum(response.said_again or ()), sum(g.citations > 0 for g in grounds)),
    }
    if response.status == "answered":
        parts["span_f1"] = (2 * both, cited + gold)
    return parts


def _is_copy(sentence: str, evidence: str) -> bool:
    return bool(read(sentence).words) and find_copy(sentence, evidence) is not None


def _claim(text: str, citations: Sequence[Citation]) -> Claim:
    return Claim(text, tuple(map(spot_of, citations)), tuple(c.quote for c in citations))
