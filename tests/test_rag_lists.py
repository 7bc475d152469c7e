"""Lists are quoted whole: what announces one, and each item, exactly as the document has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sync import sync
from rag.index import Index, create_index
from rag.lists import MOST_ITEMS
from rag.types import Answer

ACCOUNT = """# Accounts

To open an account you need the following documents:

- a passport or identity card
- a proof of address that is not older than three months
- the signed form 17-B

Bring them to any branch. The branch in Dover closes on Fridays.

## Abroad

To take it abroad, please send:

- the travel form
- your old card, if you have one
- a stamped envelope

## Steps

Opening an account takes three steps:

1. Book a visit online. The calendar shows six weeks.
2. Show your documents to a clerk.
3. Wait for the letter with your card.

## Advantages

The account has several advantages over a savings book.

* No monthly fee in the first year.
* Free transfers within Europe.
"""
STRAIN = """Signs of Disparity

Several signs of strain show between the mill of Ambleford and its weavers.
- Ownership of the looms
- The weavers paid for half of the looms, yet the mill keeps the keys to all of them.
- Unequal pay
- Night shifts earn less than the day shifts do, although they are longer and colder by far.
- Broken promises
- A school was promised in 1871 and again in 1874, and the children still wait for it.

What comes next

Nobody in Ambleford expects a strike before the harvest.
"""
WRAPPED = """The lighthouse of Orrin has several keepers.
Each of them takes a watch of four hours.
They sleep in the cottage below the tower.
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("lists")
    for name, text in (("a.md", ACCOUNT), ("strain.txt", STRAIN), ("orrin.txt", WRAPPED)):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "a.html").write_text(
        "<h1>Parking</h1><p>A permit for the harbour requires:</p><ul><li>a boat of your own</li>"
        "<li>a berth in <b>Whitby</b></li></ul><p>Permits last a year.</p>",
        encoding="utf-8",
    )
    with create_index(folder / "index") as made:
        sync(made, [folder])
        yield made


def said(answer: Answer, index: Index) -> list[str]:
    for citation in answer.citations:
        text = index.library.text(citation.source_id)
        assert text[citation.start : citation.end] == citation.quote
    for sentence in answer.sentences:
        assert answer.text[sentence.start : sentence.end] == sentence.text
    return [sentence.text for sentence in answer.sentences]


def test_an_item_brings_the_whole_list_when_several_are_asked_for(index: Index) -> None:
    answer = index.ask("Which documents do I need to open an account?")
    assert said(answer, index) == [
        "To open an account you need the following documents:",
        "a passport or identity card",
        "a proof of address that is not older than three months",
        "the signed form 17-B",
    ]
    assert answer.text.splitlines()[1] == "- a passport or identity card [2]"


def test_an_item_brings_no_list_that_is_on_something_else(index: Index) -> None:
    answer = index.ask("What are the six weeks of the calendar?")
    assert said(answer, index) == ["The calendar shows six weeks."]


def test_an_item_with_a_clause_is_an_item(index: Index) -> None:
    answer = index.ask("What do I have to send to take the account abroad?")
    assert said(answer, index)[1:] == [
        "the travel form",
        "your old card, if you have one",
        "a stamped envelope",
    ]


@pytest.mark.parametrize(
    "question",
    ["How old may the proof of address be?", "What does the text say about the proof of address?"],
)
def test_a_question_for_one_thing_gets_that_item_alone(index: Index, question: str) -> None:
    answer = index.ask(question)
    assert said(answer, index) == ["a proof of address that is not older than three months"]


def test_an_item_quoted_alone_loses_its_bullet(index: Index) -> None:
    answer = index.ask("How often was a school promised to the weavers?")
    assert said(answer, index)[0].startswith("A school was promised in 1871")


def test_steps_keep_their_numbers_and_all_their_sentences(index: Index) -> None:
    answer = index.ask("What are the steps to open an account?")
    assert said(answer, index)[1:] == [
        "Book a visit online. The calendar shows six weeks.",
        "Show your documents to a clerk.",
        "Wait for the letter with your card.",
    ]
    assert "\n2. Show" in answer.text


def test_a_sentence_that_speaks_of_several_brings_what_follows(index: Index) -> None:
    answer = index.ask("What advantages does the account have over a savings book?")
    assert said(answer, index) == [
        "The account has several advantages over a savings book.",
        "No monthly fee in the first year.",
        "Free transfers within Europe.",
    ]


def test_of_items_that_are_explained_the_labels_are_quoted(index: Index) -> None:
    answer = index.ask("What are the signs of strain between the mill and its weavers?")
    assert said(answer, index) == [
        "Several signs of strain show between the mill of Ambleford and its weavers.",
        "Ownership of the looms",
        "Unequal pay",
        "Broken promises",
    ]


def test_a_list_of_a_web_page_ends_where_it_ends(index: Index) -> None:
    answer = index.ask("What does a permit for the harbour require?")
    assert said(answer, index) == [
        "A permit for the harbour requires:",
        "a boat of your own",
        "a berth in Whitby",
    ]


def test_sentences_on_lines_of_their_own_are_no_list(index: Index) -> None:
    answer = index.ask("What are the keepers of the lighthouse of Orrin?")
    assert len(answer.sentences) <= 3
    assert "\n" not in answer.text


def test_a_long_list_says_that_it_goes_on(tmp_path: Path) -> None:
    items = "\n".join(f"- spare part number {n} of the Quern mill" for n in range(1, 31))
    path = tmp_path / "parts.md"
    path.write_text(f"# Parts\n\nThe Quern mill has these spare parts:\n\n{items}\n", "utf-8")
    with create_index(tmp_path / "index") as index:
        sync(index, [path])
        answer = index.ask("What are the spare parts of the Quern mill?")
        assert len(answer.sentences) == 13
        assert answer.notes == ("the list goes on in Parts",)


PLANS = """# Billing

| Plan | Price | Storage |
| --- | --- | --- |
| Personal | 6 dollars | 20 GB |
| Team | 12 dollars | 100 GB |
| Works | 21 dollars | 1 TB |

Cards are accepted for all of these, and bills come by mail.
"""


@pytest.mark.parametrize(
    "question",
    ["What does each plan cost?", "What does every single plan cost?", "List all plans"],
)
def test_each_row_of_a_table_is_quoted_where_all_are_asked_for(
    index: Index, tmp_path: Path, question: str
) -> None:
    (tmp_path / "billing.md").write_text(PLANS, encoding="utf-8")
    sync(index, [tmp_path])
    answer = index.ask(question)
    rows = [s.text for s in answer.sentences if s.text.startswith("Plan: ")]
    assert [row.split(";")[0] for row in rows] == ["Plan: Personal", "Plan: Team", "Plan: Works"]


def test_one_row_is_quoted_where_one_is_asked_for(index: Index, tmp_path: Path) -> None:
    (tmp_path / "billing.md").write_text(PLANS, encoding="utf-8")
    sync(index, [tmp_path])
    answer = index.ask("What does the Team plan cost?")
    rows = [s.text for s in answer.sentences if s.text.startswith("Plan: ")]
    assert [row.split(";")[0] for row in rows] == ["Plan: Team"]


MEMBERS = """# Members

| Member | Pays | Since |
| --- | --- | --- |
| Ada | 60 pounds | 2011 |
| Bert | 35 pounds | 2014 |
| Cleo | 35 pounds | 2019 |

# Guests

| Member | Pays | Since |
| --- | --- | --- |
| Dora | 5 pounds | 2020 |
"""


def test_of_the_rows_those_are_quoted_that_have_what_is_asked(index: Index, tmp_path: Path) -> None:
    (tmp_path / "members.md").write_text(MEMBERS, encoding="utf-8")
    sync(index, [tmp_path])

    def rows(question: str) -> list[str]:
        said = [s.text for s in index.ask(question).sentences]
        return [text.split(";")[0] for text in said if text.startswith("Member: ")]

    assert rows("Which members pay 35 pounds?") == ["Member: Bert", "Member: Cleo"]
    members = rows("What does each member pay?")
    assert members[:3] == ["Member: Ada", "Member: Bert", "Member: Cleo"]


def test_each_is_every_row_whatever_a_cell_says(index: Index, tmp_path: Path) -> None:
    text = PLANS.replace("| Team | 12 dollars |", "| Team | 12 dollars a month |")
    (tmp_path / "billing.md").write_text(text, encoding="utf-8")
    sync(index, [tmp_path])
    answer = index.ask("What does each plan cost a month?")
    assert len([s for s in answer.sentences if s.text.startswith("Plan: ")]) == 3


def test_a_long_table_is_quoted_whole_only_where_that_is_asked(
    index: Index, tmp_path: Path
) -> None:
    rows = "".join(f"| Room {n} | {n} chairs |\n" for n in range(1, MOST_ITEMS + 9))
    text = f"# Rooms\n\n| Room | Seats |\n| --- | --- |\n{rows}"
    (tmp_path / "rooms.md").write_text(text, encoding="utf-8")
    sync(index, [tmp_path])
    every = index.ask("How many seats has each room?")
    assert len(every.sentences) == MOST_ITEMS
    assert any("goes on" in note for note in every.notes)
    assert len(index.ask("Which rooms are painted green?").sentences) <= 3
