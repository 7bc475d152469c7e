"""Of reports that are alike: whose a passage is, and of when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.scope import in_scope
from rag.types import Chunk, Passage, Source


def passage(uri: str, text: str, title: str = "", date: str = "") -> Passage:
    source = Source(uri, uri, title or uri, "", "text/plain", len(text), date=date)
    return Passage(Chunk(uri, uri, text, 0, len(text)), source, 0.5, None, 0.0)


SALES = "Net sales were $9 billion, said Apple and Intel alike."
REPORTS = [
    passage(f"/reports/{year}-{quarter}-{company}.pdf", SALES, f"{company} {year}-{quarter}")
    for year, quarter in ((2022, "Q3"), (2023, "Q1"), (2023, "Q3"))
    for company in ("Apple", "Intel")
]


def found(question: str, passages: list[Passage] = REPORTS) -> list[str]:
    return [p.source.title for p in in_scope(question, passages, {}, 10)]


@pytest.mark.parametrize(
    ("question", "titles"),
    [
        ("What were net sales in Q1 2023?", ["Apple 2023-Q1", "Intel 2023-Q1"]),
        ("What were net sales in the third quarter of 2022?", ["Apple 2022-Q3", "Intel 2022-Q3"]),
        ("What were net sales in Q2 2023?", []),
        ("What were net sales in 2022?", ["Apple 2022-Q3", "Intel 2022-Q3"]),
        ("What do the latest 10-Q filings say of net sales?", ["Apple 2023-Q3", "Intel 2023-Q3"]),
        ("What were net sales?", [p.source.title for p in REPORTS]),
        ("Is this the latest on net sales?", [p.source.title for p in REPORTS]),
    ],
)
def test_sources_titled_with_another_time_are_left_out(question: str, titles: list[str]) -> None:
    assert found(question) == titles


def test_a_later_report_that_writes_of_the_time_itself_stays() -> None:
    later = passage("later", "In the first quarter of 2021 sales fell.", "Report 2023-Q3")
    vague = passage("vague", "In 2021 sales fell.", "Report 2022-Q3")
    assert found("Did sales fall in Q1 2021?", [later, vague]) == ["Report 2023-Q3"]
    assert found("Did sales fall in 2021?", [later, vague]) == ["Report 2023-Q3", "Report 2022-Q3"]


def test_the_time_may_be_in_the_name_of_the_file_alone() -> None:
    minutes = [
        passage(f"minutes_{day}.txt", "The price is 9.", "Minutes")
        for day in ("2024-03-05", "2024-04-02")
    ]
    assert in_scope("What was the price on 5 March 2024?", minutes, {}, 10) == minutes[:1]
    assert in_scope("What was the price in 2024?", minutes, {}, 10) == minutes
    assert in_scope("What did the latest issue say?", minutes, {}, 10) == minutes[1:]


def test_a_report_without_an_older_one_of_its_series_is_its_newest() -> None:
    alone = passage("/notes/plan.txt", "The plan is to sell.", "Plan", date="2019-01-01")
    assert found("What does the latest report say?", [*REPORTS, alone])[-1] == "Plan"


def test_a_report_that_is_not_there_is_not_replaced_by_one_that_speaks_of_its_time() -> None:
    first = passage(
        "/reports/2023-Q1-ACME.pdf",
        "We expect the charge to lower income in the second quarter of 2023.",
        "Form 10-Q for Acme filed 04/24/2023",
    )
    assert found("What did Acme expect for the second quarter of 2023?", [first])
    assert found("What charge is in Acme's Q1 2023 report?", [first])
    assert not found("What charge is in Acme's Q2 2023 10-Q?", [first])


PLAIN = [passage(f"{name}.txt", f"Sales of {name} rose.", name) for name in ("Apple", "Intel")]


@pytest.mark.parametrize("question", ["How are sales of Apple?", "how are sales of apple"])
def test_a_name_is_known_though_it_is_written_small(question: str) -> None:
    assert found(question, PLAIN) == ["Apple"]


def test_a_word_of_a_title_that_passages_write_small_is_no_name() -> None:
    plans = [passage("plan", "The annual plan holds.", "Annual plan"), *PLAIN]
    assert found("what is the annual result of a mill", plans) == ["Annual plan", "Apple", "Intel"]


def test_where_no_title_has_a_name_of_the_question_nothing_is_left_out() -> None:
    assert found("How are sales of Norvik?", PLAIN) == ["Apple", "Intel"]


def test_a_document_is_named_by_the_initials_of_its_title_or_by_its_file() -> None:
    moss = passage("licence.txt", "The fee is 9.", "Mill Owners Sale Code")
    mpc = passage("MPC-2.txt", "The fee is 8.", "Terms")
    other = passage("other.txt", "The fee is 7.", "Other terms")
    assert in_scope("What is the fee under the MOSC?", [other, mpc, moss], {}, 10) == [moss]
    assert in_scope("What is the fee under the MPC?", [other, moss, mpc], {}, 10) == [mpc]
    assert in_scope("What is the fee under the MPQ?", [other, mpc], {}, 10) == [other, mpc]


def test_passages_without_the_identifier_asked_for_are_left_out() -> None:
    own = passage("manual.html", "The default of work_mem is 4MB.")
    other = passage("tuning.html", "The default of maintenance_work_mem is 64MB.")
    plain = passage("www.html", "The default port is 80.")
    assert in_scope("What is the default of work_mem?", [other, own], {}, 1) == [own]
    assert in_scope("What is the default of temp_buffers?", [other, own], {}, 10) == []
    assert in_scope("What does tuning_notes.html say?", [own], {}, 10) == []
    assert in_scope("What is the port of example.com?", [plain], {}, 10) == [plain]


def test_a_document_that_opens_with_the_name_is_about_it_in_all_its_parts() -> None:
    clause = passage("lease", "The deposit is nine pounds.", "Lease of Unit 4")
    notes = passage("notes", "Deposits are shown in blue.", "Norvik release notes")
    asked = "What deposit did Norvik pay?"
    assert in_scope(asked, [clause, notes], {}, 10) == [notes]
    opening = {"lease": "This lease is made with Norvik Ltd"}
    assert in_scope(asked, [clause, notes], opening, 10) == [clause, notes]


@given(st.text(), st.lists(st.text(max_size=40), max_size=4))
def test_what_is_left_is_some_of_what_was_found_in_its_order(q: str, texts: list[str]) -> None:
    passages = [passage(str(n), text, text[:20]) for n, text in enumerate(texts)]
    left = in_scope(q, passages, {}, 3)
    places = [passages.index(p) for p in left]
    assert places == sorted(places) and len(left) <= 3
