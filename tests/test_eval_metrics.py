"""Every metric against values worked out by hand, and what must hold for any input."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import retrieval_metrics as retrieval
from eval.metrics import (
    auroc,
    contains_answer,
    mean,
    normalize_answer,
    percentile,
    ratio,
    refusal,
    shown,
)

Metric = Callable[..., float | None]


def of_documents(metric: Metric) -> Metric:
    """A figure of ranked documents and the gold ones among them."""
    return lambda ranked, gold, k: metric(retrieval.document_ranks(ranked, gold), k)


def above(positive: list[float], negative: list[float]) -> float | None:
    """How often the first are above the others."""
    labels = [True] * len(positive) + [False] * len(negative)
    return auroc([*positive, *negative], labels)


ndcg_at_k = of_documents(retrieval.ndcg)
recall_at_k = of_documents(retrieval.recall)
mrr_at_k = of_documents(retrieval.reciprocal_rank)
all_gold_at_k = of_documents(retrieval.all_gold)
SCORES = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=30)
RANKED = st.lists(st.integers(0, 9), unique=True)
GOLD = st.sets(st.integers(0, 9))
RETRIEVAL = [ndcg_at_k, recall_at_k, mrr_at_k, all_gold_at_k]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Cat, a dog\nand AN ape!", "cat dog and ape"),
        ("$1 billion", "1 billion"),
        ("128,000 tokens", "128000 tokens"),
        ("theatre another", "theatre another"),
        ("the", ""),
        ("", ""),
        ("don't", "dont"),
    ],
)
def test_normalize_answer(text: str, expected: str) -> None:
    assert normalize_answer(text) == expected


@given(st.text())
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    once = normalize_answer(text)
    assert normalize_answer(once) == once


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        ("They paid $1 billion on 22 July 2019.", ["1 Billion"], True),
        ("They paid it on 22 July 2019.", ["1 billion", "the 22 July 2019"], True),
        ("I know this", ["no"], False),
        ("In 2012 it rose", ["12"], False),
        ("The answer", ["the", "!"], False),
        ("anything", [], False),
        ("", ["x"], False),
    ],
)
def test_contains_answer(text: str, answers: list[str], expected: bool) -> None:
    assert contains_answer(text, answers) is expected


def test_ndcg_by_hand() -> None:
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg_at_k(["a", "x", "b"], {"a", "b", "c"}, 3) == pytest.approx(1.5 / ideal)
    assert ndcg_at_k(["x", "a"], {"a"}, 10) == pytest.approx(0.63093, abs=1e-5)
    assert ndcg_at_k(["x", "a"], {"a"}, 1) == 0.0
    # Of three gold items only two can be among the first two.
    assert ndcg_at_k(["a", "b"], {"a", "b", "c"}, 2) == 1.0
    assert ndcg_at_k(["a", "a"], {"a", "b"}, 2) == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_recall_mrr_and_all_gold_by_hand() -> None:
    ranked, gold = ["x", "a", "y", "b"], {"a", "b", "c"}
    assert recall_at_k(ranked, gold, 4) == pytest.approx(2 / 3)
    assert recall_at_k(ranked, gold, 3) == pytest.approx(1 / 3)
    assert mrr_at_k(ranked, gold, 4) == 0.5
    assert mrr_at_k(ranked, gold, 1) == 0.0
    assert all_gold_at_k(ranked, gold, 4) == 0.0
    assert all_gold_at_k(ranked, {"a", "b"}, 4) == 1.0
    assert all_gold_at_k(ranked, {"a", "b"}, 3) == 0.0


@pytest.mark.parametrize("metric", RETRIEVAL)
def test_nothing_gold_is_none(metric: Callable[..., float | None]) -> None:
    assert metric(["a"], set(), 10) is None


@pytest.mark.parametrize("metric", RETRIEVAL)
@given(ranked=RANKED, gold=GOLD.filter(bool), k=st.integers(1, 12))
def test_retrieval_is_a_share_and_one_when_perfect(
    metric: Callable[..., float], ranked: list[int], gold: set[int], k: int
) -> None:
    assert 0 <= metric(ranked, gold, k) <= 1
    perfect = [*sorted(gold), *(i for i in ranked if i not in gold)]
    assert metric(perfect, gold, max(k, len(gold))) == pytest.approx(1)


@given(ranked=RANKED, gold=GOLD.filter(bool), k=st.integers(1, 12))
def test_recall_grows_with_k(ranked: list[int], gold: set[int], k: int) -> None:
    lower, higher = recall_at_k(ranked, gold, k), recall_at_k(ranked, gold, k + 1)
    assert lower is not None and higher is not None and lower <= higher


def test_auroc_by_hand() -> None:
    assert above([0.9, 0.8], [0.1]) == 1.0
    assert above([0.1], [0.9, 0.8]) == 0.0
    assert above([0.5], [0.5]) == 0.5
    # Pairs: .8>.5, .8>.3, .5=.5, .5>.3 make 3.5 of 4.
    assert above([0.8, 0.5], [0.5, 0.3]) == 3.5 / 4
    assert above([], [0.5]) is None
    assert above([0.5], []) is None


@given(SCORES, SCORES)
def test_auroc_is_the_share_of_ordered_pairs(positive: list[float], negative: list[float]) -> None:
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert above(positive, negative) == pytest.approx(sum(pairs) / len(pairs))


@given(SCORES, SCORES)
def test_auroc_of_negated_or_swapped_scores_is_the_complement(
    positive: list[float], negative: list[float]
) -> None:
    value = above(positive, negative)
    assert value is not None
    assert above([-s for s in positive], [-s for s in negative]) == pytest.approx(1 - value)
    assert above(negative, positive) == pytest.approx(1 - value)


def test_refusal_by_hand() -> None:
    answerable = [True, True, True, True, False, False]
    refused = [True, False, False, False, True, False]
    figures = refusal(refused, answerable, [0.2, 0.9, 0.9, 0.9, 0.1, 0.9])
    # Of 4 x 2 pairs: 4 beat .1; .2 loses to .9, three tie with it.
    assert figures.auroc == (4 + 1.5) / 8
    assert (figures.precision, figures.recall, figures.over_refusal) == (0.5, 0.5, 0.25)


def test_refusal_over_nothing_is_none() -> None:
    assert refusal([False], [False], [0.5]).precision is None
    assert refusal([True], [True], [0.5]).recall is None
    assert refusal([True], [False], [0.5]).over_refusal is None
    empty = refusal([], [], [])
    assert (empty.auroc, empty.precision, empty.recall, empty.over_refusal) == (None,) * 4


def test_percentile_by_hand() -> None:
    assert percentile([4, 1, 3, 2], 50) == 2.5
    assert percentile([1, 2, 3, 4, 5], 95) == pytest.approx(4.8)
    assert percentile([7], 95) == 7
    assert percentile([], 50) is None


@given(SCORES, st.floats(0, 100))
def test_a_percentile_lies_between_the_extremes(values: list[float], q: float) -> None:
    value = percentile(values, q)
    assert value is not None and min(values) - 1e-9 <= value <= max(values) + 1e-9


def test_means_and_ratios_over_nothing() -> None:
    assert mean([1.0, None, 0.0]) == 0.5
    assert mean([None]) is None and mean([]) is None
    assert ratio(0, 0) is None and ratio(1, 2) == 0.5
    assert shown(None) == "-" and shown(0.12345) == "0.123" and shown(2.0, 1) == "2.0"
