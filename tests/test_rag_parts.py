"""Questions that ask several things, and those that only look like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.parts import parts


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
            "When was OpenAI announced and when did it publish its Charter?",
            ["When was OpenAI announced", "when did it publish its Charter? (OpenAI announced)"],
        ),
    ],
)
def test_each_part_can_be_asked_alone(question: str, expected: list[str]) -> None:
    assert parts(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Who were Bill Gates and Paul Allen?",
        "What is the difference between GPT-2 and GPT-3?",
        "When and where was it?",
        "How much was it? (Microsoft invest OpenAI)",
        "Compare them.",
        "compare " + "x and " * 5000,
    ],
)
def test_one_question_stays_whole(question: str) -> None:
    assert parts(question) == [question]


@given(st.text())
def test_there_is_always_something_to_ask(question: str) -> None:
    assert 1 <= len(parts(question)) <= 3
