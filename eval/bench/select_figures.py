"""What the weights of ``eval.bench.fit_select`` reach, asked as a user would ask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.bench.select_data import Example, Vectors
from eval.metrics import contains_answer, refusal
from rag import confidence, select
from rag.reader import Reader


@dataclass(frozen=True)
class Outcome:
    """What ``rag.select`` and ``rag.confidence`` make of an example."""

    answerable: bool
    confidence: float
    right: list[bool]
    """Of the first two sentences, whether they hold the answer."""
    quoted: list[bool]
    """The same of those that are quoted."""


def outcome(e: Example, embed: Vectors, reader: Reader | None) -> Outcome:
    """Ask an example as a user would, with declining off."""
    ranked = select.rank_sentences(e.question, e.passages, e.openings, embed, e.idf, reader)
    chosen = select.choose(e.question, ranked, reader)
    return Outcome(
        e.answerable,
        confidence.confidence(e.question, e.passages, ranked, reader),
        [contains_answer(c.text, e.answers) for c in ranked[:2]],
        [contains_answer(c.text, e.answers) for c in chosen],
    )


def figures_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of a set of questions, and what is declined at the shipped threshold."""
    present = [o for o in outcomes if o.answerable]
    refused = refusal(
        [o.confidence < confidence.THRESHOLD for o in outcomes],
        [o.answerable for o in outcomes],
        [o.confidence for o in outcomes],
    )
    return {
        "questions": len(outcomes),
        "sentence_hit@1": round(float(np.mean([any(o.right[:1]) for o in present])), 4),
        "sentence_hit@2": round(float(np.mean([any(o.right) for o in present])), 4),
        "answer_hit": round(float(np.mean([any(o.quoted) for o in present])), 4),
        "quoted": round(float(np.mean([len(o.quoted) for o in present])), 2),
        "auroc": round(refused.auroc or math.nan, 4),
        "over_refusal": round(refused.over_refusal or 0.0, 4),
        "refused": round(refused.recall or 0.0, 4),
    }


def curve(answerable: Sequence[bool], confidence: Sequence[float]) -> str:
    """Per threshold: answerable declined, unanswerable declined, precision of what is answered."""
    y, s = np.array(answerable, bool), np.array(confidence)
    lines = []
    for threshold in np.arange(0.1, 0.65, 0.05):
        answered = s >= threshold
        lines.append(
            f"  {threshold:.2f}: over-refusal {(y & ~answered).sum() / y.sum():.3f}, refused "
            f"{(~y & ~answered).sum() / max(1, (~y).sum()):.3f}, answered precision "
            f"{(y & answered).sum() / max(1, answered.sum()):.3f}"
        )
    return "\n".join(lines)
