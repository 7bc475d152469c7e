"""How well the verifier tells supported sentences from others, on rows that people judged."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eval.measure import Half, Progress, half_of, quiet
from eval.metrics import auroc, mean, ratio
from eval.refusal_metrics import calibration_error, reliability
from eval.rows import typed_rows
from rag.errors import BadInput, FootnoteError
from rag.verify import SUPPORTED, Verifier
from rag.verify_words import read

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A response, what it should stand on, and whether people found that it does."""

    id: str
    context: str
    response: str
    label: Literal[1, 0]

    @property
    def supported(self) -> bool:
        """What people found."""
        return self.label == 1


def run_grounding(
    path: Path,
    verifier: Verifier,
    half: Half | None = None,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """Judge the rows of a file and return the figures as JSON.

    ``path`` is ``.jsonl`` or ``.jsonl.gz`` with rows ``{"id", "context", "response", "label"}``,
    label 1 supported, 0 not. ``half`` takes one half by hash of the id. The decision is the
    product's: supported at the shipped threshold or not. A row that fails counts as wrong.

    ``balanced_accuracy`` is the mean of the shares of supported and of unsupported rows that were
    told right, ``f1`` that of telling the *supported* ones. ``anchor`` is what word overlap
    reaches, the share of content words that the evidence has, at the threshold that is best for it
    on the other half, or without ``half`` on the very rows that are reported. ``reliability`` has
    ten groups of rows by score, lowest first: mean score, share supported, size.

    Raises ``BadInput`` as ``path:line: message``, and for a file or half without rows.
    """
    everything = read_rows(path)
    rows = [row for row in everything if half in (None, half_of(row.id))]
    if not rows:
        raise BadInput(f"{path}: no rows{f' in the half {half!r}' if half else ''}")
    scores: list[float] = []
    failed = 0
    for done, row in enumerate(rows, 1):
        try:
            scores.append(verifier.verify(row.response, row.context).score)
        except FootnoteError as error:
            _LOG.warning("row %s failed: %s", row.id, error)
            failed += 1
            scores.append(0.0 if row.supported else 1.0)
        progress(done, len(rows))
    tuned_on = [row for row in everything if half_of(row.id) != half] if half else rows
    threshold = best_threshold(
        [overlap(row) for row in tuned_on], [row.supported for row in tuned_on]
    )
    labels = [row.supported for row in rows]
    return {
        **figures(scores, labels, SUPPORTED),
        "n": len(rows),
        "supported": sum(labels),
        "failed": failed,
        "half": half,
        "calibration_error": calibration_error(scores, labels),
        "reliability": reliability(scores, labels),
        "anchor": figures([overlap(row) for row in rows], labels, threshold),
    }


def read_rows(path: Path) -> list[Row]:
    """The rows of a file. Raises ``BadInput`` as ``path:line: message``."""
    return [row for _, row in typed_rows(path, Row)]


def overlap(row: Row) -> float:
    """The share of a response's content words that its context has."""
    there = read(row.context).places
    words = [w.stem for w in read(row.response).words if w.content]
    return ratio(sum(stem in there for stem in words), len(words)) or 0.0


def best_threshold(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """The lowest threshold with the highest balanced accuracy."""
    if not scores:
        return SUPPORTED
    return max(sorted(set(scores)), key=lambda t: mean(_told_right(scores, labels, t)) or 0.0)


def figures(scores: Sequence[float], labels: Sequence[bool], threshold: float) -> dict[str, Any]:
    """Balanced accuracy and F1 at a threshold, and the area under the ROC curve.

    ``sensitivity`` is the share of the supported rows called supported, ``specificity`` the share
    of the others that are not.
    """
    said = [score >= threshold for score in scores]
    sensitivity, specificity = _told_right(scores, labels, threshold)
    return {
        "balanced_accuracy": mean((sensitivity, specificity)),
        "auroc": auroc(scores, labels),
        "f1": ratio(
            2 * sum(s and y for s, y in zip(said, labels, strict=True)), sum(said) + sum(labels)
        ),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "threshold": threshold,
    }


def _told_right(
    scores: Sequence[float], labels: Sequence[bool], threshold: float
) -> tuple[float | None, float | None]:
    """Of the supported rows and of the others the share told right; None without any."""
    pairs = list(zip(scores, labels, strict=True))
    return (
        mean(float(score >= threshold) for score, label in pairs if label),
        mean(float(score < threshold) for score, label in pairs if not label),
    )
