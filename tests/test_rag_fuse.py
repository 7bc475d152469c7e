"""Fusing two scores into one order, and leaving repetitions out of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.fuse import DENSE_WEIGHT, RARE_TERMS, fuse, lexical_trust, near_duplicates
from rag.retrieve import COVERED, by_coverage
from rag.types import Chunk, Passage, Source, Span

REPORT = (
    "Revenue of the company for the fiscal year 2022 was 81 billion dollars, an increase over the "
    "previous year that came from automotive sales, services and energy storage."
)


def test_fused_score_is_the_weighted_sum() -> None:
    fused = fuse([0.8, 0.2, 0.5], [0.0, 12.0, 6.0])
    w = DENSE_WEIGHT
    assert fused == pytest.approx([w * 0.8, w * 0.2 + (1 - w), w * 0.5 + (1 - w) / 2])


def test_poor_candidates_change_no_score() -> None:
    few = fuse([0.8, 0.5], [3.0, 9.0])
    many = fuse([0.8, 0.5, -0.1, 0.0], [3.0, 9.0, 0.0, 0.1])
    assert many[:2] == pytest.approx(few)


def test_passages_without_a_vector_are_ordered_by_their_words() -> None:
    fused = fuse([np.nan, np.nan, 0.6, 0.4], [9.0, 3.0, 9.0, 3.0])
    assert fused[2] > fused[0] > fused[1] > fused[3]
    assert list(np.argsort(-fuse([np.nan, np.nan], [1.0, 2.0]))) == [1, 0]


def test_no_word_in_common_leaves_the_cosine_to_decide() -> None:
    assert list(np.argsort(-fuse([0.1, 0.7, 0.3], [0.0, 0.0, 0.0]))) == [1, 2, 0]


def test_nothing_fuses_to_nothing() -> None:
    assert fuse([], []).shape == (0,)


@given(
    st.lists(
        st.tuples(
            st.floats(-1, 1) | st.just(float("nan")), st.floats(0, 1e6, allow_subnormal=False)
        ),
        min_size=1,
    )
)
def test_scores_are_in_the_unit_interval(pairs: list[tuple[float, float]]) -> None:
    fused = fuse([c for c, _ in pairs], [b for _, b in pairs])
    assert fused.shape == (len(pairs),)
    assert ((fused >= 0) & (fused <= 1)).all()


def test_a_repeated_text_gives_its_place_to_the_next() -> None:
    ranked = [(3, REPORT), (8, REPORT.upper() + " "), (1, "Something else."), (2, "A third text.")]
    assert near_duplicates(ranked, 3) == {3: [8], 1: [], 2: []}


def test_a_slightly_edited_text_is_a_repetition() -> None:
    edited = REPORT.replace("an increase", "a rise").replace("81 ", "")
    assert near_duplicates([(1, REPORT), (2, edited)], 5) == {1: [2]}


def test_another_number_makes_another_fact() -> None:
    next_year = REPORT.replace("2022", "2023").replace("81", "97")
    assert near_duplicates([(1, REPORT), (2, next_year)], 5) == {1: [], 2: []}


def test_at_most_k_are_kept_in_order() -> None:
    ranked = [(n, f"text about subject number{n}") for n in (5, 3, 9, 1)]
    assert list(near_duplicates(ranked, 2)) == [5, 3]
    assert near_duplicates(ranked, 0) == {}
    assert near_duplicates([], 5) == {}


@given(st.lists(st.text()), st.integers(0, 10))
def test_kept_passages_are_a_subsequence(texts: list[str], k: int) -> None:
    groups = near_duplicates(list(enumerate(texts)), k)
    kept = list(groups)
    assert len(kept) <= k
    assert kept == sorted(set(kept))
    assert kept[:1] == ([0] if texts and k else [])
    seen = sorted([*kept, *(copy for copies in groups.values() for copy in copies)])
    assert seen == list(range(len(seen)))


def test_a_match_of_everything_asked_is_trusted_fully() -> None:
    assert lexical_trust(3.0, 3.0, 5.0) == 1.0


def test_a_stray_word_of_a_long_question_is_hardly_trusted() -> None:
    assert lexical_trust(1.0, 10.0, 5.0) == pytest.approx(0.1)


def test_several_rare_words_are_trusted_whatever_else_was_asked() -> None:
    assert lexical_trust(RARE_TERMS * 5.0, 100.0, 5.0) == 1.0


def test_no_words_are_no_match() -> None:
    assert lexical_trust(0.0, 0.0, 5.0) == 0.0


def test_without_trust_only_the_vectors_count() -> None:
    assert fuse([0.2, 0.9], [8.0, 0.0], trust=0.0) == pytest.approx([0.12, 0.54])


def passage(*sentences: str, score: float = 0.5) -> Passage:
    text = " ".join(sentences)
    starts = [text.index(sentence) for sentence in sentences]
    spans = tuple(Span(a, a + len(s)) for a, s in zip(starts, sentences, strict=True))
    source = Source(text[:9], text[:9], "Notes", "", "text/plain", len(text))
    return Passage(
        Chunk(text[:9], text[:9], text, 0, len(text), sentences=spans), source, score, None, 0.0
    )


def test_of_passages_alike_in_score_the_one_with_the_sentence_comes_first() -> None:
    apart = passage("The mill was sold.", "Nobody knows when.", "In Harrow a bridge was built.")
    together = passage("In Harrow the mill was built.", "Nobody knows when.")
    ordered = by_coverage("When was the mill of Harrow built?", [apart, together], lambda _: 1.0)
    assert [p.chunk.text for p in ordered] == [together.chunk.text, apart.chunk.text]


@given(st.text(max_size=40), st.lists(st.floats(0, 1), max_size=COVERED + 4))
def test_scores_stay_scores_and_what_is_far_behind_stays_there(q: str, scores: list[float]) -> None:
    scores = sorted(scores, reverse=True)
    given_passages = [passage(f"{n}: the mill.", score=s) for n, s in enumerate(scores)]
    ordered = by_coverage(q, given_passages, lambda _: 1.0)
    assert all(0 <= p.score <= 1 for p in ordered)
    assert [p.score for p in ordered] == sorted((p.score for p in ordered), reverse=True)
    assert {p.chunk.id for p in ordered} == {p.chunk.id for p in given_passages}
    assert [p.chunk.id for p in ordered[COVERED:]] == [p.chunk.id for p in given_passages[COVERED:]]
