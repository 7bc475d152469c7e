"""How long a user waits: a warm question, a cold one, the help.

    python -m eval.bench.latency FOLDER [--json OUT]

FOLDER is a data set in the BEIR layout, for example ``squad2_half`` with its 1,216 paragraphs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from eval.bench import script
from eval.benchmark import run_benchmark
from eval.output import write_json
from rag.index import open_index

QUESTIONS, ROUNDS = 200, 5


def seconds(arguments: list[str]) -> float:
    """How long a new process of the command line takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "ui.cli", *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Index a data set, ask its questions and print what it took."""
    parser = script.parser(__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary) / "index"
        run = run_benchmark(options.folder, QUESTIONS, index_dir=folder)
        with open_index(folder) as index:
            documents = index.library.counts().sources
        ask = ["ask", "Who was it and when?", "--index", str(folder)]
        cold = [seconds(ask) for _ in range(ROUNDS)]
    result = {
        "documents": documents,
        "questions": run["n"]["queries"],
        "warm_ask_ms": {name: 1000 * value for name, value in run["latency"].items()},
        "cold_ask_s": statistics.median(cold),
        "help_s": statistics.median(seconds(["--help"]) for _ in range(ROUNDS)),
        **script.stamp(),
    }
    write_json(options.json, result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
