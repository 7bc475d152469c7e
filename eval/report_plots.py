"""The plots of a report: where the chain breaks, what confidence is worth, how long it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval.charts import curves, dots, grouped_bars
from eval.figures import BY_NAME
from eval.header import SEED
from eval.metrics import percentile, shown
from eval.scored import ALL, CaseResult, Run
from eval.stats import Interval, interval

OURS = "Footnote"
# One figure for each link of the chain; all three are about the same questions.
STAGES = {"recall@10": "retrieved", "right": "answered right", "citation_recall": "grounded"}


def chain_plot(run: Run) -> str:
    """Retrieval beside answers beside grounding, by kind of question."""
    groups = {
        t.kind.replace("_", " "): [_share(run, t.kind, name) for name in STAGES] for t in run.totals
    }
    return (
        "<h2>Retrieval, answers, grounding</h2><figure class='wide'>"
        f"<div class='scroll'>{grouped_bars(groups, list(STAGES.values()))}</div>"
        "<figcaption>By kind of question, with 95% intervals: the share of the evidence in the "
        "first 10 passages, of questions answered right (or rightly declined), of sentences that "
        "what they cite supports. Where retrieval is far ahead, the passages had the answer and it "
        "was not given; where grounding is behind, it was given without what it stands on."
        "</figcaption></figure>"
    )


def confidence_plots(run: Run) -> str:
    """What confidence is worth: risk against coverage, and calibration."""
    lines = {name or OURS: points for name, points in run.curves.risk_coverage.items()}
    risk = curves(lines, "share of questions answered, surest first", "share wrong", steps=True)
    sure = dots(run.curves.reliability, "confidence", "evidence found")
    return (
        '<h2>What confidence is worth</h2><div class="plots">'
        f"<figure>{risk}<figcaption>Risk and coverage: how many answers would be wrong if only the "
        "surest questions were answered. The lower the better; questions without an answer are "
        "wrong when answered.</figcaption></figure>"
        f"<figure>{sure}<figcaption>Calibration: on the diagonal, confidence is the share of "
        "questions whose evidence was found.</figcaption></figure></div>"
    )


def latency_plot(run: Run) -> str:
    """How many questions were answered within how many seconds; nothing where none was timed."""
    records = [detail.record for detail in run.details.values()]
    timed = {
        "first text": [r.first_seconds for r in records if r.first_seconds is not None],
        "whole answer": [r.seconds for r in records],
    }
    everything = [value for values in timed.values() for value in values]
    if not everything:
        return ""
    low, high = _decades(everything)

    def x(seconds: float) -> float:
        return (math.log10(max(seconds, 10**low)) - low) / (high - low)

    lines = {
        name: [(x(value), share) for value, share in _risen(values)]
        for name, values in timed.items()
    }
    ticks = [((n - low) / (high - low), f"{10.0**n:g}") for n in range(low, high + 1)]
    said = "; ".join(
        f"{name} p50 {shown(percentile(values, 50), 2)} s, p95 {shown(percentile(values, 95), 2)} s"
        for name, values in timed.items()
        if values
    )
    drawn = curves(lines, "seconds", "share of questions", x_ticks=ticks)
    return (
        f'<div class="plots"><figure>{drawn}<figcaption>Latency: the share of questions that had '
        f"their first text, and their whole answer, within so many seconds. {said}.</figcaption>"
        "</figure></div>"
    )


def _share(run: Run, kind: str, name: str) -> Interval:
    """A figure over the questions of one kind."""
    rows: Sequence[CaseResult] = [row for row in run.cases if kind in (ALL, row.kind)]
    if BY_NAME[name].about == "answerable":
        rows = [row for row in rows if row.answerable]
    parts = [row.parts.get(name, (0.0, 0.0)) for row in rows]
    return interval(parts, [row.cluster for row in rows], int(run.header.get("seed", SEED)))


def _decades(seconds: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around all values, from a millisecond up."""
    low = math.floor(math.log10(max(0.001, min(seconds))))
    return low, max(low + 1, math.ceil(math.log10(max(0.001, *seconds))))


def _risen(values: Sequence[float]) -> list[tuple[float, float]]:
    """The stairs of a cumulative distribution: each value, and the shares below and up to it."""
    n = len(values)
    return [
        (value, share) for i, value in enumerate(sorted(values)) for share in (i / n, (i + 1) / n)
    ]
