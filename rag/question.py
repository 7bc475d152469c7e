"""A question taken apart: its words, what each of them weighs, and which a text holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rag.followup import CARRIED
from rag.lexical import analyze, names_by_initials
from rag.words import STOP, Token, akin, asked_tokens, content_stems, is_figure, tokens, word_set

NEGATION = re.compile(
    r"\b(?:not|no|non|never|none|nor|neither|without|cannot|unable|fail(?:ed|s)?|\w+n['’]t)\b", re.I
)
_COMPARES = re.compile(r"\b(?:than|before|after|besides|except|other|next|between)\b", re.I)
_ACRONYM = re.compile(r"\b(?:[A-Z]{3,5}|[A-Z]{1,3}\d{2,4})\b")
_NUMBERED = re.compile(r"\b[^\W\d_]++[-‐‑–]\d{1,3}(?:\.\d+)?\b")
_LETTER = re.compile(  # that names something: zone A, annex D of the lease
    r"(?<=[a-z] )[A-HJ-Z](?=\W*$|[,;:?)]| (?:of|in|for|and|or|to|is|on|at|with|from)\b)"
)
_ARTICLES = word_set("the a an")
_MARKS = ".,;:!?()[]\"'“”‘’„«»"
_ASKS = r"|\b(?:what|which)(?: \w+)? "
_WANTED = tuple(
    (kind, re.compile(pattern, re.I))
    for kind, pattern in (
        (
            "money",
            r"\bhow much (?:money|did .* cost|does .* cost|was .* paid)"
            r"|\bwhat (?:\w+ )?(?:price|cost)\b",
        ),
        (
            "count",
            r"\bhow (?:many|much|old|tall|long|far|large|big|high|deep|wide|fast|often|heavy|hot"
            r"|cold)\b" + _ASKS + r"(?:percent\w*|number|amount|population|proportion|fraction|rate"
            r"|size|total|age|temperature|speed)\b",
        ),
        (
            "time",
            r"\bwhen\b" + _ASKS + r"(?:year|date|day|month|century|decade|time|season|era|period)"
            r"s?\b",
        ),
        ("person", r"\bwho(?:m|se)?\b"),
        (
            "place",
            r"\bwhere\b" + _ASKS + r"(?:city|cities|country|countries|state|place|region|town|river"
            r"|continent|location|area|island|county|nation)\b",
        ),
        ("reason", r"\bwhy\b|\bwhat caused\b" + _ASKS + r"(?:reason|cause|purpose)s?\b"),
    )
)

EVEN = 0.3
"""Every word of a question has so much of the rarest one's weight beside its own: the few documents
of a small library say little of how rare a word is."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question taken apart.

    ``said`` are the stems of the question without the bracket at its end, which holds what was
    carried over to it. ``share`` gives each content stem its part of the question by rarity,
    summing to 1. ``wanted`` is the kind of answer: money, count, time, person, place, reason or
    other. ``pairs`` are neighbours among the content stems, ``beside`` among all. ``compares`` is
    whether it may ask for others than those it names. ``acronyms`` are the stems that were written
    in capitals, each with its letters; ``initials`` are those of long names, each with the stems.
    """

    share: Mapping[str, float]
    said: frozenset[str]
    stems: frozenset[str]
    names: frozenset[str]
    numbers: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    beside: frozenset[tuple[str, str]]
    wanted: str
    negated: bool
    compares: bool
    acronyms: Mapping[str, str]
    initials: Mapping[str, frozenset[str]]


def read_question(question: str, idf: Callable[[str], float]) -> Query:
    """Take a question apart; ``idf`` gives a stem's inverse document frequency, on any scale."""
    words = asked_tokens(question)
    first = [t for t in words[:1] if t.lower not in STOP]
    letters = {letter.lower() for letter in _LETTER.findall(question)}
    others = [t for t in words[1:] if t.lower not in STOP or (t.capital and t.lower in letters)]
    content = [*first, *others] or list(words)
    # The index knows "first", not "1st": what is written in two ways is as rare as its commoner.
    rarity = {
        t.stem: max(min(map(idf, (t.stem, *analyze("" if t.whole else t.lower)))), 1e-3)
        for t in content
    }
    even = EVEN * max(rarity.values(), default=0.0)
    total = sum(value + even for value in rarity.values())
    return Query(
        share={key: (value + even) / total for key, value in rarity.items()},
        said=frozenset(t.stem for t in tokens(CARRIED.sub("", question))),
        stems=frozenset(t.stem for t in words),
        names=frozenset(t.stem for t in others if t.capital or t.whole),
        numbers=frozenset(t.stem for t in words if is_figure(t)),
        pairs=pairs_of(content),
        beside=pairs_of(words),
        wanted=next((kind for kind, pattern in _WANTED if pattern.search(question)), "other"),
        negated=bool(NEGATION.search(question)),
        compares=bool(_COMPARES.search(question)),
        acronyms={
            t.stem: word.lower()
            for word in _ACRONYM.findall(question)
            for t in tokens(word)
            if t.lower == word.lower()
        },
        initials={
            letters: content_stems(name) for letters, name in names_by_initials(question).items()
        },
    )


def best_coverage(query: Query, texts: Sequence[str]) -> float:
    """How much of a question, by rarity, that one of the texts says which says most; in [0, 1]."""
    found = [found_in(query, {t.stem for t in tokens(text)}) for text in texts]
    return max((sum(query.share[k] * here[k] for k in here) for here in found), default=0.0)


def pairs_of(words: Sequence[Token]) -> frozenset[tuple[str, str]]:
    """The stems of neighbouring words."""
    return frozenset((a.stem, b.stem) for a, b in pairwise(words))


def held_by(query: Query, text: str) -> frozenset[str]:
    """The stems of a text, and of what it has by initials or in full where the question does not.

    Not the numbers in others' names: Phi-4 is no GPT-4.
    """
    stems = Counter(token.stem for token in tokens(text))
    stems -= Counter(pair[1] for pair in _numbered(text) if pair not in query.pairs)
    return frozenset(stems).union(_spelled_out(query, text), _cut_short(query, text))


def _spelled_out(query: Query, text: str) -> list[str]:
    """The acronyms of the question whose letters begin words of a text, one after another."""
    if not query.acronyms:
        return []
    words = [t for t in tokens(text) if t.lower not in STOP]
    initials = "".join(t.lower if t.digit else t.lower[0] for t in words)
    named = {short.lower() for short in names_by_initials(text)}
    return [k for k, letters in query.acronyms.items() if letters in initials or letters in named]


def _cut_short(query: Query, text: str) -> Set[str]:
    """The stems of the question's long names that a text has by their initials."""
    if not query.initials:
        return frozenset()
    here = set(_ACRONYM.findall(text)) & query.initials.keys()
    return frozenset[str]().union(*(query.initials[short] for short in here))


@lru_cache(maxsize=4096)
def _numbered(text: str) -> tuple[tuple[str, str], ...]:
    """The names in a text that end in a number, by their last two stems: ``("gpt", "4")``."""
    found = (tokens(name) for name in _NUMBERED.findall(text))
    return tuple((t[-2].stem, t[-1].stem) for t in found if len(t) > 1 and t[-2].capital)


def joined_names(question: str) -> list[str]:
    """Names that are asked of together: ``Medici and Senet``, ``CMA and courts`` after a comma."""
    words = [w for w in question.split() if w.lower() not in _ARTICLES]
    words = [w for w in words if not w.strip(_MARKS).isdigit()]
    found = []
    for i in range(1, len(words) - 1):
        if words[i] not in ("and", "or") or not _is_name(words[i - 1]):
            continue
        listed = i > 1 and words[i - 2].endswith(",") and _is_name(words[i - 2])
        if listed or _is_name(words[i + 1]):
            found.append(" ".join(w.strip(_MARKS) for w in words[i - 1 : i + 2]))
    return found


def _is_name(word: str) -> bool:
    bare = word.strip(_MARKS)
    return any(map(str.isupper, bare)) and re.split("['’]", bare)[0] != "I"


def found_in(query: Query, stems: Set[str]) -> dict[str, float]:
    """How far each question stem is in ``stems``: 1 itself, .6 another form of it, 0 not at all."""
    by_start: dict[str, list[str]] = {}
    for other in stems:
        by_start.setdefault(other[:4], []).append(other)
    return {
        own: 1.0
        if own in stems
        else 0.6
        if any(akin(own, other) for other in by_start.get(own[:4], ()))
        else 0.0
        for own in query.share
    }
