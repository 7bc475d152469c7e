"""How well the sentences of an answer stand on what they cite.

Judged by the project's own verifier, whose accuracy is reported beside the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.record import Spot

Supports = Callable[[str, tuple[str, ...]], float]
"""How surely texts, taken together, support a sentence, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer and what it cites: places and the words quoted from there."""

    text: str
    spots: tuple[Spot, ...]
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grounds:
    """What was found about one sentence.

    ``score`` in [0, 1] is how surely its citations together support it, ``supported`` whether that
    is enough, ``verbatim`` whether one of them has the very words. ``faithful``: supported by its
    citations or else by some passage. ``precise`` of its ``citations`` are needed.
    """

    score: float
    supported: bool
    verbatim: bool
    faithful: bool
    precise: int
    citations: int

    @property
    def quoted(self) -> bool:
        """Whether it is supported by its very words, so that no judgement is needed."""
        return self.verbatim and self.supported


def ground(
    claim: Claim,
    contexts: Sequence[str],
    supports: Supports,
    enough: float,
    is_copy: Callable[[str, str], bool],
) -> Grounds:
    """Judge one sentence. Source of the first two: ALCE (Gao et al. 2023, ``compute_autoais``).

    Citation recall: 1 if the cited texts together support the sentence; nothing cited is 0.
    Citation precision: a citation is not needed when it does not support the sentence alone and the
    others do without it; the citations of a sentence that is not supported are all for nothing.
    Faithfulness (RAGAS, Es et al. 2023): supported by anything that was retrieved.
    """
    n = len(claim.quotes)
    score = supports(claim.text, claim.quotes) if n else 0.0
    supported = score >= enough
    precise = 0
    if supported and n == 1:
        precise = 1
    elif supported:
        for i, quote in enumerate(claim.quotes):
            rest = (*claim.quotes[:i], *claim.quotes[i + 1 :])
            alone = supports(claim.text, (quote,)) >= enough
            precise += alone or supports(claim.text, rest) < enough
    faithful = supported or any(supports(claim.text, (text,)) >= enough for text in contexts)
    verbatim = any(is_copy(claim.text, quote) for quote in claim.quotes)
    return Grounds(score, supported, verbatim, faithful, precise, n)
