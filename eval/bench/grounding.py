"""Measure the verifier on the report halves of the public sets.

    python -m eval.bench.grounding ../shared/data/grounding --json eval/results/grounding.json

``--cache`` keeps the embeddings, as of ``eval.bench.fit_verify``.
"""

from __future__ import annotations

import json
from pathlib import Path

from eval.bench import script
from eval.bench.select_data import Vectors
from eval.grounding import run_grounding
from eval.output import write_json
from rag.verify import Verifier

SETS = ("summedits", "wice_claim", "begin")


def main() -> None:
    """Judge the rows, print and write the figures of each set."""
    parser = script.parser(__doc__, needs_json=True)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    verifier = Verifier(Vectors(arguments.cache))
    results = {}
    for name in SETS:
        results[name] = run_grounding(arguments.folder / f"{name}.jsonl.gz", verifier, "report")
        print(name, json.dumps(results[name]))
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
