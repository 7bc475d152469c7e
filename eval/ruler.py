"""What judges sentences as a measuring instrument: how often it is right, and what follows."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.grounding_metrics import Grounds
from eval.metrics import ratio
from eval.stats import NOTHING, Array, Interval, beta_draws, interval, resampled, rogan_gladen

Counts = tuple[int, int, int, int]
"""Of sentences that people judged: supported, not supported, and of either those told right."""

MEASURED = Path(__file__).parent / "results" / "grounding.json"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How a verifier or judge did on sentences that people judged, with 95% intervals.

    Of ``n`` it told ``right`` so many. ``sensitivity`` is the share of the ``supported`` rows it
    calls supported, ``specificity`` the share of the others it does not, ``balanced`` the mean of
    the two; None where there are no such rows.
    """

    name: str
    n: int
    right: int
    supported: int
    sensitivity: Interval
    specificity: Interval
    balanced: Interval


def verifier_accuracy() -> tuple[Accuracy, ...]:
    """The committed measurement on each set of judged rows, and over all rows together ("all").

    Intervals are of Jeffreys' posterior for each of the two shares (Brown, Cai and DasGupta 2001).
    """
    rows = json.loads(MEASURED.read_text(encoding="utf-8"))
    counts = {
        name: (
            run["supported"],
            run["n"] - run["supported"],
            round(run["sensitivity"] * run["supported"]),
            round(run["specificity"] * (run["n"] - run["supported"])),
        )
        for name, run in rows.items()
    }
    return accuracies(counts, seed=0)


def accuracies(counts: Mapping[str, Counts], seed: int) -> tuple[Accuracy, ...]:
    """The accuracy on each set, and over all rows together ("all"); none without any set."""
    if not counts:
        return ()
    yes, no, told_yes, told_no = map(sum, zip(*counts.values(), strict=True))
    counts = {**counts, "all": (yes, no, told_yes, told_no)}
    return tuple(accuracy_of(name, *count, seed) for name, count in counts.items())


def groundedness(
    answers: Sequence[Sequence[tuple[Grounds, bool]]],
    failed: Sequence[bool],
    clusters: Sequence[Hashable],
    accuracy: Sequence[Accuracy],
    seed: int,
) -> Interval:
    """``corrected_groundedness`` by the last accuracy; nothing without any.

    ``answers`` have each sentence with whether it was called supported.
    """
    if not accuracy:
        return NOTHING
    judged = [[called for found, called in answer if not found.quoted] for answer in answers]
    return corrected_groundedness(
        [sum(found.quoted for found, _ in answer) for answer in answers],
        [(sum(called), len(called)) for called in judged],
        failed,
        clusters,
        accuracy[-1],
        seed,
    )


def corrected_groundedness(
    verbatim: Sequence[int],
    judged: Sequence[tuple[int, int]],
    failed: Sequence[bool],
    clusters: Sequence[Hashable],
    accuracy: Accuracy,
    seed: int,
) -> Interval:
    """The share of sentences that are truly supported, as far as the verifier's errors allow.

    Per question: ``verbatim`` sentences are supported by their making, so that no error touches
    them; of the others, ``judged`` has how many were called supported, and how many there are. A
    question that ``failed`` counts as one sentence that is not. The share of the judged ones is
    corrected for sensitivity and specificity (Rogan and Gladen 1978). The interval carries the
    uncertainty of all three: bootstrap over clusters for the counts, posteriors for the other two
    (as Lang and Reiczigel 2014 advise). Nothing without sentences, or where sensitivity or
    specificity is not known and needed.
    """
    rows = [(v, f, k, n) for v, f, (k, n) in zip(verbatim, failed, judged, strict=True)]
    if not sum(n for *_, n in rows):
        return interval([(float(v), float(v + f)) for v, f, *_ in rows], clusters, seed)
    se, sp = accuracy.sensitivity.value, accuracy.specificity.value
    if se is None or sp is None:
        return NOTHING
    negatives = accuracy.n - accuracy.supported
    sums = resampled(rows, clusters, seed)
    drawn = _corrected(
        sums,
        beta_draws(round(se * accuracy.supported), accuracy.supported, seed + 1),
        beta_draws(round(sp * negatives), negatives, seed + 2),
    )
    whole = np.array([rows], dtype=float).sum(axis=1)
    (value,) = _corrected(whole, np.array([se]), np.array([sp]))
    if np.isnan(value):
        return NOTHING
    # Where what judges may be no better than chance, all or none of what it judged may be true.
    exact, unsure = sums[:, 0], sums[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        everything = sums[:, [0, 1, 3]].sum(axis=1)
        least, most = exact / everything, (exact + unsure) / everything
    low = np.nanquantile(np.where(np.isnan(drawn), least, drawn), 0.025)
    high = np.nanquantile(np.where(np.isnan(drawn), most, drawn), 0.975)
    return Interval(float(value), float(low), float(high))


def accuracy_of(
    name: str, positives: int, negatives: int, told_yes: int, told_no: int, seed: int
) -> Accuracy:
    """The accuracy behind counts: of so many supported and other rows, how many were told right."""
    yes = beta_draws(told_yes, positives, seed)
    no = beta_draws(told_no, negatives, seed + 1)
    se, sp = ratio(told_yes, positives), ratio(told_no, negatives)
    both = None if se is None or sp is None else (se + sp) / 2
    return Accuracy(
        name,
        positives + negatives,
        told_yes + told_no,
        positives,
        _around(se, yes),
        _around(sp, no),
        _around(both, (yes + no) / 2),
    )


def _corrected(sums: Array, sensitivity: Array, specificity: Array) -> Array:
    """The true share from rows of (verbatim, failed, called supported, judged)."""
    exact, failed, called, judged = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        share = rogan_gladen(called / judged, sensitivity, specificity)
        true = np.where(judged > 0, judged * share, 0.0)
        found: Array = (exact + true) / (exact + failed + judged)
    return found


def _around(value: float | None, drawn: Array) -> Interval:
    if value is None:
        return NOTHING
    low, high = (float(end) for end in np.quantile(drawn, [0.025, 0.975]))
    return Interval(value, min(low, value), max(high, value))  # none or all of few: Brown et al.
