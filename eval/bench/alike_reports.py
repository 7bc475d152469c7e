"""Among reports that are much alike: does an answer quote those of the company it was asked about?

    python -m eval.bench.alike_reports ../shared/data/pdf --json eval/results/alike_reports.json

The folder has PDF files ``2023-Q1-AAPL.pdf`` and ``questions.jsonl`` with rows ``{"question",
"source_docs": "*AAPL*" or "*2023 Q1 AAPL*"}``. ``right_company`` counts answers all of whose quotes
are from reports of that company. ``right_report`` does so for questions about one report that is
there; ``other_report`` are those about one that is not, which are better declined.
"""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path

from eval.bench import script
from eval.measure import scratch_index
from eval.output import write_json
from eval.rows import json_rows
from ingest.sync import sync
from rag.index import Index
from rag.types import Answer


def main() -> None:
    """Index the reports, ask, count, write."""
    parser = script.parser(__doc__, needs_json=True)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    reports = sorted(options.folder.glob("*.pdf"))
    asked = [
        (row["question"], row["source_docs"].replace(" ", "-"))
        for _, row in json_rows(options.folder / "questions.jsonl")
    ]
    with scratch_index() as index:
        sync(index, reports)
        result = measure(index, reports, asked)
    write_json(options.json, result)
    print(json.dumps(result, indent=1))


def measure(
    index: Index, reports: list[Path], asked: list[tuple[str, str]]
) -> dict[str, dict[str, int]]:
    """Ask questions, each with the pattern of the reports that it is about, and count."""
    names = ("right_company", "right_report", "other_report")
    counts = {name: dict.fromkeys(("questions", "answered", "right"), 0) for name in names}
    for question, pattern in asked:
        answer = index.ask(question)
        company = f"*{pattern.strip('*')[-4:]}*"
        _count(counts["right_company"], answer, company)
        if pattern != company:
            there = any(fnmatch(report.stem, pattern) for report in reports)
            _count(counts["right_report" if there else "other_report"], answer, pattern)
    return counts


def _count(counts: dict[str, int], answer: Answer, pattern: str) -> None:
    quoted = [fnmatch(Path(citation.uri).stem, pattern) for citation in answer.citations]
    counts["questions"] += 1
    counts["answered"] += bool(quoted)
    counts["right"] += bool(quoted) and all(quoted)


if __name__ == "__main__":
    main()
