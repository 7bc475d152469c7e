"""Questions that ask several things, and those that only look like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync import add_texts
from rag.index import Index
from rag.parts import next_query, parts


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "Who founded Microsoft, and who were OpenAI's founders?",
            ["Who founded Microsoft", "who were OpenAI's founders?"],
        ),
        (
            "Compare the price of ChatGPT Plus with the price of Copilot.",
            ["the price of ChatGPT Plus", "the price of Copilot"],
        ),
        (
            "Compare Apple's and Amazon's net sales.",
            ["net sales of Apple", "net sales of Amazon"],
        ),
        (
            "Compare the mill’s with the dairies’ income from rent?",
            ["income from rent of the mill", "income from rent of the dairies"],
        ),
        (
            "When was OpenAI announced and when did it publish its Charter?",
            [
                "When was OpenAI announced",
                "when did it publish its Charter? (about: OpenAI announced)",
            ],
        ),
        (
            "What does GPT-4 take, and which search engine turned out to be running on it?",
            [
                "What does GPT-4 take",
                "which search engine turned out to be running on it? (about: GPT-4)",
            ],
        ),
        (
            "1. When was the outage? 2. How long did it last? 3. Who was in command of Norvik?",
            [
                "When was the outage",
                "How long did it last (about: outage)",
                "Who was in command of Norvik?",
            ],
        ),
        (
            "What is the annual licence fee? Who signed for the customer?",
            ["What is the annual licence fee", "Who signed for the customer?"],
        ),
        (
            "When was Copilot launched, and what does it cost?",
            ["When was Copilot launched", "what does it cost? (about: Copilot launched)"],
        ),
        (
            "Who founded Norvik, and how long does it take to bake bread?",
            ["Who founded Norvik", "how long does it take to bake bread?"],
        ),
    ],
)
def test_each_part_can_be_asked_alone(question: str, expected: list[str]) -> None:
    assert parts(question) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does the article say about ethics?", ["ethics"]),
        ("what do these documents tell me about pay", ["pay"]),
        ("According to the report, who leads it?", ["who leads it?"]),
        ("Who leads it, according to the report?", ["Who leads it?"]),
    ],
)
def test_pointing_to_the_documents_is_left_out(question: str, expected: list[str]) -> None:
    assert parts(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "What does the Charter say about AGI?",
        "What does the article say?",
        "Who were Bill Gates and Paul Allen?",
        "What is the difference between GPT-2 and GPT-3?",
        "When and where was it?",
        "How much was it? (about: Microsoft invest OpenAI)",
        "Compare them.",
        "Compare Apple's and Amazon's.",
        "compare " + "x and " * 5000,
    ],
)
def test_one_question_stays_whole(question: str) -> None:
    assert parts(question) == [question]


@given(st.text())
def test_there_is_always_something_to_ask(question: str) -> None:
    assert 1 <= len(parts(question)) <= 3


VILLAGES = "Ardle Benwick Corsby Dunmoor Elder Fenton Garth Holm Inver Jarrow Kelso"
FACTS = [
    ("song", "Harbour Lights", "The song Harbour Lights was first sung by Wenna Trevose in 1971."),
    ("singer", "Wenna Trevose", "Wenna Trevose spent her childhood in Polperro among potters."),
    *(
        (name, f"{name} parish", f"The village of {name} has {n} sheep and a church.")
        for n, name in enumerate(VILLAGES.split())
    ),
]
HOP = "In which village did the woman grow up who first sang the song Harbour Lights?"


def test_what_the_best_passage_leaves_open_is_searched_with_the_names_it_adds(
    index: Index,
) -> None:
    add_texts(index, FACTS)
    found = index.search(HOP)
    assert "first sung by" in found[0].chunk.text
    query = next_query(HOP, found[0], index.library.idf)
    assert "Wenna Trevose" in query
    assert "village" in query
    assert "Harbour" not in query
    assert "Polperro" in found[3].chunk.text, "first behind those that stay in place"
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "question",
    [
        "Who first sang Harbour Lights?",
        "When was it? (about: woman first sang song Harbour Lights village grow)",
        "in which year was the song harbour lights first sung by wenna trevose and where",
    ],
)
def test_one_search_is_enough(index: Index, question: str) -> None:
    add_texts(index, FACTS)
    best = index.search("Harbour Lights first sung")[0]
    assert next_query(question, best, index.library.idf) == ""


def test_a_name_before_a_time_is_carried_to_the_next_part() -> None:
    question = "What risks are in Amazon's Q3 2023 10-Q, and which ones rose since the last report?"
    assert parts(question)[1] == "which ones rose since the last report? (about: Amazon)"
    question = "What was bought in May 2023, and which ones rose since the last report?"
    assert parts(question)[1] == "which ones rose since the last report?"


def test_a_first_part_without_a_name_gets_that_of_what_the_next_one_says_of_it() -> None:
    assert parts("What risks are named in these 10-Qs and how might they impact Apple?")[0] == (
        "What risks are named in these 10-Qs (about: Apple)"
    )
    assert parts("When was it founded and who runs Microsoft?")[0] == "When was it founded"
