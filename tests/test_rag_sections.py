"""A part that a question names by number or heading is looked up; what a heading says is quoted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sync import sync
from rag.index import Index, create_index
from rag.lists import MOST_ITEMS
from rag.seek import NAMED
from rag.types import Answer

CHARTER = """# Charter of the Ferry Guild

The guild of the ferrymen of Lower Wend gave itself this charter.

## 1. Members

1.1 A member has rowed for two winters under a master.

1.2 A member pays nine pence at midsummer. Widows pay nothing.

## 2. Fares

2.1 A fare is three pence by day and five by night.

2.2 Nobody is left on the bank for want of a coin.

## 12. Fines

12.1 Whoever rows drunk pays forty pence.

12.2 What a guild may keep of a fine is limited as follows:

(a) of one for drink, a half;

(b) of one for theft, nothing; and

(c) of any other, a third, which is the case

(i) where a rope was cut; and

(ii) where a bank was fouled.

12.3 Fines are paid at the quay.
"""
FARES = [
    "2.1 A fare is three pence by day and five by night.",
    "2.2 Nobody is left on the bank for want of a coin.",
]
FINES = [
    "12.1 Whoever rows drunk pays forty pence.",
    "12.2 What a guild may keep of a fine is limited as follows:",
    "of one for drink, a half;",
    "of one for theft, nothing; and",
    "of any other, a third, which is the case",
    "where a rope was cut; and",
    "where a bank was fouled.",
    "12.3 Fines are paid at the quay.",
]
RULES = """# Rules of the bathhouse

1. Hours. The doors open at six.
They close when the bell of the chapel rings.

2. Silence. Nobody sings in the warm room.

3. Towels. Everyone brings two. A third can be had for a penny.
"""
NEWS = """Looms of the Ambleford mill

Version 2.4.0 (3 March 2021)
- New: a shuttle that stops when the thread breaks.
- Removed: the foot brake.

Version 2.3.1 (9 November 2020)
- Fixed: the warp beam no longer slips in damp weather.

Version 2.3.0 (1 July 2020)
- New: a counter of the cloth that was woven.
- The foot brake first broke on 2 May 2020.
"""
HELP = """# Help for lodgers

## How do I get a key?

Ask the porter. He keeps the spare ones in a drawer.

## Duties

Sweep the stairs on Saturdays. Carry up the coal.

## Annex B

Candles burn until ten.

## Item 1A. Dangers

The third step of the stairs is loose.
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("sections")
    documents = {"wend_charter.md": CHARTER, "rules.md": RULES, "news.txt": NEWS, "help.md": HELP}
    for name, text in documents.items():
        (folder / name).write_text(text, encoding="utf-8")
    with create_index(folder / "index") as index:
        sync(index, [folder / name for name in documents])
        yield index


def quotes(answer: Answer, index: Index) -> list[str]:
    """What is quoted, each where it says it is in its source."""
    for citation in answer.citations:
        text = index.library.text(citation.source_id)
        assert text[citation.start : citation.end] == citation.quote
    return [" ".join(citation.quote.split()) for citation in answer.citations]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "What does clause 1.2 of the charter say?",
            ["1.2 A member pays nine pence at midsummer.", "Widows pay nothing."],
        ),
        (
            "What is in section 2 of the guild's charter?",
            FARES,
        ),
        ("What does section 2 of the wend charter say?", FARES),
        ("§ 12", FINES),
        (
            "What does 12.2 (c) of the charter say?",
            [
                "12.2 What a guild may keep of a fine is limited as follows:",
                "of any other, a third, which is the case",
                "where a rope was cut; and",
                "where a bank was fouled.",
            ],
        ),
        (
            "What does clause 12.2(b) say?",
            [
                "12.2 What a guild may keep of a fine is limited as follows:",
                "of one for theft, nothing; and",
            ],
        ),
        (
            "What does rule 1 of the bathhouse say?",
            ["Hours. The doors open at six. They close when the bell of the chapel rings."],
        ),
        ("What does rule 2 of the bathhouse say?", ["Silence. Nobody sings in the warm room."]),
        (
            "What is new in version 2.4.0?",
            ["New: a shuttle that stops when the thread breaks.", "Removed: the foot brake."],
        ),
        (
            "What changed in 2.3.1?",
            ["Fixed: the warp beam no longer slips in damp weather."],
        ),
        ("What is in Annex B?", ["Candles burn until ten."]),
        ("What does item 1A say?", ["The third step of the stairs is loose."]),
        ("What does “Help for lodgers” say about “Annex B”?", ["Candles burn until ten."]),
        (
            "What does “Help for lodgers” say about “Duties”?",
            ["Sweep the stairs on Saturdays.", "Carry up the coal."],
        ),
        ("What are the duties?", ["Sweep the stairs on Saturdays.", "Carry up the coal."]),
        (
            "What does “Charter of the Ferry Guild” say about “12. Fines”?",
            FINES,
        ),
        ("how do i get a key", ["Ask the porter.", "He keeps the spare ones in a drawer."]),
        ("How do I get a key?", ["Ask the porter.", "He keeps the spare ones in a drawer."]),
    ],
)
def test_a_part_that_is_named_is_quoted_whole(index: Index, question: str, said: list[str]) -> None:
    answer = index.ask(question)
    assert answer.status == "answered"
    assert quotes(answer, index) == said


def test_a_number_alone_is_looked_up_in_every_document_that_has_it(index: Index) -> None:
    answer = index.ask("What does section 2 say?")
    assert {citation.title for citation in answer.citations} == {
        "Charter of the Ferry Guild",
        "Rules of the bathhouse",
    }


def test_a_question_about_a_part_is_answered_from_that_part(index: Index) -> None:
    answer = index.ask("What was removed in version 2.4.0?")
    assert quotes(answer, index) == ["Removed: the foot brake."]


def test_a_part_that_nobody_wrote_is_not_answered(index: Index) -> None:
    assert index.ask("What does clause 1.2 of the charter say?").confidence == NAMED
    assert index.ask("What does clause 1.7 of the charter say?").status == "declined"
    assert index.ask("What is new in version 2.9.0?").status == "declined"


@pytest.mark.parametrize(
    "question",
    ["When was version 2.4.0 released?", "When did 2.4.0 come out?"],
)
def test_when_a_version_came_out_is_its_heading(index: Index, question: str) -> None:
    answer = index.ask(question)
    assert quotes(answer, index) == ["Version 2.4.0 (3 March 2021)"]


@pytest.mark.parametrize(
    "question",
    ["When was the counter of woven cloth added?", "Which version has a counter of woven cloth?"],
)
def test_a_heading_says_when_and_which_if_the_sentence_does_not(
    index: Index, question: str
) -> None:
    answer = index.ask(question)
    assert quotes(answer, index)[:2] == [
        "Version 2.3.0 (1 July 2020)",
        "New: a counter of the cloth that was woven.",
    ]


def test_a_heading_is_not_quoted_where_the_sentence_says_when(index: Index) -> None:
    answer = index.ask("When did the foot brake first break?")
    assert quotes(answer, index) == ["The foot brake first broke on 2 May 2020."]


def test_a_section_is_not_quoted_whole_for_another_question_in_its_words(index: Index) -> None:
    assert index.ask("How do I get a key?").confidence == NAMED
    assert index.ask("Who gets a key?").confidence < NAMED


DEED = """Deed of the mill

1. Scope. This deed is for the mill.
2. Rent. The rent is nine pence.
3. Days. It turns on six days.
4. Wages. Wages are paid monthly.
1.5 days of leave accrue each month.
Leave lapses in March.
5. Letters. To send a letter:
1. Seal it.
2. Hand it to the mate.
The letter must be dated.
6. End. It ends in May.
"""
LEASE = """# Lease of the barn

## 2. Rent

The rent is eight pounds.

## 3. Repairs

When a pipe leaks:

1. Close the tap.
2. Call the plumber.

## Schedule 2

A table and two chairs belong to the barn.
"""
RACE = """# Race round the pond

## 3. Results

Twelve people took part 3 times. Nobody won the race twice.

## 7.4 Fish

The pond has carp of the kind that carp like.

## 8. Water

The pH of the pond is 7.4 in summer.

## 11. Later years

Acme filed a complaint about noise on 3 May 2006. Acme filed for chapter 11 bankruptcy on 4 June 2009.
"""  # noqa: E501


MEMO = """\
# Tides

Version 3, May 1901

## 1. Names

A tide is named by its port.

## 2. Sizes

A name has nine letters.
"""


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("papers")
    documents = {"deed.txt": DEED, "lease.md": LEASE, "race.md": RACE, "memo1035.md": MEMO}
    for year, fee in ((2022, "forty"), (2023, "fifty"), (2024, "sixty")):
        documents[f"book-{year}.md"] = f"# Handbook {year}\n\n## 2. Fees\n\nIt is {fee} pounds.\n"
    for name, text in documents.items():
        (folder / name).write_text(text, encoding="utf-8")
    with create_index(folder / "index") as index:
        sync(index, [folder / name for name in documents])
        yield index


@pytest.mark.parametrize(
    ("question", "said"),
    [
        # Small numbers within a clause are those of a list; a decimal begins no clause.
        (
            "What does clause 4 of the deed say?",
            [
                "Wages. Wages are paid monthly.",
                "1.5 days of leave accrue each month.",
                "Leave lapses in March.",
            ],
        ),
        (
            "What does clause 5 of the deed say?",
            [
                "Letters. To send a letter:",
                "Seal it.",
                "Hand it to the mate.",
                "The letter must be dated.",
            ],
        ),
        ("What does clause 2 of the deed say?", ["Rent. The rent is nine pence."]),
        # A heading goes before the items of lists, and a schedule is no section.
        ("What does section 2 of the lease say?", ["The rent is eight pounds."]),
        (
            "What does schedule 2 of the lease say?",
            ["A table and two chairs belong to the barn."],
        ),
        # Of handbooks alike, the one of the year; of all where none is named.
        ("What does section 2 of the 2023 handbook say?", ["It is fifty pounds."]),
        ("What are the fees in 2022?", ["It is forty pounds."]),
        ("What does section 2 of memo 1035 version 3 say?", ["A name has nine letters."]),
    ],
)
def test_the_part_that_is_meant(papers: Index, question: str, said: list[str]) -> None:
    answer = papers.ask(question)
    assert quotes(answer, papers) == said
    assert answer.confidence == NAMED


def test_what_all_documents_have_is_quoted_from_all(papers: Index) -> None:
    answer = papers.ask("What are the fees?")
    assert sorted(quotes(answer, papers)) == [
        f"It is {n} pounds." for n in ("fifty", "forty", "sixty")
    ]


@pytest.mark.parametrize(
    "question",
    [
        "What does section 2 of the 2025 handbook say?",
        "What are the fees in 2025?",
        "What are the new fees?",
        "What are the changes to the fees?",
        "What does clause 4(a) of the deed say?",
        "What do clauses 4 and 5 of the deed say?",
    ],
)
def test_what_is_not_that_part_is_not_taken_for_it(papers: Index, question: str) -> None:
    assert papers.ask(question).confidence < NAMED


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How many people took part 3 times in the race?", "Twelve people took part 3 times."),
        ("Is the pH of the pond 7.4?", "The pH of the pond is 7.4 in summer."),
        (
            "When did Acme file for chapter 11?",
            "Acme filed for chapter 11 bankruptcy on 4 June 2009.",
        ),
    ],
)
def test_a_figure_that_is_no_address_does_no_harm(papers: Index, question: str, said: str) -> None:
    assert quotes(papers.ask(question), papers)[0] == said


def test_a_line_that_begins_with_very_many_figures_is_no_part(tmp_path: Path) -> None:
    text = f"The tables.\n\n{'9' * 5000}. That is a figure.\n2. Lamps burn oil.\n"
    (tmp_path / "tables.txt").write_text(text, encoding="utf-8")
    with create_index(tmp_path / "index") as index:
        sync(index, [tmp_path / "tables.txt"])
        assert quotes(index.ask("What does rule 2 say?"), index) == ["Lamps burn oil."]


def test_a_long_part_says_that_it_goes_on(tmp_path: Path) -> None:
    lines = "\n".join(f"- Rule {n} of the many ones here." for n in range(40))
    (tmp_path / "long.md").write_text(f"# Long\n\n## 4. Rules\n\n{lines}\n", encoding="utf-8")
    with create_index(tmp_path / "index") as index:
        sync(index, [tmp_path / "long.md"])
        answer = index.ask("What does section 4 say?")
    assert len(answer.citations) == MOST_ITEMS
    assert any("goes on" in note for note in answer.notes)
