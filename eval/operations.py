"""What answers cost: time per stage, tokens, memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.metrics import percentile, ratio
from eval.record import Record


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds per question of one stage, over the ``n`` questions that went through it."""

    stage: str
    n: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Operations:
    """The cost of a run.

    ``timings`` are the stages as answers name them, ``first text`` and ``whole answer``. ``tokens``
    are sums by the names of ``Answer.usage``. ``per_good`` is what one right and grounded answer
    cost: the run's seconds and tokens, wrong answers included, over their number.
    """

    timings: tuple[Timing, ...]
    tokens: dict[str, int]
    peak_mb: float | None
    per_good: dict[str, float | None]


def operations(records: Sequence[Record], good: int) -> Operations:
    """The cost of the records, of which ``good`` are right and grounded answers."""
    seconds: dict[str, list[float]] = {}
    tokens: dict[str, int] = {}
    for record in records:
        if record.answer is not None:
            for stage, value in record.answer.timings.items():
                seconds.setdefault(stage, []).append(value)
            for name, count in record.answer.usage.items():
                tokens[name] = tokens.get(name, 0) + count
    first = [r.first_seconds for r in records if r.first_seconds is not None]
    whole = [r.seconds for r in records]
    peaks = [r.peak_mb for r in records if r.peak_mb is not None]
    stages = seconds | {"first text": first, "whole answer": whole}
    return Operations(
        tuple(
            Timing(stage, len(values), percentile(values, 50), percentile(values, 95))
            for stage, values in stages.items()
        ),
        tokens,
        max(peaks, default=None),
        {
            "seconds": ratio(sum(whole), good),
            **{name: ratio(count, good) for name, count in tokens.items()},
        },
    )
