"""Pieces of HTML that the sections of a report share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from eval.stats import Interval


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a column of text and, behind it, columns of numbers.

    ``heads`` are text, what is in ``rows`` is HTML.
    """
    first, *others = map(escape, heads)
    head = f"<th>{first}</th>" + "".join(f'<th class="n">{name}</th>' for name in others)
    body = "".join(
        "".join([f"<tr><td>{text}</td>", *(f'<td class="n">{n}</td>' for n in numbers), "</tr>"])
        for text, *numbers in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def percent(value: float | None) -> str:
    """A share as it is printed."""
    return "-" if value is None else f"{value:.1%}"


def spread(interval: Interval) -> str:
    """The ends of an interval as they are printed."""
    if interval.low is None or interval.high is None:
        return "no interval"
    return f"{interval.low:.3f} to {interval.high:.3f}"
