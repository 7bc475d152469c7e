"""The numbers, dates and names that a text states, taken out so that they can be compared.

Word overlap cannot tell 1.5 billion from 1.6 billion, nor does it know that $1,500 million is the
former. What is read here has a value, a precision and a unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rag.spans import overlap
from rag.types import Span
from rag.words import stems


def _listed(words: str) -> list[str]:
    return words.split()


_PLAIN = str.maketrans(
    "\u2018\u2019\u201b\u2032\u201c\u201d\u201f\u2033"
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00a0\u202f\u2009",
    "''''\"\"\"\"-------   ",
)
_MONTHS = _listed(
    "january february march april may june july august september october november december"
)
_MONTH = {name[:3]: i for i, name in enumerate(_MONTHS, 1)}
_MONTH_NAME = r"(?:" + "|".join(f"{m[:3]}(?:{m[3:]})?" for m in _MONTHS) + r"|Sept)\.?"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?:1\d{3}|20\d{2})"
_DATES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?P<y>\d{4})-(?P<m>0[1-9]|1[0-2])-(?P<d>0[1-9]|[12]\d|3[01])\b",
        rf"\b(?P<n>{_MONTH_NAME})\s+(?P<d>{_DAY})(?:\s*,?\s+(?P<y>{_YEAR}))?\b(?![:.]\d)",
        rf"\b(?P<d>{_DAY})(?:\s+of)?\s+(?P<n>{_MONTH_NAME})(?:\s*,?\s+(?P<y>{_YEAR}))?\b",
        rf"\b(?P<n>{_MONTH_NAME})\s*(?:,|of)?\s*(?P<y>{_YEAR})\b",
        r"\b(?P<a>\d{1,2})[/.](?P<b>\d{1,2})[/.](?P<y>\d{4})\b",
        rf"\b(?P<y>{_YEAR})\s*(?:-|to|until|and|through)\s*(?P<u>{_YEAR}|\d\d)\b(?!,?\d|\s?%)",
        r"\b(?P<decade>1\d\d0|20\d0)'?s\b",
        r"\b(?P<century>1?\d|2[01])(?:st|nd|rd|th)[ -]century\b",
        rf"(?<![$€£¥\d.,#])\b(?P<y>{_YEAR})\b(?![,.]?\d|\s?%|\s+(?:percent|people|dollars))",
        rf"\b(?P<n>{'|'.join(m for m in _MONTHS if m not in ('march', 'may'))})\b",
        r"\b(?:in|of|since|by|until|till|during|early|late|mid|last|next|this|to|from)[ -]"
        r"(?P<n>(?-i:March|May))\b",
    )
)
_SMALL = {
    word: value
    for value, word in enumerate(
        _listed(
            """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
            fifteen sixteen seventeen eighteen nineteen"""
        )
    )
}
_TENS = {
    word: value
    for value, word in zip(
        range(20, 100, 10),
        _listed("twenty thirty forty fifty sixty seventy eighty ninety"),
        strict=True,
    )
}
_SCALES = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "mln": 1e6, "m": 1e6,
    "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "dozen": 12.0,
    "lakh": 1e5, "crore": 1e7,
}  # fmt: skip
_ORDINALS = {
    word: value
    for value, word in enumerate(
        _listed(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
        ),
        1,
    )
}
_WORD_NUMBER = rf"(?:{'|'.join([*_TENS, *_SMALL])}|dozen|hundred|thousand|million|billion)"
_NUMBER = re.compile(
    rf"""(?:(?<![\w.%)])(?P<sign>-|\bminus\s)(?=(?:US|A|C|HK|NZ)?[$€£¥]?\.?\d))?
    (?P<money>(?:US|A|C|HK|NZ)?[$€£¥]\s?)?
    (?:(?<![\w.])(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
       (?P<ordinal>(?:st|nd|rd|th)\b)?(?!\d|\.\d)
       (?:[ -]?(?P<scale>hundred|thousand|million|billion|trillion|dozen|lakh|crore|mn|mln|bn
         |tn)\b
         |(?P<letter>[kKmMbB])\b)?
     |\b(?P<words>(?:an?\s(?=hundred|thousand|million|billion|dozen))?
        {_WORD_NUMBER}(?:(?:-|\s(?:and\s)?){_WORD_NUMBER})*)\b
     |\b(?P<nth>{"|".join(_ORDINALS)})\b
     |\bQ(?P<quarter>[1-4])\b)
    (?:\s?(?P<percent>%|percent(?:age)?\b|per\scent\b|pct\b)
      |[ -]?(?P<unit>(?!(?:{"|".join(_SMALL)})\b)[a-z°][\w°]*))?""",
    re.X | re.I,
)  # fmt: skip
_MEASURES: dict[str, dict[str, float]] = {
    "metre": {"m": 1, "metre": 1, "meter": 1, "km": 1e3, "kilometre": 1e3, "kilometer": 1e3,
              "cm": 0.01, "centimetre": 0.01, "centimeter": 0.01, "mm": 0.001,
              "millimetre": 0.001, "millimeter": 0.001,
              "mile": 1609.34, "mi": 1609.34, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048,
              "inch": 0.0254, "inche": 0.0254},
    "gram": {"g": 1, "gram": 1, "kg": 1e3, "kilogram": 1e3, "kilo": 1e3, "mg": 0.001,
             "tonne": 1e6, "lb": 453.592, "ounce": 28.3495},
    "second": {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600,
               "day": 86400, "week": 604800},
    "year": {"year": 1, "yr": 1, "decade": 10, "month": 1 / 12},
    "$": {"dollar": 1, "usd": 1, "cent": 0.01},
    "€": {"euro": 1, "eur": 1},
    "£": {"pound": 1, "gbp": 1},
    "¥": {"yen": 1},
    "celsius": {"°c": 1},
    "fahrenheit": {"°f": 1},
}  # fmt: skip
_UNITS = {
    form: (unit, factor) for unit, forms in _MEASURES.items() for form, factor in forms.items()
}
_ABOUT = re.compile(
    r"\b(?:about|around|approximately|approx\.?|roughly|nearly|almost|some|circa|c\.|ca\.|close to|"
    r"up to|an estimated|estimated)\s*$",
    re.I,
)
_MORE = re.compile(
    r"\b(?:more than|over|at least|above|exceed\w*|greater than|upwards of)\s*$", re.I
)
_LESS = re.compile(r"\b(?:less than|fewer than|under|at most|below|up to|no more than)\s*$", re.I)
# "A loss of $5 million" and "5% lower" are -$5 million and -5%, "fell to 5 degrees" is not -5.
_LESSENS = (
    r"(?:below|contract(?:ed|ion)|cuts?|decline[ds]?|decrease[ds]?|deficit|down|drop(?:s|ped)?|falls?"
    r"|fallen|fell|less|loss(?:es)?|lost|lower|negative|reduc(?:ed?|es|tions?)|shortfall|shrank"
    r"|shrunk)\b"
)
_DOWN_BEFORE = re.compile(rf"\b{_LESSENS}(?! (?:\w+ ){{0,2}}to\b)[^.;!?]*$", re.I)
_DOWN_BEHIND = re.compile(rf"\W*(?:\w+ ){{0,2}}{_LESSENS}", re.I)
_NO_UNIT = frozenset(
    _listed(
        """a an and the of in on at to by for from with or but as is was were are be than that which
        who it its this these those had has have not per"""
    )
)


def plain(text: str) -> str:
    """The text with typewriter quotes, dashes and spaces; every character keeps its place."""
    return text.translate(_PLAIN)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as stated: ``text[start:end]``, its value in base units, and the last digit's worth.

    ``unit`` is a currency sign, ``%``, a measure (``metre``, ``gram``, ``second``, ``year``), the
    stem of the word behind it, or "". ``ordinal`` numbers count places. ``bound`` is ``>``, ``<``,
    ``~`` (about) or "". A number is below zero by its sign; ``down`` says that words beside it may
    mean the same.
    """

    text: str
    start: int
    end: int
    value: float
    step: float
    unit: str
    hard: bool
    ordinal: bool
    bound: str
    down: bool


@dataclass(frozen=True, slots=True)
class Date:
    """A point or stretch of time as stated: years ``first`` to ``last``, month and day if given."""

    text: str
    start: int
    end: int
    first: int | None
    last: int | None
    month: int | None = None
    day: int | None = None

    @property
    def said(self) -> str:
        """The date without the preposition it was known by."""
        return re.sub(r"^(?:in|of|since|by|until|till|during|to|from)[ -]", "", self.text)


@lru_cache(maxsize=2048)
def read_dates(text: str) -> tuple[Date, ...]:
    """The dates, years, decades and centuries of a plain text, in reading order."""
    found: list[Date] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            said = Span(*match.span())
            if any(overlap(said, date) for date in found):
                continue
            date = _date(match)
            if date is not None:
                found.append(date)
    return tuple(sorted(found, key=lambda d: d.start))


def _date(match: re.Match[str]) -> Date | None:
    part = match.groupdict()
    first = int(part["y"]) if part.get("y") else None
    last, month, day = first, None, None
    if part.get("u") and first is not None:
        last = int(part["u"]) if len(part["u"]) == 4 else first // 100 * 100 + int(part["u"])
        if last < first:
            return None
    if part.get("decade"):
        first = int(part["decade"])
        last = first + 9
    if part.get("century"):
        first = (int(part["century"]) - 1) * 100
        last = first + 100
    if part.get("n"):
        month = _MONTH[part["n"][:3].lower()]
    if part.get("m"):
        month = int(part["m"])
    if part.get("d"):
        day = int(re.sub(r"\D", "", part["d"]))
    if part.get("a"):
        a, b = int(part["a"]), int(part["b"])
        month, day = (a, b) if b > 12 >= a else (b, a) if a > 12 >= b else (None, None)
    return Date(match[0], match.start(), match.end(), first, last, month, day)


def same_date(stated: Date, evidence: Sequence[Date]) -> bool:
    """Whether the evidence states every part of a date, at once or a year apart from its day."""
    if any(_agrees(stated, other, whole=True) for other in evidence):
        return True
    if stated.first is None or stated.month is None:
        return False
    day = any(
        o.first is None and o.month == stated.month and stated.day in (None, o.day)
        for o in evidence
    )
    return day and any(o.month is None and _within(stated, o) for o in evidence)


def _agrees(stated: Date, other: Date, whole: bool) -> bool:
    if stated.first is not None and not _within(stated, other):
        return False
    if stated.month is not None and other.month != stated.month:
        return False
    return stated.day is None or other.day == stated.day


def _within(stated: Date, other: Date) -> bool:
    """Whether one stretch of years lies in the other."""
    if stated.first is None or stated.last is None or other.first is None or other.last is None:
        return False
    inside = other.first <= stated.first and stated.last <= other.last
    around = stated.first <= other.first and other.last <= stated.last
    # A stretch is not proved by one year in it, unless it is a decade or century.
    return inside or (around and stated.last - stated.first in (9, 100))


@lru_cache(maxsize=2048)
def read_quantities(text: str) -> tuple[Quantity, ...]:
    """The numbers of a plain text that are no dates, in reading order."""
    masked = list(text)
    for date in read_dates(text):
        masked[date.start : date.end] = " " * (date.end - date.start)
    bare = "".join(masked)
    found = []
    for match in _NUMBER.finditer(bare):
        quantity = _quantity(match, bare)
        if quantity is not None:
            found.append(quantity)
    return tuple(found)


def _quantity(match: re.Match[str], text: str) -> Quantity | None:
    part = match.groupdict()
    end = max(
        match.end(name)
        for name in ("digits", "ordinal", "scale", "letter", "words", "nth", "quarter", "percent")
    )
    ordinal = bool(part["ordinal"] or part["nth"] or part["quarter"])
    if part["digits"]:
        digits = part["digits"].replace(",", "")
        value = float(digits)
        step = 10.0 ** -len(digits.partition(".")[2])
        scale = (
            _SCALES[(part["scale"] or part["letter"] or "").lower()]
            if (part["scale"] or part["letter"])
            else 1.0
        )
        value, step = value * scale, step * scale
        value = -value if part["sign"] else value
    elif part["words"]:
        read = _in_words(part["words"].lower())
        if read is None:
            return None
        value, step = read
    else:
        value = float(part["quarter"] or _ORDINALS[part["nth"].lower()])
        step = 1.0
    unit, hard, factor = "", False, 1.0
    if part["money"]:
        unit, hard = part["money"].strip()[-1], True
        if (part["unit"] or "").lower() == "mm":
            factor, end = 1e6, match.end("unit")
    elif part["percent"]:
        unit, hard = "%", True
    elif part["unit"] and part["unit"].lower() not in _NO_UNIT:
        word = part["unit"].lower()
        known = _UNITS.get(word) or _UNITS.get(word.rstrip("s"))
        if known and not ordinal:
            (unit, factor), hard = known, True
            end = match.end("unit")
        else:
            unit = (stems(word) or (word,))[0]
    if part["quarter"]:
        unit = stems("quarter")[0]
    before = text[max(0, match.start() - 20) : match.start()]
    bound = ">" if _MORE.search(before) else "<" if _LESS.search(before) else ""
    if not bound and _ABOUT.search(before):
        bound = "~"
    down = bool(
        _DOWN_BEFORE.search(text[max(0, match.start() - 60) : match.start()])
        or _DOWN_BEHIND.match(text[end : end + 60])
    )
    start = match.start()
    said = text[start:end].strip()
    return Quantity(
        said, start, end, value * factor, step * factor, unit, hard, ordinal, bound, down
    )


def _in_words(words: str) -> tuple[float, float] | None:
    """The value of a number in words and the worth of its last part; None for a lone "one"."""
    pieces = [w for w in re.split(r"[\s-]+", words) if w not in ("and", "a", "an")]
    if pieces == ["one"]:
        return None  # mostly a pronoun
    total = current = 0.0
    step = 1.0
    for piece in pieces:
        if piece in _SMALL or piece in _TENS:
            current += _SMALL.get(piece, _TENS.get(piece, 0))
            step = 1.0
        elif _SCALES[piece] <= 100:
            current = max(current, 1.0) * _SCALES[piece]
            step = _SCALES[piece]
        else:
            total += max(current, 1.0) * _SCALES[piece]
            current, step = 0.0, _SCALES[piece]
    return total + current, step


def same_quantity(stated: Quantity, other: Quantity) -> bool:
    """Whether the other number, from the evidence, bears the stated one out."""
    if stated.ordinal != other.ordinal:
        return False
    if stated.unit != other.unit and (stated.hard and other.hard):
        return False
    if (stated.value < 0) != (other.value < 0):
        above = other if stated.value < 0 else stated
        if not above.down:
            return False
        stated, other = (replace(q, value=abs(q.value)) for q in (stated, other))
    gap = abs(stated.value - other.value)
    slack = 1e-9 * max(1.0, abs(stated.value))
    if stated.step > other.step:
        slack = 0.5 * stated.step  # rounded: 1.5 billion for 1,480 million
    if "~" in (stated.bound, other.bound) or stated.bound in ("<", ">"):
        slack = max(slack, 0.05 * abs(other.value))
    if stated.bound == ">" and stated.value <= other.value <= 1.25 * stated.value:
        return True
    if stated.bound == "<" and 0.8 * stated.value <= other.value <= stated.value:
        return True
    return gap <= slack
