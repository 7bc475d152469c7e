"""What answers cost: time per stage, tokens, memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.metrics import percentile, ratio, shown
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
    are sums by the names of ``Answer.usage``. ``good`` is how many answers are right, grounded and
    cited, and ``per_good`` what each of them cost: the run's seconds and tokens, and its money
    where prices are known, wrong answers included, over their number; None where it is 0.
    """

    timings: tuple[Timing, ...]
    tokens: dict[str, int]
    peak_mb: float | None
    good: int
    per_good: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost that a language model reads (``per_input``) and writes.

    In whatever currency; what is not given is free.
    """

    per_input: float = 0.0
    per_output: float = 0.0

    def of(self, tokens: Mapping[str, int]) -> float:
        """The money that tokens cost, counted as ``Answer.usage`` does."""
        read, written = tokens.get("input_tokens", 0), tokens.get("output_tokens", 0)
        return (read * self.per_input + written * self.per_output) / 1_000_000


def operations(records: Sequence[Record], good: int, prices: Prices | None = None) -> Operations:
    """The cost of the records, of which ``good`` are right, grounded and cited answers."""
    seconds: dict[str, list[float]] = {}
    tokens: Counter[str] = Counter()
    for record in records:
        if record.answer is not None:
            for stage, value in record.answer.timings.items():
                seconds.setdefault(stage, []).append(value)
            tokens.update(record.answer.usage)
    first = [r.first_seconds for r in records if r.first_seconds is not None]
    whole = [r.seconds for r in records]
    peaks = [r.peak_mb for r in records if r.peak_mb is not None]
    stages = seconds | {"first text": first, "whole answer": whole}
    return Operations(
        tuple(
            Timing(stage, len(values), percentile(values, 50), percentile(values, 95))
            for stage, values in stages.items()
        ),
        dict(tokens),
        max(peaks, default=None),
        good,
        {
            "seconds": ratio(sum(whole), good),
            **{name: ratio(count, good) for name, count in tokens.items()},
            **({"money": ratio(prices.of(tokens), good)} if prices else {}),
        },
    )


def format_cost(operations: Operations) -> str:
    """What each right and grounded answer cost, in words."""
    if not operations.good:
        return "there is none"
    parts = [f"{shown(operations.per_good['seconds'], 2)} seconds"]
    for name, unit in (("input_tokens", "tokens read"), ("output_tokens", "tokens written")):
        parts.append(f"{operations.per_good.get(name) or 0:,.0f} {unit}")
    if (money := operations.per_good.get("money")) is not None:
        parts.append(f"{money:.6f} in money at the prices given")
    return ", ".join(parts)
