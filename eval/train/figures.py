"""How well a trained reader does on examples that were kept for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from eval.charts import alone, curves
from eval.metrics import auroc, mean
from eval.train.model import Batch

Figures = dict[str, float | None]
MOST_ANSWER = 30


def figures_of(results: Sequence[tuple[Batch, tuple[Tensor, Tensor]]]) -> Figures:
    """The figures over batches and what the model gave for each.

    ``answer_auroc`` is over all readings, ``edited_auroc`` with edited questions as the only ones
    without an answer, ``cut_auroc`` with passages that lost theirs. ``span_f1`` is by tokens
    (Rajpurkar et al. 2016, arXiv 1606.05250), where there is an answer.
    """
    answers: list[tuple[float, bool, str]] = []
    f1: list[float] = []
    for batch, (answer, spans) in results:
        for row, example in enumerate(batch.examples):
            answers.append((float(answer[row]), example.answerable, example.source))
            if batch.spans[row, 0] >= 0:
                first, last = best_span(spans[row].float().numpy(), batch.segments[row].numpy())
                gold = set(range(int(batch.spans[row, 0]), int(batch.spans[row, 1]) + 1))
                said = set(range(first, last + 1))
                f1.append(2 * len(gold & said) / (len(gold) + len(said)))
    return {
        "answer_auroc": _auroc([(s, y) for s, y, _ in answers]),
        "edited_auroc": _auroc([(s, y) for s, y, made in answers if y or made == "edited"]),
        "cut_auroc": _auroc([(s, y) for s, y, made in answers if y or made == "cut"]),
        "span_f1": mean(f1),
    }


def plot(log: Path, out: Path) -> None:
    """Draw the course of a run as SVG: the loss, as a share of its highest, and the AUROC."""
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    last, highest = rows[-1]["step"], max(row["loss"] for row in rows)
    lines = {
        "loss": [(row["step"] / last, row["loss"] / highest) for row in rows],
        "answer_auroc": [(row["step"] / last, row["answer_auroc"] or 0.0) for row in rows],
    }
    ticks = [(row["step"] / last, str(row["step"])) for row in rows[:: 1 + len(rows) // 6]]
    drawn = curves(lines, "batches", f"loss / {highest:.2f}, AUROC", x_ticks=ticks)
    out.write_text(alone(drawn), encoding="utf-8")


def best_span(scores: NDArray[np.float32], segments: NDArray[np.int64]) -> tuple[int, int]:
    """First and last token of the likeliest answer within the second text."""
    inside = np.flatnonzero(segments == 1)[:-1]
    begins = np.full(len(segments), -np.inf)
    ends = begins.copy()
    begins[inside], ends[inside] = scores[inside, 0], scores[inside, 1]
    sums = begins[:, None] + ends[None, :]
    n = np.arange(len(segments))
    length = n[None, :] - n[:, None]
    sums[(length < 0) | (length >= MOST_ANSWER)] = -np.inf
    first, last = divmod(int(np.argmax(sums)), len(segments))
    return first, last


def _auroc(rows: Sequence[tuple[float, bool]]) -> float | None:
    return auroc([s for s, _ in rows], [y for _, y in rows])
