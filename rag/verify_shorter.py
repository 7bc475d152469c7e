"""Is a sentence another one with words left out? Then who did what to whom is as it was there.

The weighed features cannot tell that: a role swapped, or another name put into the same sentence,
changes none of the words that they compare.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.verify_words import CONTRASTS, HEDGES, Word, read
from rag.words import IRREGULAR

CONDITIONS = CONTRASTS | HEDGES | frozenset(["if", "or", "provided", "unless", "until"])
_BINDING = CONDITIONS | frozenset(
    """are be been can claims did does had has have is nor says tells than that told was were which
    who whom whose will""".split()  # noqa: SIM905
)


def is_shortened(sentence: str, text: str) -> bool:
    """Whether a sentence is one of a text with words left out.

    Its words of content are there in the same order, from the first. What is left out among them
    has no verb and no alternative, and what is left out at the end no condition.
    """
    said = read(sentence).words
    there = read(text)
    return any(_keeps(said, there.words[first:last]) for first, last in there.bounds)


def _keeps(said: Sequence[Word], words: Sequence[Word]) -> bool:
    at = 0
    small: set[str] = set()  # the words of the sentence since its last one of content
    for word in said:
        if not word.content:
            small.add(word.lower)
            continue
        found = next((i for i in range(at, len(words)) if words[i].stem == word.stem), None)
        if found is None:
            return False
        left_out = [w for w in words[at:found] if w.lower not in small]
        if any(w.content for w in left_out) and (at == 0 or any(map(_binds, left_out))):
            return False
        at = found + 1
        small.clear()
    return not any(word.lower in CONDITIONS for word in words[at:])


def _binds(word: Word) -> bool:
    """Whether a word is, or may be, a verb or what makes a part of a sentence depend on another."""
    regular = word.lower.endswith("ed") and not word.capital
    return word.lower in _BINDING or regular or word.lower in IRREGULAR
