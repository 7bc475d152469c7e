"""SQLite's FTS5 beside bm25s as the lexical index: quality, speed, cost of a change.

    python -m eval.bench.lexical FOLDER... [--json OUT]

FOLDERs are data sets in the BEIR layout. Both see the same terms (``rag.lexical.analyze``), without
the query's stop words; documents are ranked whole. bm25s has no way to change an index, so its cost
of one changed document is that of building it again.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from pathlib import Path
from typing import Any

import bm25s
import numpy as np

from eval.bench import script
from eval.benchmark import Query, read_corpus, read_queries
from eval.metrics import mean
from eval.output import write_json
from eval.retrieval_metrics import document_ranks, ndcg
from rag.lexical import LexicalIndex, analyze, query_terms

K = 10


def with_fts5(documents: list[str], queries: list[Query], ids: list[str]) -> dict[str, Any]:
    """Quality and milliseconds of the shipped index."""
    database = sqlite3.connect(":memory:")
    index = LexicalIndex(database)
    start = time.perf_counter()
    index.create()
    index.add((number, "", "", text) for number, text in enumerate(documents))
    build = time.perf_counter() - start
    scores, seconds = [], []
    for query in queries:
        start = time.perf_counter()
        ranked = [ids[number] for number, _ in index.search(query.text, K)]
        seconds.append(time.perf_counter() - start)
        scores.append(ndcg(document_ranks(ranked, query.gold), K))
    start = time.perf_counter()
    index.delete([0])
    index.add([(0, "", "", documents[0])])
    change = time.perf_counter() - start
    database.close()
    return _row(scores, seconds, build, change)


def with_bm25s(documents: list[str], queries: list[Query], ids: list[str]) -> dict[str, Any]:
    """Quality and milliseconds of bm25s with Lucene's formula."""
    start = time.perf_counter()
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index([analyze(text) for text in documents], show_progress=False)
    build = time.perf_counter() - start
    scores, seconds = [], []
    for query in queries:
        start = time.perf_counter()
        terms = [t for t in query_terms(query.text) if t in index.vocab_dict]
        values = index.get_scores(terms) if terms else np.zeros(len(documents))
        ranked = [ids[i] for i in np.argsort(-values, kind="stable")[:K]]
        seconds.append(time.perf_counter() - start)
        scores.append(ndcg(document_ranks(ranked, query.gold), K))
    return _row(scores, seconds, build, build)


def main() -> None:
    """Measure both on each data set."""
    parser = script.parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    options = parser.parse_args()
    result: dict[str, Any] = {}
    for folder in options.folders:
        rows = list(read_corpus(folder))
        ids, texts = [row[0] for row in rows], [f"{title}\n{text}" for _, title, text in rows]
        queries = [query for query in read_queries(folder) if query.gold]
        result[folder.name] = {
            "documents": len(ids),
            "fts5": with_fts5(texts, queries, ids),
            "bm25s": with_bm25s(texts, queries, ids),
        }
        print(folder.name, json.dumps(result[folder.name]))
    write_json(options.json, result)


def _row(
    scores: list[float | None], seconds: list[float], build: float, change: float
) -> dict[str, Any]:
    return {
        "ndcg@10": mean(scores),
        "query_ms": 1000 * statistics.median(seconds),
        "build_s": build,
        "change_ms": 1000 * change,
    }


if __name__ == "__main__":
    main()
