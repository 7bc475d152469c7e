"""What an index was made with. It lies in the index's own database and changes with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where an index declines, and what that is expected to cost and save.

    A question is declined below ``threshold``, a confidence in [0, 1]. ``precision`` is the share
    of declined questions that the index does not answer, ``recall`` the share of questions that it
    does not answer that are declined, ``over_refusal`` the share of those it answers that are
    declined as well: measured on ``answerable`` and ``unanswerable`` questions that had no part in
    the choice. ``precision`` is None when nothing was declined. ``revision`` is that of the index
    that was asked.
    """

    threshold: float
    precision: float | None
    recall: float
    over_refusal: float
    answerable: int
    unanswerable: int
    revision: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The embedding model, and the Chroma collection that holds its vectors.

    ``calibration`` is None until ``footnote eval calibrate`` has measured the index, and again when
    the index is made anew.
    """

    embedding_model: str
    embedding_fingerprint: str
    dimension: int
    max_tokens: int
    collection: str
    calibration: Calibration | None = None
