"""The chance that passages answer: what it is judged by, for short and for long questions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync import add_texts
from rag.confidence import LONG, USUAL, confidence, gather, length_of
from rag.index import Index
from rag.reader import load_reader
from rag.select import FACTS, WEIGHTS, rank_sentences
from rag.types import Chunk, Passage, Source

TEXT = "Ada Holm has led Polperro Glass since 2020."
PASSAGE = Passage(
    Chunk("a", "a", TEXT, 0, len(TEXT)), Source("a", "a", "A", "", "", 9), 0.6, 0.8, 3.0
)
FACT = [[0.5] * len(FACTS)]


def test_length_grows_with_the_words_that_ask_and_no_further() -> None:
    words = [f"word{n}" for n in range(2 * LONG)]
    lengths = [length_of(" ".join(words[:n])) for n in range(1, 2 * LONG)]
    assert lengths == sorted(lengths)
    assert lengths[0] == pytest.approx(1 / LONG**2) and lengths[LONG:] == [1.0] * (LONG - 1)
    assert length_of("Who is the one that was led?") == length_of("led one")


@pytest.mark.parametrize(
    ("question", "excused"),
    [
        ("What does Ada Holm lead?", False),
        ("What do the Commission, the CMA and courts say?", True),
        ("Which is larger, Apple or Intel?", True),
        ("Who compared Apple with Intel?", True),
    ],
)
def test_of_a_question_for_several_names_one_passage_may_lack_some(
    question: str, excused: bool
) -> None:
    absent = gather(question, [PASSAGE], FACT, 1.0)["names_absent"]
    assert absent == (0.0 if excused else 0.5)


def test_a_passage_need_not_answer_for_all_names_that_are_joined() -> None:
    def answers(question: str, passage: Passage = PASSAGE) -> tuple[float, float]:
        evidence = gather(question, [passage], FACT, 1.0)
        return evidence["answers"], evidence["any_answers"]

    assert answers("Who leads Polperro Glass or Norvik Mills?") == (1.0, 1.0)
    assert answers("Who leads Polperro Glass?") == (0.5, 0.5)
    # One that speaks of both, or of a thing with both in its name, is asked.
    text = "Ada Holm leads Polperro Glass and Norvik Mills."
    both = replace(PASSAGE, chunk=Chunk("a", "a", text, 0, len(text)))
    assert answers("Who leads Polperro Glass and Norvik Mills?", both) == (0.5, 0.5)
    unread = gather("Who leads Polperro Glass or Norvik Mills?", [PASSAGE], [[0.0] * len(FACTS)], 1)
    assert unread["answers"] == unread["any_answers"] == 0.0


def test_the_best_passage_leads_by_less_where_others_are_as_near() -> None:
    def lead(*similarities: float | None) -> float:
        passages = [replace(PASSAGE, similarity=s) for s in similarities]
        return gather("Who leads?", passages, FACT, 1.0)["lead"]

    assert lead(*[0.8] * 10) == pytest.approx(0.0)
    assert lead(0.8, *[0.3] * 9) > lead(0.8, *[0.7] * 9) > 0
    assert lead(0.8, *[0.3] * 9) == pytest.approx(lead(0.8, *[0.3] * 30))
    assert lead(0.3, 0.8, None) == lead(0.8, 0.3) > lead(0.8)
    assert lead(0.8) == lead(0.2) == lead(None) == pytest.approx(USUAL)


@pytest.mark.parametrize("way", ["words", "reader"])
def test_every_weight_has_its_evidence(way: str) -> None:
    known = {*gather("Who leads?", [PASSAGE], FACT, 1.0), "intercept"}
    pair = WEIGHTS[way]["confidence"]
    assert pair.keys() == {"short", "long"}
    assert all(model.keys() <= known for model in pair.values())


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("Who has led Polperro Glass since 2020?", "Who founded Norvik Mills in 1961?"),
        (
            "Which person has led the company Polperro Glass from the year 2020 on, after the "
            "founder sold the works, its kilns, its quarry and both of its harbour warehouses?",
            "Which engineer drew the first plans of the Norvik mill beside the river in 1961, "
            "before the flood took the wheel, the weir, the office and all seven of its looms?",
        ),
    ],
)
def test_one_document_is_enough_to_be_sure(
    index: Index, question: str, other: str, reads: bool
) -> None:
    add_texts(index, [("notes", "Notes", TEXT)])
    reader = load_reader() if reads else None

    def sure(asked: str) -> float:
        passages = index.search(asked)
        ranked = rank_sentences(
            asked, passages, {}, index.encoder.encode_sentences, index.library.idf, reader
        )
        return confidence(asked, passages, ranked, reader)

    assert sure(question) > 2 * sure(other)


@given(st.text(min_size=1), st.text(min_size=1), st.floats(-1, 1) | st.none())
def test_it_is_a_chance_whatever_is_asked(question: str, text: str, similarity: float) -> None:
    chunk = Chunk("a", "a", text, 0, len(text))
    passage = replace(PASSAGE, chunk=chunk, similarity=similarity)
    evidence = gather(question, [passage], FACT, -40.0)
    assert all(-40 <= value <= 1 for value in evidence.values())
    assert confidence(question, [passage], []) == 0.0
