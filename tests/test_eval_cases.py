"""Cases are read whole or refused with the place and the reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.cases import Case, Evidence, find_quote, load_cases
from eval.rows import json_rows
from rag.errors import BadInput
from rag.types import Span, Turn

GOOD: dict[str, Any] = {
    "id": "one",
    "kind": "single_fact",
    "question": "How high is the tower?",
    "answerable": True,
    "reference": "330 metres.",
    "answers": ["330 metres"],
    "evidence": [{"source": "tower.txt", "quote": "The tower is 330 metres high."}],
}
UNANSWERABLE = {"answerable": False, "reference": "", "answers": [], "evidence": []}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_case_is_read(tmp_path: Path) -> None:
    history = [{"role": "user", "text": "Hello"}, {"role": "assistant", "text": "Yes?"}]
    second = GOOD | UNANSWERABLE | {"id": "two", "kind": "unanswerable_far", "note": "far off"}
    path = write(tmp_path / "cases.jsonl", GOOD | {"history": history}, second)
    assert load_cases(path) == [
        Case(
            id="one",
            kind="single_fact",
            question="How high is the tower?",
            history=(Turn("user", "Hello"), Turn("assistant", "Yes?")),
            answerable=True,
            reference="330 metres.",
            answers=("330 metres",),
            evidence=(Evidence("tower.txt", "The tower is 330 metres high."),),
        ),
        Case("two", "unanswerable_far", GOOD["question"], (), False, "", (), (), "far off"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown field 'colour': known are id, kind, question"),
        ({"id": 7}, "field 'id' should be a valid string, not 7"),
        ({"id": " "}, "field 'id' is empty"),
        ({"question": ""}, "field 'question' is empty"),
        ({"kind": "riddle"}, "unknown kind 'riddle'"),
        ({"answerable": 1}, "field 'answerable' should be a valid boolean, not 1"),
        ({"answers": "330"}, "field 'answers' should be a valid array, not \"330\""),
        ({"answers": [330]}, "field 'answers[0]' should be a valid string, not 330"),
        ({"answers": ["The."]}, "answer 'The.' is empty once"),
        ({"answers": []}, "an answerable case needs 'answers'"),
        ({"evidence": []}, "an answerable case needs 'evidence'"),
        ({"evidence": ["tower.txt"]}, "field 'evidence[0]' should be an object, not \"tower.txt\""),
        ({"evidence": [{"source": "tower.txt"}]}, "field 'evidence[0].quote' is missing"),
        (
            {"evidence": [{"source": "tower.txt", "quote": 1}]},
            "field 'evidence[0].quote' should be a valid string, not 1",
        ),
        (
            {"evidence": [{"source": "tower.txt", "quote": "330", "page": 1}]},
            "unknown field 'evidence[0].page'",
        ),
        ({"evidence": [{"source": "tower.txt", "quote": " "}]}, "'evidence[0].quote' is empty"),
        ({"answerable": False}, "not answerable has no 'answers'"),
        ({"history": {}}, "field 'history' should be a valid array"),
        ({"history": ["hello"]}, "field 'history[0]' should be an object, not \"hello\""),
        (
            {"history": [{"role": "judge", "text": "Hello"}]},
            "field 'history[0].role' should be 'user' or 'assistant', not \"judge\"",
        ),
        ({"history": [{"role": "user", "text": 3}]}, "field 'history[0].text' should be"),
        ({"note": None}, "field 'note' should be a valid string, not null"),
    ],
)
def test_a_bad_case_is_refused_with_its_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "cases.jsonl", GOOD, GOOD | {"id": "two"} | change)
    with pytest.raises(BadInput) as caught:
        load_cases(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_field_is_named(tmp_path: Path, name: str) -> None:
    row = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(BadInput, match=f":1: field '{name}' is missing"):
        load_cases(write(tmp_path / "cases.jsonl", row))


def test_a_second_case_of_the_same_id_names_the_first(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r":2: id 'one' is taken by line 1"):
        load_cases(write(tmp_path / "cases.jsonl", GOOD, GOOD))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": \n', ":1: not JSON"),
        (b"[" * 100_000 + b"\n", ":1: not JSON"),
        (b"\n[1]\n", ":2: not a JSON object but [1]"),
        (b"\n\n", ": holds no cases"),
        (b"\xff\xfe\n", ":1: not UTF-8"),
    ],
)
def test_a_file_that_is_no_case_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        load_cases(path)
    assert message in str(caught.value)


def test_a_missing_file_and_a_cut_archive(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        load_cases(tmp_path / "none.jsonl")
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(b'{"a": 1}\n' * 100)[:-12])
    with pytest.raises(BadInput, match="cannot be read"):
        list(json_rows(cut))


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('\ufeff{"a": "x\u2028y\x85z"}\r\n\n{"a": 2}', encoding="utf-8")
    assert list(json_rows(path)) == [(1, {"a": "x\u2028y\x85z"}), (3, {"a": 2})]


def test_a_quote_is_found_across_white_space() -> None:
    text = "One  two\nthree. One two (three)."
    assert find_quote(text, "One two") == [Span(0, 8), Span(16, 23)]
    assert find_quote(text, "two three.") == [Span(5, 15)]
    assert [text[s.start : s.end] for s in find_quote(text, " (three). ")] == ["(three)."]
    assert find_quote(text, "four") == []
    assert find_quote(text, " ") == []
