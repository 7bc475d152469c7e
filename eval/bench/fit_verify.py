"""Fit the weights of ``rag.verify`` and print what they reach.

    python -m eval.bench.fit_verify --data ../shared/data --out rag/verify_weights.json

Fitted on the tune halves (by hash of the id) of ``grounding/{summedits,wice_claim,begin}``, on a
sample of the openly licensed sets of ``train/grounding.jsonl.gz`` without their test splits, and on
supported claims of those with one detail changed. Supported and unsupported rows count the same in
every set, so the threshold is even odds. The report halves are only ever measured. Since rows of
one document fall into both halves, a second fit keeps whole documents apart; it is only printed
and recorded. ``--cache`` keeps the embeddings, which take most of the time.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.bench.linear import Array, logistic
from eval.bench.select_data import Vectors
from eval.grounding import figures
from eval.measure import half_of
from eval.rows import json_rows
from rag.verify_facts import Date, Quantity, read_dates, read_quantities
from rag.verify_features import BROKEN, FEATURES, LOST, Embed, examine, rarity_from
from rag.verify_words import read

SETS = {"summedits": 4.0, "wice_claim": 2.0, "begin": 1.0}
TRAIN = {
    "mnli": 800, "snli": 400, "cad_snli": 400, "fever_rte": 600, "fever_binary": 800,
    "fever_symmetric": 400, "conjnli": 400, "bump": 1066, "q2_wow": 1054, "begin_dev": 525,
    "wice_claim": 155, "wice_spans": 236, "factcheckgpt_stance": 1000,
}  # fmt: skip
TRAIN_WEIGHT, EDITS = 0.2, 1500
COMMON, INVERSE_L2 = 2500, 0.1
SUPPORTED, REFUSED = 0.5, 0.1
MISTAKEN = 0.02
"""Of the unsupported sentences of each tune half at most so many reach ``sure``."""
SWAPS = dict(
    pair.split("/")
    for pair in """is/is not|was/was not|are/are not|were/were not|has/has not|will/will not
    |can/cannot|not/|some/all|most/all|many/all|may/will|could/will|only/also|all/some|before/after
    |after/before|more/less|first/last|increased/decreased|rose/fell|won/lost|male/female
    |largest/smallest|highest/lowest|north/south|father/brother|born/buried""".replace(
        "\n", ""
    ).replace("    ", "").split("|")
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A sentence with its evidence; ``tune`` rows are fitted on."""

    set: str
    id: str
    sentence: str
    evidence: str
    supported: bool
    tune: bool


def judged(folder: Path) -> list[Row]:
    """The three sets that people judged."""
    return [
        Row(name, r["id"], r["response"], r["context"], r["label"] == 1, half_of(r["id"]) == "tune")
        for name in SETS
        for _, r in json_rows(folder / "grounding" / f"{name}.jsonl.gz")
    ]


def training(path: Path) -> list[Row]:
    """A sample of the sets that may be shipped, without their test splits, and edits of it."""
    by_set: dict[str, list[Row]] = defaultdict(list)
    for _, r in json_rows(path):
        if r["set"] in TRAIN and r["split"] != "test":
            row = Row(
                "train " + r["set"], r["id"], r["claim"], r["context"],
                r["label"] == "supported", True,
            )  # fmt: skip
            by_set[r["set"]].append(row)
    rows = []
    for name, found in by_set.items():
        random.Random(0).shuffle(found)
        rows += found[: TRAIN[name]]
    return rows + edits([r for r in rows if r.supported])


def edits(rows: Sequence[Row]) -> list[Row]:
    """Supported rows with one detail changed, and beside each of them the row as it was."""
    chance = random.Random(0)
    names = [name for row in rows for name in _NAME.findall(row.sentence)]
    made: list[Row] = []
    for row in chance.sample(list(rows), len(rows)):
        options = [c for c in _changes(row.sentence, chance.choice(names), chance) if c]
        if options and len(made) < 2 * EDITS:
            made += [replace(row, set="edits")]
            made += [replace(row, set="edits", sentence=chance.choice(options), supported=False)]
    return made


_NAME = re.compile(r"(?<=\w )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*")


def _changes(sentence: str, name: str, chance: random.Random) -> list[str]:
    """A sentence with another number, year, name, or with a word turned into its opposite."""
    changed = []
    facts: list[Quantity | Date] = [*read_quantities(sentence), *read_dates(sentence)]
    for fact in facts:
        digits = re.search(r"\d+", fact.text)
        if digits:
            other = str(int(digits[0]) + chance.choice((-3, -2, -1, 1, 2, 3, 5, 10)))
            text = fact.text.replace(digits[0], other.lstrip("-"), 1)
            changed.append(sentence[: fact.start] + text + sentence[fact.end :])
    for match in list(_NAME.finditer(sentence))[:1]:
        if name not in sentence:
            changed.append(sentence[: match.start()] + name + sentence[match.end() :])
    for match in re.finditer(r"\w+", sentence):
        if match[0] in SWAPS:
            changed.append(sentence[: match.start()] + SWAPS[match[0]] + sentence[match.end() :])
    return changed


def common(rows: Iterable[Row]) -> dict[str, float]:
    """The rarity in (0, 1] of the most common stems of the evidence, relative to the last one."""
    texts = {row.evidence[:1500] for row in rows}
    count = Counter(stem for text in texts for stem in read(text).places)
    top = count.most_common(COMMON)
    rarest = math.log(len(texts) / top[-1][1])
    return {s: round(min(1.0, max(0.02, math.log(len(texts) / n) / rarest)), 2) for s, n in top}


def table(rows: Sequence[Row], rarity: Callable[[str], float], embed: Vectors) -> Array:
    """The features of all rows; their texts are embedded a thousand rows at a time."""
    made = []
    for start in range(0, len(rows), 1000):
        part = rows[start : start + 1000]
        texts: dict[str, None] = {}

        def collect(wanted: Sequence[str], texts: dict[str, None] = texts) -> Any:  # noqa: ANN401
            texts.update(dict.fromkeys(wanted))
            return np.zeros((len(wanted), 1), dtype=np.float32)

        _examine(part, rarity, collect)
        embed(list(texts))
        made += _examine(part, rarity, embed)
    return np.array(made)


def _examine(
    rows: Sequence[Row], rarity: Callable[[str], float], embed: Embed
) -> list[list[float]]:
    return [examine(r.sentence, r.evidence, rarity, embed).row() for r in rows]


def fit(rows: Sequence[Row], x: Array) -> tuple[Array, float]:
    """Weights and intercept of a logistic regression with balanced sets.

    What speaks against a sentence may not count for it: where the fit says so, which the noise of
    long passages makes it do, the feature is left out.
    """
    y = np.array([r.supported for r in rows])
    counts = Counter((r.set, r.supported) for r in rows)
    weight = np.array([SETS.get(r.set, TRAIN_WEIGHT) / counts[r.set, r.supported] for r in rows])
    against = [FEATURES.index(name) for name in (*LOST, *BROKEN)]
    used = np.ones(len(FEATURES))
    while True:
        w, intercept = logistic(x * used, y.astype(float), weight, 1 / (INVERSE_L2 * len(rows)))
        wrong = [i for i in against if w[i] > 0]
        if not wrong:
            return w, intercept
        used[wrong] = 0.0


def measure(rows: Sequence[Row], x: Array, model: tuple[Array, float]) -> dict[str, Any]:
    """What the linear score alone reaches on each set, at even odds."""
    w, intercept = model
    scores = 1 / (1 + np.exp(-np.clip(x @ w + intercept, -30, 30)))
    result = {}
    for name in SETS:
        chosen = [i for i, r in enumerate(rows) if r.set == name]
        found = figures(
            [float(scores[i]) for i in chosen], [rows[i].supported for i in chosen], SUPPORTED
        )
        result[name] = {"n": len(chosen)} | {
            key: round(found[key], 4) for key in ("balanced_accuracy", "auroc", "f1")
        }
    return result


def sure(rows: Sequence[Row], scores: Array) -> float:
    """The lowest threshold, in steps of .05, that keeps to ``MISTAKEN`` on every tune half."""
    wrong = [
        np.array([
            s for r, s in zip(rows, scores, strict=True)
            if r.set == name and r.tune and not r.supported
        ])
        for name in SETS
    ]  # fmt: skip
    steps = np.arange(SUPPORTED, 1.0, 0.05)
    return round(
        float(next(t for t in steps if all(np.mean(w >= t) <= MISTAKEN for w in wrong))), 2
    )


def main() -> None:
    """Fit, measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("rag/verify_weights.json"))
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    train = training(arguments.data / "train" / "grounding.jsonl.gz")
    rows = judged(arguments.data)
    words = common(r for r in train if r.set not in ("train snli", "train cad_snli"))
    rarity, embed = rarity_from(words), Vectors(arguments.cache)
    x, x_train = table(rows, rarity, embed), table(train, rarity, embed)
    splits = {
        "by_row": [r.tune for r in rows],
        "by_document": [half_of(r.evidence) == "tune" for r in rows],
    }
    recorded: dict[str, Any] = {}
    models = {}
    for name, split in splits.items():
        tune = np.array(split)
        chosen = [r for r, t in zip(rows, split, strict=True) if t]
        models[name] = fit([*chosen, *train], np.concatenate([x[tune], x_train]))
        rest = [r for r, t in zip(rows, split, strict=True) if not t]
        recorded[name] = {
            "tune": measure(chosen, x[tune], models[name]),
            "report": measure(rest, x[~tune], models[name]),
        }
    w, intercept = models["by_row"]
    known = np.array([r.tune and r.supported for r in rows])
    scores = 1 / (1 + np.exp(-(x[known] @ w + intercept)))
    stored = {
        "weights": {n: round(float(v), 4) for n, v in zip(FEATURES, w, strict=True)},
        "intercept": round(intercept, 4),
        "supported": SUPPORTED,
        "sure": sure(rows, 1 / (1 + np.exp(-(x @ w + intercept)))),
        "partial": round(float(np.quantile(scores, REFUSED)), 2),
        "fitted": datetime.date.today().isoformat(),
        "data": f"tune halves of {', '.join(SETS)}; {len(train):,} rows of {', '.join(TRAIN)} "
        "and edits of them",
        "figures": recorded,
        "common": " ".join(f"{stem}={value}" for stem, value in words.items()),
    }
    arguments.out.write_text(json.dumps(stored, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps({k: v for k, v in stored.items() if k != "common"}, indent=1))


if __name__ == "__main__":
    main()
