"""Retrieved characters are counted as they stand in the corpus; wrong references are refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from eval.chunking import read_questions, run_chunking
from rag.errors import BadInput
from tests.test_ui_cli import fails, footnote

BRIDGE = (
    "# The Ember Bridge\n\nThe *Ember Bridge* was opened in 1932. "
    + "It is painted green and yellow, as the council wished. " * 30
    + "\n\nThe bridge is 503 metres long.\n"
)
FERRY = "The Ember Ferry carried 30 passengers until 1931.\n\nA crossing cost four pence.\n"


def question(corpus: str, text: str, *quotes: str, file: str = "") -> dict[str, Any]:
    references = [
        {"content": q, "start_index": file.index(q), "end_index": file.index(q) + len(q)}
        for q in quotes
    ]
    return {"corpus": corpus, "question": text, "references": references}


def folder_of(path: Path, *rows: object) -> Path:
    path.mkdir(exist_ok=True)
    (path / "bridge.md").write_text(BRIDGE, encoding="utf-8")
    (path / "ferry.md").write_text(FERRY, encoding="utf-8")
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (path / "questions.jsonl").write_text(text, encoding="utf-8")
    return path


OPENED = question("bridge", "When was the Ember Bridge opened?", "1932", file=BRIDGE)
COST = question("ferry", "What did a crossing cost?", "cost four", "pence", file=FERRY)


def test_what_is_retrieved_is_counted_by_characters(tmp_path: Path) -> None:
    result = run_chunking(folder_of(tmp_path / "data", OPENED, COST))
    assert result["n"] == 2
    # Both corpora are small: all of both is retrieved but for the white space between blocks.
    assert result["char_recall"] == 1.0
    everything = len(BRIDGE.split("\n", 1)[1]) + len(FERRY)
    expected = (len("1932") + len("cost four" + "pence")) / 2 / everything
    assert result["precision"] == pytest.approx(expected, rel=0.05)
    assert result["iou"] == result["precision"]
    assert sum(half["n"] for half in result["halves"].values()) == 2


@pytest.mark.slow
def test_methods_are_compared_at_one_budget(tmp_path: Path) -> None:
    pytest.importorskip("langchain_text_splitters")
    steps: list[tuple[int, int]] = []
    folder = folder_of(tmp_path / "data", OPENED, COST)
    result = run_chunking(folder, True, lambda *step: steps.append(step))
    assert len(result["compare"]) * 2 == len(steps) == steps[-1][0] == steps[-1][1]
    for row in result["compare"]:
        assert 0 <= row["top5"]["iou"] <= row["top5"]["precision"] <= 1
        assert row["budget"]["characters"] <= result["budget_characters"]
    names = {row["method"]: row for row in result["compare"]}
    assert len(names) == len(result["compare"])
    assert names["shipped"]["top5"]["char_recall"] == result["char_recall"]
    # Fixed windows cover everything, a lone sentence with its neighbours does not.
    small = names["sentence with 2 on either side"]["top5"]["characters"]
    assert small < names["fixed, 200 tokens, 0 shared"]["top5"]["characters"]


def test_the_references_of_the_development_data_stand_where_they_say(shared: Path) -> None:
    questions = read_questions(shared / "chunking")
    assert len(questions) == 276
    assert 0.4 < sum(q.half == "tune" for q in questions) / len(questions) < 0.6


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, ":1: field 'question' is missing"),
        (OPENED | {"references": []}, ":1: has no references"),
        (
            OPENED | {"references": [{"content": "", "start_index": 3, "end_index": 3}]},
            ":1: has no references, or empty ones",
        ),
        (
            OPENED | {"references": [{"content": "1932"}]},
            ":1: field 'references[0].start_index' is missing",
        ),
        (OPENED | {"corpus": "ship"}, "holds no ship.md"),
        (OPENED | {"corpus": "ferry"}, ":1: ferry.md does not hold '1932'"),
    ],
)
def test_bad_questions_are_refused(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    folder = folder_of(tmp_path / "data", row)
    with pytest.raises(BadInput, match=re.escape(message)):
        run_chunking(folder)
    fails(footnote("eval", "chunking", folder), message)
    with pytest.raises(BadInput, match="holds no questions"):
        run_chunking(folder_of(folder))
