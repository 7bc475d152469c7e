"""Quotations and a language model on the same questions, gone on with where it stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from eval.bench import engines
from tests.test_rag_llm import Server, server  # noqa: F401 - a fixture

TOWER = "The Quillon Tower is 330 metres high."


def test_what_was_asked_is_not_asked_again(
    tmp_path: Path,
    server: Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    server.reply = "The Quillon Tower is 330 metres high [1]."
    folder, out = tmp_path / "towers", tmp_path / "engines.json"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text(json.dumps({"_id": "1", "title": "T", "text": TOWER}))
    query = {"_id": "q1", "text": "How high is the Quillon Tower?", "answers": ["330 metres"]}
    (folder / "queries.jsonl").write_text(json.dumps(query | {"answerable": True}))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\t1\t1\n")
    order = ["engines", str(folder), "--llm", "openai:tiny", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", order)
    engines.main()
    first = json.loads(out.read_text())["rows"]
    assert [(row["engine"], row["n"], row["right"]) for row in first] == [
        ("extractive", 1, 1.0),
        ("llm", 1, 1.0),
    ]
    assert [row["written"] for row in first] == [0, 1] and len(server.asked) == 1
    engines.main()
    assert len(server.asked) == 1
    # As a crash leaves it, while the second answer was being written down.
    kept = out.with_suffix(".rows.jsonl")
    kept.write_bytes(kept.read_bytes()[:-30])
    engines.main()
    assert len(server.asked) == 2
    assert [row["n"] for row in json.loads(out.read_text())["rows"]] == [1, 1]
