"""Ways to cut documents, measured by what they do to whole answers: the public sets once for each.

    python -m eval.bench.chunkers SET... [--limit 400] [--json OUT]

Methods that hand on more than the chunk that was found are left out: the sets' relevance is told of
documents, where that makes no difference.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

from eval.benchmark import run_benchmark
from eval.chunking import Method, cut_by, other_methods


def main() -> None:
    """Measure every method on every set, and print or write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    methods = [m for m in (Method("shipped"), *other_methods()) if m.expand is None]
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
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
