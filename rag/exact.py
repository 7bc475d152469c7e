"""The nearest vectors by comparing with every one: for while Chroma is being written.

It reads the library only, so it answers from what is committed, whoever is writing. 100,000 vectors
of 384 numbers take 150 MB; after a change only the new ones are read.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from rag.embed import Vectors
from rag.library import Library


class ExactSearch:
    """All vectors of a library in memory, kept up to date. Safe to share between threads."""

    def __init__(self, dimension: int) -> None:
        self._lock = threading.Lock()
        self._revision = -1
        self._numbers = np.empty(0, dtype=np.int64)
        self._matrix: Vectors = np.empty((0, dimension), dtype=np.float32)

    def nearest(
        self, library: Library, vector: Vectors, k: int, among: NDArray[np.int64] | None = None
    ) -> dict[int, float]:
        """Cosine similarity of the ``k`` nearest chunks to a unit vector, by chunk number.

        ``among`` are the numbers of the only chunks that count.
        """
        # The library first: a caller who reads it holds its lock already.
        with library.reading(), self._lock:
            self._follow(library)
            numbers, scores = self._numbers, self._matrix @ vector
        if among is not None:
            counts = np.isin(numbers, among, assume_unique=True)
            numbers, scores = numbers[counts], scores[counts]
        if k < len(scores):
            best = np.argpartition(-scores, k)[:k]
            best = best[np.argsort(-scores[best], kind="stable")]
        else:
            best = np.argsort(-scores, kind="stable")
        return {int(numbers[i]): float(scores[i]) for i in best}

    def _follow(self, library: Library) -> None:
        revision = library.revision()
        if revision == self._revision:
            return
        there = np.fromiter(library.embedded(), dtype=np.int64)
        new = library.vectors(np.setdiff1d(there, self._numbers, assume_unique=True).tolist())
        kept = np.isin(self._numbers, there, assume_unique=True)
        added = np.array(list(new.values()), dtype=np.float32)
        numbers = [self._numbers[kept], np.fromiter(new, dtype=np.int64)]
        self._numbers = np.concatenate(numbers)
        self._matrix = np.vstack([self._matrix[kept], added.reshape(-1, self._matrix.shape[1])])
        self._revision = revision
