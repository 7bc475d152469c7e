"""What a sentence shows, in numbers, of answering a question.

Nothing here is learned: each feature is a fact about words, in [0, 1] unless said otherwise, that
does not depend on how large the index is. ``rag.select`` weighs them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

import Stemmer

from rag.types import Passage

_STEMMER = Stemmer.Stemmer("english")
_TOKEN = re.compile(r"\d[\d,.]*\d|\w+")
_STOP = frozenset(
    [
        "a",
        "about",
        "after",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "being",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "for",
        "from",
        "get",
        "give",
        "got",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "shall",
        "she",
        "should",
        "so",
        "some",
        "such",
        "tell",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "too",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "s",
        "t",
        "d",
        "ll",
        "re",
        "ve",
        "please",
        "many",
        "much",
        "name",
        "called",
        "mean",
        "explain",
        "describe",
        "list",
        "according",
    ]
)
_IRREGULAR = {
    form: base
    for base, forms in {
        "begin": "began begun", "build": "built", "buy": "bought", "bring": "brought",
        "become": "became", "break": "broke broken", "catch": "caught", "choose": "chose chosen",
        "come": "came", "deal": "dealt", "die": "death dead", "draw": "drew drawn",
        "drive": "drove driven", "eat": "ate eaten", "fall": "fell fallen", "feel": "felt",
        "fight": "fought", "flee": "fled", "fly": "flew flown", "give": "gave given",
        "go": "went gone", "grow": "grew grown", "hold": "held", "keep": "kept",
        "know": "knew known", "lead": "led", "leave": "left", "lose": "lost loss",
        "make": "made", "mean": "meant", "meet": "met", "pay": "paid", "rise": "rose risen",
        "run": "ran", "say": "said", "see": "saw seen", "sell": "sold", "send": "sent",
        "sink": "sank sunk", "speak": "spoke spoken", "spend": "spent", "stand": "stood",
        "steal": "stole stolen", "take": "took taken", "teach": "taught", "think": "thought",
        "win": "won", "write": "wrote written", "live": "life lives", "choice": "choices",
        "grow": "growth", "high": "height", "long": "length", "strong": "strength",
        "wide": "width", "deep": "depth", "sing": "sang sung song", "start": "onset",
    }.items()
    for form in forms.split()
}  # fmt: skip
_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ]
    )
} | {"first": "1st", "second": "2nd", "third": "3rd", "twenty": "20", "hundred": "100"}
_COUNT_WORDS = frozenset(_NUMBER_WORDS) | frozenset(
    [
        "dozen",
        "dozens",
        "hundreds",
        "thousand",
        "thousands",
        "million",
        "millions",
        "billion",
        "billions",
        "trillion",
        "half",
        "both",
        "twice",
        "several",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
        "percent",
        "quarter",
    ]
)
_TIME_WORDS = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "century",
        "centuries",
        "decade",
        "decades",
        "era",
        "period",
        "spring",
        "summer",
        "autumn",
        "winter",
        "year",
        "years",
        "month",
        "months",
        "week",
        "weeks",
        "day",
        "days",
        "hour",
        "hours",
        "minute",
        "minutes",
        "today",
        "yesterday",
        "ago",
        "bc",
        "bce",
        "ad",
    ]
)
_YEAR = re.compile(r"^(?:1\d{3}|20\d\d)s?$")
_REASON = re.compile(
    r"\b(?:because|due to|owing to|since|therefore|thus|hence|so that|in order|as a result|resulted?"
    r"|caus\w+|reasons?|led to|leading to|allow\w*|prevent\w*|to avoid|for fear|purpose|enabl\w+)\b",
    re.I,
)
_MONEY = re.compile(r"[$€£¥]|\b(?:dollars?|euros?|pounds?|cents?)\b", re.I)
_NEGATION = re.compile(
    r"\b(?:not|no|non|never|none|nor|neither|without|cannot|unable|fail(?:ed|s)?|\w+n['’]t)\b", re.I
)
_REFUSAL = re.compile(
    r"\b(?:lack\w*|prohibit\w*|forb[ia]d\w*|bann?(?:ed|s)?|den(?:y|ies|ied)|refus\w+|except\w*|exclud\w+"
    r"|prevent\w*|reject\w*|avoid\w*)\b",
    re.I,
)
_PRONOUN = re.compile(r"(?:He|She|It|They|This|These|Those|That|His|Her|Its|Their)\b")
_SUBJECT = re.compile(
    r"^(?:who|what)\s+(?!is|are|was|were|did|does|do|has|have|had|can|could|will|would|should|may|might|kind|type|year)(\w+)",
    re.I,
)
_EXTREMES = frozenset(
    [
        "first",
        "last",
        "only",
        "most",
        "least",
        "best",
        "worst",
        "largest",
        "smallest",
        "biggest",
        "highest",
        "lowest",
        "oldest",
        "newest",
        "earliest",
        "latest",
        "main",
        "primary",
        "major",
        "original",
        "longest",
        "shortest",
        "youngest",
        "final",
        "next",
        "previous",
        "every",
        "always",
        "least",
        "fewer",
        "fewest",
        "entire",
    ]
)
_OPPOSITES: dict[str, set[str]] = {}
for _pair in [
    "before after",
    "increase decrease",
    "rise fall",
    "more less",
    "more fewer",
    "most least",
    "most fewest\n    ",
    "high low",
    "higher lower",
    "highest lowest",
    "large small",
    "larger smaller",
    "largest smallest",
    "big small\n    ",
    "first last",
    "first second",
    "win lose",
    "won lost",
    "old young",
    "older younger",
    "oldest youngest",
    "old new\n    ",
    "oldest newest",
    "modern ancient",
    "earliest latest",
    "earlier later",
    "early late",
    "best worst",
    "better worse\n    ",
    "good bad",
    "north south",
    "east west",
    "northern southern",
    "eastern western",
    "north east",
    "north west",
    "south east\n    ",
    "south west",
    "male female",
    "man woman",
    "men women",
    "husband wife",
    "son daughter",
    "father mother",
    "boy girl\n    ",
    "legal illegal",
    "above below",
    "over under",
    "left right",
    "positive negative",
    "maximum minimum",
    "start end\n    ",
    "began ended",
    "begin end",
    "strong weak",
    "stronger weaker",
    "strongest weakest",
    "majority minority",
    "buy sell\n    ",
    "accept reject",
    "allow prevent",
    "allow deny",
    "allow ban",
    "include exclude",
    "open close",
    "join leave\n    ",
    "public private",
    "cold hot",
    "victory defeat",
    "support oppose",
    "major minor",
    "major small",
    "rich poor",
    "wet dry\n    ",
    "long short",
    "longer shorter",
    "longest shortest",
    "success failure",
    "succeed fail",
    "import export\n    ",
    "similar different",
    "upper lower",
    "internal external",
    "common rare",
    "solid liquid",
    "direct indirect",
    "many few\n    ",
    "greater smaller",
    "greater lesser",
    "greatest smallest",
    "fast slow",
    "faster slower",
    "add remove",
    "create destroy\n    ",
    "enhance diminish",
    "enhance suppress",
    "improve worsen",
    "strengthen weaken",
    "expand shrink",
    "avoid seek\n    ",
    "attack defend",
    "rural urban",
    "active inactive",
    "always never",
    "all none",
    "gain lose",
    "deep shallow",
    "wide narrow\n    ",
    "thick thin",
    "light dark",
    "light heavy",
    "simple complex",
    "hard soft",
    "hard easy",
    "near far",
    "rarely often\n    ",
    "national international",
    "domestic foreign",
    "permanent temporary",
    "input output\n    ",
    "entitle forbid",
    "require prohibit",
    "unite divide",
    "day night",
    "death birth",
    "primary secondary",
]:
    _one, _other = (str(_STEMMER.stemWord(w)) for w in _pair.split())
    _OPPOSITES.setdefault(_one, set()).add(_other)
    _OPPOSITES.setdefault(_other, set()).add(_one)
_OPPOSING_PREFIX = re.compile(r"^(?:un|in|im|il|ir|non|anti|dis)(?=\w{5})")


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text: its stem, and the little of its shape that tells names and numbers."""

    stem: str
    lower: str
    capital: bool
    digit: bool


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The lower-case stem of a word; irregular forms and number words meet their base form."""
    word = word.lower()
    word = _IRREGULAR.get(word, _NUMBER_WORDS.get(word, word))
    if word[0].isdigit():
        return word.replace(",", "")
    return str(_STEMMER.stemWord(word))


@lru_cache(maxsize=20_000)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text in order."""
    found = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        found.append(Token(stem(word), word.lower(), word[0].isupper(), word[0].isdigit()))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Query:
    """A question as evidence is sought for it.

    ``weight`` gives each content stem its share of the question, summing to 1. ``wanted`` is the
    kind of answer: person, time, place, count, money, reason, which (a noun follows) or other.
    """

    weight: Mapping[str, float]
    names: frozenset[str]
    numbers: frozenset[str]
    words: frozenset[str]
    lower: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    focus: frozenset[str]
    wanted: str
    negated: bool
    extremes: frozenset[str]
    subject: str


_WANTED = (
    (
        "money",
        r"\bhow much (?:money|did .* cost|does .* cost|was .* paid)|\bwhat (?:\w+ )?(?:price|cost)\b",
    ),
    (
        "count",
        r"\bhow (?:many|much|old|tall|long|far|large|big|high|deep|wide|fast|often|heavy|hot|cold)\b|"
        r"\b(?:what|which)(?: \w+)? (?:percent\w*|number|amount|population|proportion|fraction|rate|size|total|age|temperature|speed)\b",
    ),
    (
        "time",
        r"\bwhen\b|\b(?:what|which)(?: \w+)? (?:year|date|day|month|century|decade|time|season|era|period)s?\b",
    ),
    ("person", r"\bwho(?:m|se)?\b"),
    (
        "place",
        r"\bwhere\b|\b(?:what|which)(?: \w+)? (?:city|country|state|place|region|town|river|continent|location|area|island|county|nation|countries|cities)\b",
    ),
    ("reason", r"\bwhy\b|\b(?:what|which)(?: \w+)? (?:reason|cause|purpose)s?\b|\bwhat caused\b"),
    ("which", r"\b(?:what|which)\b"),
)
_WANTED_RE = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _WANTED)
_FOCUS = re.compile(
    r"\b(?:what|which)\s+((?:\w+\s+){0,3}?)(?:is|are|was|were|did|does|do|has|have|had|can|could|will|would|that|in|of|to|from|for|on|by)\b",
    re.I,
)


def read_question(question: str, idf: Callable[[str], float]) -> Query:
    """Take a question apart. ``idf`` gives the inverse document frequency of a stem."""
    words = tokens(question)
    content = [t for t in words if t.lower not in _STOP] or list(words)
    raw = {t.stem: max(idf(t.stem), 1e-3) for t in content}
    total = sum(raw.values()) or 1.0
    wanted = next((kind for kind, p in _WANTED_RE if p.search(question)), "other")
    m = _FOCUS.search(question)
    focus = [t.stem for t in tokens(m.group(1)) if t.lower not in _STOP][-1:] if m else []
    return Query(
        weight={s: w / total for s, w in raw.items()},
        names=frozenset(t.stem for t in words[1:] if t.capital and t.lower not in _STOP),
        numbers=frozenset(t.stem for t in words if t.digit),
        words=frozenset(t.stem for t in words),
        lower=frozenset(t.lower for t in words),
        pairs=frozenset((a.stem, b.stem) for a, b in zip(content, content[1:])),
        focus=frozenset(focus),
        wanted=wanted,
        negated=bool(_NEGATION.search(question)),
        extremes=frozenset(t.lower for t in words if t.lower in _EXTREMES),
        subject=(lambda m: stem(m.group(1)) if m else "")(_SUBJECT.match(question)),
    )


FEATURES = (
    "coverage", "before", "after", "around", "title", "gap", "gap_around", "names_lost", "numbers_lost",
    "numbers_lost_around", "phrase", "kind", "focus", "focus_name", "opposed", "negation_added", "negation_lost",
    "extremes_lost", "length", "short", "fragment", "opening", "pronoun", "new", "colon", "slot",
    "passage_similarity", "passage_score", "passage_rank",
    "similarity",
)  # fmt: skip


def _found(query: Query, stems: Set[str]) -> dict[str, float]:
    """How far each question stem is in ``stems``: 1 itself, .6 another form of it, 0 not at all."""
    by_start: dict[str, list[str]] = {}
    for other in stems:
        by_start.setdefault(other[:4], []).append(other)
    result = {}
    for own in query.weight:
        if own in stems:
            result[own] = 1.0
        else:
            near = by_start.get(own[:4], ()) if len(own) >= 4 and not own[0].isdigit() else ()
            result[own] = 0.6 if any(_akin(own, other) for other in near) else 0.0
    return result


def _akin(a: str, b: str) -> bool:
    """Whether two stems that begin alike are forms of one word."""
    shared = max(4, min(len(a), len(b)) - 1)
    return len(b) >= 4 and abs(len(a) - len(b)) <= 4 and a[:shared] == b[:shared]


def _kind(query: Query, words: Sequence[Token], text: str) -> float:
    """Whether the sentence holds, beyond the question's own words, an answer of the wanted kind."""
    new = [t for t in words if t.stem not in query.words]
    digits = any(t.digit for t in new)
    if query.wanted == "time":
        if any(_YEAR.match(t.lower) for t in new):
            return 1.0
        return 0.7 if any(t.lower in _TIME_WORDS for t in new) else 0.3 * digits
    if query.wanted == "count":
        if any(t.lower in _COUNT_WORDS or (t.digit and not _YEAR.match(t.lower)) for t in new):
            return 1.0
        return 0.3 * digits
    if query.wanted == "money":
        return 1.0 if digits and _MONEY.search(text) else 0.4 * digits
    if query.wanted == "reason":
        return float(bool(_REASON.search(text)))
    if query.wanted in ("person", "place"):
        names = [
            i
            for i, t in enumerate(words)
            if t.capital and t.stem not in query.words and t.lower not in _STOP
        ]
        if query.wanted == "person" and any(b - a == 1 for a, b in zip(names, names[1:])):
            return 1.0
        return (0.7 if query.wanted == "person" else 1.0) if any(names) else 0.3 * bool(names)
    return min(1.0, sum(t.lower not in _STOP for t in new) / 6)


def _opposed(query: Query, stems: Set[str], lost: Sequence[str]) -> bool:
    """Whether the sentence has the opposite of a question word instead of the word."""
    for word in lost:
        if _OPPOSITES.get(word, set()) & stems:
            return True
        base = _OPPOSING_PREFIX.sub("", word)
        if base != word and base in stems:
            return True
    for other in stems:
        base = _OPPOSING_PREFIX.sub("", other)
        if base != other and base in lost:
            return True
    return False


def _slot(query, words):
    if not query.subject:
        return 0.5
    v = query.subject
    pos = [i for i, t in enumerate(words) if t.stem == v]
    if not pos:
        return 0.5
    i = pos[0]
    bef = [
        t for t in words[max(0, i - 8) : i] if t.lower not in _STOP and t.stem not in query.words
    ]
    by = any(t.lower == "by" for t in words[i + 1 : i + 4])
    return 1.0 if bef or by else 0.0


def sentence_features(query: Query, passage: Passage, rank: int, best: float) -> list[list[float]]:
    chunk = passage.chunk
    texts = [chunk.text[s.start - chunk.start : s.end - chunk.start] for s in chunk.sentences]
    words = [tokens(t) for t in texts]
    stems = [frozenset(t.stem for t in w) for w in words]
    title = frozenset(t.stem for h in (passage.source.title, *chunk.headings) for t in tokens(h))
    everything = title.union(*stems)
    share = query.weight
    own = [_found(query, s) for s in stems]
    entitled = _found(query, title)
    around = _found(query, everything)
    cov_around = sum(share[k] * around[k] for k in share)
    gap_around = max(share[k] * (1 - around[k]) for k in share)
    rows = []
    for i, (text, tk, ss, c) in enumerate(zip(texts, words, stems, own)):
        ctx = {k: max(c[k], entitled[k]) for k in share}
        content = [t for t in tk if t.lower not in _STOP]
        pairs = {(a.stem, b.stem) for a, b in zip(content, content[1:])}
        lower = {t.lower for t in tk}
        neg = bool(_NEGATION.search(text))
        foc = 0.5 if not query.focus else float(bool(query.focus & ss))
        fn = 0.0
        if foc == 1.0:
            fn = float(
                any(
                    t.stem in query.focus
                    and any(
                        o.capital and o.stem not in query.words for o in tk[max(0, k - 2) : k + 3]
                    )
                    for k, t in enumerate(tk)
                )
            )
        rows.append(
            [
                sum(share[k] * c[k] for k in share),
                sum(share[k] * max(0.0, own[i - 1][k] - c[k]) for k in share) if i else 0.0,
                sum(share[k] * max(0.0, own[i + 1][k] - c[k]) for k in share)
                if i + 1 < len(own)
                else 0.0,
                cov_around,
                sum(share[k] * max(0.0, entitled[k] - c[k]) for k in share),
                max(share[k] * (1 - ctx[k]) for k in share),
                gap_around,
                sum(share[k] * (1 - ctx[k]) for k in query.names if k in share),
                float(bool(query.numbers - ss)),
                float(bool(query.numbers - everything)),
                len(pairs & query.pairs) / len(query.pairs) if query.pairs else 0.0,
                _kind(query, tk, text),
                foc,
                fn,
                float(_opposed(query, ss, [k for k in share if c[k] < 1])),
                float(neg and not query.negated),
                float(query.negated and not neg and not _REFUSAL.search(text)),
                len(query.extremes - lower) / len(query.extremes) if query.extremes else 0.0,
                min(1.0, math.log1p(len(tk)) / 4),
                float(len(tk) < 6),
                float(text[-1] not in ".!?\"”')" and ": " not in text),
                float(i == 0),
                float(bool(_PRONOUN.match(text))),
                min(1.0, sum(t.stem not in query.words for t in content) / 15),
                float(": " in text),
                _slot(query, tk),
                passage.similarity or 0.0,
                passage.score / max(best, 1e-9),
                1 / (1 + rank),
            ]
        )
    return rows
