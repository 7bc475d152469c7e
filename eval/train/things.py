"""Questions for another thing than their passage tells of.

"How many subscribers does it have?" is near to a passage on its price, and public sets have no such
question. Here the noun that a question asks for is exchanged for one that stands in the same place
in other questions and is near in meaning, without being the same.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from rag.embed import Encoder
from rag.words import STOP, content_stems

LIKENESS = (0.2, 0.62)
"""Cosines of two nouns of which one is asked for instead of the other."""
NEAREST = 60
"""So many of the nearest words are looked at for these."""
CHOICE = 12
_ASKED = re.compile(
    r"\b(how many|what|which|whose|the)\s+([a-z]{4,})\b(?=(?P<of> of| in| that| who|\?|$)?)",
    re.IGNORECASE,
)

Slot = tuple[str, bool]
"""What stands before a noun, and whether it may be a plural."""


class Things:
    """The nouns that questions ask for, and those that may stand in their place."""

    def __init__(self, questions: Sequence[str], encoder: Encoder) -> None:
        count = Counter((s, m[2].lower()) for text in questions for s, m in _slots(text))
        nouns: dict[Slot, list[str]] = {}
        for (slot, noun), n in count.items():
            if n > 1 and noun not in STOP and not noun.endswith("ed"):
                nouns.setdefault(slot, []).append(noun)
        self._near: dict[tuple[Slot, str], list[str]] = {}
        low, high = LIKENESS
        for slot, words in nouns.items():
            vectors = encoder.encode_sentences(words)
            like = vectors @ vectors.T
            for i, noun in enumerate(words):
                order = np.argsort(-like[i])[1:NEAREST]
                self._near[slot, noun] = [words[j] for j in order if low < like[i, j] < high]

    def exchanged(self, question: str, passage: str, rng: random.Random) -> str | None:
        """The question for another thing, of which the passage has no word; None for none."""
        there = content_stems(passage)
        here = [(s, m) for s, m in _slots(question) if (s, m[2].lower()) in self._near]
        rng.shuffle(here)
        for slot, match in here:
            near = self._near[slot, match[2].lower()]
            others = [word for word in near if not content_stems(word) & there]
            if others:
                word = rng.choice(others[:CHOICE])
                return question[: match.start(2)] + word + question[match.end(2) :]
        return None


def _slots(question: str) -> Iterator[tuple[Slot, re.Match[str]]]:
    for match in _ASKED.finditer(question):
        before = match[1].lower()
        if before == "the" and match["of"] is None:
            continue
        kind = before if before in ("how many", "the") else "what"
        yield (kind, match[2].endswith("s")), match
