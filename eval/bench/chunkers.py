"""Ways to cut documents, measured by what they do to whole answers: the public sets once for each.

    python -m eval.bench.chunkers SET... [--limit 400] [--json OUT]

Methods that hand on more than the chunk that was found are left out: the sets' relevance is told of
documents, where that makes no difference.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.bench import script
from eval.benchmark import run_benchmark
from eval.chunking import Method, cut_by, other_methods
from eval.output import write_json


def main() -> None:
    """Measure every method on every set, and print or write the figures."""
    parser = script.parser(__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=400)
    options = parser.parse_args()
    methods = [m for m in (Method("shipped"), *other_methods()) if m.larger is None]
    rows: list[dict[str, Any]] = []
    for folder in options.sets:
        for method in methods:
            with cut_by(method):
                figures = run_benchmark(folder, options.limit)
            row = {
                "set": folder.name,
                "method": method.name,
                "ndcg@10": figures["retrieval"]["ndcg@10"],
                "sentence_hit@1": figures["answer"]["sentence_hit@1"],
                "seconds": figures["seconds"],
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
    result = {
        "limit": options.limit,
        "rows": rows,
        **script.stamp(),
    }
    write_json(options.json, result)


if __name__ == "__main__":
    main()
