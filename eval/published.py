"""The result files that the published tables are made from, and how tables are written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
SETS = ("squad2_half", "scifact", "hotpotqa_100", "multihop_facts", "mtragun_pool")


def read(name: str) -> dict[str, Any]:
    """What a run wrote, by its file's name."""
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


def answering(run: dict[str, Any]) -> list[float | None]:
    """Of a benchmark: first quote right, any quote right, AUROC of declining."""
    answer = run["answer"]
    return [answer["sentence_hit@1"], answer["answer_hit"], run["refusal"]["auroc"]]


def bold(name: str) -> str:
    """The name of a way to do it; the one that ships is set off."""
    return f"**{name}**" if name == "shipped" else name


def table(head: str, rows: Iterable[str]) -> str:
    """A table in Markdown; cells are told apart by bars, in the head and in the rows."""
    lines = [f"| {head} |", "|" + "---|" * (head.count("|") + 1), *(f"| {row} |" for row in rows)]
    return "\n".join(lines)
