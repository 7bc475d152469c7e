"""A part that a question names by number or heading is looked up; what a heading says is quoted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.sync import sync
from rag.index import Index, create_index
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
"""
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
    documents = {"charter.md": CHARTER, "rules.md": RULES, "news.txt": NEWS, "help.md": HELP}
    for name, text in documents.items():
        (folder / name).write_text(text, encoding="utf-8")
    with create_index(folder / "index") as index:
        sync(index, [folder / name for name in documents])
        yield index


def quotes(answer: Answer) -> list[str]:
    """What is quoted, each where it says it is in its source."""
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
            [
                "2.1 A fare is three pence by day and five by night.",
                "2.2 Nobody is left on the bank for want of a coin.",
            ],
        ),
        ("§ 12", ["12.1 Whoever rows drunk pays forty pence."]),
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
        ("What are the duties?", ["Sweep the stairs on Saturdays.", "Carry up the coal."]),
        ("How do I get a key?", ["Ask the porter.", "He keeps the spare ones in a drawer."]),
    ],
)
def test_a_part_that_is_named_is_quoted_whole(index: Index, question: str, said: list[str]) -> None:
    answer = index.ask(question)
    assert answer.status == "answered"
    assert quotes(answer) == said


def test_a_number_alone_is_looked_up_in_every_document_that_has_it(index: Index) -> None:
    answer = index.ask("What does section 2 say?")
    assert {citation.title for citation in answer.citations} == {
        "Charter of the Ferry Guild",
        "Rules of the bathhouse",
    }


def test_a_question_about_a_part_is_answered_from_that_part(index: Index) -> None:
    answer = index.ask("What was removed in version 2.4.0?")
    assert quotes(answer) == ["Removed: the foot brake."]


def test_a_part_that_nobody_wrote_is_not_answered(index: Index) -> None:
    assert index.ask("What does clause 12.7 of the charter say?").status == "declined"
    assert index.ask("What is new in version 2.9.0?").status == "declined"


@pytest.mark.parametrize(
    "question",
    ["When was version 2.4.0 released?", "When did 2.4.0 come out?"],
)
def test_when_a_version_came_out_is_its_heading(index: Index, question: str) -> None:
    answer = index.ask(question)
    assert quotes(answer) == ["Version 2.4.0 (3 March 2021)"]
    [citation] = answer.citations
    assert index.library.text(citation.source_id)[citation.start : citation.end] == citation.quote


@pytest.mark.parametrize(
    "question",
    ["When was the counter of woven cloth added?", "Which version has a counter of woven cloth?"],
)
def test_a_heading_says_when_and_which_if_the_sentence_does_not(
    index: Index, question: str
) -> None:
    answer = index.ask(question)
    assert quotes(answer)[:2] == [
        "Version 2.3.0 (1 July 2020)",
        "New: a counter of the cloth that was woven.",
    ]


def test_a_heading_is_not_quoted_where_a_sentence_says_it(index: Index) -> None:
    answer = index.ask("What does a member of the guild pay at midsummer?")
    assert quotes(answer)[0] == "1.2 A member pays nine pence at midsummer."


def test_a_section_is_not_quoted_whole_for_another_question_in_its_words(index: Index) -> None:
    assert index.ask("How do I get a key?").confidence == 1
    assert index.ask("Who gets a key?").confidence < 1
