"""What is measured, as pure functions: no model, no index, no state.

A share over nothing is None and printed as ``-``; nothing here returns NaN. A question that failed
is not left out: the caller hands it in with the worst value.
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

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


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float | None:
    """The chance that a random positive scores above a random negative, a tie counting half.

    (R - p(p + 1)/2) / (p * n), where R is the sum of the positives' ranks among all p + n scores
    and ties share their mean rank. Source: Mann and Whitney 1947; Hanley and McNeil 1982.
    None when all labels are the same.
    """
    p, n = sum(labels), len(labels) - sum(labels)
    rank_sum, below = 0.0, 0
    for _, group in groupby(sorted(zip(scores, labels, strict=True)), key=lambda pair: pair[0]):
        tied = [label for _, label in group]
        rank_sum += sum(tied) * (below + (len(tied) + 1) / 2)
        below += len(tied)
    return ratio(rank_sum - p * (p + 1) / 2, p * n)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How well declining tells what cannot be answered; each is None where it is over nothing.

    ``auroc`` is that of the confidence, answerable questions above others. ``precision`` = refused
    and unanswerable / refused; ``recall`` = refused and unanswerable / unanswerable, 1 - NoMIRACL's
    hallucination rate (2312.11361); ``over_refusal`` = refused and answerable / answerable,
    NoMIRACL's error rate.
    """

    auroc: float | None
    precision: float | None
    recall: float | None
    over_refusal: float | None


def refusal(
    refused: Sequence[bool], answerable: Sequence[bool], confidence: Sequence[float]
) -> Refusal:
    """All four figures over the same questions."""
    wrong = sum(r and a for r, a in zip(refused, answerable, strict=True))
    right = sum(refused) - wrong
    return Refusal(
        auroc=auroc(confidence, answerable),
        precision=ratio(right, sum(refused)),
        recall=ratio(right, len(answerable) - sum(answerable)),
        over_refusal=ratio(wrong, sum(answerable)),
    )


def percentile(values: Collection[float], q: float) -> float | None:
    """The value below which ``q`` percent lie: x[h] at h = (n - 1) * q / 100, linear in between.

    Source: Hyndman and Fan 1996, type 7 (the default of NumPy). None without values.
    """
    return float(np.percentile(list(values), q)) if values else None


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
