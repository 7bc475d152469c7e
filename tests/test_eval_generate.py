"""Cases made from documents: right by their making, and unanswerable where they say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from eval.cases import find_quote, load_cases
from eval.generate import ask_in_place, generate
from eval.hidden import without
from eval.locate import locate
from eval.metrics import contains_answer
from eval.run import ask_cases
from eval.score import score
from rag.errors import BadIndex, BadInput
from rag.index import Index
from ui.cli import main


@pytest.mark.parametrize(
    ("sentence", "answer", "question"),
    [
        ("The bridge was opened in 1934.", "1934", "The bridge was opened when?"),
        ("Ada Byron met him in 1833 at a party.", "1833", "Ada Byron met him when at a party?"),
        ("The treaty of 1884 was short.", "1884", "The treaty of which year was short?"),
        ("The fund paid $3 million.", "$3 million", "The fund paid how much?"),
        ("Turnout fell to 41 percent.", "41 percent", "Turnout fell to what percentage?"),
        ("The ship carried 220 people.", "220", "The ship carried how many people?"),
        ("It was led by Mara Devlin.", "Mara Devlin", None),
        ("The team was led by Mara Devlin.", "Mara Devlin", "The team was led by whom or what?"),
        ("Mara Devlin led the team.", "Mara", None),
        ("The law firm Orrin examined it.", "Orrin", None),
        ("It opened on 3 May 1921.", "1921", None),
        ("The tower opened on 3 May 1921.", "1921", None),
        ("Orrin met Orrin.", "Orrin", None),
        ("Name: Ale; Price: 3; Stock: 40", "40", "What is the Stock of Ale?"),
        ("Name: Ale; Price: 3; Stock: 3", "3", None),
        ("Ale | 3; Stock", "3", None),
    ],
)
def test_a_sentence_is_asked_for_its_answer(
    sentence: str, answer: str, question: str | None
) -> None:
    assert ask_in_place(sentence, answer) == question


def test_made_cases_are_asked_like_others(sample: Index, tmp_path: Path) -> None:
    out = tmp_path / "made.jsonl"
    done = CliRunner().invoke(
        main, ["eval", "generate", "--n", "16", "--index", str(sample.folder), "--out", str(out)]
    )
    assert done.exit_code == 0 and "12 cases with an answer and 4 without" in done.output
    cases = load_cases(out)
    assert [c.answerable for c in cases] == [True] * 12 + [False] * 4
    assert len({c.question for c in cases}) == 16
    for case in cases:
        (piece,) = locate(sample, [case])[case.id]
        assert piece.standing == "found" and len(piece.places) == 1
        source, start, end = piece.places[0]
        text = sample.library.text(source)[start:end]
        assert find_quote(text, (case.evidence or case.without)[0].quote)
        assert all(contains_answer(text, [answer]) for answer in case.answers)
    run = score(ask_cases(sample, cases))
    right = [row.right for row in run.cases if row.answerable]
    assert sum(right) >= 9, "questions in the documents' own words are easy"
    # No evidence is lost, and what has none has no evidence to be scored by.
    assert not [row.id for row in run.cases if row.case_error]
    assert all("recall@10" not in row.parts for row in run.cases if not row.answerable)
    second = CliRunner().invoke(
        main, ["eval", "generate", "--index", str(sample.folder), "--out", str(out)]
    )
    assert second.exit_code == 1 and "is there already" in second.output


def test_what_is_hidden_is_not_found_and_the_index_is_as_before(sample: Index) -> None:
    question = "Who left the OpenAI board in February 2018?"
    best = sample.search(question)[0]
    spot = best.source.id, best.chunk.start + 5, best.chunk.start + 6
    hidden = without(sample, [spot])
    found = hidden.search(question)
    assert best.chunk.id not in {p.chunk.id for p in found} and len(found) == 10
    assert best.chunk.id not in {p.chunk.id for p in hidden.ask(question).passages}
    assert sample.search(question)[0].chunk.id == best.chunk.id
    hidden.close()
    assert sample.search(question), "closing it leaves the index open"


def test_documents_without_anything_to_ask(index: Index) -> None:
    with pytest.raises(BadIndex, match="no sentence with a name"):
        generate(index)


def test_cases_that_are_asked_without_something(tmp_path: Path) -> None:
    row = {
        "id": "a", "kind": "unanswerable_near", "question": "Who?", "answerable": False,
        "reference": "", "answers": [], "evidence": [],
        "without": [{"source": "f.txt", "quote": "He."}],
    }  # fmt: skip
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    assert load_cases(path)[0].without[0].quote == "He."
    row |= {"answerable": True, "answers": ["x"], "evidence": row["without"]}
    path.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(BadInput, match="'without' its evidence is not answerable"):
        load_cases(path)
