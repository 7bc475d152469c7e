"""Answers over the sample library: what is quoted, how it is bound, when nothing is said."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sync import add_texts, sync
from rag import Answer
from rag.answer_json import answer_from_dict
from rag.confidence import THRESHOLD, confidence
from rag.errors import BadInput
from rag.extractive import quote
from rag.index import Index
from rag.reader import load_reader
from rag.select import FACTS, Candidate, choose, rank_sentences
from rag.settings import Settings
from rag.types import INVITATION, Chunk, Passage, Source, Span


def check_bound(index: Index, answer: Answer) -> None:
    """Every sentence is a quotation, every quotation is exact, every number resolves."""
    assert (answer.status == "answered") == bool(answer.sentences)
    numbers = [citation.number for citation in answer.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    for sentence in answer.sentences:
        assert answer.text[sentence.start : sentence.end] == sentence.text
        assert 0 <= sentence.score <= 1
        (citation,) = sentence.citations
        assert any(
            p.chunk.source_id == citation.source_id
            and p.chunk.start <= citation.start < citation.end <= p.chunk.end
            for p in answer.passages
        )
        assert citation in answer.citations
        assert sentence.text == " ".join(citation.quote.split())
        if sentence.answer is not None:
            answering = sentence.text[sentence.answer.start : sentence.answer.end]
            assert answering.strip() == answering != ""
        assert answer.text[sentence.end :].startswith(f" [{citation.number}]")
    for citation in answer.citations:
        text = index.library.text(citation.source_id)
        assert text[citation.start : citation.end] == citation.quote
    json.dumps(answer.to_dict())


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How much did Microsoft invest in OpenAI in 2019?", "$1 billion"),
        ("When did ChatGPT launch?", "30 November 2022"),
        ("What is a right of first refusal?", "match an offer"),
        ("Where is the first Stargate campus?", "Abilene, Texas"),
        ("Who is the CFO of OpenAI?", "Sarah Friar"),
    ],
)
def test_answers_quote_the_evidence(sample: Index, question: str, expected: str) -> None:
    answer = sample.ask(question)
    check_bound(sample, answer)
    assert expected in answer.text
    assert len(answer.sentences) <= 3


@pytest.mark.parametrize(
    "question",
    [
        "How long do I boil an egg so the yolk stays soft?",
        "Who won the World Cup in 1998?",
        "Write a bubble sort in Rust",
        "¿?x",
    ],
)
def test_what_the_library_does_not_hold_is_declined(sample: Index, question: str) -> None:
    answer = sample.ask(question)
    check_bound(sample, answer)
    assert answer.status == "declined"
    assert answer.confidence < THRESHOLD
    assert answer.passages, "the nearest passages are shown"
    assert 1 <= len(answer.nearest) <= 3
    for citation in answer.nearest:
        text = sample.library.text(citation.source_id)
        assert text[citation.start : citation.end] == citation.quote


def test_sources_that_disagree_are_both_quoted(sample: Index) -> None:
    answer = sample.ask("What did OpenAI spend on Azure in 2024?")
    check_bound(sample, answer)
    assert "$7.1 billion" in answer.text
    assert "9.4" in answer.text
    assert len({citation.uri for citation in answer.citations}) == 2


def test_each_part_of_a_question_is_answered(sample: Index) -> None:
    answer = sample.ask("Who founded Microsoft, and when did OpenAI publish its Charter?")
    check_bound(sample, answer)
    assert "Paul Allen" in answer.text
    assert "April 2018" in answer.text


def test_reports_of_different_times_do_not_disagree(index: Index) -> None:
    said = "The increase in our tax rate at Norvik was due to a ${} billion transfer of rights."
    question = "Why was the tax rate of Norvik higher?"
    years = (2022, 2023)
    add_texts(
        index, [(f"norvik-{y}.txt", f"Annual report {y}", said.format(y - 2020)) for y in years]
    )
    answer = index.ask(question)
    assert answer.status == "answered"
    assert answer.notes == ()
    add_texts(index, [("letter.txt", "A letter", said.format(9))])
    assert any("disagree" in note for note in index.ask(question).notes)


def test_a_policy_of_another_year_does_disagree(index: Index) -> None:
    said = "Norvik grants every employee {} days of leave in each year."
    years = (2022, 2023)
    add_texts(
        index, [(f"leave-{y}.txt", f"Leave policy {y}", said.format(y - 2000)) for y in years]
    )
    answer = index.ask("How many days of leave does Norvik grant?")
    assert any("disagree" in note for note in answer.notes)


def test_other_sources_with_the_same_words_are_named(index: Index) -> None:
    clause = (
        "The tenant keeps the garden, the path and the gate in good order at its own cost. "
        "The landlord may inspect the garden twice in a year, after a notice of seven days{}."
    )
    near = clause.format("").replace("twice in a year", "twice a year")
    texts = [clause.format(""), clause.format(" in writing"), near, "The rent is paid monthly."]
    titles = ("First lease", "Second lease", "Draft", "Letter")
    add_texts(index, [(f"{t}.txt", t, text) for t, text in zip(titles, texts, strict=True)])
    answer = index.ask("Who keeps the garden in good order?")
    check_bound(index, answer)
    (citation,) = answer.citations
    (passage,) = [p for p in answer.passages if p.source.id == citation.source_id]
    others = {"First lease", "Second lease", "Draft"} - {citation.title}
    assert {copy.source.title for copy in passage.copies} == others
    (note,) = answer.notes
    assert note.startswith("[1] is also said, word for word, in ")
    assert all(title in note for title in others)
    assert answer_from_dict(json.loads(json.dumps(answer.to_dict()))) == answer
    # Nearly the same passage is there too, but not this sentence.
    answer = index.ask("How often may the landlord inspect the garden?")
    assert {c.title for c in answer.citations} < {"First lease", "Second lease", "Draft"}
    assert answer.notes == ()


def test_who_is_named_at_the_beginning_is_known_further_on(index: Index) -> None:
    clauses = [f"Clause {n} binds the parties to nothing at all." for n in range(2, 40)]
    lease = "This lease is made between Carrow Estates and Tarnboard. " + " ".join(clauses)
    add_texts(index, [("lease", "Lease", f"{lease} The tenant has six parking spaces.")])
    asked = "How many parking spaces does {} have?"
    named, other = (index.ask(asked.format(name)) for name in ("Tarnboard", "Brightmere"))
    (passage,) = (p for p in named.passages if "six parking spaces" in p.chunk.text)
    assert "Tarnboard" not in passage.chunk.text
    assert named.status == "answered"
    assert other.confidence < named.confidence / 1.5


def test_what_is_quoted_for_another_part_is_not_said_to_be_missing(index: Index) -> None:
    add_texts(index, [("norvik", "Norvik", "Norvik was founded in 1961 by Ada Holm.")])
    both = index.ask("Who founded Norvik, and when was Norvik founded by Ada Holm?")
    assert both.notes == ()
    other = index.ask("Who founded Norvik, and how do I bake sourdough bread?")
    assert any("sourdough" in note for note in other.notes)


def test_a_part_without_an_answer_is_named(sample: Index) -> None:
    answer = sample.ask("Who founded Microsoft, and how do I bake sourdough bread?")
    assert answer.status == "answered"
    assert any("sourdough" in note for note in answer.notes)


def test_a_follow_up_is_completed_and_shown(sample: Index) -> None:
    first = sample.ask("When was the Stargate Project announced?")
    answer = sample.ask(
        "Where is its first campus?",
        [
            {"role": "user", "content": first.question},
            {"role": "assistant", "content": first.text},
        ],
    )
    assert "Abilene" in answer.text
    assert answer.question == "Where is its first campus?"
    assert "Stargate" in answer.query


def test_declining_can_be_left_to_the_caller(sample: Index) -> None:
    question = "How long do I boil an egg so the yolk stays soft?"
    answer = sample.ask(question, settings=Settings(threshold=0.0))
    check_bound(sample, answer)
    assert answer.status == "answered"
    assert answer.confidence < THRESHOLD


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(question=st.text(min_size=1, max_size=80).filter(lambda t: any(map(str.isalnum, t))))
def test_any_question_gives_a_bound_answer(sample: Index, question: str) -> None:
    check_bound(sample, sample.ask(question))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How much did Microsoft invest in OpenAI in 2019?", "$1 billion"),
        ("When did ChatGPT launch?", "30 November 2022"),
    ],
)
def test_the_words_that_answer_are_told(sample: Index, question: str, words: str) -> None:
    (first, *_) = sample.ask(question).sentences
    assert first.answer is not None
    assert words in first.text[first.answer.start : first.answer.end]
    (first, *_) = sample.ask(question, settings=Settings(reader=False)).sentences
    assert first.answer is None


@given(st.text(" \n\tab", max_size=30), st.text(" \nab", min_size=1), st.text(" \nb", max_size=9))
def test_the_answers_words_keep_their_place_on_one_line(
    before: str, words: str, after: str
) -> None:
    words = f"x{words}y"
    text = before + words + after
    start = text.index("x")
    chunk = Chunk("c", "s", text, 100, 100 + len(text))
    candidate = Candidate(
        passage=Passage(chunk, Source("s", "s", "", "", "text/plain", 1), 1.0, None, 0.0),
        span=Span(100, 100 + len(text)),
        text=text,
        score=1.0,
        rank=1.0,
        facts=(),
        answer=Span(100 + start, 100 + start + len(words)),
    )
    _, (sentence,), _ = quote([candidate])
    assert sentence.answer is not None
    answering = sentence.text[sentence.answer.start : sentence.answer.end]
    assert answering == " ".join(words.split())


@pytest.mark.parametrize("reads", [True, False])
def test_selection_is_in_order_and_judged(sample: Index, reads: bool) -> None:
    question = "When did ChatGPT launch?"
    passages, reader = sample.search(question), load_reader() if reads else None
    embed, idf = sample.encoder.encode_documents, sample.library.idf
    openings = sample.library.openings(p.source.id for p in passages)
    ranked = rank_sentences(question, passages, openings, embed, idf, reader)
    assert [c.rank for c in ranked] == sorted((c.rank for c in ranked), reverse=True)
    assert all(0 <= c.score <= 1 for c in ranked)
    assert 0 < confidence(question, passages, ranked, reader) < 1
    chosen = choose(question, ranked, reader)
    assert chosen[0] is ranked[0]
    assert 1 <= len(chosen) <= 3
    assert choose(question, []) == []
    assert confidence(question, passages, []) == 0.0


@pytest.mark.parametrize("first", ["Tell me about the swimming pool", "What is the harbour ferry?"])
def test_a_follow_up_on_what_is_not_there_is_declined(index: Index, first: str) -> None:
    permit = "A permit in the {} zone costs {} pounds."
    permits = f"{permit.format('inner', 90)} {permit.format('outer', 30)}"
    add_texts(index, [("permits", "Parking", permits)])
    history = [{"role": "user", "content": first}]
    assert index.ask("How much does it cost?", history).status == "declined"


def test_a_question_that_turns_to_something_else_is_asked_by_itself(index: Index) -> None:
    add_texts(
        index,
        [
            ("licence", "Licence of Norvik", "The annual licence fee of Norvik is 900 pounds."),
            ("policy", "Home policy", "The standard excess is 250 pounds for each claim."),
            ("grant", "Grant of Elder", "The application deadline for Elder is the 3rd of May."),
        ],
    )
    licence = [{"role": "user", "text": "How much is the annual licence fee?"}]
    answer = index.ask("What is the standard excess?", licence)
    assert answer.query == "What is the standard excess?"
    assert "250 pounds" in answer.text
    # Not where the answer is another's than whom the conversation is about.
    norvik = [{"role": "user", "text": "What does the licence of Norvik cost?"}]
    answer = index.ask("What is the application deadline?", norvik)
    assert "Norvik" in answer.query
    assert "Elder" not in answer.text or answer.status == "declined"


def test_a_part_that_takes_over_a_subject_drops_no_other_part(index: Index) -> None:
    add_texts(index, [("lockers", "Acme Lockers", "The deposit for a locker key is 20 pounds.")])
    answer = index.ask("What is the deposit for a locker key and how does Acme Lockers clean it?")
    assert "20 pounds" in answer.text
    assert any("nothing answers for certain" in note for note in answer.notes)


def test_a_declined_question_is_told_which_of_its_words_no_passage_has(sample: Index) -> None:
    asked = sample.ask("Who is the CFO of Zylantis, and who bought its quince_press?")
    assert (asked.status, asked.notes) == (
        "declined",
        ("no passage has “Zylantis” or “quince_press”",),
    )
    assert sample.ask("Wie viel hat Microsoft investiert?").notes == (
        "no passage has “Wie”, “viel”, “hat” or “investiert”",
    )
    assert sample.ask("How much did Microsoft invest in 2019?").notes == ()


def test_a_follow_up_does_not_turn_to_another_document_by_the_way(index: Index) -> None:
    add_texts(
        index,
        [
            ("school", "Absence policy", "Parents report an absence to the school by nine."),
            ("clinic", "The clinic", "The phone number of the clinic is 01 555. Call by ten."),
        ],
    )
    history = [{"role": "user", "text": "When must parents report an absence?"}]
    answer = index.ask("What is the phone number there?", history)
    assert answer.status == "declined" or "absence" in answer.query


def test_many_copies_are_counted(index: Index) -> None:
    letter = "Dear member, the annual fee of the rowing club is due on the first of March. Yours."
    add_texts(index, [(f"l{n}", f"Letter {n}", letter) for n in range(9)])
    answer = index.ask("When is the annual fee of the rowing club due?")
    (note,) = answer.notes
    assert note.endswith(" and 5 more") and note.count(";") == 2


def test_what_asks_nothing_is_answered_by_an_invitation(index: Index) -> None:
    add_texts(index, [("letter", "A letter", "Thanks. It was a fine day. Hello to all.")])
    answer = index.ask("thanks!")
    assert (answer.status, answer.text) == ("declined", INVITATION)
    assert not answer.passages and not answer.nearest
    assert list(index.stream("hello")) == [
        INVITATION,
        replace(answer, question="hello"),
    ]


def test_a_sentence_on_another_is_not_quoted_beside_the_answer(index: Index) -> None:
    staff = "{} employed about {} people in June 2024."
    add_texts(
        index,
        [
            ("norvik", "The mills", staff.format("Norvik Mills", 900)),
            ("elder", "Dairies", staff.format("The firm of Elder Dairy", 70)),
        ],
    )
    answer = index.ask("How many people does Norvik Mills employ?")
    check_bound(index, answer)
    assert [c.uri for c in answer.citations] == ["norvik"]


def candidate(text: str, rank: float, **facts: float) -> Candidate:
    chunk = Chunk("c", "s", text, 0, len(text))
    source = Source("s", "s", "", "", "text/plain", len(text))
    row = tuple(facts.get(name, 0.0) for name in FACTS)
    passage = Passage(chunk, source, 1.0, None, 0.0)
    return Candidate(passage, Span(0, len(text)), text, 1.0, rank, row)


@pytest.mark.parametrize(
    ("best", "other", "beside"),
    [
        ({}, {}, True),
        ({}, {"names_lost": 0.2}, False),
        ({"names_lost": 0.2}, {"names_lost": 0.2}, True),
        ({"answer_here": 0.6}, {"answer_here": 0.05}, False),
        ({"answer_here": 0.6}, {"answer_here": 0.2}, True),
        ({"answer_here": 0.4}, {"answer_here": 0.0}, True),
        ({"answer_here": 0.4}, {"answer_here": 0.3, "names_elsewhere": 0.2}, False),
        ({"answer_here": 0.4}, {"answer_here": 0.5, "names_elsewhere": 0.2}, True),
    ],
)
def test_what_is_quoted_beside_the_best(
    best: dict[str, float], other: dict[str, float], beside: bool
) -> None:
    ranked = [
        candidate("Area: North Sea; Pay: 85", 2.0, **best),
        candidate("Area: Irish Sea; Pay: 80", 1.5, **other),
    ]
    chosen = choose("What is the pay in the North Sea?", ranked)
    assert chosen == ranked[: 1 + beside]
    assert choose("What is the pay in the North Sea?", ranked, is_part=True) == ranked


def test_of_two_that_a_title_names_the_one_asked_about_is_quoted(index: Index) -> None:
    seats = "Norvik has its head office in Leeds. The headquarters of Elder are in York."
    add_texts(index, [("faq", "Questions about Norvik and Elder", seats)])
    answer = index.ask("Where is Elder's head office?")
    check_bound(index, answer)
    assert answer.text == "The headquarters of Elder are in York. [1]"


def test_a_document_begins_with_its_headings(index: Index, tmp_path: Path) -> None:
    text = "# Report\n\n# Polperro Glass plc\n\nThree months to March.\n\n# Sales\n\nThey rose.\n"
    (tmp_path / "report.md").write_text(text, encoding="utf-8")
    sync(index, [tmp_path / "report.md"])
    ((_, opening),) = index.library.openings({p.source.id for p in index.search("sales")}).items()
    assert opening.split("\n") == ["Report", "Polperro Glass plc", "Sales"]


def test_the_small_model_reads_a_passage_below_its_heading(index: Index, tmp_path: Path) -> None:
    text = "# Handbook\n\n## Fees\n\nIt is fifty pounds.\n\n## Rooms\n\nIt is the blue one.\n"
    (tmp_path / "handbook.md").write_text(text, encoding="utf-8")
    sync(index, [tmp_path / "handbook.md"])
    (best, *_) = rank_sentences(
        "What are the fees?",
        index.search("fees"),
        {},
        index.encoder.encode_sentences,
        index.library.idf,
        load_reader(),
    )
    assert best.facts[FACTS.index("answers")] > 0.8
    assert best.answer is not None
    chunk = best.passage.chunk
    assert chunk.cut(best.answer).endswith("fifty pounds")


def test_what_a_heading_says_is_no_answer_of_the_sentences_below_it(
    index: Index, tmp_path: Path
) -> None:
    heading = "The swimming pool opens at 7 in the morning on Monday"
    rules = [
        "Towels and lockers are available beside the reception counter of the main hall.",
        "When the pool opens in the morning, a bell is rung beside the main hall of the house.",
        *(f"Rule {n} of the pool asks guests to walk slowly beside the water." for n in range(9)),
    ]
    text = f"# House\n\n## {heading}\n\n{' '.join(rules)}\n"
    (tmp_path / "house.md").write_text(text, encoding="utf-8")
    sync(index, [tmp_path / "house.md"])
    question = "At what time does the swimming pool open on Monday?"
    ranked = rank_sentences(
        question,
        index.search(question),
        {},
        index.encoder.encode_sentences,
        index.library.idf,
        load_reader(),
    )
    assert ranked and all(c.facts[FACTS.index("answer_here")] < 0.5 for c in ranked)
    assert all(c.answer is None for c in ranked)


def test_a_line_in_capitals_is_a_heading_and_no_answer(index: Index) -> None:
    add_texts(index, [("deed", "A deed", "GRANT AGREEMENT No. 57\n\nThe grant is nine pounds.")])
    answer = index.ask("Who signed grant agreement No. 57?")
    assert "GRANT AGREEMENT No. 57" not in [s.text for s in answer.sentences]


WORK = """Employees may work from home on three days a week. Tuesday is an office day for all.

Contractors and interns are not covered. A laptop is provided by the firm."""


@pytest.mark.parametrize(
    ("question", "exception"),
    [
        ("Can interns work from home?", True),
        ("May contractors work from home?", True),
        ("Can employees work from home?", False),
        ("On how many days may employees work from home?", False),
    ],
)
def test_whether_something_is_so_comes_with_its_exception(
    index: Index, question: str, exception: bool
) -> None:
    add_texts(index, [("policy", "Policy", WORK)])
    said = [s.text for s in index.ask(question).sentences]
    assert "Employees may work from home on three days a week." in said
    assert ("Contractors and interns are not covered." in said) == exception


PERMITS = (
    "Parking permits are sold at the town hall. "
    "A permit for the inner zone costs 240 pounds a year. "
    "A permit for the outer zone costs 90 pounds a year. Visitors buy tickets from machines."
)
GLASSES = (
    "Glasses are included in the plan for children. "
    "Glasses are excluded from the plan for two years after joining. Lunch is free."
)


@pytest.mark.parametrize(
    ("text", "question", "quoted"),
    [
        (PERMITS, "What does a permit cost (outer zone)?", ["90 pounds"]),
        (PERMITS, "What does a permit cost (outer zone)", ["90 pounds"]),
        (PERMITS, "What do permits for the inner and the outer zone cost?", ["240", "90 pounds"]),
        (GLASSES, "Does the plan include glasses?", ["included", "excluded"]),
    ],
)
def test_the_contrary_of_what_is_asked_is_not_quoted_unless_it_is_an_exception(
    index: Index, text: str, question: str, quoted: list[str]
) -> None:
    add_texts(index, [("notes", "Notes", text)])
    answer = index.ask(question)
    assert answer.query == question
    found = [s.text for s in answer.sentences]
    assert len(found) == len(quoted)
    assert all(word in said for word, said in zip(quoted, found, strict=True))


TRAVEL = """# Travel policy

Nobody pays for a journey to work.

## Accommodation

| Zone | Where | Hotel limit per night | Meals per day |
|---|---|---|---|
| A | London | £185 | £42 |
| B | Edinburgh, Manchester | £140 | £34 |
| C | Elsewhere in the country | £110 | £30 |
| D | Western Europe | £165 | £45 |

Staff who stay with friends may claim £25 a night.
"""


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("What is the hotel limit in zone A?", "Zone: A;"),
        ("What is the hotel limit in zone B?", "Zone: B;"),
        ("Hotel limit for zone B", "Zone: B;"),
        ("What is the hotel limit in zone D?", "Zone: D;"),
        ("What is the hotel limit in zone E?", ""),
    ],
)
def test_the_row_of_the_key_that_is_asked_for_is_quoted(
    index: Index, tmp_path: Path, question: str, row: str
) -> None:
    (tmp_path / "travel.md").write_text(TRAVEL, encoding="utf-8")
    sync(index, [tmp_path / "travel.md"])
    found = [s.text for s in index.ask(question).sentences]
    assert len(found) == bool(row)
    assert all(text.startswith(row) for text in found)


def test_why_comes_with_the_reason_if_there_is_one(index: Index) -> None:
    churn = "Churn rose from 2.1% to 3.4% in the fourth quarter of the year."
    reason = "The price increase in October was the main reason."
    add_texts(index, [("minutes", "Minutes", f"{churn} {reason} The next meeting is in May.")])
    assert {s.text for s in index.ask("Why did churn rise?").sentences} == {churn, reason}
    asked = index.ask("By how much did churn rise?")
    assert [s.text for s in asked.sentences] == [churn]


def test_a_heading_in_a_list_is_no_answer_and_stands_over_what_follows(index: Index) -> None:
    text = (
        "- Competing Interests\n- While Norvik is focused on quality, Harrow is driven by sales.\n"
        "- Different Cultures\n- Norvik has kept a strong craft culture."
    )
    add_texts(index, [("notes", "Two mills", text)])
    answer = index.ask("What does the document say about different cultures?")
    check_bound(index, answer)
    assert answer.query == "different cultures"
    assert [s.text for s in answer.sentences] == ["Norvik has kept a strong craft culture."]


def test_of_reports_that_are_alike_the_one_that_is_asked_about_is_quoted(index: Index) -> None:
    alike = "Research and development expense was ${} million in 2023 because of more engineers."
    add_texts(
        index,
        [
            ("harrow", "Harrow Bakers annual report", alike.format("4.2")),
            ("elder", "Elder Dairy annual report", alike.format("6.6")),
            ("norvik", "Norvik Mills annual report", alike.format("9.1")),
        ],
    )
    answer = index.ask("What was the research and development expense of Norvik in 2023?")
    check_bound(index, answer)
    assert [citation.uri for citation in answer.citations] == ["norvik"]


def test_the_one_that_is_asked_about_is_quoted_though_another_says_it_more(index: Index) -> None:
    said = "Operating income in the first quarter, so the report on operating income, was ${}."
    others = [(f"elder{n}", "Elder Dairy", f"{said.format(n)} {said}") for n in range(20, 40)]
    own = "The operating income of the quarter was $7 million at Norvik."
    add_texts(index, [*others, ("norvik", "Norvik Mills", own)])
    question = "What was the operating income in the first quarter, as the report on Norvik says?"
    assert not any(passage.source.id == "norvik" for passage in index.search(question, 1))
    answer = index.ask(question, settings=Settings(threshold=0.0))
    check_bound(index, answer)
    assert {citation.uri for citation in answer.citations} == {"norvik"}


def test_what_is_named_need_not_be_in_a_title(index: Index) -> None:
    led = "Polperro Glass has been led by Ada Holm since 2020."
    add_texts(
        index, [("notes", "Notes", led), ("letter", "CEO letter", "Who leads must be brief.")]
    )
    answer = index.ask("Who leads Polperro Glass as its CEO?")
    check_bound(index, answer)
    assert "Ada Holm" in answer.text


def test_words_find_what_has_no_vector_yet(index: Index, docs: Path) -> None:
    sync(index, [docs])
    with sqlite3.connect(index.library.path) as db:
        db.execute("UPDATE chunks SET vector = NULL")
    db.close()
    answer = index.ask("Where was the Bramley apple first grown?")
    check_bound(index, answer)
    assert "Southwell" in answer.text
    assert all(passage.similarity is None for passage in answer.passages)
    assert "no vector yet" in answer.notes[0]


def test_an_answer_is_the_same_when_read_back(sample: Index) -> None:
    question = "What did the company that invested $1 billion in OpenAI in 2019 spend on Anthropic?"
    answer = sample.ask(question)
    assert len(answer.searched) == 2 and question in answer.searched_for
    assert answer_from_dict(json.loads(json.dumps(answer.to_dict()))) == answer
    with pytest.raises(BadInput, match=r"not an answer.*: citations\.0"):
        answer_from_dict({**answer.to_dict(), "citations": [{"number": "first"}]})
