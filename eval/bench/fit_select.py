"""Fit the weights of ``rag.select`` and ``rag.confidence``; print what they reach.

    python -m eval.bench.fit_select --data ../shared/data --out rag/select_weights.json

Which sentence answers is fitted on words first, on all sentences; then what the small model adds,
on the sentences that words shortlist. Two sets: the tune half of ``retrieval/squad2_half`` (its
articles are split in two by a hash of their title) and, for words alone, a sample of
``squadshifts_wiki`` from ``train/reader.jsonl.gz``, where every third question loses its passage,
so that what remains does not answer it; the small model has learned that set.

Whether anything answers is fitted on the same, and then, apart for short and for long questions, on
the tune halves of ``multihop_facts`` and ``mtragun_pool`` too (split by a hash of the question),
and on the first set's questions asked of another name or number, which nothing answers. Report
halves are only ever measured. ``--cache`` keeps what takes most of the time.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import math
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eval.bench.linear import Array, even, listwise, logistic
from eval.bench.select_data import Example, Vectors, benchmark, of_others, training
from eval.bench.select_figures import curve, figures_of, outcome
from eval.benchmark import corpus_index
from eval.measure import HALVES, half_of
from eval.metrics import contains_answer
from rag import confidence, select
from rag.features import passage_features
from rag.question import read_question
from rag.reader import Reader, load_reader
from rag.select import FACTS

SETS = ("squad2_half", "multihop_facts", "mtragun_pool")
ASKED_OF_OTHERS = "squad2_half, of others"
COUNTED = (4.0, 1.0, 1.0, 1.0)
"""What each of ``SETS``, and then the questions asked of others, counts in the confidence."""
DECLINED = (0.027, 0.03)
"""Of the answerable tune questions of the first two sets, short and long ones."""
RANK = (
    "coverage before around names_lost names_elsewhere phrase kind length opening pronoun new "
    "passage_score passage_similarity similarity"
)
READ = "answers answer_here"
JUDGE_READ = "answers answer_here any_answers"
JUDGE = "rank similarity passage_similarity gap opposed negation_lost numbers_lost words"
SHORT = (
    "judge", "lead", "gap", "names_elsewhere", "names_absent", "numbers_absent", "opposed",
    "negation_lost", "numbers_lost", "answers",
)  # fmt: skip
LONG = ("rank", "score", "coverage")
NEAR_BEST = 0.4
"""How far the models with the small model go from those of words alone to their own best fit."""


@dataclass(frozen=True)
class Rows:
    """One question as the fit sees it: facts of its sentences, and which are right.

    ``known`` leaves out a right string in a wrong passage, which proves nothing.
    """

    example: Example
    x: Array
    right: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]


def rows(example: Example, embed: Vectors) -> Rows:
    """All sentences of an example, each with its own embedding."""
    query = read_question(example.question, example.idf)
    top = example.passages[0].score
    x: list[list[float]] = []
    texts: list[str] = []
    documents: list[str] = []
    for p in example.passages:
        x += passage_features(
            query, p, p.score / top if top else 1.0, example.openings[p.source.id]
        )
        start = p.chunk.start
        texts += [p.chunk.text[s.start - start : s.end - start] for s in p.chunk.sentences]
        documents += [p.source.uri] * len(p.chunk.sentences)
    table = np.c_[np.array(x), np.zeros((len(x), 2))]
    table[:, FACTS.index("similarity")] = embed(texts) @ embed([example.question])[0]
    return _labelled(example, table, texts, documents)


def read_rows(example: Example, embed: Vectors, reader: Reader) -> Rows:
    """The sentences of an example that words shortlist, as the small model reads them."""
    ranked = _ranked(example, embed, reader)
    table = np.array([c.facts for c in ranked])
    return _labelled(
        example, table, [c.text for c in ranked], [c.passage.source.uri for c in ranked]
    )


def _ranked(example: Example, embed: Vectors, reader: Reader | None) -> list[select.Candidate]:
    return select.rank_sentences(
        example.question, example.passages, example.openings, embed, example.idf, reader
    )


def _labelled(
    example: Example, table: Array, texts: Sequence[str], documents: Sequence[str]
) -> Rows:
    right = np.array([contains_answer(t, example.answers) for t in texts]) & example.answerable
    inside = np.array([d == example.gold for d in documents])
    known = ~right | inside if (right & inside).any() else np.ones(len(right), bool)
    return Rows(example, table, right, known)


def fit_rank(data: Sequence[tuple[Rows, float]], names: Sequence[str]) -> dict[str, float]:
    """Weights that give the right sentences most of the softmax over their question's sentences."""
    columns = [FACTS.index(n) for n in names]
    usable = [(r, w) for r, w in data if (r.right & r.known).any()]
    x = np.concatenate([r.x[r.known][:, columns] for r, _ in usable])
    y = np.concatenate([r.right[r.known] for r, _ in usable]).astype(float)
    weight = np.array([w for _, w in usable]) / sum(w for _, w in usable)
    fitted = listwise(x, y, [int(r.known.sum()) for r, _ in usable], weight)
    return dict(zip(names, fitted.tolist(), strict=True))


def fit(
    tune: Sequence[Rows], train: Sequence[Rows], rank: Sequence[str], judge: Sequence[str]
) -> dict[str, Any]:
    """The linear models of words alone; ``judge`` is what ``fit_pair`` starts from."""
    weights = fit_rank([(r, 2.0) for r in tune] + [(r, 1.0) for r in train], rank)
    model = {"rank": weights, "chance": _fit_chance(tune, weights)}
    return model | {"judge": _fit_judge(tune, train, weights, judge)}


def fit_reader(tune: Sequence[Rows], words: dict[str, Any]) -> dict[str, Any]:
    """The same with the small model: between the models of words and the best fit (``NEAR_BEST``).

    The questions of this fit are of one kind. Of others, over tables, over several documents, in
    conversations, the best fit alone declines more.
    ``words`` has the other models; their ranks give the scale, so that what counts as nearly as
    likely stays the same.
    """
    weights = fit_rank([(r, 1.0) for r in tune], f"{RANK} {READ}".split())
    scale = _fit_chance(tune, weights)["slope"] / words["chance"]["slope"]
    scaled = {name: value * scale for name, value in weights.items()}
    weights = _between(words["rank"], scaled)
    judge = _fit_judge(tune, [], weights, f"{JUDGE} {JUDGE_READ}".split())
    model = {"rank": weights, "chance": _fit_chance(tune, weights)}
    return model | {"judge": _between(words["judge"], judge)}


def fit_pair(
    judge: dict[str, float],
    sets: Sequence[Sequence[Example]],
    embed: Vectors,
    reader: Reader | None,
) -> dict[str, dict[str, float]]:
    """The confidence for short and for long questions.

    That for short ones starts from ``judge``, which was fitted on one kind of questions, and counts
    once more what the first sentence lacks, and whether its passage answers. The first of ``sets``
    has questions of that kind; each counts as ``COUNTED`` says.
    """
    evidence = [[_evidence(e, embed, reader) for e in examples] for examples in sets]
    x = np.array([_by_length(judge, found) for rows in evidence for found in rows])
    y = np.array([e.answerable for examples in sets for e in examples])
    counted = [
        even([e.answerable for e in examples], total)
        for examples, total in zip(sets, COUNTED, strict=True)
    ]
    fitted, intercept = logistic(x, y.astype(float), np.concatenate(counted), 0.1)
    odds, owner = x @ fitted + intercept, np.repeat(np.arange(len(sets)), list(map(len, sets)))
    here = [y & (owner == n) for n in range(len(DECLINED))]
    shift = _shift([odds[rows] for rows in here], [x[rows, -1] for rows in here])
    weights = dict(zip((*SHORT, *(f"long {name}" for name in LONG)), fitted, strict=False))
    share = weights.pop("judge")
    short = {name: share * weight for name, weight in judge.items()}
    for name in SHORT[1:]:
        short[name] = short.get(name, 0.0) + weights[name]
    short["intercept"] += intercept + shift[0]
    long = {name: weights[f"long {name}"] for name in LONG}
    long["intercept"] = intercept + shift[0] + fitted[-1] + shift[1]
    return {
        kind: {name: float(weight) for name, weight in model.items()}
        for kind, model in (("short", short), ("long", long))
    }


def _shift(odds: Sequence[Array], lengths: Sequence[Array]) -> tuple[float, float]:
    """What to add to log-odds, and once more for each length, so that ``DECLINED`` are declined.

    Both have the answerable questions of the first two sets.
    """
    threshold = math.log(confidence.THRESHOLD / (1 - confidence.THRESHOLD))
    all_, long = 0.0, 0.0
    for _ in range(100):
        gaps = [
            float(np.quantile(o + all_ + long * n, share)) - threshold
            for o, n, share in zip(odds, lengths, DECLINED, strict=True)
        ]
        all_, long = all_ - gaps[0] / 2, long - gaps[1] / 2
    return all_, long


def _evidence(example: Example, embed: Vectors, reader: Reader | None) -> dict[str, float]:
    ranked = _ranked(example, embed, reader)
    facts = [c.facts for c in ranked]
    return confidence.gather(example.question, example.passages, facts, ranked[0].rank)


def _by_length(judge: dict[str, float], evidence: dict[str, float]) -> list[float]:
    """A row of ``fit_pair``: what it weighs for short questions, for long ones, and the length."""
    known = evidence | {"intercept": 1.0}
    known["judge"] = sum(weight * known[name] for name, weight in judge.items())
    length = evidence["words"]
    short = [known[name] * (1 - length) for name in SHORT]
    return [*short, *(known[name] * length for name in LONG), length]


def _between(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    """So far from one model to another as ``NEAR_BEST`` says."""
    return {
        name: (1 - NEAR_BEST) * one.get(name, 0.0) + NEAR_BEST * value
        for name, value in other.items()
    }


def _fit_judge(
    tune: Sequence[Rows], train: Sequence[Rows], weights: dict[str, float], judge: Sequence[str]
) -> dict[str, float]:
    """Whether the passages answer, judged alike for questions of any length."""
    w = np.array([weights.get(name, 0.0) for name in FACTS])
    x = []
    for r in (*tune, *train):
        scores = r.x @ w
        facts = r.x[np.argsort(-scores)].tolist()
        example = r.example
        found = confidence.gather(example.question, example.passages, facts, float(scores.max()))
        x.append([found[name] for name in judge])
    y = np.array([float(r.example.answerable) for r in (*tune, *train)])
    counted = [
        even([r.example.answerable for r in part], total)
        for part, total in ((tune, 1.0), (train, 0.5))
    ]
    fitted, intercept = logistic(np.array(x), y, np.concatenate(counted), 0.05)
    return dict(zip(judge, fitted.tolist(), strict=True)) | {"intercept": intercept}


def _fit_chance(tune: Sequence[Rows], weights: dict[str, float]) -> dict[str, float]:
    """What turns the rank of one of the first three sentences into the chance that it is right."""
    w = np.array([weights.get(name, 0.0) for name in FACTS])
    top = [np.argsort(-(r.x @ w))[:3] for r in tune]
    x = np.concatenate([r.x[k] @ w for r, k in zip(tune, top, strict=True)])[:, None]
    right = np.concatenate([r.right[k] for r, k in zip(tune, top, strict=True)])
    slope, base = logistic(x, right.astype(float), np.ones(len(x)), 0.0)
    return {"slope": float(slope[0]), "intercept": base}


def main() -> None:
    """Fit, write, measure what was written, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("rag/select_weights.json"))
    parser.add_argument("--cache", type=Path, help="a folder for embeddings and indexes")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        cache = arguments.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        embed, reader = Vectors(cache / "vectors.npz"), load_reader()
        sets = {}
        for name in SETS:
            folder = arguments.data / "retrieval" / name
            index = stack.enter_context(corpus_index(folder, cache / name))
            index.warm()
            sets[name] = benchmark(folder, index)
            print(name, len(sets[name]), flush=True)
            if name == SETS[0]:
                sides = [[e for e in sets[name] if half_of(e.group) == half] for half in HALVES]
                others = [e for side in sides for e in of_others(side, index)]
        sets[ASKED_OF_OTHERS] = others
        train = training(arguments.data / "train/reader.jsonl.gz", embed)
        run(sets, train, embed, reader, arguments.out)


def run(
    sets: dict[str, list[Example]],
    train: Sequence[Example],
    embed: Vectors,
    reader: Reader,
    out: Path,
) -> None:
    """Fit on the tune halves of ``sets``, write the weights, measure all of them."""
    tune = [[e for e in examples if half_of(e.group) == "tune"] for examples in sets.values()]
    model = json.loads(out.read_text())
    model["fitted"] = datetime.date.today().isoformat()
    model["data"] = (
        "tune halves of squad2_half, also asked of others, multihop_facts and mtragun_pool; "
        "squadshifts_wiki, 2,000 questions of its train split"
    )
    words = fit(
        [rows(e, embed) for e in tune[0]], [rows(e, embed) for e in train], RANK.split(),
        JUDGE.split(),
    )  # fmt: skip
    _write(model, "words", words, out)
    words["confidence"] = fit_pair(words["judge"], tune, embed, None)
    _write(model, "words", words, out)
    read = fit_reader([read_rows(e, embed, reader) for e in tune[0]], words)
    _write(model, "reader", read, out)
    read["confidence"] = fit_pair(read["judge"], tune, embed, reader)
    _write(model, "reader", read, out)
    for way, used in (("words", None), ("reader", reader)):
        figures = model[way]["figures"] = {}
        for name, examples in sets.items():
            outcomes = [(half_of(e.group), outcome(e, embed, used)) for e in examples]
            of = {
                "tune": [o for half, o in outcomes if half == "tune"],
                "report": [o for half, o in outcomes if half == "report"],
                "whole": [o for _, o in outcomes],
            }
            figures[name] = {side: figures_of(some) for side, some in of.items()}
            for side, some in of.items():
                print(way, name, side, figures[name][side])
                print(curve([o.answerable for o in some], [o.confidence for o in some]), flush=True)
    _use(model, out)


def _write(model: dict[str, Any], way: str, fitted: dict[str, Any], out: Path) -> None:
    """Put what was fitted into the model that is used, without what it started from."""
    model[way] |= {name: part for name, part in fitted.items() if name != "judge"}
    _use(model, out)


def _use(model: dict[str, Any], out: Path) -> None:
    out.write_text(json.dumps(model, indent=1) + "\n")
    importlib.reload(select)
    importlib.reload(confidence)


if __name__ == "__main__":
    main()
