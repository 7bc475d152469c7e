"""Which of the passages found are about what a question names: whose they are, and of when.

Reports of several companies, or of several years, say the same in all but the figures. Words and
embeddings cannot tell whose they are, so these are rules: they need a name or a time in a title.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import PurePath

from rag.dates import Period, day_of, period_asked
from rag.followup import CARRIED
from rag.lexical import names_by_initials
from rag.types import Citation, Passage, Source
from rag.words import STOP, stems_of, tokens

SHORT_NAME = 2  # letters; as of "Q3"
QUARTER = 92  # days
DEPTH = 50
_NEWEST_REPORT = re.compile(
    r"\b(?:latest|newest|most recent) (?:[\w-]+ ){0,2}"
    r"(?:10-?[kq]|report|filing|quarter|release|version|edition|issue|year|month)\b",
    re.IGNORECASE,
)
_REPORT = r"(?:10-?[kq]|report|filing|release|minutes|statement)s?\b"
_REPORT_OF = re.compile(rf"\b(?:19|20)\d\d (?:[\w-]+ ){{0,2}}{_REPORT}", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_JOINED = re.compile(r"_|(?<=[A-Za-z])-(?=\d)")
_JOINED_NAME = re.compile(r"_|(?<=[A-Za-z]{3})(?=\d{3})")
_PLACE_OF_A_NAME = re.compile(r"(?<=[a-z,;] )[\w'’&-]+")


def in_scope(
    question: str, passages: Sequence[Passage], openings: Mapping[str, str], k: int
) -> list[Passage]:
    """The first ``k`` passages that are not about something else than what the question names.

    ``openings`` are how the passages' sources begin, by id: a contract names its parties once.
    ``passages`` are ``DEPTH`` or fewer. More than ``k`` are looked through only where none of these
    holds a name of the question, while titles further behind have them all: another's report may
    use its other words far more. And of one that has an identifier, only those that have it count.
    """
    passages = _of_the_identifiers(question, passages)
    first = passages[:k]
    names = _names(question, first)
    here = any(_holds(passage, names, openings) for passage in first)
    if names and not here and names <= _called(passages):
        first, names = passages, _names(question, passages)
    named = _of_the_name(names, first, openings)
    return list(_newest(question, _of_the_time(question, named)))[:k]


def called(source: Source) -> tuple[str, str]:
    """What a document is called: its title, and the name of its file, ``rfc 5321.txt``."""
    return source.title, _JOINED_NAME.sub(" ", PurePath(source.uri).name)


def are_apart(one: Source | Citation, other: Source | Citation) -> bool:
    """Whether two files are reports of one series, titled with different times.

    Each tells of its own time, so different figures are no contradiction. Of other papers that are
    written anew each year, as a policy, the later one does contradict the earlier.
    """
    times = _titled(one), _titled(other)
    reports = re.search(_REPORT, one.title, re.IGNORECASE) or all(
        time.days <= QUARTER for time in (*times[0], *times[1])
    )
    return bool(
        reports
        and _series(one) == _series(other)
        and all(times)
        and not any(a.meets(b) for a in times[0] for b in times[1])
    )


def _of_the_identifiers(question: str, passages: Sequence[Passage]) -> Sequence[Passage]:
    """Without the passages that have none of the question's identifiers: nothing else is meant.

    One of words and dots alone may be the address of somebody who is called otherwise.
    """
    words = tokens(CARRIED.sub("", question))
    asked = {t.stem for t in words if t.whole and (not t.lower[0].isalpha() or "_" in t.lower)}
    return [
        p
        for p in passages
        if not asked
        or asked
        & stems_of(p.source.title, PurePath(p.source.uri).name, *p.chunk.headings, p.chunk.text)
    ]


def _of_the_name(
    names: frozenset[str], passages: Sequence[Passage], openings: Mapping[str, str]
) -> Sequence[Passage]:
    """Without the passages about another than the question's names are.

    Where a source is titled with one of these, a passage must hold one of its names, or
    stand under it or in a document that opens with it: of reports that are alike, another company's
    say the right about the wrong.
    """
    if not names & _called(passages):
        return passages
    return [p for p in passages if _holds(p, names, openings)]


def _holds(passage: Passage, names: frozenset[str], openings: Mapping[str, str]) -> bool:
    said = (openings.get(passage.source.id, ""), *passage.chunk.headings, passage.chunk.text)
    return bool(names & (_called([passage]) | stems_of(*said)))


def _called(passages: Sequence[Passage]) -> frozenset[str]:
    """The stems of what the passages' documents are called, and the initials of their titles."""
    sources = {p.source.id: p.source for p in passages}.values()
    initials = (short for source in sources for short in names_by_initials(source.title))
    return stems_of(*(name for source in sources for name in called(source)), *initials)


def _names(question: str, passages: Sequence[Passage]) -> frozenset[str]:
    """The question's names: what it writes large, and what titles hold and passages write large."""
    titled = _called(passages)
    words = [t for t in tokens(question) if t.lower not in STOP]
    begins = tokens(question)[:1]  # a capital there is no sign of a name
    written = {t.stem for t in words if t.capital and t not in begins}
    small = {t.stem for t in words if t.stem not in written} & titled
    inside = (
        [
            token
            for p in passages
            for word in _PLACE_OF_A_NAME.findall(p.chunk.text)
            for token in tokens(word)
            if token.stem in small
        ]
        if small
        else []
    )
    never_small = {t.stem for t in inside} - {t.stem for t in inside if not t.capital}
    return frozenset(name for name in written | never_small if len(name) > SHORT_NAME)


def _of_the_time(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """Without the passages of sources titled with another time than the question names.

    A later report that writes of that time itself stays, unless it is the report of that time that
    is asked about.
    """
    asked = period_asked(question).periods
    named = bool(_REPORT_OF.search(question))
    return [p for p in passages if not asked or _is_of(asked, p, named)]


def _is_of(asked: Sequence[Period], passage: Passage, named: bool) -> bool:
    source, chunk = passage.source, passage.chunk
    titled = _titled(source)
    if not titled or any(a.meets(t) for a in asked for t in titled):
        return True
    if named:
        return False
    written = _periods(*chunk.headings, chunk.text)
    return any(
        a.meets(w) and (w.days <= QUARTER or a.days > QUARTER) for a in asked for w in written
    )


def _newest(question: str, passages: Sequence[Passage]) -> Sequence[Passage]:
    """For a question about the newest report, without those of its series that are older.

    Files are a series whose names differ by numbers alone. Any other question for what is newest
    is left as it is: the last minutes need not say what was decided last.
    """
    if not _NEWEST_REPORT.search(question):
        return passages
    days = {p.source.id: _day(p.source) for p in passages}
    last: dict[str, date] = {}
    for p in passages:
        series, day = _series(p.source), days[p.source.id]
        last[series] = max(last.get(series, day), day)
    return [p for p in passages if days[p.source.id] == last[_series(p.source)]]


def _series(source: Source | Citation) -> str:
    return _NUMBER.sub("#", PurePath(source.uri).stem)


def _day(source: Source) -> date:
    """The last day that a source is about by its title, or else its own; the first of all days."""
    own = day_of(source.date)
    return max((period.last for period in _titled(source)), default=own or date.min)


def _titled(source: Source | Citation) -> list[Period]:
    """The times that title and file name have; of a quarter and its year, the quarter."""
    found = _periods(source.title, _in_words(PurePath(source.uri).stem))
    return [a for a in found if not any(_is_within(b, a) for b in found)]


def _is_within(a: Period, b: Period) -> bool:
    return b.first <= a.first and a.last <= b.last and a.days < b.days


def _periods(*texts: str) -> list[Period]:
    return [period for text in texts for period in period_asked(text).periods]


def _in_words(file_name: str) -> str:
    """``minutes_2024-03-05`` with its words apart."""
    return _JOINED.sub(" ", file_name)
