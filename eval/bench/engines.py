"""Quotations against what a language model writes, on the same questions and passages.

    python -m eval.bench.engines SET... --llm local [--limit 100] [--json OUT]

Each question is asked twice, with policy strict. ``right``: the answer holds a gold answer (SQuAD
normalisation), over what can be answered. ``declined_right`` and ``declined_wrong``: the shares
declined of what cannot and what can be answered. ``supported``: of the sentences written, said or
withheld, those that the project's own verifier supports; quotations are copies. ``written``: the
share of answers that the model wrote, the others are quotations or declined. The rows asked so far
are kept beside OUT and not asked again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.bench import script
from eval.benchmark import Query, corpus_index, read_queries
from eval.metrics import contains_answer, mean, percentile, ratio
from eval.output import write_json
from eval.rows import appending, read_rows
from rag.index import Index
from rag.settings import Settings
from rag.types import Engine

ENGINES: tuple[Engine, ...] = ("extractive", "llm")


def main() -> None:
    """Ask all questions of the sets, and print or write the figures."""
    parser = script.parser(__doc__, needs_json=True)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--llm", required=True)
    parser.add_argument("--limit", type=int, default=100, help="questions of each set, spread")
    options = parser.parse_args()
    kept = options.json.with_suffix(".rows.jsonl")
    rows = read_rows(kept, dict[str, Any], "a row")
    done = {(row["set"], row["id"], row["asked"]) for row in rows}
    for folder in options.sets:
        asked = [
            (query, engine)
            for query in _spread(read_queries(folder), options.limit)
            for engine in ENGINES
            if (folder.name, query.id, engine) not in done
        ]
        with corpus_index(folder) as index, appending(kept) as append:
            index.warm()
            for query, engine in asked:
                rows.append(_ask(index, query, folder.name, engine, options.llm))
                append(rows[-1])
                print(json.dumps(rows[-1]), flush=True)
    result = {
        "llm": options.llm,
        "rows": [
            {"set": folder.name, "engine": engine}
            | _figures([r for r in rows if (r["set"], r["asked"]) == (folder.name, engine)])
            for folder in options.sets
            for engine in ENGINES
        ],
        **script.stamp(),
    }
    print(json.dumps(result, indent=1))
    write_json(options.json, result)


def _spread(queries: Sequence[Query], limit: int) -> list[Query]:
    """As many as asked for, evenly from the whole set."""
    step = max(1.0, len(queries) / limit)
    return [queries[int(i * step)] for i in range(min(limit, len(queries)))]


def _ask(index: Index, query: Query, name: str, engine: Engine, llm: str) -> dict[str, Any]:
    answer = index.ask(query.text, query.history, Settings(engine, llm))
    said = " ".join(sentence.text for sentence in answer.sentences)
    written = [s.verdict for s in (*answer.sentences, *answer.withheld)]
    return {
        "set": name,
        "id": query.id,
        "asked": engine,
        "engine": answer.engine,
        "answerable": query.answerable,
        "declined": answer.status == "declined",
        "right": bool(query.answers) and contains_answer(said, query.answers),
        "scored": bool(query.answers),
        "supported": written.count("supported"),
        "sentences": len(written),
        "seconds": sum(answer.timings.values()),
        "question": query.text,
        "said": answer.text,
        "notes": answer.notes,
    }


def _figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    seconds = [row["seconds"] for row in rows]
    return {
        "n": len(rows),
        "right": mean(float(r["right"]) for r in rows if r["scored"]),
        "declined_right": mean(float(r["declined"]) for r in rows if r["answerable"] is False),
        "declined_wrong": mean(float(r["declined"]) for r in rows if r["answerable"]),
        "supported": ratio(sum(r["supported"] for r in rows), sum(r["sentences"] for r in rows)),
        "written": mean(float(r["engine"] == "llm" and not r["declined"]) for r in rows),
        "p50": percentile(seconds, 50),
        "p95": percentile(seconds, 95),
    }


if __name__ == "__main__":
    main()
