"""Intervals, paired changes and agreement, against what is known of them."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.annotate import Annotation, agreement
from eval.grounding_metrics import Grounds
from eval.ruler import accuracy_of, corrected_groundedness, verifier_accuracy
from eval.stats import (
    interval,
    kappa,
    paired_change,
    rogan_gladen,
    statistic_interval,
)

ratios = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda t: (float(min(t)), float(max(t)))),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=40)
@given(ratios, st.integers(1, 5))
def test_an_interval_holds_its_value(parts: list[tuple[float, float]], size: int) -> None:
    clusters = [i // size for i in range(len(parts))]
    found = interval(parts, clusters, seed=1)
    whole = sum(den for _, den in parts)
    if not whole:
        assert found.value is None and found.low is None
        return
    assert found.value == pytest.approx(sum(num for num, _ in parts) / whole)
    if found.low is not None and found.high is not None:
        assert 0 <= found.low <= found.value + 1e-9 and found.value - 1e-9 <= found.high <= 1


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = random.Random(3)
    covered = 0
    for trial in range(200):
        parts = [(float(rng.random() < 0.7), 1.0) for _ in range(80)]
        found = interval(parts, range(80), seed=trial)
        assert found.low is not None and found.high is not None
        covered += found.low <= 0.7 <= found.high
    assert 180 <= covered <= 199


def test_clusters_that_agree_widen_the_interval() -> None:
    parts = [(float(i % 2), 1.0) for i in range(100)]
    alone = interval(parts, range(100), seed=1)
    together = interval(parts, [(i % 2, i // 20) for i in range(100)], seed=1)
    assert alone.low and alone.high and together.low is not None and together.high
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_all_right_is_not_sure_to_be_always_right() -> None:
    found = interval([(1.0, 1.0)] * 10, range(10), seed=1)
    assert found.high == 1 and found.low == pytest.approx(0.025 ** (1 / 10))
    assert interval([(1.0, 1.0)] * 10, [0] * 10, seed=1).low is None, "one document tells nothing"
    none = interval([(0.0, 1.0)] * 10, range(10), seed=1)
    assert none.low == 0 and none.high == pytest.approx(1 - 0.025 ** (1 / 10))


def test_a_paired_change_sees_what_unpaired_noise_would_hide() -> None:
    rng = random.Random(5)
    before = [(float(rng.random() < 0.5), 1.0) for _ in range(200)]
    after = [(0.0 if i % 15 == 0 else num, den) for i, (num, den) in enumerate(before)]
    lost = paired_change(before, after, range(200), 0, 0.025)
    assert lost.change and lost.change < 0 and lost.high is not None and lost.high < 0
    assert lost.p is not None and lost.p < 0.05
    same = paired_change(before, before, range(200), 0, 0.025)
    assert (same.change, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert same.visible == 6 / 200, "six of a kind are the fewest that luck seldom makes"


def test_less_is_better_where_it_is() -> None:
    before = [(0.0, 1.0)] * 40
    after = [(1.0, 1.0)] * 20 + [(0.0, 1.0)] * 20
    worse = paired_change(before, after, range(40), 0, 0.025, better=-1)
    assert worse.p is not None and worse.p < 0.001
    better = paired_change(before, after, range(40), 0, 0.025, better=1)
    assert better.p == pytest.approx(1)


def test_nothing_to_compare_is_nothing() -> None:
    empty = paired_change([(0.0, 0.0)], [(1.0, 1.0)], [0], 0, 0.025)
    assert (empty.before, empty.after, empty.change, empty.p) == (None, 1, None, None)


def test_statistics_of_rows() -> None:
    values = [0.0, 1.0] * 50
    found = statistic_interval(lambda rows: float(np.mean(rows)), values, range(100), 1)
    assert found.value == 0.5 and found.low and found.high
    assert 0.35 < found.low < 0.45 and 0.55 < found.high < 0.65
    assert statistic_interval(lambda rows: None, values[:3], range(3), 1).value is None


def test_kappa() -> None:
    yes, no = [True] * 20 + [False] * 5, [True] * 20 + [False] * 5
    assert kappa(yes, no) == 1
    # Cohen's example of 50 proposals: 20 both, 5 and 10 one only, 15 neither.
    a = [True] * 25 + [False] * 25
    b = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    assert kappa(a, b) == pytest.approx(0.4)
    assert kappa([], []) is None and kappa([True], [True]) is None


def test_rogan_gladen_takes_back_what_a_test_gets_wrong() -> None:
    truth, se, sp = 0.6, 0.8, 0.7
    seen = truth * se + (1 - truth) * (1 - sp)
    found = rogan_gladen(np.array([seen]), np.array([se]), np.array([sp]))
    assert found[0] == pytest.approx(truth)
    assert rogan_gladen(np.array([0.1]), np.array([0.9]), np.array([0.8]))[0] == 0
    assert np.isnan(rogan_gladen(np.array([0.5]), np.array([0.5]), np.array([0.5]))[0])


def test_groundedness_is_corrected_only_where_the_verifier_judges() -> None:
    *sets, everything = verifier_accuracy()
    assert everything.n == sum(one.n for one in sets)
    for one in (*sets, everything):
        for share in (one.sensitivity, one.specificity, one.balanced):
            assert share.low and share.high and share.value
            assert share.low < share.value < share.high
    quoted = corrected_groundedness([1] * 5, [(0, 0)] * 5, [False] * 5, range(5), everything, 0)
    assert (quoted.value, quoted.high) == (1, 1)
    assert quoted.low == pytest.approx(0.025 ** (1 / 5)), "five questions are not all there are"
    mixed = corrected_groundedness([1] * 40, [(3, 4)] * 40, [False] * 40, range(40), everything, 0)
    assert mixed.value and mixed.low and mixed.high
    se, sp = everything.sensitivity.value, everything.specificity.value
    assert se and sp
    assert mixed.value == pytest.approx((40 + 160 * min(1, (0.75 + sp - 1) / (se + sp - 1))) / 200)
    assert mixed.low < mixed.value <= mixed.high <= 1
    nothing = corrected_groundedness([0], [(0, 0)], [False], [0], everything, 0)
    assert nothing.value is None


def test_a_judge_that_may_be_no_better_than_chance_tells_little() -> None:
    few = accuracy_of("few", 3, 3, 2, 2, 0)
    found = corrected_groundedness([1] * 40, [(3, 4)] * 40, [False] * 40, range(40), few, 0)
    assert (found.value, found.low, found.high) == (1, 0.2, 1), "only the verbatim fifth is sure"
    useless = accuracy_of("coin", 10, 10, 5, 5, 0)
    none = corrected_groundedness([1] * 9, [(3, 4)] * 9, [False] * 9, range(9), useless, 0)
    assert none.value is None
    half = accuracy_of("half", 4, 0, 3, 0, 0)
    assert (half.sensitivity.value, half.specificity.value, half.balanced.value) == (
        0.75,
        None,
        None,
    )
    assert (half.n, half.right) == (4, 3)
    whole = accuracy_of("whole", 5, 5, 5, 0, 0)
    assert (whole.sensitivity.value, whole.sensitivity.high) == (1, 1)
    assert (whole.specificity.value, whole.specificity.low) == (0, 0)
    assert corrected_groundedness([0], [(1, 1)], [False], [0], half, 0).value is None
    quoted = corrected_groundedness([2, 0], [(0, 0)] * 2, [False, True], range(2), half, 0)
    assert quoted.value == 2 / 3, "a question that failed is a sentence that is not supported"


def test_people_and_verifier() -> None:
    def found(supported: bool) -> Grounds:
        return Grounds(0.9, supported, False, supported, 0, 1)

    grounds = {f"c{i}": [found(True), found(i % 2 == 0)] for i in range(10)}
    said = [Annotation(f"c{i}", 0, True) for i in range(10)]
    said += [Annotation(f"c{i}", 1, i < 6) for i in range(10)]
    result = agreement([*said, Annotation("gone", 0, True), Annotation("c1", 9, True)], grounds)
    assert result and result.n == 20
    counts = (result.both, result.verifier_only, result.people_only, result.neither)
    assert counts == (13, 2, 3, 2) and sum(counts) == 20
    assert result.agreed.value == 0.75
    assert result.kappa.value == pytest.approx((0.75 - 0.65) / (1 - 0.65))
    assert result.kappa.low is not None and result.kappa.low < result.kappa.value
    assert agreement([], grounds) is None
