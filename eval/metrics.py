"""What is measured, as pure functions: no model, no index, no state.

A share over nothing is None and printed as ``-``; nothing here returns NaN. A question that failed
is not left out: the caller hands it in with the worst value.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """``text`` in lower case, without ASCII punctuation, articles and surplus white space.

    Source: ``normalize_answer`` of the official SQuAD evaluation script (Rajpurkar et al. 2016,
    arXiv 1606.05250), in its order: lower, punctuation, articles, white space.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def contains_answer(text: str, answers: Iterable[str]) -> bool:
    """Whether a gold answer occurs in ``text`` as whole words, both normalised as SQuAD does.

    Source: ``has_answer`` of DrQA (Chen et al. 2017, arXiv 1704.00051). Whole words, so that "no"
    is not found in "know". An answer that normalises to nothing is found nowhere.
    """
    hay = f" {normalize_answer(text)} "
    return any(needle and f" {needle} " in hay for needle in map(normalize_answer, answers))


def ndcg_at_k(ranked: Sequence[Hashable], gold: Collection[Hashable], k: int) -> float | None:
    """DCG@k / ideal DCG@k, DCG = sum over ranks i of gain_i / log2(i + 1), gain 1 if gold else 0.

    Source: Järvelin and Kekäläinen 2002, as trec_eval's ``ndcg_cut`` with binary gains.
    None when nothing is gold.
    """
    dcg = sum(1 / math.log2(i + 1) for i, item in _top(ranked, k) if item in gold)
    return ratio(dcg, sum(1 / math.log2(i + 1) for i in range(1, min(len(set(gold)), k) + 1)))


def recall_at_k(ranked: Sequence[Hashable], gold: Collection[Hashable], k: int) -> float | None:
    """|gold in the first k| / |gold|. Source: trec_eval's ``recall``. None when nothing is gold."""
    return ratio(sum(item in gold for _, item in _top(ranked, k)), len(set(gold)))


def mrr_at_k(ranked: Sequence[Hashable], gold: Collection[Hashable], k: int) -> float | None:
    """1 / rank of the first gold item within the first k, else 0.

    Source: reciprocal rank, Voorhees 1999 (TREC-8 QA). None when nothing is gold.
    """
    first = next((i for i, item in _top(ranked, k) if item in gold), None)
    return None if not gold else 1 / first if first else 0.0


def all_gold_at_k(ranked: Sequence[Hashable], gold: Collection[Hashable], k: int) -> float | None:
    """1 if every gold item is in the first k, else 0: what a question of several hops needs.

    None when nothing is gold.
    """
    return float(set(gold) <= set(ranked[:k])) if gold else None


def auroc(positive: Collection[float], negative: Collection[float]) -> float | None:
    """The chance that a random positive scores above a random negative, a tie counting half.

    (R - p(p + 1)/2) / (p * n), where R is the sum of the positives' ranks among all p + n scores
    and ties share their mean rank. Source: Mann and Whitney 1947; Hanley and McNeil 1982.
    None when either side is empty.
    """
    p, n = len(positive), len(negative)
    labelled = sorted([(s, True) for s in positive] + [(s, False) for s in negative])
    rank_sum, below = 0.0, 0
    for _, group in groupby(labelled, key=lambda pair: pair[0]):
        labels = [label for _, label in group]
        rank_sum += sum(labels) * (below + (len(labels) + 1) / 2)
        below += len(labels)
    return ratio(rank_sum - p * (p + 1) / 2, p * n)


def refusal_precision(refused: Sequence[bool], answerable: Sequence[bool]) -> float | None:
    """Refused and unanswerable / refused.

    None when nothing was refused.
    """
    right = sum(r and not a for r, a in zip(refused, answerable, strict=True))
    return ratio(right, sum(refused))


def refusal_recall(refused: Sequence[bool], answerable: Sequence[bool]) -> float | None:
    """Refused and unanswerable / unanswerable; 1 - NoMIRACL's hallucination rate (2312.11361).

    None when everything is answerable.
    """
    right = sum(r and not a for r, a in zip(refused, answerable, strict=True))
    return ratio(right, len(answerable) - sum(answerable))


def over_refusal(refused: Sequence[bool], answerable: Sequence[bool]) -> float | None:
    """Refused and answerable / answerable; NoMIRACL's error rate (2312.11361).

    None when nothing is answerable.
    """
    wrong = sum(r and a for r, a in zip(refused, answerable, strict=True))
    return ratio(wrong, sum(answerable))


@dataclass(frozen=True, slots=True)
class Refusal:
    """How well declining tells what cannot be answered; ``auroc`` is that of the confidence."""

    auroc: float | None
    precision: float | None
    recall: float | None
    over_refusal: float | None


def refusal(
    refused: Sequence[bool], answerable: Sequence[bool], confidence: Sequence[float]
) -> Refusal:
    """All four figures over the same questions; see the functions of their names."""
    pairs = list(zip(confidence, answerable, strict=True))
    return Refusal(
        auroc=auroc([c for c, a in pairs if a], [c for c, a in pairs if not a]),
        precision=refusal_precision(refused, answerable),
        recall=refusal_recall(refused, answerable),
        over_refusal=over_refusal(refused, answerable),
    )


def percentile(values: Collection[float], q: float) -> float | None:
    """The value below which ``q`` percent lie: x[h] at h = (n - 1) * q / 100, linear in between.

    Source: Hyndman and Fan 1996, type 7 (the default of NumPy). None without values.
    """
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * q / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def mean(values: Iterable[float | None]) -> float | None:
    """Sum / number of the values that exist. None when there are none."""
    known = [value for value in values if value is not None]
    return ratio(sum(known), len(known))


def ratio(part: float, whole: float) -> float | None:
    """``part / whole``, None when the whole is 0."""
    return part / whole if whole else None


def shown(value: float | None, decimals: int = 3) -> str:
    """A figure as it is printed: ``0.712``, or ``-`` for a share over nothing."""
    return "-" if value is None else f"{value:.{decimals}f}"


def _top(ranked: Sequence[Hashable], k: int) -> list[tuple[int, Hashable]]:
    """The first k items with their ranks; a repeated item keeps its first rank only."""
    seen: set[Hashable] = set()
    top = []
    for i, item in enumerate(ranked[:k], 1):
        if item not in seen:
            seen.add(item)
            top.append((i, item))
    return top
