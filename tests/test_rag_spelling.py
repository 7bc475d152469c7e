"""Misspelt words are searched as the library spells them; what may be meant as it is stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync import sync
from rag.index import Index, create_index
from rag.settings import Settings
from rag.spelling import respell

TEXT = """The lighthouse of Orrin was launched as a trust by Euphemia Quillfeather in 1874.

The acquisition of the train ferry followed. Fontana kept the books of the trust.

Ten people row the ferry. The moorings are let by the Kelp and
Mussel Growers Association and not by the Orrin Boat Club (OBC).
Cash In Advance is best. Paul David Foster keeps all the files.
Mail goes by the Office of Upper Orrin. People of the World
Harbour Organization met here."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("spelling")
    (folder / "orrin.txt").write_text(TEXT, encoding="utf-8")
    (folder / "secret").mkdir()
    (folder / "secret" / "plan.txt").write_text(
        "Zephyrine buys the marmalade works of the Upper Orrin Marmalade Trust.", "utf-8"
    )
    with create_index(folder / "index") as made:
        sync(made, [folder / "orrin.txt"])
        sync(made, [folder / "secret"], collection="secret")
        yield made


def spelt(index: Index, question: str) -> str:
    return respell(question, index.library, index.encoder.tokenizer)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who lauched the trust?", "Who launched the trust?"),
        ("When was the acquisiton?", "When was the acquisition?"),
        ("Who is Quilfeather?", "Who is Quillfeather?"),
        ("the lihgthouse", "the lighthouse"),
        ("the lighthoise", "the lighthouse"),
        # An English word, though the library has "train" and not "strain".
        ("signs of strain", "signs of strain"),
        # Two persons may be called so.
        ("Who is Fontane?", "Who is Fontane?"),
        ("Who owns the teust?", "Who owns the trust?"),
        # Nobody types an "x" for a "u": the library does not have the word.
        ("Who owns the trxst?", "Who owns the trxst?"),
        ("What is a quark?", "What is a quark?"),
        ("Who lets the morings?", "Who lets the moorings?"),
        ("Where is the mooring?", "Where is the mooring?"),
        # Nobody writes "acquisitions" there.
        ("the acquisitins", "the acquisition"),
        (
            "Who does the accts dept of the trust trust?",
            "Who does the accts dept of the trust trust?",
        ),
        ("how many ppl keep the HQ?", "how many people keep the HQ?"),
        ("Does the KMGA row?", "Does the Kelp and Mussel Growers Association row?"),
        ("Who runs the OUO?", "Who runs the Office of Upper Orrin?"),
        # Written in the library itself, in small letters, or not its initials.
        ("What is the OBC?", "What is the OBC?"),
        ("does the kmga row?", "does the kmga row?"),
        ("What is KMG?", "What is KMG?"),
        # Three words written large are not always the name of a body.
        ("Does the CIA row?", "Does the CIA row?"),
        ("Where is the PDF?", "Where is the PDF?"),
        ("WHO RUNS THE KMGA?", "WHO RUNS THE KMGA?"),
        ("What did WHO say?", "What did WHO say?"),
    ],
)
def test_a_slip_is_mended_and_nothing_else(index: Index, question: str, expected: str) -> None:
    assert spelt(index, question) == expected


def test_the_answer_says_what_was_searched(index: Index) -> None:
    answer = index.ask("When was the trust lauched?")
    assert answer.question == "When was the trust lauched?"
    assert answer.query == "When was the trust launched?"
    assert "1874" in answer.text


def test_no_word_of_another_collection_is_put_in(index: Index) -> None:
    question = "What does Zephyrinne buy?"
    assert spelt(index, question) == "What does Zephyrine buy?"
    hidden = index.ask(question, settings=Settings(collections=()))
    assert hidden.query == question
    assert "Upper Orrin Marmalade Trust" in index.ask("Who buys the UOMT?").query
    assert index.ask("Who buys the UOMT?", settings=Settings(collections=())).query.endswith(
        "UOMT?"
    )


def test_a_pasted_text_is_left_as_it_is(index: Index) -> None:
    assert spelt(index, "lauched " * 63) == "lauched " * 63


@given(st.text(max_size=60))
def test_any_text_keeps_its_words_in_number(index: Index, text: str) -> None:
    assert len(spelt(index, text).split()) == len(text.split())
