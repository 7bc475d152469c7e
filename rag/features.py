"""What a sentence shows, in numbers, of answering a question.

Nothing here is learned: each feature is a fact about words, in [0, 1] (the two cosines in [-1, 1]),
that does not depend on how large the index is. ``rag.select`` weighs them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence, Set
from itertools import pairwise

from rag.opposites import share_opposed
from rag.question import NEGATION, Query, found_in, held_by, pairs_of
from rag.terms import with_term
from rag.types import Passage
from rag.words import NUMBER_WORDS, STOP, Token, is_figure, tokens, word_set

_COUNT_WORDS = frozenset(NUMBER_WORDS) | word_set(
    """dozen dozens hundreds thousand thousands million millions billion billions trillion half both
    twice several thirty forty fifty sixty seventy eighty ninety percent quarter"""
)
_TIME_WORDS = word_set(
    """january february march april may june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday century centuries decade decades era period
    spring summer autumn winter year years month months week weeks day days hour hours minute
    minutes today yesterday ago bc bce ad"""
)
# What a few words have that are a sentence of their own; names in -ed are written large.
CLAUSE = re.compile(
    r"\b(?:(?i:it|he|she|they|there|this|that|is|are|was|were|be|has|have|had|does|did|will|can)"
    r"|[a-z]+ed)\b"
)
_PUNCTUATED = re.compile(r"[\d.,;:|!?]")
_YEAR = re.compile(r"(?:1\d{3}|20\d\d)s?$")
_REASON = re.compile(
    r"\b(?:because|due to|owing to|since|therefore|thus|hence|so that|in order|as a result"
    r"|resulted?|caus\w+|reasons?|led to|leading to|allow\w*|prevent\w*|to avoid|for fear"
    r"|purpose|enabl\w+)\b",
    re.I,
)
_MONEY = re.compile(r"[$€£¥]|\b(?:dollars?|euros?|pounds?|cents?)\b", re.I)
_REFUSAL = re.compile(
    r"\b(?:lack\w*|prohibit\w*|forb[ia]d\w*|bann?(?:ed|s)?|den(?:y|ies|ied)|refus\w+|except\w*"
    r"|exclud\w+|prevent\w*|reject\w*|avoid\w*)\b",
    re.I,
)
_ROW = re.compile(r"[^;:]{1,60}: [^;]+; [^;:]{1,60}: | \| ")
_CELL = re.compile(r"(?:^|; )([^;:]{1,60}): (\w+)(?=;|$)")
_JOINED = re.compile(r"([A-Z][\w-]*),? (?:and|or|&|vs\.?|versus) ([A-Z][\w-]*)")
_PRONOUN = re.compile(r"(?:He|She|It|They|This|These|Those|That|His|Her|Its|Their)\b")
UNKNOWN_SIMILARITY = 0.5
"""Stands for the cosine of a passage that has not been embedded yet."""

FEATURES = (
    "coverage",  # share of the question (by rarity) that the sentence says
    "before",  # what the sentence before adds to that
    "around",  # share that the passage, its title and headings say
    "gap",  # the heaviest question word that neither sentence nor title has
    "names_lost",  # share of the question that is names which neither has
    "names_elsewhere",  # share that is names which this sentence lacks, while it has others
    "names_absent",  # share that is names which all of the passage lacks; less if much is asked
    "numbers_lost",  # share that is numbers which neither sentence nor title nor headings have
    "numbers_absent",  # the same of numbers
    "phrase",  # share of the question's neighbouring words that are neighbours here too
    "kind",  # how well something new in the sentence fits the kind of answer wanted
    "opposed",  # share of the question that it has the opposite of instead, or another key
    "negation_lost",  # 1: the question denies something, the sentence does not; less if long
    "length",  # grows with the number of words, 1 at about 50
    "opening",  # 1: first of its passage
    "pronoun",  # 1: begins by pointing back
    "new",  # how much it says beyond the question's words
    "passage_score",  # fused score, relative to the best passage
    "passage_similarity",  # cosine of question and passage
    "similarity",  # cosine of question and sentence
)


def is_heading(query: Query, text: str) -> bool:
    """Whether a sentence is but a heading that a list or a paragraph begins with.

    That is words without a verb, and without punctuation unless all are in capitals, of which most
    are the question's own.
    """
    if CLAUSE.search(text) or (_PUNCTUATED.search(text) and not text.isupper()):
        return False
    stems = [t.stem for t in tokens(text) if t.lower not in STOP]
    return sum(stem in query.stems for stem in stems) > len(stems) / 2


def is_row(text: str) -> bool:
    """Whether a text is the row of a table: labels with values, or cells between bars."""
    return bool(_ROW.search(text))


def passage_features(
    query: Query, passage: Passage, relative_score: float, opening: str
) -> list[list[float]]:
    """One row per sentence of the passage, in the order of ``FEATURES``.

    ``opening`` is how the passage's document begins, whose names are those of all that follows: a
    contract names its parties once. ``similarity`` holds the passage's cosine until the sentence
    has been embedded itself.
    """
    chunk, share = passage.chunk, query.share
    texts = [with_term(chunk, chunk.cut(span)) for span in chunk.sentences]
    words = [tokens(text) for text in texts]
    held = [held_by(query, text) for text in texts]
    above = (passage.source.title, *chunk.headings)
    title = frozenset[str]().union(*(held_by(query, heading) for heading in above))
    rivals = _rivals(query, above)
    around = found_in(query, title.union(*held))
    names = {t.stem for t in tokens(opening) if t.capital or is_figure(t)}
    whose = title | (names & held_by(query, opening))
    known = found_in(query, whose.union(*held))
    absent = {k: share[k] * (1 - known[k]) for k in share}
    found = [found_in(query, sentence) for sentence in held]
    cosine = UNKNOWN_SIMILARITY if passage.similarity is None else passage.similarity
    # In a long question a "not" is an aside, and names may be of several documents.
    brief = min(1.0, 6 / max(1, len(share)))
    rows = []
    in_title = found_in(query, title)
    for i, text in enumerate(texts):
        if is_heading(query, text):
            in_title = found_in(query, title | held[i])
        here, previous = found[i], found[i - 1] if i else found[i]
        lost = {k: share[k] * (1 - max(here[k], in_title[k])) for k in share}
        content = [t for t in words[i] if t.lower not in STOP]
        denies = NEGATION.search(text) or _REFUSAL.search(text)
        row = {
            "coverage": sum(share[k] * here[k] for k in share),
            "before": sum(share[k] * max(0.0, previous[k] - here[k]) for k in share),
            "around": sum(share[k] * around[k] for k in share),
            "gap": max(lost.values(), default=0.0),
            "names_lost": sum(lost[k] for k in query.names if k in lost),
            "names_elsewhere": 0.0
            if is_row(text)
            else _elsewhere(query, held[i], whose, rivals, words[i]),
            "names_absent": brief * sum(absent.get(k, 0.0) for k in query.names & query.said),
            "numbers_lost": sum(share.get(k, 0.0) for k in query.numbers - held[i] - title),
            "numbers_absent": brief * sum(absent.get(k, 0.0) for k in query.numbers & query.said),
            "phrase": len(pairs_of(content) & query.pairs) / max(1, len(query.pairs)),
            "kind": _kind(query, words[i], text),
            "opposed": share_opposed(
                held[i] - query.stems, {k: share[k] for k in share if here[k] < 1}
            )
            + _of_another_key(query, text, held[i] | title),
            "negation_lost": float(query.negated and not denies) * brief,
            "length": min(1.0, math.log1p(len(words[i])) / 4),
            "opening": float(i == 0),
            "pronoun": float(bool(_PRONOUN.match(text))),
            "new": min(1.0, sum(t.stem not in query.stems for t in content) / 15),
            "passage_score": relative_score,
            "passage_similarity": cosine,
            "similarity": cosine,
        }
        rows.append([row[name] for name in FEATURES])
    return rows


def _rivals(query: Query, above: Sequence[str]) -> set[str]:
    """What titles and headings name beside the names of the question: ``Norvik and Elder``."""
    joined = [
        {t.stem for name in pair for t in tokens(name)}
        for text in above
        for pair in _JOINED.findall(text)
    ]
    return set[str]().union(*(pair for pair in joined if pair & query.names)) - query.stems


def _elsewhere(
    query: Query, held: Set[str], whose: Set[str], rivals: Set[str], words: Sequence[Token]
) -> float:
    """The share of the question that is names which a sentence lacks, if its ``words`` have others.

    It has what is ``held``, and what it need not say: ``whose`` document it is, unless it names one
    of the ``rivals``, as the title does. Acronyms are left out: many are no names, as "PDF".
    """
    large = {t.stem for t in words if t.capital}
    has = held if large & rivals else held | whose
    away = sum(query.share.get(name, 0.0) for name in query.names - has - query.acronyms.keys())
    others = any(t.capital and t.stem not in query.stems and t.lower not in STOP for t in words[1:])
    return away if others or large & rivals else 0.0


def _of_another_key(query: Query, text: str, held: Set[str]) -> float:
    """The share of the question that is a key of a table's column where a row has another one.

    Of "zone B" the row with "Zone: A" has another key, and "Plan: Free" of "the Team plan". A year
    is no key of what it stands beside, and two numbers are mostly a range.
    """
    if query.compares or not is_row(text):
        return 0.0
    numbers = {n for n in query.numbers if not _YEAR.match(n)}
    known = query.names | (numbers if len(query.numbers) == 1 else set())
    away = set[str]()
    for label, value in _CELL.findall(text):
        column = "".join(token.stem for token in tokens(label)[-1:])
        keys = {b if a == column else a for a, b in query.beside if column in (a, b)} & known
        if not keys & held:
            away |= {key for key in keys if _is_another(key, value.lower())}
    return sum(query.share.get(key, 0.0) for key in away)


def _is_another(key: str, value: str) -> bool:
    """Whether a value is written like a key, and is neither its short form nor its long one."""
    alike = _has_digit(key) == _has_digit(value)
    return alike and not value.startswith(key) and not key.startswith(value)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _kind(query: Query, words: Sequence[Token], text: str) -> float:
    """How well something new in the sentence fits the kind of answer wanted."""
    new = [t for t in words if t.stem not in query.stems]
    digits = any(t.digit for t in new)
    if query.wanted == "time":
        if any(_YEAR.match(t.lower) for t in new):
            return 1.0
        return 0.7 if any(t.lower in _TIME_WORDS for t in new) else 0.3 * digits
    if query.wanted == "count":
        counted = any(
            t.lower in _COUNT_WORDS or (t.digit and not _YEAR.match(t.lower)) for t in new
        )
        return 1.0 if counted else 0.3 * digits
    if query.wanted == "money":
        return 1.0 if digits and _MONEY.search(text) else 0.4 * digits
    if query.wanted == "reason":
        return float(bool(_REASON.search(text)))
    if query.wanted in ("person", "place"):
        names = [
            i
            for i, t in enumerate(words)
            if t.capital and t.stem not in query.stems and t.lower not in STOP
        ]
        # A capital at the start of a sentence says little.
        if not any(names):
            return 0.3 * len(names)
        full = query.wanted == "place" or any(b - a == 1 for a, b in pairwise(names))
        return 1.0 if full else 0.7
    return min(1.0, sum(t.lower not in STOP for t in new) / 6)
