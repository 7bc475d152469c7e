"""Dates in questions, and sources that say the same at different times."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync import sync
from rag.dates import Asked, Period, distances, period_asked
from rag.index import Index
from rag.retrieve import by_date
from rag.settings import Settings

YEAR = Period(date(2024, 1, 1), date(2024, 12, 31))
DECEMBER = Period(date(2011, 12, 1), date(2011, 12, 31))


def years(first: int) -> Period:
    """A year and the next."""
    return Period(date(first, 1, 1), date(first + 1, 12, 31))


@pytest.mark.parametrize(
    ("question", "periods"),
    [
        ("What was the price as of 2024?", [YEAR]),
        ("Who left in March 2023?", [Period(date(2023, 3, 1), date(2023, 3, 31))]),
        ("What happened on 3rd May, 2024?", [Period(date(2024, 5, 3), date(2024, 5, 3))]),
        ("What happened on May 3, 2024?", [Period(date(2024, 5, 3), date(2024, 5, 3))]),
        ("Sales in Q3 2024", [Period(date(2024, 7, 1), date(2024, 9, 30))]),
        ("the third quarter of fiscal year 2024", [Period(date(2024, 7, 1), date(2024, 9, 30))]),
        ("2024 Q3 and FY2024", [Period(date(2024, 7, 1), date(2024, 9, 30)), YEAR]),
        ("the log of 2024-02-29.", [Period(date(2024, 2, 29), date(2024, 2, 29))]),
        ("from 2023-2024", [Period(date(2023, 1, 1), date(2023, 12, 31)), YEAR]),
        ("What was revenue in 2023-24?", [years(2023)]),
        ("2023/24 and 1999–00", [years(2023), years(1999)]),
        ("the 2011-12 season", [years(2011)]),
        ("Who won the 2011-12 NBA season?", [years(2011)]),
        ("FY2011-12, fiscal year 2009-10", [years(2011), years(2009)]),
        ("minutes of 2011-12", [DECEMBER]),
        ("2011-12-05", [Period(date(2011, 12, 5), date(2011, 12, 5))]),
        ("2011/12/05", [Period(date(2011, 1, 1), date(2011, 12, 31))]),
        ("Q3 2023-24", [Period(date(2023, 7, 1), date(2023, 9, 30))]),
        ("from 2018-20", []),
        ("Is the RTX-2080 worth $2,020 or 2020.5%?", []),
        ("on 31 February 2023", []),
        ("the latest report", []),
    ],
)
def test_periods_are_read(question: str, periods: list[Period]) -> None:
    assert list(period_asked(question).periods) == periods


def test_the_newest_is_asked_for_only_without_a_period() -> None:
    assert period_asked("What is the most recent price?").newest
    assert not period_asked("What was the latest price in 2024?").newest
    assert not period_asked("What is the price?").newest


def test_distance_grows_with_the_gap_and_spares_what_has_no_date() -> None:
    dates = ["2024-06-01", "2023-06-01T09:00:00+00:00", "2020-01-01", "", "some day"]
    inside, near, far, unknown, unreadable = distances(Asked((YEAR,)), dates)
    assert inside == unknown == unreadable == 0 < near < far < 1
    newest = distances(Asked(newest=True), dates)
    assert newest[0] == newest[3] == 0 < newest[1] < newest[2]


@given(st.text(), st.lists(st.text(max_size=12)))
def test_any_text_is_read(question: str, dates: list[str]) -> None:
    assert all(0 <= d < 1 for d in distances(period_asked(question), dates))


@pytest.fixture
def memos(index: Index, tmp_path: Path) -> Index:
    """Three memos of which only the city and the date differ, and one without a date."""
    folder = tmp_path / "memos"
    folder.mkdir()
    for year, city in ((2019, "Leeds"), (2022, "York"), (2024, "Bath")):
        (folder / f"memo{year}.md").write_text(
            f"---\ntitle: Office memo\ndate: {year}-05-01\n---\n\n"
            f"The head office of Orrin Freight is in {city}.\n",
            encoding="utf-8",
        )
    sync(index, [folder])
    assert sorted(s.date for s in index.library.sources().values()) == [
        "2019-05-01",
        "2022-05-01",
        "2024-05-01",
    ]
    return index


@pytest.mark.parametrize(
    ("question", "city"),
    [
        ("Where was the head office of Orrin Freight as of 2019?", "Leeds"),
        ("Where was the head office of Orrin Freight in June 2022?", "York"),
        ("Where is the latest head office of Orrin Freight?", "Bath"),
        ("Where was the head office of Orrin Freight in 2024?", "Bath"),
    ],
)
def test_of_near_equals_the_one_of_the_time_comes_first(
    memos: Index, question: str, city: str
) -> None:
    assert city in memos.search(question)[0].chunk.text
    answer = memos.ask(question, settings=Settings(threshold=0.0))
    assert city in answer.sentences[0].text


def test_a_date_neither_beats_a_better_source_nor_punishes_one_without(memos: Index) -> None:
    first = memos.search("Where is the head office of Orrin Freight?")[0]
    old = replace(first, score=0.9, source=replace(first.source, date="2001-01-01"))
    new = replace(first, score=0.6, source=replace(first.source, date="2024-01-01"))
    blank = replace(first, score=0.59, source=replace(first.source, date=""))
    ranked = by_date("What held in 2024?", [old, new, blank])
    assert [p.source.date for p in ranked] == ["2001-01-01", "2024-01-01", ""]
    assert [p.score for p in ranked[1:]] == [0.6, 0.59]
    assert by_date("What held?", [old, new]) == [old, new]
    assert by_date("What held in 2024?", [blank, blank]) == [blank, blank]


def test_what_no_other_source_says_is_not_put_back(memos: Index) -> None:
    first = memos.search("Where is the head office of Orrin Freight?")[0]
    old = replace(first, source=replace(first.source, date="2001-01-01"))
    other = replace(
        first,
        score=first.score - 0.001,
        chunk=replace(first.chunk, text="A lorry needs new tyres every two years or so."),
        source=replace(first.source, date="2024-01-01"),
    )
    assert by_date("What held in 2024?", [old, other]) == [old, other]
