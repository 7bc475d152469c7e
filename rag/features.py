"""What a sentence shows, in numbers, of answering a question.

Nothing here is learned: each feature is a fact about words, in [0, 1] (the two cosines in [-1, 1]),
that does not depend on how large the index is. ``rag.select`` weighs them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from rag.followup import CARRIED
from rag.lexical import analyze
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
_ROLES = word_set("ceo cfo cio cmo coo cto hr vp")  # written like names, and said otherwise
_ACRONYM = re.compile(r"\b[A-Z]{3,5}\b")  # the initials of two words are those of too many
_NUMBERED = re.compile(r"\b[^\W\d_]*[A-Z][^\W\d_]*-\d{1,3}(?:\.\d+)?\b")
_YEAR = re.compile(r"(?:1\d{3}|20\d\d)s?$")
_REASON = re.compile(
    r"\b(?:because|due to|owing to|since|therefore|thus|hence|so that|in order|as a result"
    r"|resulted?|caus\w+|reasons?|led to|leading to|allow\w*|prevent\w*|to avoid|for fear"
    r"|purpose|enabl\w+)\b",
    re.I,
)
_MONEY = re.compile(r"[$€£¥]|\b(?:dollars?|euros?|pounds?|cents?)\b", re.I)
NEGATION = re.compile(
    r"\b(?:not|no|non|never|none|nor|neither|without|cannot|unable|fail(?:ed|s)?|\w+n['’]t)\b", re.I
)
_REFUSAL = re.compile(
    r"\b(?:lack\w*|prohibit\w*|forb[ia]d\w*|bann?(?:ed|s)?|den(?:y|ies|ied)|refus\w+|except\w*"
    r"|exclud\w+|prevent\w*|reject\w*|avoid\w*)\b",
    re.I,
)
_ROW = re.compile(r"[^;:]{1,60}: [^;]+; [^;:]{1,60}: | \| ")
_PRONOUN = re.compile(r"(?:He|She|It|They|This|These|Those|That|His|Her|Its|Their)\b")
_OPPOSING_PREFIX = re.compile(r"(?:un|in|im|il|ir|non|anti|dis)(?=\w{5})")
_PAIRS = """
    before after|increase decrease|rise fall|more less|more fewer|most least|most fewest|high low
    |higher lower|highest lowest|large small|larger smaller|largest smallest|big small|first last
    |first second|win lose|won lost|old young|older younger|oldest youngest|old new|oldest newest
    |modern ancient|earliest latest|earlier later|early late|best worst|better worse|good bad
    |north south|east west|northern southern|eastern western|north east|north west|south east
    |south west|male female|man woman|men women|husband wife|son daughter|father mother|boy girl
    |legal illegal|above below|over under|left right|positive negative|maximum minimum|start end
    |began ended|begin end|strong weak|stronger weaker|strongest weakest|majority minority|buy sell
    |accept reject|allow prevent|allow deny|allow ban|include exclude|open close|join leave
    |public private|cold hot|victory defeat|support oppose|major minor|major small|rich poor|wet dry
    |long short|longer shorter|longest shortest|success failure|succeed fail|import export
    |similar different|upper lower|internal external|common rare|solid liquid|direct indirect
    |many few|greater smaller|greater lesser|greatest smallest|fast slow|faster slower|add remove
    |create destroy|enhance diminish|enhance suppress|improve worsen|strengthen weaken
    |expand shrink|avoid seek|attack defend|rural urban|active inactive|always never|all none
    |gain lose|deep shallow|wide narrow|thick thin|light dark|light heavy|simple complex|hard soft
    |hard easy|near far|rarely often|national international|domestic foreign|permanent temporary
    |input output|entitle forbid|require prohibit|unite divide|day night|death birth
    |primary secondary"""
OPPOSITES = tuple((one, other) for one, other in map(str.split, _PAIRS.split("|")))
"""Pairs of words of which one means the contrary of the other."""


def _stems_of_opposites() -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for one, other in (analyze(" ".join(pair)) for pair in OPPOSITES):
        table.setdefault(one, set()).add(other)
        table.setdefault(other, set()).add(one)
    return table


_OPPOSITES = _stems_of_opposites()
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
    "opposed",  # share of the question that it has the opposite of instead
    "negation_lost",  # 1: the question denies something, the sentence does not; less if long
    "length",  # grows with the number of words, 1 at about 50
    "opening",  # 1: first of its passage
    "pronoun",  # 1: begins by pointing back
    "new",  # how much it says beyond the question's words
    "passage_score",  # fused score, relative to the best passage
    "passage_similarity",  # cosine of question and passage
    "similarity",  # cosine of question and sentence
)


@dataclass(frozen=True, slots=True)
class Query:
    """A question taken apart.

    ``said`` are the stems of the question without the bracket at its end, which holds what was
    carried over to it. ``share`` gives each content stem its part of the question by rarity,
    summing to 1. ``wanted`` is the kind of answer: money, count, time, person, place, reason or
    other. ``acronyms`` are the stems that were written in capitals, each with its letters.
    ``numbered`` are names with the number that is part of them, as ``("gpt", "4")``.
    """

    share: Mapping[str, float]
    said: frozenset[str]
    stems: frozenset[str]
    names: frozenset[str]
    numbers: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    wanted: str
    negated: bool
    acronyms: Mapping[str, str]
    numbered: frozenset[tuple[str, str]]


def read_question(question: str, idf: Callable[[str], float]) -> Query:
    """Take a question apart; ``idf`` gives a stem's inverse document frequency, on any scale."""
    words = tokens(question)
    content = [t for t in words if t.lower not in STOP] or list(words)
    # The index knows "first", not "1st": what is written in two ways is as rare as its commoner.
    rarity = {
        t.stem: max(min(idf(form) for form in (t.stem, *analyze(t.lower))), 1e-3) for t in content
    }
    even = EVEN * max(rarity.values(), default=0.0)
    total = sum(value + even for value in rarity.values())
    return Query(
        share={key: (value + even) / total for key, value in rarity.items()},
        said=frozenset(t.stem for t in tokens(CARRIED.sub("", question))),
        stems=frozenset(t.stem for t in words),
        names=frozenset(t.stem for t in words[1:] if t.capital and t.lower not in STOP),
        numbers=frozenset(t.stem for t in words if is_figure(t)),
        pairs=_pairs(content),
        wanted=next((kind for kind, pattern in _WANTED if pattern.search(question)), "other"),
        negated=bool(NEGATION.search(question)),
        acronyms={
            t.stem: word.lower() for word in _ACRONYM.findall(question) for t in tokens(word)
        },
        numbered=frozenset[tuple[str, str]]().union(
            *(_pairs(tokens(name)) for name in _NUMBERED.findall(question))
        ),
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
    texts = [chunk.cut(span) for span in chunk.sentences]
    words = [tokens(text) for text in texts]
    held = [_held(query, sentence).union(_spelled_out(query, sentence)) for sentence in words]
    title = frozenset[str]().union(
        *(_held(query, tokens(heading)) for heading in (passage.source.title, *chunk.headings))
    )
    around = _found(query, title.union(*held))
    begins = tokens(opening)
    whose = title | ({t.stem for t in begins if t.capital or is_figure(t)} & _held(query, begins))
    known = _found(query, whose.union(*held))
    absent = {k: share[k] * (1 - known[k]) for k in share}
    found = [_found(query, sentence) for sentence in held]
    cosine = UNKNOWN_SIMILARITY if passage.similarity is None else passage.similarity
    # In a long question a "not" is an aside, and names may be of several documents.
    brief = min(1.0, 6 / max(1, len(share)))
    rows = []
    in_title = _found(query, title)
    for i, text in enumerate(texts):
        if is_heading(query, text):
            in_title = _found(query, title | held[i])
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
            else _elsewhere(query, held[i] | whose, words[i]),
            "names_absent": brief
            * sum(absent.get(k, 0.0) for k in (query.names & query.said) - _ROLES),
            "numbers_lost": sum(share.get(k, 0.0) for k in query.numbers - held[i] - title),
            "numbers_absent": brief * sum(absent.get(k, 0.0) for k in query.numbers & query.said),
            "phrase": len(_pairs(content) & query.pairs) / max(1, len(query.pairs)),
            "kind": _kind(query, words[i], text),
            "opposed": _opposed(held[i], {k: share[k] for k in share if here[k] < 1}),
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


def best_coverage(query: Query, texts: Sequence[str]) -> float:
    """How much of a question, by rarity, that one of the texts says which says most; in [0, 1]."""
    found = [_found(query, {t.stem for t in tokens(text)}) for text in texts]
    return max((sum(query.share[k] * here[k] for k in here) for here in found), default=0.0)


def _pairs(words: Sequence[Token]) -> frozenset[tuple[str, str]]:
    return frozenset((a.stem, b.stem) for a, b in pairwise(words))


def _held(query: Query, words: Sequence[Token]) -> frozenset[str]:
    """The stems of a text, without the number of another name: Phi-4 is no GPT-4."""
    held = frozenset(t.stem for t in words)
    if not query.numbered:
        return held
    here = query.numbered & _pairs(words)
    return held - ({n for _, n in query.numbered} - {n for _, n in here})


def _found(query: Query, stems: Set[str]) -> dict[str, float]:
    """How far each question stem is in ``stems``: 1 itself, .6 another form of it, 0 not at all."""
    by_start: dict[str, list[str]] = {}
    for other in stems:
        by_start.setdefault(other[:4], []).append(other)
    return {
        own: 1.0
        if own in stems
        else 0.6
        if any(_akin(own, other) for other in by_start.get(own[:4], ()))
        else 0.0
        for own in query.share
    }


def _elsewhere(query: Query, held: Set[str], words: Sequence[Token]) -> float:
    """The share of the question that is names which are not ``held``, if ``words`` have others.

    Acronyms are left out: many are no names, as "CEO".
    """
    away = sum(query.share.get(name, 0.0) for name in query.names - held - query.acronyms.keys())
    others = any(t.capital and t.stem not in query.stems and t.lower not in STOP for t in words[1:])
    return away if others else 0.0


def _spelled_out(query: Query, words: Sequence[Token]) -> list[str]:
    """The acronyms of the question whose letters begin words of a sentence, one after another."""
    if not query.acronyms:
        return []
    initials = "".join(t.lower[0] for t in words if t.lower not in STOP)
    return [stem for stem, letters in query.acronyms.items() if letters in initials]


def _akin(a: str, b: str) -> bool:
    """Whether two stems that begin alike are forms of one word; numbers never are."""
    shorter = min(len(a), len(b))
    if shorter < 4 or a[0].isdigit() or abs(len(a) - len(b)) > 4:
        return False
    shared = max(4, shorter - 1)
    return a[:shared] == b[:shared]


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


def _opposed(stems: Set[str], lost: Mapping[str, float]) -> float:
    """The share of the question that the sentence lacks and has the opposite of."""
    reversed_here = {_bare(stem) for stem in stems}
    return sum(
        share
        for word, share in lost.items()
        if _OPPOSITES.get(word, frozenset()) & stems
        or word in reversed_here
        or _bare(word) in stems
    )


def _bare(word: str) -> str:
    """A stem without a prefix that reverses it, or "" where there is none."""
    match = _OPPOSING_PREFIX.match(word)
    return word[match.end() :] if match else ""
