"""Dates that a question names, and how near a source's own date comes to them.

Only what is written out is read: years, months and days, and words such as "latest". The rules know
English and ISO 8601.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?,?"
)
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_QUARTER = r"(?P<quarter>q[1-4]|(?:first|second|third|fourth) quarter)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?,?"
_END = r"(?![\w%]|[.,]\d)"
_PAIRS = "|".join(f"{n:02}[-/–]{(n + 1) % 100:02}" for n in range(100))
_YEARS = rf"(?P<years>(?:19|20)(?:{_PAIRS}))(?![-/–]\d)"
_YEARLY = r"(?:(?:academic|budget|financial|fiscal|school|tax)(?: year)?|season|term|year)"
# The first that fits at a place is taken; "$2,020" and "RTX-2080" hold no year. "2011-12" is a
# month unless a word beside it says that these are years; "2018-20" is neither.
_WRITTEN = tuple(
    re.compile(rf"(?<![\w$€£.,])(?<![A-Za-z]-){pattern}{_END}", re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)",
        rf"{_DAY} (?:of )?{_MONTH} {_YEAR}",
        rf"{_MONTH} {_DAY} {_YEAR}",
        rf"{_MONTH} (?:of )?{_YEAR}",
        rf"{_QUARTER}(?: of)?(?: fiscal(?: year)?| FY)?[ -]?{_YEAR}",
        rf"{_YEAR}[ -]?{_QUARTER}",
        rf"(?:FY ?|{_YEARLY} ){_YEARS}",
        rf"{_YEARS}(?=(?: (?-i:[A-Z])\w+){{0,3}} {_YEARLY}\b)",
        rf"{_YEAR}-(?P<month>0[1-9]|1[0-2])",
        _YEARS,
        rf"(?:FY ?)?{_YEAR}(?!-\d\d\b)",
    )
)
_QUARTERS = {"q1": 1, "first": 1, "q2": 2, "second": 2, "q3": 3, "third": 3, "q4": 4, "fourth": 4}
_NEWEST = re.compile(
    r"\b(?:latest|newest|most recent(?:ly)?|up[- ]to[- ]date|current(?:ly)?|nowadays|at present"
    r"|right now|as of (?:now|today)|today)\b",
    re.IGNORECASE,
)
_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class Period:
    """From the first to the last day, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Its length."""
        return (self.last - self.first).days + 1

    def meets(self, other: Period) -> bool:
        """Whether they have a day in common."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question says of time: periods it names, and whether it wants the newest there is."""

    periods: tuple[Period, ...] = ()
    newest: bool = False


def is_month(word: str) -> bool:
    """Whether a word names a month, whole or cut short: ``March``, ``Sept.``."""
    return bool(re.fullmatch(_MONTH, word, re.IGNORECASE))


def period_asked(question: str) -> Asked:
    """The periods a question names; ``newest`` only where it names none."""
    periods: list[Period] = []
    rest = question
    for pattern in _WRITTEN:
        for match in pattern.finditer(rest):
            if period := _period(match):
                periods.append(period)
        rest = pattern.sub(lambda m: "_" * len(m[0]), rest)
    return Asked(tuple(periods), not periods and bool(_NEWEST.search(question)))


def distances(asked: Asked, dates: Sequence[str]) -> list[float]:
    """How far each source's date is from what was asked, in [0, 1]: 0 fits, above .5 over a year.

    ``dates`` are ISO 8601, or "" for an unknown one, which is never far. Where the newest was asked
    for, the newest of these dates is what fits.
    """
    days = [day_of(text) for text in dates]
    known = [day for day in days if day]
    periods = asked.periods
    if asked.newest and known:
        periods = (Period(max(known), date.max),)
    if not periods:
        return [0.0] * len(days)
    return [min(_far(day, period) for period in periods) if day else 0.0 for day in days]


def day_of(text: str) -> date | None:
    """The day of an ISO 8601 date or date-time; None for anything else."""
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def _far(day: date, period: Period) -> float:
    gap = max((period.first - day).days, (day - period.last).days, 0) / _DAYS
    return gap / (gap + 1.0)


def _period(match: re.Match[str]) -> Period | None:
    """The period that is written, or None where there is no such day."""
    found = match.groupdict()
    if years := found.get("years"):
        return Period(date(int(years[:4]), 1, 1), date(int(years[:4]) + 1, 12, 31))
    year = int(found["year"])
    if quarter := found.get("quarter"):
        number = _QUARTERS[quarter.lower().split()[0]]
        return Period(date(year, 3 * number - 2, 1), _last(year, 3 * number))
    written = found.get("month")
    if not written:
        return Period(date(year, 1, 1), date(year, 12, 31))
    month = int(written) if written.isdigit() else _MONTHS.index(written[:3].lower()) + 1
    try:
        if day := found.get("day"):
            return Period(date(year, month, int(day)), date(year, month, int(day)))
        return Period(date(year, month, 1), _last(year, month))
    except ValueError:
        return None


def _last(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])
