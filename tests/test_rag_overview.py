"""Documents in brief, and messages that no passage can answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.sync import add_texts, sync
from rag.chain import AnswerChain
from rag.index import Index
from rag.overview import DOCUMENTS, SENTENCES
from rag.parts import summarised
from rag.settings import Settings
from rag.talk import TITLES
from rag.types import HOLDS, INVITATION, WHICH
from tests.scripted import ScriptedModel
from tests.test_rag_chain import check_bound

HARBOUR = """# Harbour report

## Dredging

The dredging of the inner harbour began in March and cost four million pounds.
It was paid by the county. The contractor removed sand from the fairway for nine weeks.

## Ferries

The ferries carried more passengers than in any year before. Does anybody count bicycles?

## Staff

The harbour master retired in May and was succeeded by her deputy, who had sailed for years.
"""
SUMMARY = """# Tide study

## Executive summary

Tides at the pier rose by four centimetres. The cause was the new sea wall.

## Methods

A gauge was read every hour for two years, and the readings were compared with older ones.
"""


@pytest.fixture
def papers(index: Index, tmp_path: Path) -> Index:
    for name, text in (("harbour.md", HARBOUR), ("tides.md", SUMMARY)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "prices.csv").write_text("berth,price\nA,120\nB,90\n", encoding="utf-8")
    sync(index, [tmp_path])
    return index


@pytest.mark.parametrize(
    "request_",
    [
        "Summarise the harbour report",
        "please give me a short summary of the Harbour report!",
        "What is the harbour report about?",
        "What does the harbour report say?",
        "key points of harbour.md",
        "TL;DR of the harbour report",
    ],
)
def test_a_document_in_brief_is_its_own_sentences_in_order(papers: Index, request_: str) -> None:
    answer = papers.ask(request_)
    check_bound(papers, answer)
    assert {c.title for c in answer.citations} == {"Harbour report"}
    starts = [c.start for c in answer.citations]
    assert starts == sorted(set(starts))
    assert 3 <= len(starts) <= SENTENCES
    assert {c.headings[-1] for c in answer.citations} == {"Dredging", "Ferries", "Staff"}
    quotes = [c.quote for c in answer.citations]
    assert not any(q.startswith("It ") or q.endswith("?") for q in quotes)
    assert any("sentences of the document itself" in note for note in answer.notes)


def test_what_the_author_says_in_brief_is_taken(papers: Index) -> None:
    answer = papers.ask("Can you summarise the tide study?")
    assert [s.text for s in answer.sentences] == [
        "Tides at the pier rose by four centimetres.",
        "The cause was the new sea wall.",
    ]


def test_several_documents_may_be_meant(index: Index) -> None:
    said = "The {} lease began in {} and binds the tenant to keep the roof in good order. "
    more = "The rent of the {} house is paid on the first of each month, and never later."
    names = ["old", "new", "third", "fourth"][: DOCUMENTS + 1]
    texts = [(n, f"The {n} lease", said.format(n, 1990) + more.format(n)) for n in names]
    add_texts(index, texts[:2])
    answer = index.ask("Summarise the lease")
    assert {c.title for c in answer.citations} == {"The old lease", "The new lease"}
    assert len(answer.citations) <= SENTENCES
    # Of many, it is passages that are asked for.
    add_texts(index, texts)
    answer = index.ask("Summarise the lease")
    assert answer.query == "the lease"
    assert not any("sentences of the document itself" in note for note in answer.notes)


ANY = ["Summarise this document in 3 bullet points", "summary", "What are the key points?"]


@pytest.mark.parametrize("request_", ANY)
def test_a_few_documents_need_not_be_named(papers: Index, request_: str) -> None:
    answer = papers.ask(request_)
    assert {c.title for c in answer.citations} == {"Harbour report", "Tide study"}
    tides = next(s.id for s in papers.library.sources().values() if s.title == "Tide study")
    answer = papers.ask(request_, settings=Settings(sources=(tides,)))
    assert "Tides at the pier" in answer.text
    assert {c.title for c in answer.citations} == {"Tide study"}


def test_of_many_the_one_that_was_spoken_of_is_meant(papers: Index) -> None:
    lines = ("The mill ground corn in year {}.", "The miller of year {} kept two cats.")
    more = [(f"m{n}", f"Mill {n}", " ".join(lines).format(n, n)) for n in range(DOCUMENTS)]
    add_texts(papers, more)
    answer = papers.ask("Summarise this document")
    assert (answer.status, answer.query, answer.passages) == ("declined", "", ())
    assert answer.text.startswith(f"{WHICH} {HOLDS} {DOCUMENTS + 3} documents: ")
    history = [
        {"role": "user", "text": "What did the dredging of the inner harbour cost?"},
        {"role": "assistant", "text": "It cost four million pounds. [1]"},
    ]
    spoken = papers.ask("Summarise it", history)
    assert {c.title for c in spoken.citations} == {"Harbour report"}
    # What was only talk is not carried over.
    talk = [{"role": "user", "text": "summary"}, {"role": "assistant", "text": answer.text}]
    assert papers.ask("And the tides?", talk).query == "And the tides?"


def test_a_paper_is_known_by_its_kind_and_what_it_says(index: Index) -> None:
    tenancy = "The tenant of Rook House pays the rent in advance. The tenant keeps the roof whole."
    licence = "The licence for Tidemark runs for three years. The licensor answers for its faults."
    add_texts(index, [("a", "Tenancy agreement", tenancy), ("b", "Agreement of 2024", licence)])
    answer = index.ask("Summarise the Tidemark agreement")
    assert {c.title for c in answer.citations} == {"Agreement of 2024"}


def test_a_topic_is_asked_for_as_such(papers: Index) -> None:
    answer = papers.ask("Summarise what the dredging cost")
    assert answer.query == "what the dredging cost"
    assert "four million pounds" in answer.text


def test_a_table_has_no_sentences_to_take(papers: Index) -> None:
    answer = papers.ask("Summarise prices.csv")
    assert not any("sentences of the document itself" in note for note in answer.notes)


def test_a_model_is_given_the_document(papers: Index) -> None:
    model = ScriptedModel(scripts=[["The inner harbour was dredged. [1]"]], asked=[])
    settings = Settings(engine="llm", llm=model)
    answer = AnswerChain(papers).invoke(
        {"question": "Summarise the harbour report", "settings": settings}
    )
    assert answer.engine == "llm"
    assert {p.source.title for p in answer.passages} == {"Harbour report"}
    assert not any("sentences of the document itself" in note for note in answer.notes)


@pytest.mark.parametrize(
    "message",
    [
        "List all documents",
        "What files do you have?",
        "How many documents are in the library?",
        "Give me a list of the documents, please",
        "Show me all the documents you have",
        "What is in the library?",
    ],
)
def test_the_library_says_what_it_holds(index: Index, message: str) -> None:
    assert index.ask(message).text == f"{HOLDS} no documents yet."
    many = [(f"{n:02}", f"Paper {n:02}", f"Text {n}.") for n in range(TITLES + 2)]
    add_texts(index, many[:1])
    assert index.ask(message).text == f"{HOLDS} 1 document: Paper 00."
    add_texts(index, many)
    text = index.ask(message).text
    assert text.startswith(f"{HOLDS} {TITLES + 2} documents: Paper 00; Paper 01; ")
    assert text.endswith(f"Paper {TITLES - 1:02}; and 2 more.")


@pytest.mark.parametrize(
    ("request_", "topic"),
    [
        ("Summarise interview notes", "interview notes"),
        ("Please provide a short summary of the lease in one paragraph", "the lease"),
        ("I'd like an overview of pay", "pay"),
        ("Outline the termination process", "the termination process"),
        ("TL;DR", ""),
        ("Summarise briefly", ""),
        ("Give me the key findings on absence", "absence"),
        ("What is summary dismissal?", None),
        ("What is the summary offence for?", None),
        ("What is the outline planning permission fee?", None),
        ("What are the main findings and recommendations?", None),
        ("Who wrote the summary?", None),
        ("Summarise " + "in a " * 1900, None),
    ],
)
def test_requests_for_a_summary_are_told_from_questions(request_: str, topic: str | None) -> None:
    assert summarised(request_) == topic


@pytest.mark.parametrize(
    "question",
    [
        "Which documents do I need for a visa?",
        "How many files does a lawyer keep?",
        "What is the notice period about?",
        "What do the ferries say?",
        "How many files are in the bundle?",
        "Which sources are in the report?",
        "Who wrote the summary?",
    ],
)
def test_questions_stay_questions(papers: Index, question: str) -> None:
    answer = papers.ask(question)
    assert answer.query == question
    assert not answer.text.startswith((INVITATION, WHICH))
