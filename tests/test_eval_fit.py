"""The linear models behind answers: what is fitted is what was in the data."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval.bench.fit_select import DECLINED, _shift
from eval.bench.linear import even, listwise, logistic
from eval.bench.select_data import Example, of_others
from ingest.sync import add_texts
from rag.confidence import THRESHOLD
from rag.index import Index
from rag.words import tokens


def test_logistic_regression_finds_the_odds_that_made_the_data() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20_000, 3))
    odds = x @ np.array([2.0, -1.0, 0.0]) + 0.5
    y = (rng.random(len(x)) < 1 / (1 + np.exp(-odds))).astype(float)
    weights, intercept = logistic(x, y, np.ones(len(x)), 0.0)
    assert weights == pytest.approx([2.0, -1.0, 0.0], abs=0.1)
    assert intercept == pytest.approx(0.5, abs=0.1)
    strict, _ = logistic(x, y, np.ones(len(x)), 1.0)
    assert np.abs(strict).sum() < np.abs(weights).sum()


def test_the_rows_that_are_right_come_first_in_their_list() -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(2, 9, 300).tolist()
    x = rng.normal(size=(sum(sizes), 2))
    starts = np.cumsum([0, *sizes[:-1]])
    best = [
        start + int(np.argmax(x[start : start + n, 0]))
        for start, n in zip(starts, sizes, strict=True)
    ]
    good = np.zeros(len(x))
    good[best] = 1.0
    weights = listwise(x, good, sizes, np.full(len(sizes), 1 / len(sizes)))
    assert weights[0] > 3 * abs(weights[1])
    scores = x @ weights
    found = [
        start + int(np.argmax(scores[start : start + n]))
        for start, n in zip(starts, sizes, strict=True)
    ]
    assert np.mean(np.array(found) == np.array(best)) > 0.95


def test_both_kinds_count_the_same() -> None:
    weights = even([True, True, True, False], 2.0)
    assert weights.sum() == pytest.approx(2.0)
    assert weights[3] == pytest.approx(weights[:3].sum())


def test_the_threshold_declines_the_share_that_is_asked_for() -> None:
    rng = np.random.default_rng(3)
    odds = [rng.normal(1.0, 1.0, 4000), rng.normal(3.0, 2.0, 4000)]
    lengths = [rng.uniform(0.0, 0.4, 4000), rng.uniform(0.6, 1.0, 4000)]
    everywhere, long = _shift(odds, lengths)
    threshold = math.log(THRESHOLD / (1 - THRESHOLD))
    for o, n, share in zip(odds, lengths, DECLINED, strict=True):
        assert np.mean(o + everywhere + long * n < threshold) == pytest.approx(share, abs=0.002)


def test_what_is_asked_of_others_is_in_none_of_the_passages(index: Index) -> None:
    texts = ["Norvik was founded by Ada Holm in 1961.", "In 1988 Jo Pike led the Harrow works."]
    add_texts(index, [(str(n), str(n), text) for n, text in enumerate(texts)])
    examples = []
    for question in ("Who founded Norvik in 1961?", "What did the works of Jo Pike make?", "Why?"):
        passages = index.search(question)[:1]
        examples.append(
            Example(question, passages, {}, [], True, None, question, index.library.idf)
        )
    found = of_others(examples, index)
    asked = [e.question for e in examples]
    assert found
    for own, other in zip(found[::2], found[1::2], strict=True):
        assert own.question in asked
        assert not other.answerable
        new = {t.stem for t in tokens(other.question)} - {t.stem for t in tokens(own.question)}
        assert new
        held = {t.stem for p in own.passages for t in tokens(p.chunk.text)}
        assert not new & held
        assert set(other.openings) == {p.source.id for p in other.passages}
