"""Vectors that were made a moment ago: questions about one library meet its sentences again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

MOST = 10_000
"""Texts that are remembered; with 384 dimensions they take 15 MB."""

Vectors = NDArray[np.float32]


class Remembered:
    """Embeds texts as ``embed`` does, each only once as long as it is remembered.

    Those that were not wanted for longest are forgotten first. Safe to share between threads.
    """

    def __init__(self, embed: Callable[[Sequence[str]], Vectors], most: int = MOST) -> None:
        self._embed = embed
        self._most = most
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, shape (len(texts), dimension)."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            found |= zip(new, map(np.copy, self._embed(new)), strict=True)
        with self._lock:
            for text in texts:
                self._known[text] = found[text]
                self._known.move_to_end(text)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return np.stack([found[text] for text in texts]) if texts else self._embed(texts)
