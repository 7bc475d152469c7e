"""A small BEIR folder, indexed and asked for real."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.benchmark import MARK, run_benchmark
from eval.rankings import rankings
from ingest.sync import add_texts
from rag.errors import BadInput, ModelError
from rag.index import Index, create_index
from rag.reader import Reading

SHARED = Path(__file__).parents[2] / "shared" / "data" / "retrieval" / "multihop_facts"
CORPUS = [
    {"_id": "tower", "title": "Quillon Tower", "text": "The Quillon Tower is 330 metres high."},
    {"_id": "bridge", "title": "", "text": "The Osric Bridge was built by Mara Devlin in 1934."},
    {"_id": "pie", "title": "Apple pie", "text": "An apple pie is baked for fifty minutes."},
]
QUERIES: list[dict[str, Any]] = [
    {"_id": "q1", "text": "How high is the Quillon Tower?", "answers": ["330 metres"]},
    {
        "_id": "q2",
        "text": "Who built it?",
        "answers": ["Mara Devlin"],
        "history": [
            {"speaker": "user", "text": "When was the Osric Bridge built?"},
            {"speaker": "agent", "text": "In 1934."},
        ],
    },
    {"_id": "q3", "text": "What is the boiling point of tungsten?", "answerable": False},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\ttower\t1\nq2\tbridge\t1\nq2\tpie\t0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "set"
    made.mkdir()
    (made / "corpus.jsonl").write_text(lines(CORPUS))
    (made / "queries.jsonl").write_text(lines([{"answerable": True} | q for q in QUERIES]))
    (made / "qrels.tsv").write_text(QRELS)
    return made


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def untimed(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in figures.items() if key not in ("seconds", "latency")}


def test_figures_of_a_small_set(folder: Path) -> None:
    steps: list[tuple[int, int]] = []
    figures = run_benchmark(folder, progress=lambda *done: steps.append(done))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert figures["n"] == {
        "queries": 3,
        "answerable": 2,
        "unanswerable": 1,
        "scored_retrieval": 2,
        "scored_answer": 2,
        "failed": 0,
    }
    # Three documents, so all are among the first five; the history finds the bridge first.
    assert figures["retrieval"] == {
        "ndcg@10": 1, "recall@5": 1, "recall@10": 1, "mrr@10": 1, "all_gold@10": 1,
    }  # fmt: skip
    assert figures["baselines"].keys() == {"bm25", "dense", "rrf"}
    for alone in figures["baselines"].values():
        assert alone["recall@10"] == 1 and 0 < alone["ndcg@10"] <= 1
    assert figures["answer"] == {"sentence_hit@1": 1, "answer_hit": 1}
    assert set(figures["refusal"]) == {"auroc", "precision", "recall", "over_refusal"}
    assert figures["refusal"]["auroc"] >= 0.5
    assert figures["words"]["answer"] == figures["answer"]
    assert figures["words"]["refusal"].keys() == figures["refusal"].keys()
    assert 0 < figures["latency"]["p50"] <= figures["latency"]["p95"] < figures["seconds"]
    json.dumps(figures, allow_nan=False)


def test_each_query_is_asked_with_the_small_model_and_without(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.seek.load_reader", lambda: Reluctant())
    figures = run_benchmark(folder)
    assert figures["refusal"]["recall"] == figures["refusal"]["over_refusal"] == 1
    assert figures["words"]["refusal"]["over_refusal"] == 0


class Reluctant:
    """A small model that finds an answer nowhere."""

    def read(self, question: str, passages: list[str]) -> list[Reading]:
        nothing = np.zeros(0, np.float32)
        return [Reading(-9.0, nothing, nothing, np.zeros((0, 2), np.int64)) for _ in passages]


def test_packed_files_and_the_other_place_of_qrels(folder: Path) -> None:
    figures = run_benchmark(folder)
    for name in ("corpus.jsonl", "queries.jsonl"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    (folder / "qrels").mkdir()
    shutil.move(folder / "qrels.tsv", folder / "qrels" / "test.tsv")
    assert untimed(run_benchmark(folder)) == untimed(figures)


def test_a_limit_takes_the_first_queries(folder: Path) -> None:
    figures = run_benchmark(folder, limit=1)
    assert figures["n"]["queries"] == figures["n"]["scored_answer"] == 1
    assert figures["refusal"]["auroc"] is None and figures["refusal"]["recall"] is None


def test_a_kept_index_is_used_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    figures = run_benchmark(folder, index_dir=kept)
    monkeypatch.setattr("eval.benchmark.add_texts", lambda *_: pytest.fail("indexed again"))
    assert untimed(run_benchmark(folder, index_dir=kept)) == untimed(figures)
    (folder / "corpus.jsonl").write_text(lines(CORPUS[:2]))
    with pytest.raises(BadInput, match="another corpus"):
        run_benchmark(folder, index_dir=kept)
    (kept / MARK).unlink()
    with pytest.raises(BadInput, match="no benchmark's index"):
        run_benchmark(folder, index_dir=kept)


def test_an_index_that_was_not_finished_is_finished(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    whole = run_benchmark(folder, index_dir=kept)
    with create_index(kept) as index, index.lock(), index.library.writing():
        index.library.remove(["tower"])
    assert untimed(run_benchmark(folder, index_dir=kept)) == untimed(whole)


def test_a_failed_query_counts_with_the_worst_value(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ModelError("no model")

    monkeypatch.setattr("rag.chain.AnswerChain.invoke", fail)
    figures = run_benchmark(folder)
    assert figures["n"]["failed"] == 3 and figures["n"]["scored_retrieval"] == 2
    assert set(figures["retrieval"].values()) == {0}
    assert set(figures["answer"].values()) == set(figures["words"]["answer"].values()) == {0}
    assert figures["refusal"] == {"auroc": 0, "precision": None, "recall": 0, "over_refusal": 0}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "corpus.jsonl",
            '{"_id": 1, "text": "x"}\n',
            "corpus.jsonl:1: field '_id' should be a valid string",
        ),
        ("queries.jsonl", '{"_id": "q"}\n', "queries.jsonl:1: field 'text' is missing"),
        (
            "queries.jsonl",
            '{"_id": "q", "text": "x", "answers": "y"}\n',
            "queries.jsonl:1: field 'answers' should be a valid array",
        ),
        (
            "queries.jsonl",
            '{"_id": "q", "text": "x", "answerable": 1}\n',
            "queries.jsonl:1: field 'answerable' should be a valid boolean",
        ),
        (
            "queries.jsonl",
            '{"_id": "q", "text": "x", "history": [3]}\n',
            r"queries.jsonl:1: field 'history\[0\]' should be an object",
        ),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1 tower 1\n", "qrels.tsv:2: not query-id"),
        ("queries.jsonl", "", "asks nothing"),
    ],
)
def test_another_layout_is_refused(folder: Path, name: str, content: str, message: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(BadInput, match=message):
        run_benchmark(folder)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BadInput, match=f"holds no {name}"):
        run_benchmark(folder)


def test_a_public_set() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not here")
    figures = run_benchmark(SHARED, limit=20)
    assert figures["n"]["queries"] == 20 and figures["n"]["failed"] == 0
    assert figures["n"]["answerable"] + figures["n"]["unanswerable"] == 20
    assert figures["retrieval"]["recall@10"] > 0.5


def test_the_halves_of_retrieval_are_ranked_apart(index: Index) -> None:
    add_texts(
        index,
        [
            ("words", "", "The zymurgy guild meets in Quillon."),
            ("meaning", "", "Brewers of beer have an association that gathers there."),
            ("neither", "", "The tower has a red door."),
        ],
    )
    found = rankings(index, "zymurgy guild", 10)
    assert found["bm25"] == ("words",)
    assert set(found["dense"]) == {"words", "meaning", "neither"}
    assert found["rrf"][0] == "words" and set(found["rrf"]) == set(found["dense"])
    beer = rankings(index, "a club for people making ale", 10)
    assert beer["dense"][0] == "meaning" and "meaning" not in beer["bm25"][:1]
