"""Rows of public sets as examples to learn reading from.

Only sets whose licence allows shipping weights are taken (``READER``, ``RELEVANCE``; the data's own
README has the licences), and of those never the rows marked ``test``.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.rows import json_rows
from eval.train.edits import both_ways, edited
from ingest.chunk import split_sentences
from rag.opposites import OPPOSITES
from rag.types import Span

# At most so many rows of a set: captions and simple sentences would drown the rest.
READER = {
    "clapnq_sent": 600, "covidqa": 1200, "fairytaleqa": 6000, "fairytaleqa_neg": 3500,
    "qamr": 6000, "qamr_neg": 2200, "qed": 8100, "qed_neg": 5700, "quotesum": 300,
    "selqa_sent": 800, "squadshifts_amazon": 3000, "squadshifts_amazon_neg": 1500,
    "squadshifts_reddit": 3000, "squadshifts_reddit_neg": 2000, "squadshifts_wiki": 8000,
    "squadshifts_wiki_neg": 5000,
}  # fmt: skip
RELEVANCE = {"medquad": 1500, "selqa": 5000}
LICENCES = {
    "clapnq": "Apache-2.0; text CC BY-SA", "covidqa": "Apache-2.0; articles mostly CC BY",
    "fairytaleqa": "Apache-2.0; stories in the public domain", "medquad": "CC BY 4.0",
    "qamr": "MIT; text CC BY-SA and CC BY", "qed": "CC BY-SA 3.0", "quotesum": "CC BY-SA 4.0",
    "selqa": "Apache-2.0; text CC BY-SA", "squadshifts": "CC BY 4.0; text of its writers",
}  # fmt: skip
"""Of each family of sets, by the beginning of their names."""
LONGEST = 480
"""Characters of a passage; of a longer one a part is read, with its answer if it has one."""
EDITED_QUESTIONS = 0.25
CUT = 0.35
SHORTEST = 120
DEVELOPMENT = 100
"""One of so many contexts is kept for development."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A question and a passage, and where in the passage the answer is; None where it is not."""

    question: str
    passage: str
    answer: Span | None
    source: str
    answerable: bool


def load_examples(folder: Path, seed: int) -> tuple[list[Reading], list[Reading]]:
    """What to train on and what to develop on, from the ``*.jsonl.gz`` of a folder.

    Rows of one context are on one side. Of both sides alike are made questions with one thing
    changed, named ``edited``, and passages that have lost their answer, named ``cut``.

    Raises ``BadInput`` when a file is missing or damaged.
    """
    rng = random.Random(seed)
    opposites = both_ways(OPPOSITES)
    sides: tuple[list[Reading], list[Reading]] = ([], [])
    for row in _capped(json_rows(folder / "reader.jsonl.gz"), READER, rng):
        side = sides[_is_kept(row["set"], row["context"])]
        reading = _reading(row, rng)
        side.append(reading)
        if not reading.answerable:
            continue
        if rng.random() < EDITED_QUESTIONS:
            changed = edited(reading.question, reading.passage, opposites, rng)
            if changed:
                side.append(Reading(changed, reading.passage, None, "edited", False))
        if rng.random() < CUT and (rest := _cut(reading, row["answers"])):
            side.append(Reading(reading.question, rest, None, "cut", False))
    for row in _capped(json_rows(folder / "relevance.jsonl.gz"), RELEVANCE, rng):
        side = sides[_is_kept(row["set"], row["question"])]
        passage = row["passage"][:LONGEST]
        side.append(Reading(row["question"], passage, None, row["set"], bool(row["label"])))
    return sides


def counted(examples: Sequence[Reading]) -> dict[str, int]:
    """How many examples each set gave."""
    return dict(sorted(Counter(example.source for example in examples).items()))


def _reading(row: dict[str, Any], rng: random.Random) -> Reading:
    text: str = row["context"]
    answers = [Span(a["start"], a["start"] + len(a["text"])) for a in row["answers"]]
    answer = min(answers, key=lambda a: (a.end - a.start, a.start), default=None)
    start = 0
    if answer is not None:
        low = max(0, answer.end - LONGEST)
        start = 0 if not low else rng.randint(low, max(low, min(answer.start, len(text) - LONGEST)))
    elif len(text) > LONGEST:
        start = rng.randint(0, len(text) - LONGEST)
    passage = text[start : start + LONGEST]
    inside = None
    if answer is not None and answer.start >= start and answer.end <= start + len(passage):
        inside = Span(answer.start - start, answer.end - start)
    return Reading(row["question"], passage, inside, row["set"], bool(row["answerable"]))


def _cut(reading: Reading, answers: Sequence[dict[str, Any]]) -> str:
    """What is left of a passage without the sentences that hold an answer; "" for too little."""
    texts = {a["text"] for a in answers}
    sentences = [reading.passage[s.start : s.end] for s in split_sentences(reading.passage)]
    left = [s for s in sentences if not any(text in s for text in texts)]
    rest = " ".join(left)
    return rest if len(left) < len(sentences) and len(rest) >= SHORTEST else ""


def _capped(
    rows: Iterable[tuple[int, dict[str, Any]]], most: dict[str, int], rng: random.Random
) -> list[dict[str, Any]]:
    """The rows of the sets named, a random part of a large one."""
    by_set: dict[str, list[dict[str, Any]]] = {name: [] for name in most}
    for _, row in rows:
        if row["split"] != "test" and row["set"] in most:
            by_set[row["set"]].append(row)
    return [
        row
        for name, found in by_set.items()
        for row in (found if len(found) <= most[name] else rng.sample(found, most[name]))
    ]


def _is_kept(name: str, context: str) -> bool:
    digest = hashlib.sha256(f"{name}\n{context}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % DEVELOPMENT == 0
