"""Stored answers in, scores out: nothing is asked, and nothing is dropped.

A question that fails, or a case whose own evidence is not in the library, stays in every
denominator and counts as wrong, so that neither can raise a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from eval.anchors import NAMES as ANCHORS
from eval.case_score import CaseScore, Response, anchor_response, response_of, score_case
from eval.cases import KINDS, Case
from eval.causes import CAUSES, cause_of
from eval.figures import (
    MEASURES,
    Part,
    Scored,
    confidence_figures,
    curves_of,
    make_figure,
)
from eval.grounding_metrics import Supports
from eval.header import SEED
from eval.metrics import refusal
from eval.operations import Prices, operations
from eval.record import Asked, Piece, Record
from eval.ruler import Accuracy, groundedness, verifier_accuracy
from eval.scored import ALL, CaseResult, Detail, Run, total_of
from rag.embed import Encoder, load_encoder
from rag.verify import SUPPORTED, Verifier, load_verifier


def score(
    asked: Asked,
    verifier: Verifier | None = None,
    encoder: Encoder | None = None,
    prices: Prices | None = None,
) -> Run:
    """Score a run that was asked to its end.

    ``verifier`` is by default the one that the run's settings name, ``encoder`` the default
    embedding model. What is said of the verifier's accuracy is of the one that ships; of another
    one it is nothing. With ``prices`` the cost is told in money too. Raises ``BadInput`` when
    questions are still to be asked.
    """
    asked.check_whole()
    named = asked.header["settings"]["verifier"]
    encoder = encoder or load_encoder()
    judge = verifier or load_verifier(named or None, encoder)

    @cache
    def supports(sentence: str, texts: tuple[str, ...]) -> float:
        return judge.verify(sentence, texts).score

    strangers = _strangers(asked.cases)
    responses = [_responses(case, asked.records[case.id]) for case in asked.cases]
    rows = [
        _score_one(asked, case, systems, relevance, supports, strangers.get(case.id))
        for case, systems, relevance in zip(
            asked.cases, responses, _relevance(encoder, asked, responses), strict=True
        )
    ]
    # Only the verifier that ships has been measured.
    return _summed_up(asked, rows, () if named else verifier_accuracy(), prices)


@dataclass(frozen=True, slots=True)
class _Row:
    """A case with its scores: our own and, by name, the anchors'."""

    detail: Detail
    own: CaseScore
    anchors: Mapping[str, CaseScore]
    result: CaseResult


def _score_one(
    asked: Asked,
    case: Case,
    systems: Mapping[str, Response],
    relevance: Mapping[str, float],
    supports: Supports,
    stranger: Case | None,
) -> _Row:
    pieces, record = asked.evidence[case.id], asked.records[case.id]
    gold = pieces if case.answerable else ()
    scores = {
        name: score_case(case, gold, one, supports, relevance[name])
        for name, one in systems.items()
    }
    own = scores.pop("")
    parts = {**own.parts, **(_probe(case, stranger, supports) if stranger else {})}
    result = _result(case, pieces, record, systems[""], own, parts)
    return _Row(Detail(case, pieces, record, own.grounds), own, scores, result)


def _summed_up(
    asked: Asked, rows: Sequence[_Row], accuracy: tuple[Accuracy, ...], prices: Prices | None
) -> Run:
    results = [row.result for row in rows]
    seed = int(asked.header.get("seed", SEED))
    scored = [
        Scored(
            row.result.parts,
            {name: one.parts for name, one in row.anchors.items()},
            row.result.cluster,
            row.result.answerable,
            row.result.status,
            bool(row.result.case_error),
        )
        for row in rows
    ]
    surest = {"": [row.own.confidence for row in rows]} | {
        name: [row.anchors[name].confidence for row in rows if name in row.anchors]
        for name in ANCHORS
    }
    kinds = [kind for kind in KINDS if any(row.kind == kind for row in results)]
    totals = [total_of(kind, [row for row in results if row.kind == kind]) for kind in kinds]
    good = sum(row.cause == "correct" and row.status == "answered" for row in results)
    return Run(
        header=asked.header,
        totals=(*totals, total_of(ALL, results)),
        refusal=refusal(
            [row.status == "declined" for row in results],
            [row.answerable for row in results],
            [row.confidence for row in results],
        ),
        figures=(
            *(make_figure(measure, scored, seed) for measure in MEASURES),
            *confidence_figures(surest, scored, seed),
        ),
        groundedness=groundedness(
            [[(found, found.supported) for found in row.own.grounds] for row in rows],
            [row.status == "failed" for row in results],
            [row.cluster for row in results],
            accuracy,
            seed,
        ),
        causes={cause: sum(row.cause == cause for row in results) for cause in CAUSES},
        operations=operations([row.detail.record for row in rows], good, prices),
        verifier=accuracy,
        cases=tuple(results),
        curves=curves_of(surest),
        details={row.result.id: row.detail for row in rows},
    )


PROBED = 40  # cases whose evidence the verifier is tried on


def cluster_of(case: Case) -> str:
    """What a case shares with others: the document of its evidence, or its conversation's start."""
    if case.evidence:
        return case.evidence[0].source
    if case.without:
        return case.without[0].source
    return case.history[0].text if case.history else case.id


def _probe(case: Case, other: Case, supports: Supports) -> dict[str, Part]:
    """What the verifier says of what is known: evidence supports itself, not another's."""
    own, strange = case.evidence[0].quote, other.evidence[0].quote
    yes = supports(own, (own,)) >= SUPPORTED
    no = supports(strange, (own,)) < SUPPORTED
    return {"verifier_probes": (float(yes + no), 2.0)}


def _strangers(cases: Sequence[Case]) -> dict[str, Case]:
    """For ``PROBED`` cases with evidence, spread evenly, the next one with another document's."""
    known = [case for case in cases if case.evidence]
    strangers: dict[str, Case] = {}
    following: Case | None = None
    for case, after in reversed(list(pairwise([*known, *known]))):
        if case.evidence[0].source != after.evidence[0].source:
            following = after
        if following is not None:
            strangers[case.id] = following
    step = max(1, len(strangers) // PROBED)
    return {case.id: strangers[case.id] for case in known[::step] if case.id in strangers}


def _responses(case: Case, record: Record) -> dict[str, Response]:
    """What our system ("") and the anchors say."""
    own = {"": response_of(record, case.answerable)}
    return own | {anchor.name: anchor_response(anchor) for anchor in record.anchors}


def _relevance(
    encoder: Encoder, asked: Asked, said: Sequence[Mapping[str, Response]]
) -> list[dict[str, float]]:
    """The cosine, from 0, of each text to its question; 0 for what says nothing.

    What RAGAS' answer relevancy (Es et al. 2023) measures with questions that a model makes up,
    measured on the question itself.
    """
    queries = [
        record.answer.query if (record := asked.records[case.id]).answer else case.question
        for case in asked.cases
    ]
    texts = sorted({one.text for systems in said for one in systems.values() if one.text})
    known = dict(zip(texts, encoder.encode_documents(texts), strict=True)) if texts else {}
    vectors = encoder.encode_queries(queries)
    return [
        {
            name: max(0.0, float(known[one.text] @ vector)) if one.text else 0.0
            for name, one in systems.items()
        }
        for systems, vector in zip(said, vectors, strict=True)
    ]


def _result(
    case: Case,
    pieces: Sequence[Piece],
    record: Record,
    said: Response,
    scores: CaseScore,
    parts: Mapping[str, Part],
) -> CaseResult:
    answer = record.answer
    return CaseResult(
        id=case.id,
        kind=case.kind,
        question=case.question,
        answerable=case.answerable,
        status=said.status,
        right=scores.right,
        right_and_cited=scores.right_and_cited,
        cited=any(scores.cites),
        cited_all=bool(scores.cites) and all(scores.cites),
        recall=parts["recall@10"][0] if case.answerable else None,
        all_gold=parts["all_gold@10"][0] if case.answerable else None,
        citations=said.quoted,
        exact=said.exact,
        confidence=said.confidence,
        seconds=record.seconds,
        query=answer.query if answer else "",
        answer=answer.text if answer else "",
        cause=cause_of(
            case,
            pieces,
            record,
            scores.found,
            right=scores.right,
            grounded=all(g.supported for g in scores.grounds),
            cited=scores.right_and_cited,
        ),
        cluster=cluster_of(case),
        parts=parts,
        problem=record.problem,
        case_error="; ".join(
            f"{p.source!r} is not in the index or lacks {p.quote!r}" for p in pieces if not p.places
        ),
    )
