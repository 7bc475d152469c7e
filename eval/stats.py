"""How sure one may be of a figure: bootstrap intervals, paired changes, agreement.

A figure is a ratio, the sum of its cases' numerators over that of their denominators, so that a
case adds what it has to the figure and a case it does not apply to adds nothing. Cases that come
from one document or one conversation are resampled together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Parts = Sequence[tuple[float, float]]
Array = NDArray[np.float64]
_T = TypeVar("_T")
RESAMPLES = 2000
STATISTIC_RESAMPLES = 400  # of a figure that is counted anew from its rows each time
SWAPS = 5000
SWAPS_AT_ONCE = 500
LEVEL = 0.95
POWER = 0.8


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the range it is likely in; all None where there is nothing to divide by."""

    value: float | None
    low: float | None
    high: float | None


NOTHING = Interval(None, None, None)


def interval(parts: Parts, clusters: Sequence[Hashable], seed: int) -> Interval:
    """A ratio with its percentile interval from a bootstrap over clusters.

    Source: Efron and Tibshirani 1993; clusters as in Field and Welsh 2007. When every cluster has
    the same ratio, resampling cannot tell anything: the bound is then that of Clopper and Pearson
    1934 for as many equal trials as there are clusters, for a ratio of 0 or 1. A single cluster
    tells nothing of others: no interval.
    """
    sums = cluster_sums(parts, clusters)
    sums = sums[sums[:, 1] > 0]
    n = len(sums)
    if not n:
        return NOTHING
    value = float(sums[:, 0].sum() / sums[:, 1].sum())
    if n == 1:
        return Interval(value, None, None)
    if np.ptp(sums[:, 0] / sums[:, 1]) == 0 and value in (0.0, 1.0):
        edge = ((1 - LEVEL) / 2) ** (1 / n)
        return Interval(value, edge, 1.0) if value else Interval(value, 0.0, 1 - edge)
    drawn = _ratios(_weights(n, seed) @ sums)
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def statistic_interval(
    value: Callable[[Sequence[_T]], float | None],
    rows: Sequence[_T],
    clusters: Sequence[Hashable],
    seed: int,
) -> Interval:
    """The same for a figure that is no ratio: the ``value`` of rows."""
    measured = value(rows)
    by_cluster: dict[Hashable, list[_T]] = {}
    for row, name in zip(rows, clusters, strict=True):
        by_cluster.setdefault(name, []).append(row)
    members = list(by_cluster.values())
    if measured is None or len(members) < 2:
        return Interval(measured, None, None)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(STATISTIC_RESAMPLES):
        chosen = rng.integers(len(members), size=len(members))
        if (one := value([row for i in chosen for row in members[i]])) is not None:
            drawn.append(one)
    if not drawn:
        return Interval(measured, None, None)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(measured, float(low), float(high))


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure differs between two runs over the same cases, ``after - before``.

    ``low`` and ``high`` bound the difference; ``p`` is the chance of one at least as bad if the
    runs were alike; ``visible`` the smallest loss that this many cases would most likely show.
    None where there is nothing to compare.
    """

    before: float | None
    after: float | None
    change: float | None
    low: float | None
    high: float | None
    p: float | None
    visible: float | None


def paired_change(
    before: Parts,
    after: Parts,
    clusters: Sequence[Hashable],
    seed: int,
    alpha: float,
    better: int = 1,
) -> Change:
    """Compare two runs case by case.

    ``low`` and ``high``: percentile interval of a bootstrap over clusters, in which both runs keep
    the same ones; each end is passed with a chance of ``alpha``. ``p``: the share of random swaps
    of the two runs, cluster by cluster, that make the loss as great (permutation test, Fisher
    1935); where only a handful of clusters differ the bootstrap alone is too sure. ``better`` is 1
    when more is better, -1 when less is.

    ``visible`` = max((z(1 - alpha) + z(0.8)) * standard error, k / n): the minimum detectable
    effect (Miller 2024, arXiv 2411.00640), but no less than the loss of so few of the n units as
    the test can tell from luck, 2^-k <= alpha.
    """
    a, b = cluster_sums(before, clusters), cluster_sums(after, clusters)
    total_a, total_b = a.sum(axis=0), b.sum(axis=0)
    if not total_a[1] or not total_b[1]:
        old = float(total_a[0] / total_a[1]) if total_a[1] else None
        new = float(total_b[0] / total_b[1]) if total_b[1] else None
        return Change(old, new, None, None, None, None, None)
    used = (a[:, 1] > 0) | (b[:, 1] > 0)
    a, b, n = a[used], b[used], int(used.sum())
    old, new = float(total_a[0] / total_a[1]), float(total_b[0] / total_b[1])
    change = new - old
    weights = _weights(n, seed)
    drawn = _ratios(weights @ b) - _ratios(weights @ a)
    low, high = (float(x) for x in np.nanquantile(drawn, [alpha, 1 - alpha]))
    rng = np.random.default_rng(seed + 1)
    as_bad = 0
    for _ in range(SWAPS // SWAPS_AT_ONCE):
        moved = rng.integers(2, size=(SWAPS_AT_ONCE, n)).astype(float) @ (b - a)
        swapped = _ratios(total_b - moved) - _ratios(total_a + moved)
        as_bad += int(np.sum(better * swapped <= better * change + 1e-12))
    p = (as_bad + 1) / (SWAPS + 1)
    normal = NormalDist()
    spread = float(np.nanstd(drawn)) * (normal.inv_cdf(1 - alpha) + normal.inv_cdf(POWER))
    fewest = math.ceil(math.log2(1 / alpha))
    visible = max(spread, fewest / float(max(total_a[1], total_b[1])))
    return Change(old, new, change, low, high, p, visible if n >= fewest else 1.0)


def cluster_sums(rows: Sequence[Sequence[float]], clusters: Sequence[Hashable]) -> Array:
    """The sums of the rows' columns in each cluster: (clusters, columns)."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros((len(numbers), len(rows[0]) if rows else 2))
    for row, name in zip(rows, clusters, strict=True):
        sums[numbers[name]] += row
    return sums


def kappa(a: Sequence[bool], b: Sequence[bool]) -> float | None:
    """(observed agreement - agreement by chance) / (1 - agreement by chance).

    Source: Cohen 1960. None without rows, and when both say the same of everything.
    """
    n = len(a)
    if not n:
        return None
    agreed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    yes_a, yes_b = sum(a) / n, sum(b) / n
    chance = yes_a * yes_b + (1 - yes_a) * (1 - yes_b)
    return (agreed - chance) / (1 - chance) if chance < 1 else None


def beta_draws(right: int, n: int, seed: int) -> Array:
    """Draws of a share of which ``right`` of ``n`` were seen, from Jeffreys' posterior."""
    return np.random.default_rng(seed).beta(right + 0.5, n - right + 0.5, RESAMPLES)


def resampled(rows: Sequence[Sequence[float]], clusters: Sequence[Hashable], seed: int) -> Array:
    """The sums of the rows' columns in each resample of the clusters: (resamples, columns)."""
    sums = cluster_sums(rows, clusters)
    drawn: Array = _weights(len(sums), seed) @ sums
    return drawn


def rogan_gladen(share: Array, sensitivity: Array, specificity: Array) -> Array:
    """The true share behind one that an imperfect test measured, clipped to [0, 1].

    (share + specificity - 1) / (sensitivity + specificity - 1). Source: Rogan and Gladen 1978. A
    test no better than chance says nothing: NaN.
    """
    informed = sensitivity + specificity - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(informed > 0, (share + specificity - 1) / informed, np.nan)
    clipped: Array = np.clip(found, 0.0, 1.0)
    return clipped


@lru_cache(maxsize=1)
def _weights(n: int, seed: int) -> Array:
    """How often each of n clusters is drawn in each resample."""
    return np.random.default_rng(seed).multinomial(n, [1 / n] * n, RESAMPLES).astype(float)


def _ratios(sums: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1], np.nan)
    return found
