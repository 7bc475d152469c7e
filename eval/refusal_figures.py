"""The figures that say what confidence is worth; they are no ratios of counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.figures import Figure, Measure, Scored, _m
from eval.metrics import auroc
from eval.refusal_metrics import (
    calibration_error,
    reliability,
    risk_coverage,
    risk_coverage_area,
)
from eval.scored import Curves
from eval.stats import statistic_interval


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure a system was of one question, and what was true.

    Whether it can be answered, whether the answer was ``right`` (a rightly declined one is not:
    there was no right answer to give), and whether the evidence was ``found`` in the passages.
    """

    value: float
    answerable: bool
    right: bool
    found: bool


def _auroc(rows: Sequence[Confidence]) -> float | None:
    return auroc(
        [r.value for r in rows if r.answerable], [r.value for r in rows if not r.answerable]
    )


def _area(rows: Sequence[Confidence]) -> float | None:
    return risk_coverage_area([r.value for r in rows], [not r.right for r in rows])


def _calibration(rows: Sequence[Confidence]) -> float | None:
    return calibration_error([r.value for r in rows], [r.found for r in rows])


CURVES: dict[Measure, Callable[[Sequence[Confidence]], float | None]] = {
    _m(
        "confidence_auroc", "Confidence, AUROC", "refusal", "all", "questions",
        "chance that a question with an answer is the surer of two",
    ): _auroc,
    _m(
        "risk_coverage_area", "Risk-coverage area", "refusal", "all", "questions",
        "mean share of wrong answers when only the surest are given; what has no answer is wrong",
        better=-1,
    ): _area,
    _m(
        "calibration_error", "Calibration error", "refusal", "all", "questions",
        "how far confidence is from the share of questions whose evidence was found",
        better=-1,
    ): _calibration,
}  # fmt: skip


def confidence_figures(
    surest: Mapping[str, Sequence[Confidence]], rows: Sequence[Scored], seed: int
) -> list[Figure]:
    """Each figure of ours (named "") with those of the anchors beside it."""
    own = surest.get("", ())
    clusters = [row.cluster for row in rows]
    figures = []
    for measure, value in CURVES.items():

        def of(chosen: NDArray[np.intp], value: object = value) -> float | None:
            assert callable(value)
            result: float | None = value([own[i] for i in chosen])
            return result

        found = statistic_interval(of, clusters, seed)
        figures.append(
            Figure(
                name=measure.name,
                value=found.value,
                low=found.low,
                high=found.high,
                whole=len(own),
                asked=len(own),
                scored=len(own),
                unscored=sum(row.unscored for row in rows),
                failed=sum(row.status == "failed" for row in rows),
                declined=sum(row.status == "declined" for row in rows),
                anchors={name: value(found) for name, found in surest.items() if name},
            )
        )
    return figures


def curves_of(surest: Mapping[str, Sequence[Confidence]]) -> Curves:
    """The curves behind the figures."""
    own = surest.get("", ())
    return Curves(
        {
            name: risk_coverage([r.value for r in rows], [not r.right for r in rows])
            for name, rows in surest.items()
        },
        reliability([r.value for r in own], [r.found for r in own]),
    )
