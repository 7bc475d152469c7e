"""Words that mean the contrary of each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set

from rag.words import stems

_OPPOSING_PREFIX = re.compile(r"(?:un|in|im|il|ir|non|anti|dis)(?=\w{5})")
_PAIRS = """
    before after|increase decrease|rise fall|more less|more fewer|most least|most fewest|high low
    |higher lower|highest lowest|large small|larger smaller|largest smallest|big small|first last
    |first second|win lose|won lost|old young|older younger|oldest youngest|old new|oldest newest
    |modern ancient|earliest latest|earlier later|early late|best worst|better worse|good bad
    |north south|east west|northern southern|eastern western|north east|north west|south east
    |south west|male female|man woman|men women|husband wife|son daughter|father mother|boy girl
    |legal illegal|above below|over under|positive negative|maximum minimum|start end|began ended
    |begin end|strong weak|stronger weaker|strongest weakest|majority minority|buy sell
    |accept reject|allow prevent|allow deny|allow ban|include exclude|open close|join leave
    |public private|cold hot|victory defeat|support oppose|major minor|major small|rich poor
    |wet dry|long short|longer shorter|longest shortest|success failure|succeed fail
    |import export|similar different|upper lower|internal external|common rare|solid liquid
    |direct indirect|many few|greater smaller|greater lesser|greatest smallest|fast slow
    |faster slower|add remove|create destroy|enhance diminish|enhance suppress|improve worsen
    |strengthen weaken|expand shrink|avoid seek|attack defend|rural urban|active inactive
    |always never|all none|gain lose|deep shallow|wide narrow|thick thin|light dark|light heavy
    |simple complex|hard soft|hard easy|near far|rarely often|national international
    |domestic foreign|permanent temporary|input output|entitle forbid|require prohibit
    |unite divide|day night|death birth|primary secondary|inner outer|inside outside
    |indoor outdoor|interior exterior|arrival departure|gross net|weekday weekend|summer winter
    |debit credit|senior junior|entrance exit"""
OPPOSITES = tuple((one, other) for one, other in map(str.split, _PAIRS.split("|")))
"""Pairs of words of which one means the contrary of the other."""


def _stems_of_opposites() -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for (one,), (other,) in ((stems(one), stems(other)) for one, other in OPPOSITES):
        table.setdefault(one, set()).add(other)
        table.setdefault(other, set()).add(one)
    return table


_OPPOSITES = _stems_of_opposites()


def share_opposed(held: Set[str], lost: Mapping[str, float]) -> float:
    """The share of the question that the sentence lacks and has the opposite of."""
    reversed_here = {_bare(stem) for stem in held}
    return sum(
        share
        for word, share in lost.items()
        if _OPPOSITES.get(word, frozenset()) & held or word in reversed_here or _bare(word) in held
    )


def _bare(word: str) -> str:
    """A stem without a prefix that reverses it, or "" where there is none."""
    match = _OPPOSING_PREFIX.match(word)
    return word[match.end() :] if match else ""
