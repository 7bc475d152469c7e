"""Questions that a document asks itself are quoted with their replies."""

from __future__ import annotations

import pytest

from ingest.sync import add_texts
from rag.index import Index
from tests.test_rag_chain import check_bound

INTERVIEW = """Q: How long is the ferry ride?
A: Forty minutes, or an hour against the tide.

Q: Who repairs the nets?
A: The widow of the old fisherman does, in winter.

Professor Solheim asked how many crews had given up by May. The harbour master said: eleven.

Dame Helen wanted to know why the second pier had opened late. Does it matter now?"""


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("How long is the ferry ride?", "A: Forty minutes, or an hour against the tide."),
        ("Who repairs the nets?", "A: The widow of the old fisherman does, in winter."),
        ("How many crews gave up?", "The harbour master said: eleven."),
    ],
)
def test_a_question_is_quoted_with_its_reply(index: Index, question: str, reply: str) -> None:
    add_texts(index, [("interview.txt", "The harbour", INTERVIEW)])
    answer = index.ask(question)
    check_bound(index, answer)
    quotes = [s.text for s in answer.sentences]
    assert reply in quotes
    # Right behind the question, once.
    assert quotes.count(reply) == 1
    assert quotes[quotes.index(reply) - 1].startswith(("Q: ", "Professor"))


def test_a_question_is_no_reply(index: Index) -> None:
    add_texts(index, [("interview.txt", "The harbour", INTERVIEW)])
    answer = index.ask("Why did the second pier open late?")
    assert not any(s.text == "Does it matter now?" for s in answer.sentences)


@pytest.mark.parametrize(
    "text",
    [
        "If a visitor is asked whether they hold a ticket, they must show it. The sauna closes.",
        "Members were asked who should run the cafe and most named Ms Fenn. The sauna opens.",
        "Who runs the cafe?\nphoto of the sauna",
    ],
)
def test_what_follows_is_no_reply(index: Index, text: str) -> None:
    add_texts(index, [("rules.txt", "House rules", text)])
    for question in ("Must a visitor show a ticket?", "Who runs the cafe?"):
        assert "sauna" not in index.ask(question).text
