"""From two scores per passage to one list: convex combination, then near-duplicates left out."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

DENSE_WEIGHT = 0.6
RARE_TERMS = 5
NEAR_DUPLICATE = 0.8  # share of distinct words in common; the same text re-published stays above it

_WORD = re.compile(r"\w+")


def lexical_trust(matched: float, asked: float, rarest: float) -> float:
    """How far a query's best lexical match is more than an accident, in [0, 1].

    ``matched`` is the summed IDF of the query terms that the match holds, ``asked`` that of all
    query terms, ``rarest`` the IDF of a term of one chunk. Trusted fully is a match that holds
    everything that was asked, or as much as ``RARE_TERMS`` of the rarest terms: a paraphrase shares
    a stray word with some passage too, and BM25 over its own maximum would give that full weight.
    """
    if asked <= 0 or rarest <= 0:
        return 0.0
    return min(1.0, max(matched / asked, matched / (RARE_TERMS * rarest)))


def fuse(cosine: npt.ArrayLike, bm25: npt.ArrayLike, trust: float = 1.0) -> npt.NDArray[np.float64]:
    """One score in [0, 1] per candidate: ``w * cosine + (1 - w) * trust * bm25 / max(bm25)``.

    ``w`` is ``DENSE_WEIGHT``.

    Both arrays hold the true scores of the same candidates, whichever half found them: ``cosine``
    in [-1, 1] or NaN where there is no vector yet, ``bm25`` at least 0. Candidates without a vector
    are given the mean cosine of the others, so that they are ordered by their words.

    A convex combination of scores (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for
    Hybrid Retrieval", 2023) orders better than reciprocal ranks. The cosine stays as it is and 0 is
    BM25's true floor: no score depends on which poor candidates happen to be in the list.
    """
    dense = np.array(cosine, dtype=np.float64)
    lexical = np.asarray(bm25, dtype=np.float64)
    if dense.size == 0:
        return dense
    missing = np.isnan(dense)
    dense[missing] = 0.0 if missing.all() else dense[~missing].mean()
    top = lexical.max()
    relative = lexical / top if top > 0 else np.zeros_like(lexical)
    fused: npt.NDArray[np.float64] = DENSE_WEIGHT * dense + (1 - DENSE_WEIGHT) * trust * relative
    return np.clip(fused, 0.0, 1.0)


def near_duplicates(ranked: Iterable[tuple[int, str]], k: int) -> dict[int, list[int]]:
    """The numbers of the ``k`` best passages that do not repeat a better one, best first.

    With each come the numbers of those that repeat it and are left out for it. ``ranked`` gives
    (number, text), best first. A text repeats another when the Jaccard similarity of their sets of
    words reaches ``NEAR_DUPLICATE`` and it has no number of its own: two years of the same report
    differ in little else.
    """
    kept: dict[int, list[int]] = {}
    seen: list[tuple[int, frozenset[str], frozenset[str]]] = []
    for number, text in ranked:
        if len(kept) >= k:
            break
        words = frozenset(_WORD.findall(text.casefold()))
        figures = frozenset(word for word in words if any(map(str.isdigit, word)))
        for better, other, other_figures in seen:
            if figures <= other_figures and _jaccard(words, other) >= NEAR_DUPLICATE:
                kept[better].append(number)
                break
        else:
            kept[number] = []
            seen.append((number, words, figures))
    return kept


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    shared = len(a & b)
    union = len(a) + len(b) - shared
    return shared / union if union else 0.0
