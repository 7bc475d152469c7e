"""A question taken apart: names that are asked of together, and numbers that are part of a name."""

from __future__ import annotations

import time

import pytest

from rag.features import FEATURES, passage_features
from rag.followup import carried_over
from rag.question import held_by, joined_names, read_question
from rag.types import Chunk, Passage, Source, Span


@pytest.mark.parametrize(
    ("question", "joined"),
    [
        ("Are Medici and Senet board games?", ["Medici and Senet"]),
        ("Who is older, Sid Haig or Vic Darchinyan?", ["Haig or Vic"]),
        ("How did the Commission, the CMA and courts decide?", ["CMA and courts"]),
        ("How did the Commission, the CMA, and the courts decide?", ["CMA and courts"]),
        ("Did she write “Emma” and “Persuasion”?", ["Emma and Persuasion"]),
        ("Is Örebro larger than Åre and Ängelholm?", ["Åre and Ängelholm"]),
        ("Do Windows 10 and Windows 11 differ?", ["Windows and Windows"]),
        ("Which came first, Medici (1995) or Senet?", ["Medici or Senet"]),
        ("Does it run on an iPhone and an iPad?", ["iPhone and iPad"]),
        ("Who leads research and sales at Polperro Glass?", []),
        ("I work at Polperro Glass and I want to know who leads it", []),
        ("In Austin, Texas, who leads research and sales?", []),
        ("Sorry, I mean who leads research and sales?", []),
        ("Hello, I lost my badge. Do I pay for a new one or not?", []),
        ("And or or and", []),
        ("", []),
    ],
)
def test_names_that_are_asked_of_together(question: str, joined: list[str]) -> None:
    assert joined_names(question) == joined


@pytest.mark.parametrize(
    ("question", "text", "number", "held"),
    [
        ("How many parameters does GPT-4 have?", "Phi-4 has 14 billion.", "4", False),
        ("How many parameters does GPT-4 have?", "Phi‑4 has 14 billion.", "4", False),
        ("How many parameters does GPT 4 have?", "Phi-4 has 14 billion.", "4", False),
        ("How many parameters does GPT-4 have?", "Phi-4 has 4 layers.", "4", True),
        ("How many parameters does gpt-4 have?", "GPT-4 has many.", "4", True),
        ("How many parameters does GPT-4 have?", "GPT 4 has many, unlike Phi-4.", "4", True),
        ("When was GPT-4 released?", "Generative Pre-trained Transformer 4 came out.", "4", True),
        ("Where is IL-6 made?", "Interleukin 6 is made by muscle.", "6", True),
        ("Where is IL-6 made?", "IL-6 is made by muscle.", "6", True),
        ("Where is IL-6 made?", "PD-6 is made by muscle.", "6", False),
        ("What is 日本GPT-4?", "日本GPT-4 is a model.", "4", True),
        ("How many were ill with COVID-19 on 19 April?", "On 19 April 837 were ill.", "19", True),
        ("What of version 3.5?", "Phi-3.5.1 and GPT-3,5 and X-3.5", "3.5", False),
    ],
)
def test_a_number_in_another_name_is_not_the_questions(
    question: str, text: str, number: str, held: bool
) -> None:
    query = read_question(question, lambda _: 1.0)
    assert (number in held_by(query, text)) == held


@pytest.mark.parametrize(
    ("question", "text", "coverage"),
    [
        ("What does the KMGA let?", "The Kelp and Mussel Growers Association lets two.", 1),
        ("What does the KMGA let?", "The Kelp and Mussel Association lets two.", 1 / 2),
        ("What does the Kelp and Mussel Growers Association let?", "The KMGA lets two.", 1),
        ("What does the Kelp and Mussel Growers Association let?", "The OBC lets two.", 1 / 5),
        ("What does the Department of Tides say?", "The DOT says no.", 1),
        ("What does the DOT say?", "The Department of Tides says no.", 1),
        ("What does M365 cost?", "Mailwind 365 costs ten.", 1),
        ("What does M365 cost?", "Mailwind 360 costs ten.", 1 / 2),
        ("Who is the CEO of Orrin?", "Ada Holm is chief executive of Orrin.", 1),
    ],
)
def test_a_name_is_known_by_its_initials(question: str, text: str, coverage: float) -> None:
    query = read_question(question, lambda _: 1.0)
    held = held_by(query, text)
    assert sum(query.share[stem] for stem in held & query.share.keys()) == pytest.approx(coverage)


def test_a_text_without_spaces_is_taken_apart_as_fast_as_any() -> None:
    start = time.perf_counter()
    for text in ("A" * 100_000, "A-" * 50_000, "A-1" * 30_000, "A and " * 15_000):
        held_by(read_question(text, lambda _: 1.0), text)
        joined_names(text)
    assert time.perf_counter() - start < 5


def test_a_bracket_that_the_asker_typed_is_part_of_what_was_said() -> None:
    typed = read_question("cost of a permit (outer zone)", lambda _: 1.0)
    assert typed.said == typed.stems
    carried = read_question(carried_over("And the price?", ["outer", "zone"]), lambda _: 1.0)
    assert carried.stems - carried.said >= {"outer", "zone"}


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What is the limit in zone A?", {"a"}),
        ("What does annex D of the lease say?", {"d"}),
        ("What Is A Deposit?", {"deposit"}),
        ("I own a flat. A friend lives there. What is the rent?", set()),
        ("WHAT DOES A PERMIT COST?", {"permit", "cost"}),
    ],
)
def test_a_single_letter_is_a_name_where_it_stands_like_one(question: str, names: set[str]) -> None:
    assert read_question(question, lambda _: 1.0).names == names


@pytest.mark.parametrize(
    ("question", "row", "opposed"),
    [
        ("What is the hotel limit in zone B?", "Zone: A; Limit: 185", True),
        ("What is the hotel limit in zone B?", "Zone: B; Limit: 140", False),
        ("What does the Team plan cost?", "Plan: Free; Price: 0", True),
        ("What does the Team plan cost?", "Plan: Free, for a Team; Price: 0", False),
        ("What does the Team plan cost?", "The plan is free for teams.", False),
        ("Which plan has Kettering with 10 TB?", "Plan: Free; Storage: 1", False),
        ("Which plan is cheaper than the Team plan?", "Plan: Free; Price: 0", False),
        ("What does the Pro plan cost?", "Plan: Professional; Price: 70", False),
        ("What is the fare for zones 1 to 3?", "Zone: 2; Fare: 5", False),
        ("What was the 2023 revenue?", "Quarter: Q1; Revenue: 30", False),
        ("What is the capital of the Netherlands?", "Country: Holland; Capital: Paris", False),
    ],
)
def test_a_row_with_another_key_is_opposed(question: str, row: str, opposed: bool) -> None:
    chunk = Chunk("a", "a", row, 0, len(row), sentences=(Span(0, len(row)),))
    passage = Passage(chunk, Source("a", "a", "Kettering prices", "", "", 9), 0.6, 0.8, 3.0)
    query = read_question(question, lambda _: 1.0)
    (found,) = passage_features(query, passage, 1.0, "")
    assert (found[FEATURES.index("opposed")] > 0) == opposed
