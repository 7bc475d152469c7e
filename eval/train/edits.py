"""Sentences and questions with one thing changed, so that a passage no longer supports them.

What public sets lack most: near misses. Each edit takes one detail of a text and puts another in
its place, mostly one that the same passage holds: another name, another number, the opposite of a
word, a negation.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_NAME = re.compile(
    r"(?<![.!?:] )(?<!^)\b[A-Z][\w'’&-]*(?:(?: of(?: the)?| and| de| van| von)? [A-Z][\w'’&-]*)*"
)
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,.]*\d|(?<![\w.,])\d\b")
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|did|does|do|can|could|will|would|has|have|had|should|must)\b"
    r"(?! (?:not|n't))",
)
_SHORT = {"can": "can't", "will": "won't"}
_NOT = re.compile(r"\b(?:not|never)\b ?|n['’]t\b")

Edit = Callable[[str, str, random.Random], str | None]


def edited(text: str, passage: str, opposites: dict[str, str], rng: random.Random) -> str | None:
    """A text with one detail changed, or None where nothing lends itself.

    ``passage`` is where other names and numbers come from, ``opposites`` words and what means the
    contrary.
    """

    def oppose(text: str, passage: str, rng: random.Random) -> str | None:
        return _oppose(text, opposites, rng)

    ways: list[Edit] = [swap_name, swap_name, swap_number, oppose, _negate]
    rng.shuffle(ways)
    for way in ways:
        result = way(text, passage, rng)
        if result is not None and result != text:
            return result
    return None


def swap_name(text: str, passage: str, rng: random.Random) -> str | None:
    """A text with one of its names exchanged for one in ``passage``; None where that cannot be."""
    here = [m for m in _NAME.finditer(text) if len(m.group()) > 2]
    known = text.casefold()
    there = {m.group() for m in _NAME.finditer(passage) if len(m.group()) > 2}
    others = sorted(name for name in there if not _shares(name, known))
    if not here or not others:
        return None
    return _replace(text, rng.choice(here), rng.choice(others))


def swap_number(text: str, passage: str, rng: random.Random) -> str | None:
    """A text with one number exchanged, mostly for one of as many digits in ``passage``, if any."""
    here = list(_NUMBER.finditer(text))
    if not here:
        return None
    found = rng.choice(here)
    value = found.group()
    others = sorted({m.group() for m in _NUMBER.finditer(passage)} - {m.group() for m in here})
    alike = [other for other in others if len(other) == len(value)]
    if alike and rng.random() < 0.7:
        return _replace(text, found, rng.choice(alike))
    digits = [i for i, c in enumerate(value) if c.isdigit()]
    at = digits[-1] if len(digits) > 1 else digits[0]
    other = rng.choice([d for d in "123456789" if d != value[at]])
    return _replace(text, found, value[:at] + other + value[at + 1 :])


def _oppose(text: str, opposites: dict[str, str], rng: random.Random) -> str | None:
    here = [m for m in re.finditer(r"[a-z]+", text) if m.group() in opposites]
    if not here:
        return None
    found = rng.choice(here)
    return _replace(text, found, opposites[found.group()])


def _negate(text: str, passage: str, rng: random.Random) -> str | None:
    negated = _NOT.search(text)
    if negated:
        return re.sub(r"  +", " ", text[: negated.start()] + text[negated.end() :])
    found = _AUXILIARY.search(text)
    if found is None:
        return None
    # A question's subject comes between; the short form stays with the auxiliary.
    short = _SHORT.get(found.group(), found.group() + "n't")
    return _replace(text, found, short if text.endswith("?") else found.group() + " not")


def _shares(name: str, known: str) -> bool:
    return any(len(word) > 2 and word.casefold() in known for word in name.split())


def _replace(text: str, found: re.Match[str], by: str) -> str:
    return text[: found.start()] + by + text[found.end() :]


def both_ways(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Words and their opposites, from pairs."""
    table: dict[str, str] = {}
    for one, other in pairs:
        table.setdefault(one, other)
        table.setdefault(other, one)
    return table
