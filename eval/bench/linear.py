"""Linear models, fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Array = npt.NDArray[np.float64]


def listwise(x: Array, good: Array, sizes: Sequence[int], weight: Array) -> Array:
    """Weights that give the good rows most of the softmax over the rows of their list.

    ``x`` (rows, features) holds lists of ``sizes`` rows one after another, ``good`` (rows,) is 1 or
    0, ``weight`` (lists,) sums to 1. The loss is that of ListNet (Cao et al. 2007).
    """
    starts, owner = np.cumsum([0, *sizes[:-1]]), np.repeat(np.arange(len(sizes)), sizes)
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z = (x - mean) / scale
    w, m, v = (np.zeros(x.shape[1]) for _ in range(3))
    for step in range(1, 401):  # Adam: the problem is small and convex enough
        s = z @ w
        e = np.exp(s - np.maximum.reduceat(s, starts)[owner])
        everything, best = np.add.reduceat(e, starts), np.add.reduceat(e * good, starts)
        pull = (e * good / best[owner] - e / everything[owner]) * weight[owner]
        gradient = -(z * pull[:, None]).sum(0) + 0.01 * w
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        w -= 0.03 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-9)
    return np.asarray(w / scale)


def logistic(x: Array, y: Array, weight: Array, l2: float) -> tuple[Array, float]:
    """Weighted logistic regression, l2 on standardised weights over a mean loss."""
    mean, scale = x.mean(0), x.std(0) + 1e-9
    model = LogisticRegression(C=1 / l2 if l2 else np.inf, tol=1e-9, max_iter=10_000)
    model.fit((x - mean) / scale, y, sample_weight=weight / weight.sum())
    fitted = model.coef_[0] / scale
    return fitted, float(model.intercept_[0] - fitted @ mean)


def even(answerable: Sequence[bool], total: float) -> Array:
    """Weights that make answerable and unanswerable examples count the same, adding up to total."""
    y = np.array(answerable, bool)
    return np.asarray(np.where(y, 0.5 / max(1, y.sum()), 0.5 / max(1, (~y).sum())) * total)
