"""Whether confidence tells right answers from wrong ones. Pure functions, like ``eval.metrics``."""

from __future__ import annotations

from collections.abc import Sequence

from eval.metrics import ratio

BINS = 10


def risk_coverage(confidence: Sequence[float], wrong: Sequence[bool]) -> list[tuple[float, float]]:
    """For each number of questions answered, surest first: (share answered, share of them wrong).

    Questions of equal confidence come together. Source: El-Yaniv and Wiener 2010.
    """
    pairs = sorted(zip(confidence, wrong, strict=True), key=lambda pair: -pair[0])
    points = []
    errors = 0
    for n, (sure, is_wrong) in enumerate(pairs, 1):
        errors += is_wrong
        if n == len(pairs) or pairs[n][0] != sure:
            points.append((n / len(pairs), errors / n))
    return points


def risk_coverage_area(confidence: Sequence[float], wrong: Sequence[bool]) -> float | None:
    """The mean share of wrong answers over all coverages: smaller is better, 0 is perfect.

    Source: AURC, Geifman, Uziel and El-Yaniv 2019. None without questions.
    """
    area, before = 0.0, 0.0
    for coverage, risk in risk_coverage(confidence, wrong):
        area += (coverage - before) * risk
        before = coverage
    return area if confidence else None


def reliability(
    confidence: Sequence[float], true: Sequence[bool]
) -> list[tuple[float, float, int]]:
    """Ten groups of nearly equal size, least sure first: mean confidence, share true, size.

    Empty groups are left out.
    """
    pairs = sorted(zip(confidence, true, strict=True), key=lambda pair: pair[0])
    n = len(pairs)
    groups = [pairs[n * i // BINS : n * (i + 1) // BINS] for i in range(BINS)]
    return [
        (sum(c for c, _ in group) / len(group), sum(t for _, t in group) / len(group), len(group))
        for group in groups
        if group
    ]


def calibration_error(confidence: Sequence[float], true: Sequence[bool]) -> float | None:
    """Sum over groups of size / n * |mean confidence - share that is true|; 0 is perfect.

    Source: expected calibration error (Naeini, Cooper and Hauskrecht 2015) with groups of equal
    size (Nixon et al. 2019). None without questions.
    """
    groups = reliability(confidence, true)
    return ratio(sum(size * abs(sure - share) for sure, share, size in groups), len(confidence))
