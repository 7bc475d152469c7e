"""The figures of single questions, checked against what their formulas give by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import retrieval_metrics as retrieval
from eval.answer_metrics import Nuggets, exact_match, nuggets, token_f1
from eval.case_score import Response, score_case
from eval.cases import Case, Evidence
from eval.causes import CAUSES, cause_of
from eval.figures import BY_NAME, MEASURES, Scored, make_figure
from eval.grounding_metrics import Claim, Grounds, ground
from eval.record import Piece, Record, Spot
from eval.refusal_metrics import (
    calibration_error,
    reliability,
    risk_coverage,
    risk_coverage_area,
)
from rag.types import Answer

A, B = ("doc", 0, 10), ("doc", 50, 60)
CASE = Case("a", "single_fact", "?", (), True, "", ("330 metres", "1921"), ())
spots = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 9)).map(
        lambda t: (t[0], t[1], t[1] + t[2])
    ),
    max_size=6,
)


def test_ranks_and_what_is_made_of_them() -> None:
    ranked = [("doc", 90, 99), ("doc", 8, 20), ("doc", 0, 5), ("doc", 55, 70)]
    ranks = retrieval.first_ranks(ranked, [[A], [B], [("other", 0, 5)]])
    assert ranks == [2, 4, None]
    assert retrieval.recall(ranks, 3) == 1 / 3 and retrieval.recall(ranks, 10) == 2 / 3
    assert retrieval.reciprocal_rank(ranks, 10) == 0.5 and retrieval.reciprocal_rank(ranks, 1) == 0
    assert retrieval.all_gold(ranks, 10) == 0 and retrieval.all_gold([2, 4], 4) == 1
    dcg = 1 / math.log2(3) + 1 / math.log2(5)
    assert retrieval.ndcg(ranks, 10) == pytest.approx(dcg / (1 + 1 / math.log2(3) + 0.5))
    # One passage with all of the evidence, at the top, is as good as it gets.
    assert retrieval.ndcg([1, 1], 10) == 1
    # Relevant are ranks 2, 3 and 4: 1/2, 2/3 and 3/4.
    precision = retrieval.context_precision(ranked, [[A], [B]], 10)
    assert precision == pytest.approx((1 / 2 + 2 / 3 + 3 / 4) / 3)
    assert retrieval.context_precision(ranked, [[("other", 0, 1)]], 10) == 0


def test_characters_count_once_and_the_best_covered_place_counts() -> None:
    passages = [("doc", 0, 6), ("doc", 4, 8), ("doc", 100, 110)]
    assert retrieval.shared_characters(passages, [[A], [B]]) == (8, 18, 20)
    assert retrieval.character_recall(passages, [[A]]) == 0.8
    assert retrieval.character_iou(passages, [[A]]) == 8 / 20
    assert retrieval.character_recall(passages, [[B, A]]) == 0.8
    assert retrieval.character_recall(passages, [[]]) == 0
    assert retrieval.character_recall(passages, []) is None


@settings(deadline=None)
@given(spots, st.lists(spots, max_size=3))
def test_retrieval_figures_stay_in_their_range(
    ranked: list[Spot], pieces: list[list[Spot]]
) -> None:
    ranks = retrieval.first_ranks(ranked, pieces)
    values = [f(ranks, 5) for f in (retrieval.recall, retrieval.ndcg, retrieval.reciprocal_rank)]
    values += [retrieval.context_precision(ranked, pieces, 5)]
    values += [retrieval.character_recall(ranked, pieces), retrieval.character_iou(ranked, pieces)]
    for value in values:
        assert (value is None) == (not pieces)
        assert value is None or 0 <= value <= 1
    if pieces and all(pieces):
        everything = [spot for places in pieces for spot in places]
        assert retrieval.character_recall(everything, pieces) == 1


def test_words_of_answers() -> None:
    assert exact_match("The 330 Metres.", ["330 metres"]) == 1
    assert exact_match("It is 330 metres", ["330 metres"]) == 0
    assert token_f1("It is 330 metres", ["330 metres"]) == pytest.approx(2 * 0.5 / 1.5)
    assert token_f1("", ["330 metres"]) == 0
    assert token_f1("330 330", ["330 metres"]) == 0.5, "a repeated word is shared once"


def test_nuggets() -> None:
    both = replace(
        CASE,
        kind="two_document",
        evidence=(Evidence("a", "It is 330 metres high, of 1921."), Evidence("b", "since 1921")),
    )
    assert nuggets(both, "330 metres, 1921") == Nuggets(1, 1)
    assert nuggets(both, "In 1921.") == Nuggets(0.5, 0.75)
    either = replace(both, kind="single_fact")
    assert nuggets(either, "In 1921.") == Nuggets(0, (0.5 + 0.5) / 1.5)
    unnamed = replace(both, evidence=(Evidence("a", "not in there"),))
    assert nuggets(unnamed, "330 metres") == Nuggets(0, 0.5)
    assert nuggets(CASE, "x") is None


def grounded(
    claim: Claim, known: dict[tuple[str, ...], float], contexts: tuple[str, ...] = ()
) -> Grounds:
    return ground(claim, contexts, lambda _, t: known.get(t, 0.0), 0.5, lambda s, q: s == q)


def test_citations_as_alce_judges_them() -> None:
    two = Claim("s", (A, B), ("one", "two"))
    assert grounded(two, {("one", "two"): 0.9}).precise == 2, "neither does alone"
    one_enough = grounded(two, {("one", "two"): 0.9, ("one",): 0.9})
    assert (one_enough.supported, one_enough.precise, one_enough.citations) == (True, 1, 2)
    lost = grounded(two, {("one",): 0.9})
    assert (lost.supported, lost.precise) == (False, 0), "unsupported: no good citation"
    bare = grounded(Claim("s", (), ()), {("ctx",): 0.9}, ("ctx",))
    assert (bare.supported, bare.faithful, bare.citations) == (False, True, 0)
    assert grounded(Claim("s", (A,), ("s",)), {("s",): 1.0}).verbatim


def test_confidence_curves() -> None:
    sure, wrong = [0.9, 0.8, 0.8, 0.1], [False, True, False, True]
    assert risk_coverage(sure, wrong) == [(0.25, 0), (0.75, 1 / 3), (1, 0.5)]
    assert risk_coverage_area(sure, wrong) == pytest.approx(0.5 / 3 + 0.25 * 0.5)
    assert risk_coverage_area([], []) is None
    assert calibration_error([1.0, 1.0, 0.0], [True, True, False]) == 0
    assert calibration_error([1.0, 0.0], [False, True]) == 1
    assert [size for _, _, size in reliability([0.5] * 25, [True] * 25)].count(0) == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_curves_cover_everything(rows: list[tuple[float, bool]]) -> None:
    sure, wrong = [c for c, _ in rows], [w for _, w in rows]
    points = risk_coverage(sure, wrong)
    assert points[-1] == (1, pytest.approx(sum(wrong) / len(rows)))
    assert sum(size for _, _, size in reliability(sure, wrong)) == len(rows)
    assert 0 <= (calibration_error(sure, wrong) or 0) <= 1


def said(status: str = "answered", **fields: object) -> Response:
    return replace(Response(status, 0.5), **fields)  # type: ignore[arg-type]


def parts(case: Case, one: Response) -> dict[str, tuple[float, float]]:
    pieces = [Piece("f", "q", "found", (A,), True)] if case.answerable else []
    supports = lambda _, texts: 0.9 if texts == ("q",) else 0.0  # noqa: E731
    return dict(score_case(case, pieces, one, supports, 0.5).parts)


KNOWN = replace(CASE, evidence=(Evidence("f", "330 metres, 1921"),))
FAR = replace(CASE, kind="unanswerable_far", answerable=False, answers=())


@pytest.mark.parametrize("case", [KNOWN, FAR])
def test_a_failure_is_the_worst_in_every_figure_it_is_asked_for(case: Case) -> None:
    failed = parts(case, said("failed"))
    for measure in MEASURES:
        if measure.about in ("all", "answerable" if case.answerable else "unanswerable"):
            num, den = failed[measure.name]
            assert den == 1 and num == (0 if measure.better > 0 else 1), measure.name
        else:
            assert measure.name not in failed


def test_declining_adds_no_sentences_and_raises_nothing() -> None:
    declined = parts(KNOWN, said("declined", passages=(A,)))
    assert declined["right"] == (0, 1) and declined["over_refusal"] == (1, 1)
    assert declined["refusal_precision"] == (0, 1) and declined["recall@10"] == (1, 1)
    assert not {"citation_recall", "faithfulness", "exact_quotes", "span_f1"} & declined.keys()
    assert declined["token_f1"] == (0, 1) and declined["relevance"] == (0.5, 1)
    rightly = parts(FAR, said("declined"))
    assert rightly["right"] == (1, 1) and rightly["refusal_precision"] == (1, 1)
    anyway = parts(FAR, said("answered", text="x", cited=(A,)))
    assert anyway["hallucination_rate"] == (1, 1) and anyway["span_f1"] == (0, 10)


def row(answerable: bool, status: str = "answered", **known: tuple[float, float]) -> Scored:
    return Scored(
        known, {"bm25": {"right": (0.0, 1.0)}}, f"c{len(known)}", answerable, status, False
    )


def test_a_figure_carries_what_became_of_every_question() -> None:
    rows = [
        row(True, right=(1, 1), over_refusal=(0, 1)),
        row(True, "declined", right=(0, 1), over_refusal=(1, 1)),
        row(False, "failed", right=(0, 1)),
        row(False, "declined", right=(1, 1)),
    ]
    right = make_figure(BY_NAME["right"], rows, 0)
    assert (right.value, right.asked, right.scored, right.failed, right.declined) == (
        0.5,
        4,
        4,
        1,
        2,
    )
    assert right.anchors == {"bm25": 0}
    over = make_figure(BY_NAME["over_refusal"], rows, 0)
    assert (over.value, over.asked, over.failed) == (0.5, 2, 0)
    nothing = make_figure(BY_NAME["span_f1"], rows, 0)
    assert (nothing.value, nothing.low, nothing.scored, nothing.asked) == (None, None, 0, 4)


def answer(status: str) -> Answer:
    return Answer("?", "?", status, "", (), (), (), 0.5, "test", {}, 1)  # type: ignore[arg-type]


Fate = tuple[Piece, bool, int | None]


def why(kind: str = "single_fact", status: str = "answered", *pieces: Fate, **known: bool) -> str:
    facts = {"right": False, "grounded": True, "cited": True} | known
    case = replace(CASE, kind=kind, answerable=bool(pieces))
    record = Record(
        "a", None if status == "failed" else answer(status), 0.1, deep=tuple(d for *_, d in pieces)
    )
    found = [f for _, f, _ in pieces]
    return cause_of(case, [p for p, *_ in pieces], record, found, **facts)


def test_one_cause_a_question() -> None:
    there = Piece("f", "q", "found", (A,), True)
    cut = replace(there, held=False)
    gone, lost = Piece("f", "q", "no_source"), Piece("f", "q", "no_text")
    single = "single_fact", "answered"
    seen = [
        why(*single, (there, True, 0), right=True),
        why("single_fact", "failed", (there, False, None)),
        why(*single, (gone, False, 0)),
        why(*single, (lost, False, 0)),
        why(*single, (cut, False, None)),
        why(*single, (there, False, None)),
        why(*single, (there, False, 40)),
        why("single_fact", "declined", (there, True, 0)),
        why(*single, (there, True, 0)),
        why(*single, (there, True, 0), right=True, grounded=False),
        why(*single, (there, True, 0), right=True, cited=False),
        why(*single),
    ]
    assert seen == list(CAUSES)
    assert why("unanswerable_near", "declined", right=True) == "correct"
    # One of two pieces is enough, unless the answer stands on both.
    two = (there, True, 0), (gone, False, 0)
    assert why("single_fact", "declined", *two) == "wrong decline"
    assert why("two_document", "declined", *two) == "not in corpus"
