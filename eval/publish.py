"""The results table of the README, made from the committed runs in ``eval/results``.

    python -m eval.publish            write the table into README.md
    python -m eval.publish --check    exit with 1 if README.md has another one

``make results`` measures everything again first.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
README = ROOT / "README.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
SETS = ("squad2_half", "scifact", "hotpotqa_100", "multihop_facts", "mtragun_pool")


def table() -> str:
    """The Markdown between the README's two marks."""
    return "\n\n".join((_sets(), _sample(), _speed()))


def inserted(readme: str) -> str:
    """The README with the table of now. Raises ``ValueError`` if it has lost its marks."""
    head, rest = readme.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def main() -> None:
    """Write the table, or check it."""
    readme = README.read_text(encoding="utf-8")
    current = inserted(readme)
    if "--check" in sys.argv[1:]:
        if current != readme:
            sys.exit("README.md does not show eval/results: run `python -m eval.publish`")
        return
    README.write_text(current, encoding="utf-8")


def _sets() -> str:
    lines = [
        "| Public data (`footnote eval benchmark DIR`) | questions | nDCG@10 | recall@10 "
        "| first quote holds the answer | any quote does | declining, AUROC |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in SETS:
        run = _read(name)
        figures = [
            run["retrieval"]["ndcg@10"],
            run["retrieval"]["recall@10"],
            run["answer"]["sentence_hit@1"],
            run["answer"]["answer_hit"],
            run["refusal"]["auroc"],
        ]
        cells = " | ".join("-" if x is None else f"{x:.3f}" for x in figures)
        lines.append(f"| {name} | {run['n']['queries']:,} | {cells} |")
    return "\n".join(lines)


def _sample() -> str:
    lines = [
        "| Sample library (`footnote eval run`) | cases | right | right and cited | declined |",
        "|---|---|---|---|---|",
    ]
    for total in _read("sample")["totals"]:
        lines.append(
            f"| {total['kind'].replace('_', ' ')} | {total['n']} | {total['right']} "
            f"| {total['right_and_cited']} | {total['declined']} |"
        )
    return "\n".join(lines)


def _speed() -> str:
    ingest, latency = _read("ingest_speed"), _read("latency")
    warm = latency["warm_ask_ms"]
    rows = [
        (
            "ingest, characters per second against the textbook pipeline",
            f"{ingest['ratio']:.2f} times",
            "python -m eval.bench.ingest_speed",
        ),
        (
            f"warm question over {latency['documents']:,} paragraphs, p50 / p95",
            f"{warm['p50']:.0f} / {warm['p95']:.0f} ms",
            "python -m eval.bench.latency",
        ),
        ("first question of a new process", f"{latency['cold_ask_s']:.1f} s", "the same"),
        ("`footnote --help`", f"{latency['help_s']:.2f} s", "the same"),
    ]
    lines = [
        f"| Speed ({latency['machine']}, {latency['date']}) | | measured by |",
        "|---|---|---|",
    ]
    lines += [
        f"| {what} | {figure} | {f'`{by}`' if ' -m ' in by else by} |" for what, figure, by in rows
    ]
    return "\n".join(lines)


def _read(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


if __name__ == "__main__":
    main()
