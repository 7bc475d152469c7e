"""Chances and the odds of them."""

from __future__ import annotations

import math


def sigmoid(x: float) -> float:
    """The chance of log-odds; beyond 30 either way it is as good as sure and grows no more."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, x))))
