"""A follow-up says again what it leaves out; a question that stands alone is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.followup import MAX_CARRIED, is_small_talk, standalone
from rag.types import DECLINED, INVITATION, Turn

INVESTED = (
    Turn("user", "When did Microsoft first invest in OpenAI?"),
    Turn("assistant", "Microsoft first invested in OpenAI in 2019."),
)
REVENUE = (
    Turn("user", "What was the revenue of Tesla in 2022?"),
    Turn("assistant", "$81 billion."),
)


@pytest.mark.parametrize(
    "question",
    [
        "How much was it?",
        "And in 2023?",
        "Who is its CEO?",
        "Who is the CEO?",
        "Why?",
        "Why Google?",
        "When in March?",
        "And the price?",
        "How do I cancel them?",
        "Is that true?",
        "Do I need anything to claim on it?",
        "Tell me more",
        "I don't understand",
        "Any long-term risks?",
        "I meant the second time",
        "When does it take place?",
        "What does it cost?",
        "How long did it take?",
        "How much storage comes with it?",
        "Will it take effect at once?",
        "为什么？",
    ],
)
def test_a_follow_up_carries_the_earlier_subject(question: str) -> None:
    assert standalone(question, INVESTED) == f"{question} (about: Microsoft first invest OpenAI)"


@pytest.mark.parametrize(
    "question",
    [
        "Who founded Anthropic?",
        "Where is Oslo?",
        "What is manga?",
        "Who discovered penicillin?",
        "What is the capital of France?",
        "And who is the CEO of Apple?",
        "What is SSML and how does it work?",
        "Is it possible to count atoms?",
        "How long does it take to train a large language model?",
        "What does it cost to park at the pier?",
        "What did Norvik say when Elder asked for it?",
        "I heard that there is poverty in the UK",
        "Which company said that it would open its source code?",
        "IBM Blockchain Platform",
        "so who is leaving the board?",
    ],
)
def test_a_question_that_stands_alone_is_untouched(question: str) -> None:
    assert standalone(question, INVESTED) == question


RANGE = (Turn("user", "What is the range of a bigint?"), Turn("assistant", "That is 8 bytes."))


@pytest.mark.parametrize(
    ("history", "question", "expected"),
    [
        (INVESTED, "What about Google?", "When did Google first invest in OpenAI?"),
        (REVENUE, "And Ford's?", "What was the revenue of Ford in 2022?"),
        (REVENUE, "And Hawai'i?", "And Hawai'i? (about: revenue Tesla 2022)"),
        (REVENUE, "And in 2023?", "What was the revenue of Tesla in 2023?"),
        (REVENUE, "And for Ford Motor?", "What was the revenue of Ford Motor in 2022?"),
        (INVESTED, "What about OpenAI?", "What about OpenAI? (about: Microsoft first invest)"),
        (RANGE, "and the range of smallint?", "What is the range of smallint?"),
        (RANGE, "And the size of it?", "And the size of it? (about: range bigint)"),
    ],
)
def test_a_new_name_or_year_takes_the_place_of_the_old(
    history: tuple[Turn, ...], question: str, expected: str
) -> None:
    assert standalone(question, history) == expected


def test_a_chain_of_follow_ups_keeps_its_subject() -> None:
    chain = (*INVESTED, Turn("user", "How much was it?"), Turn("assistant", "$1 billion."))
    assert standalone("Why?", chain) == "Why? (about: Microsoft first invest OpenAI)"
    chain = (*REVENUE, Turn("user", "And in 2023?"), Turn("assistant", "$97 billion."))
    assert standalone("What about Ford?", chain) == "What was the revenue of Ford in 2023?"


VOTED = (
    Turn("user", "Who voted against the budget?"),
    Turn("assistant", "In March 2024 Marco Bellini voted against it. [1]"),
)


def test_a_pronoun_may_stand_for_a_name_of_the_answer() -> None:
    subject = "(about: Marco Bellini voted against budget)"
    assert standalone("What did he want instead?", VOTED) == f"What did he want instead? {subject}"
    assert standalone("And the price?", VOTED) == "And the price? (about: voted against budget)"


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ("Those were Ada Holm, Jo Pike, Sue Marr and Al Dent.", "Ada Holm Jo Pike "),
        ("Nobody did. [1] Submit it by the tenth. [2] Voting is free. [3]", ""),
        ("- Laptops are not.\n- Phones are.\nThe Norvik Mill is, too.", "Norvik Mill "),
        (
            "It was Theresa May. [1] Theresa May asked Sean O'Brien's firm.",
            "Theresa May Sean O'Brien ",
        ),
        ("It was Ada Holm. Then Ada Holm asked Sean O'Brien.", "Ada Holm Sean O'Brien "),
        ("This was Élodie Martin, in March and in May.", "Élodie Martin "),
        ("He left the board of AT&T's.", "AT&T "),
        ("Class: 3; Name: Aino Pike; Fare: 7.9 [1]", ""),
        ("Set max_votes or pass --no-vote.", "max_votes --no-vote "),
        ("Asset no: L-122; Item: Drone; Keeper: Ines Carvalho [1]", "L-122 "),
        ("Then Al Dent came; he said: go. [1]", "Al Dent "),
        ("Plan: Basic; Price: 3 [1] Plan: Norvik Plus; Price: 4 [2]", "Basic Norvik Plus "),
        ("Year: 2024; Sales: 3 [1] Total sales; 2024: 3; 2025: 4 [2]", "2024 Total sales "),
    ],
)
def test_what_is_a_name_in_an_answer(answer: str, names: str) -> None:
    history = (VOTED[0], Turn("assistant", answer))
    assert (
        standalone("Who are they?", history)
        == f"Who are they? (about: {names}voted against budget)"
    )


@pytest.mark.parametrize(
    ("message", "talk"),
    [
        ("thanks", True),
        ("Thank you very much!", True),
        ("Hello", True),
        ("hi, good morning", True),
        ("What can you do?", True),
        ("ok thanks, bye", True),
        ("Thanks to whom was it built?", False),
        ("Who helped?", False),
        ("why", False),
        ("Hello Kitty", False),
        ("a lot of what?", False),
        ("", False),
    ],
)
def test_what_asks_nothing_is_told_from_a_question(message: str, talk: bool) -> None:
    assert is_small_talk(message) == talk


def test_small_talk_is_no_subject() -> None:
    talk = (*INVESTED, Turn("user", "thanks!"), Turn("assistant", INVITATION))
    assert standalone("How much was it?", talk) == standalone("How much was it?", INVESTED)
    assert standalone("How much was it?", talk[2:]) == "How much was it?"


def test_what_was_declined_names_nobody() -> None:
    declined = (VOTED[0], Turn("assistant", f"{DECLINED} Nearest to it: The Bellini Letters."))
    assert standalone("Who is he?", declined) == "Who is he? (about: voted against budget)"


def test_a_new_subject_replaces_the_old() -> None:
    changed = (*INVESTED, Turn("user", "Who founded Anthropic?"), Turn("assistant", "Amodei."))
    assert standalone("When was that?", changed) == "When was that? (about: founded Anthropic)"


def test_thanks_are_no_subject() -> None:
    thanked = (*INVESTED, Turn("user", "Ok, thanks!"), Turn("assistant", "You are welcome."))
    assert standalone("How much was it?", thanked).endswith(
        "(about: Microsoft first invest OpenAI)"
    )


def test_only_the_user_sets_the_subject() -> None:
    assert standalone("Why?", [Turn("assistant", "Welcome to the Tesla library.")]) == "Why?"
    assert standalone("Why?", []) == "Why?"


def test_little_is_carried_from_a_long_turn() -> None:
    long = Turn("user", "Explain " + " ".join(f"subject{chr(97 + i)}" for i in range(20)))
    completed = standalone("Why?", [long])
    assert len(completed.split("about:")[1].split()) == MAX_CARRIED


@given(st.text(), st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text())))
def test_any_text_keeps_the_question_or_the_earlier_one(
    question: str, rows: list[tuple[str, str]]
) -> None:
    history = [Turn("user" if role == "user" else "assistant", text) for role, text in rows]
    completed = standalone(question, history)
    assert completed.startswith(question)  # random text asks for no substitution
