"""A small cross-encoder of our own: does a passage answer a question, and where.

``reader.onnx`` was trained by ``eval.train``; its card is ``reader.md``. Its tokenizer is that of
the default embedding model. It reads a question and a passage together, which word overlap and
separate embeddings cannot do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.embed import DEFAULT_MODEL, model_path
from rag.errors import ModelError
from rag.files import sha256_of
from rag.odds import sigmoid
from rag.onnx_model import OnnxModel
from rag.types import Span

PATH = Path(__file__).with_name("reader.onnx")
SHA256 = "0f5eb17e6cc14ca22f884b333a33de4bc9a0051f790106fff2e449276ba4b64f"
MOST_TOKENS = 256
INPUTS = ("ids", "mask", "segments")
LONGEST_ANSWER = 24
"""Tokens of an answer that is shown as such."""
LIKELY = 0.5
"""The chance from which on a passage, a beginning and an end are taken for the answer's."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model makes of a question and one passage.

    ``answers`` is the chance in [0, 1] that the passage answers. ``begins`` and ``ends`` (tokens,)
    are the chances that each token of the passage begins and ends the answer; ``offsets``
    (tokens, 2) are the tokens' characters in the passage.
    """

    answers: float
    begins: Array
    ends: Array
    offsets: NDArray[np.int64]

    def share(self, within: Span) -> float:
        """How much of the chances of beginning and ending is in a range of the passage."""
        inside = (self.offsets[:, 0] >= within.start) & (self.offsets[:, 1] <= within.end)
        return float(self.begins[inside].sum() + self.ends[inside].sum()) / 2

    def after(self, head: int) -> Reading:
        """Where the answer is in the passage without its first ``head`` characters."""
        kept = self.offsets[:, 0] >= head
        return replace(
            self,
            begins=self.begins[kept],
            ends=self.ends[kept],
            offsets=self.offsets[kept] - head,
        )

    def answer(self, within: Span) -> Span | None:
        """The likeliest answer in a range of the passage; None where that is not likely enough."""
        inside = (self.offsets[:, 0] >= within.start) & (self.offsets[:, 1] <= within.end)
        found = np.flatnonzero(inside)
        chances = np.triu(np.outer(self.begins[found], self.ends[found]))
        chances = np.tril(chances, LONGEST_ANSWER - 1)
        if self.answers < LIKELY or chances.max(initial=0.0) < LIKELY**2:
            return None
        first, last = divmod(int(np.argmax(chances)), len(found))
        return Span(int(self.offsets[found[first], 0]), int(self.offsets[found[last], 1]))


class Reader:
    """The model, run by onnxruntime. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Raises ``ModelError`` when the file cannot be loaded."""
        from tokenizers import Tokenizer

        self._model = OnnxModel(path, INPUTS)
        self._tokenizer = Tokenizer.from_file(str(model_path(DEFAULT_MODEL) / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS, strategy="longest_first")

    def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        """Read each passage for the question. What is longer than the model reads is cut."""
        encodings = self._tokenizer.encode_batch([(question[:1000], text) for text in passages])
        readings = []
        for encoding, (answers, spans) in zip(encodings, self._model.run(encodings), strict=True):
            own = [i for i, segment in enumerate(encoding.sequence_ids) if segment == 1]
            readings.append(
                Reading(
                    sigmoid(float(answers)),
                    _softmax(spans[own, 0]),
                    _softmax(spans[own, 1]),
                    np.array([encoding.offsets[i] for i in own], dtype=np.int64).reshape(-1, 2),
                )
            )
        return readings


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(initial=-np.inf))
    chances: Array = powers / powers.sum()
    return chances


@cache
def load_reader() -> Reader:
    """The model that ships, loaded once. Raises ``ModelError`` when its file is not as it was."""
    again = "install Footnote again, or do without it (--no-reader)"
    try:
        digest = sha256_of(PATH)
    except OSError as error:
        raise ModelError(f"the reading model {str(PATH)!r} is missing: {again}") from error
    if digest != SHA256:
        raise ModelError(f"the reading model {str(PATH)!r} is damaged: {again}")
    return Reader(PATH)
