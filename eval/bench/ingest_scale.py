"""How ingest behaves on much: is embedding kept busy, how soon can one ask, how much memory.

    python -m eval.bench.ingest_scale PDF_FOLDER [--json OUT]

- ``pdf``: the share of the time of a whole run over PDF files in which embedding was at work.
- ``first_answer``: from the start of a process that ingests 10,000 chunks, the seconds until
  another process gets its first answer out of them, and how many chunks had a vector by then.
- ``memory``: the peak memory of reading one large text file, until all of it can be found by its
  words; embedding goes on beside it. The parser's own process is counted apart.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from eval.bench import script
from eval.measure import scratch_index
from eval.output import write_json
from ingest.report import FileReport, Progress
from ingest.sync import sync
from rag.errors import BadIndex
from rag.index import create_index, open_index

CHUNKS, MEGABYTES = 10_000, 300
QUESTION = "What did orchard number 7 yield in row 3?"
INGEST = "import sys; from eval.bench.ingest_scale import ingest; ingest(*sys.argv[1:])"
READ = "import sys; from eval.bench.ingest_scale import read; read(*sys.argv[1:])"


def main() -> None:
    """Measure all three and print or write them."""
    parser = script.parser(__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    result: dict[str, Any] = {"pdf": pdf(options.folder)}
    print(json.dumps(result["pdf"]))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        result["first_answer"] = first_answer(Path(scratch))
    print(json.dumps(result["first_answer"]))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        result["memory"] = memory(Path(scratch))
    print(json.dumps(result["memory"]))
    result |= script.stamp()
    write_json(options.json, result)


def pdf(folder: Path) -> dict[str, Any]:
    """Ingest the PDF files of a folder."""
    files = sorted(folder.glob("*.pdf"))
    with scratch_index() as index:
        index.warm()
        report = sync(index, files)
    return {
        "files": len(report.files),
        "pages": report.total()["pages"],
        "chunks": report.total()["chunks"],
        "seconds": report.seconds,
        "embedding_busy": report.embedding_seconds / report.seconds,
    }


def first_answer(scratch: Path) -> dict[str, Any]:
    """Ask while another process ingests."""
    docs = scratch / "docs"
    docs.mkdir()
    for number in range(CHUNKS // 100 + 1):
        # A section is a chunk.
        text = "\n\n".join(section(number, row) for row in range(100))
        (docs / f"orchard-{number:05}.md").write_text(text, encoding="utf-8")
    index_dir = scratch / "index"
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", INGEST, str(index_dir), str(docs)])
    try:
        while True:
            time.sleep(0.1)
            try:
                with open_index(index_dir) as index:
                    answer = index.ask(QUESTION)
                    counts = index.library.counts()
            except BadIndex:
                continue
            if answer.status == "answered":
                break
        seconds = time.perf_counter() - start
        with open_index(index_dir) as index:
            while (now := index.library.counts()).chunks < CHUNKS and child.poll() is None:
                time.sleep(0.5)
        read = time.perf_counter() - start
    finally:
        child.kill()
        child.wait()
    return {
        "chunks": CHUNKS,
        "seconds": seconds,
        "chunks_by_then": counts.chunks,
        "without_vector": counts.owed,
        "all_by_words_seconds": read,
        "without_vector_then": now.owed,
    }


def memory(scratch: Path) -> dict[str, Any]:
    """Read one large text file."""
    path = scratch / "large.txt"
    with path.open("w", encoding="utf-8") as file:
        number = 0
        while file.tell() < MEGABYTES * 1_000_000:
            file.write("\n\n".join(section(number, row) for row in range(100)) + "\n\n")
            number += 1
    out = subprocess.run(
        [sys.executable, "-c", READ, str(scratch / "index"), str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    return {"megabytes": path.stat().st_size / 1e6, **json.loads(out.stdout)}


def section(number: int, row: int) -> str:
    """Some lines of text that no other section has."""
    total = (number * 7919 + row * 104729) % 9973
    return (
        f"# Orchard {number}, row {row}\n\nOrchard number {number} yielded {total} kilograms "
        f"in row {row}. The trees of row {row} were planted {row % 40 + 3} years ago by the owner "
        f"of farm {number % 613}, and {total % 17} of them were felled after the storm. What is "
        f"left is sold at the market of district {number % 29}, where a crate fetches "
        f"{total % 90 + 10} crowns."
    )


def ingest(index_dir: str, docs: str) -> None:
    """What the process that ingests does."""
    with create_index(index_dir) as index:
        sync(index, [docs])


def read(index_dir: str, path: str) -> None:
    """What the process that reads a large file does; it stops when all of it is read."""

    class Read(Progress):
        total = done = 0

        def files(self, total: int) -> None:
            self.total = total

        def file(self, row: FileReport) -> None:
            if row.problem:
                raise SystemExit(row.problem)
            self.done += 1
            if self.done == self.total:
                raise KeyboardInterrupt

    start = time.perf_counter()
    with create_index(index_dir) as index:
        try:
            sync(index, [path], Read())
        except KeyboardInterrupt:
            counts = index.library.counts()
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (0, resource.RUSAGE_CHILDREN)]
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - start,
                "chunks": counts.chunks,
                "peak_mb": peaks[0],
                "parser_peak_mb": peaks[1],
            }
        )
    )


if __name__ == "__main__":
    main()
