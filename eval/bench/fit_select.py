"""Fit the weights of ``rag.select``, with and without the small model; print what they reach.

    python -m eval.bench.fit_select --data ../shared/data --out rag/select_weights.json

Words are fitted first, on all sentences; then what the small model adds, on the sentences that
words shortlist. Two sets: the tune half of ``retrieval/squad2_half`` (its articles are split in two
by a hash of their title) and, for words alone, a sample of ``squadshifts_wiki`` from
``train/reader.jsonl.gz``, where every third question loses its passage, so that what remains does
not answer it; the small model has learned that set. The report half is only ever measured.
``--cache`` keeps the embeddings, which take most of the time.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import hashlib
import importlib
import json
import math
import random
import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sentencex

from rag import select
from rag.embed import load_encoder
from rag.features import passage_features, read_question
from rag.fuse import drop_near_duplicates, fuse
from rag.lexical import analyze, query_terms
from rag.reader import Reader, load_reader
from rag.select import FACTS
from rag.types import Chunk, Passage, Source, Span

Array = npt.NDArray[np.float64]

RANK = (
    "coverage before around names_lost phrase kind length opening pronoun new passage_score "
    "passage_similarity similarity"
)
READ = "answers answer_here"
JUDGE_READ = "answers answer_here any_answers"
JUDGE = "rank similarity passage_similarity gap opposed negation_lost numbers_lost words"
TRAIN_QUESTIONS, TRAIN_CONTEXTS = 2000, 1600
CANDIDATES, PASSAGES = 50, 10
OFF_TOPIC = """How long should I boil an egg for a soft yolk?
What temperature do I roast a chicken at?
How do I make sourdough starter?
Which spices go into garam masala?
How many cups of flour are in a pound?
What is the best way to caramelize onions?
Who won the 2018 FIFA World Cup?
How many players are on a volleyball team?
What is the offside rule in soccer?
Who holds the record for most home runs in a season?
How tall is LeBron James?
When did Roger Federer retire?
How do I reverse a list in Python?
What does a segmentation fault mean?
How do I center a div in CSS?
What is the difference between a process and a thread?
How do I undo the last git commit?
Which sorting algorithm is stable?
Hello, how are you today?
What is your name?
Tell me a joke
Can you recommend a good movie?
What's the weather like tomorrow?
Thanks, that was helpful!
Who is the lead singer of Coldplay?
What is the capital of Mongolia?
How do I change a flat tire?
How much does a Tesla Model 3 cost?
Which dog breed is best for apartments?
How do I remove red wine stains from carpet?"""


@dataclass(frozen=True)
class Example:
    """A question with its passages; ``right`` says of each sentence whether it holds the answer."""

    question: str
    passages: list[Passage]
    answers: list[str]
    answerable: bool
    gold: str | None
    group: str
    idf: Callable[[str], float]


class Vectors:
    """Embeddings by text, kept in a file between runs."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._encoder = path, load_encoder()
        self._known: dict[str, npt.NDArray[np.float32]] = {}
        if path and path.exists():
            with np.load(path) as stored:
                self._known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors of the texts, shape (len(texts), dimension)."""
        keys = [hashlib.sha1(text.encode()).hexdigest() for text in texts]
        new = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._known}
        if new:
            made = self._encoder.encode_documents(list(new.values()))
            self._known.update(zip(new, made, strict=True))
            if self._path and len(new) > 100:
                np.savez(
                    self._path, keys=list(self._known), vectors=np.stack(list(self._known.values()))
                )
        return np.stack([self._known[k] for k in keys])


class Corpus:
    """Documents that can be asked: a stand-in for an index, with one chunk per document."""

    def __init__(self, documents: Sequence[tuple[str, str, str]], embed: Vectors) -> None:
        self.embed = embed
        self.chunks = [
            Chunk(key, key, text, 0, len(text), sentences=tuple(_sentences(text)))
            for key, _, text in documents
        ]
        self.sources = [Source(k, k, title, "", "text/plain", len(t)) for k, title, t in documents]
        texts = [f"{title}\n{text}" if title else text for _, title, text in documents]
        self._vectors = embed(texts)
        embed([c.text[s.start : s.end] for c in self.chunks for s in c.sentences])
        lengths = [len(analyze(text)) for text in texts]
        mean = sum(lengths) / len(lengths)
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for i, text in enumerate(texts):
            norm = 1.2 * (0.25 + 0.75 * lengths[i] / mean)
            for term, n in Counter(analyze(text)).items():
                self._postings[term].append((i, n * 2.2 / (n + norm)))

    def idf(self, term: str) -> float:
        """As ``rag.lexical`` has it."""
        n = len(self._postings.get(term, ()))
        return math.log1p((len(self.chunks) - n + 0.5) / (n + 0.5))

    def search(self, question: str, without: str | None = None) -> list[Passage]:
        """As ``rag.retrieve`` does it, one document left out."""
        cosine = self._vectors @ self.embed([question])[0]
        bm25 = np.zeros(len(self.chunks))
        for term in query_terms(question):
            for i, weight in self._postings.get(term, ()):
                bm25[i] += weight * self.idf(term)
        near = set(np.argsort(-cosine)[:CANDIDATES].tolist())
        near |= {int(i) for i in np.argsort(-bm25)[:CANDIDATES] if bm25[i] > 0}
        found = [i for i in sorted(near) if self.chunks[i].id != without]
        fused = dict(zip(found, fuse(cosine[found], bm25[found]).tolist(), strict=True))
        ranked = sorted(found, key=lambda i: -fused[i])
        kept = drop_near_duplicates([(i, self.chunks[i].text) for i in ranked], PASSAGES)
        return [
            Passage(self.chunks[i], self.sources[i], fused[i], float(cosine[i]), float(bm25[i]))
            for i in kept
        ]


def benchmark(folder: Path, embed: Vectors) -> tuple[Corpus, list[Example]]:
    """A set of ``retrieval/``; an example's group is the title of the article it is about."""
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    corpus = Corpus([(r["_id"], r["title"], r["text"]) for r in rows], embed)
    titles = {r["_id"]: r["title"] for r in rows}
    queries = [json.loads(line) for line in (folder / "queries.jsonl").open(encoding="utf-8")]
    embed([q["text"] for q in queries])
    return corpus, [
        Example(
            q["text"], corpus.search(q["text"]), q.get("answers", []), q["answerable"],
            q.get("gold_para"), titles.get(q.get("gold_para"), ""), corpus.idf,
        )
        for q in queries
    ]  # fmt: skip


def training(path: Path, embed: Vectors) -> list[Example]:
    """A sample of ``squadshifts_wiki``; every third question is asked without its passage."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [r for r in map(json.loads, lines) if r["set"] == "squadshifts_wiki"]
    random.Random(0).shuffle(rows)
    contexts = list(dict.fromkeys(r["context"] for r in rows))[:TRAIN_CONTEXTS]
    keys = {context: str(i) for i, context in enumerate(contexts)}
    corpus = Corpus([(key, "", context) for context, key in keys.items()], embed)
    asked = [r for r in rows if r["context"] in keys and len(r["question"]) > 10]
    asked = asked[:TRAIN_QUESTIONS]
    embed([r["question"] for r in asked])
    examples = []
    for i, r in enumerate(asked):
        gold = keys[r["context"]]
        found = corpus.search(r["question"], without=gold if i % 3 == 2 else None)
        answers = [a["text"] for a in r["answers"]]
        examples.append(Example(r["question"], found, answers, i % 3 != 2, gold, gold, corpus.idf))
    return examples


def _sentences(text: str) -> Iterator[Span]:
    start = 0
    for line in text.split("\n"):
        for found in sentencex.get_sentence_boundaries("en", line):
            piece = line[found["start_index"] : found["end_index"]]
            first = start + found["start_index"] + len(piece) - len(piece.lstrip())
            if piece.strip():
                yield Span(first, first + len(piece.strip()))
        start += len(line) + 1


def normal(text: str) -> str:
    """SQuAD's normalisation: caseless, without punctuation and articles."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether a text holds one of the answers as whole words."""
    return any(a and f" {a} " in f" {normal(text)} " for a in map(normal, answers))


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
    passage: list[str] = []
    for p in example.passages:
        x += passage_features(query, p, p.score / top if top else 1.0)
        texts += [p.chunk.text[s.start : s.end] for s in p.chunk.sentences]
        passage += [p.chunk.id] * len(p.chunk.sentences)
    table = np.c_[np.array(x), np.zeros((len(x), 2))]
    table[:, FACTS.index("similarity")] = embed(texts) @ embed([example.question])[0]
    return _labelled(example, table, texts, passage)


def read_rows(example: Example, embed: Vectors, reader: Reader) -> Rows:
    """The sentences of an example that words shortlist, as the small model reads them."""
    ranked = select.rank_sentences(example.question, example.passages, embed, example.idf, reader)
    table = np.array([c.facts for c in ranked])
    return _labelled(example, table, [c.text for c in ranked], [c.passage.chunk.id for c in ranked])


def _labelled(example: Example, table: Array, texts: Sequence[str], passage: Sequence[str]) -> Rows:
    right = np.array([holds(t, example.answers) for t in texts]) & example.answerable
    inside = np.array([p == example.gold for p in passage])
    known = ~right | inside if (right & inside).any() else np.ones(len(right), bool)
    return Rows(example, table, right, known)


def fit_rank(data: Sequence[tuple[Rows, float]], names: Sequence[str]) -> dict[str, float]:
    """Weights that give the right sentences most of the softmax over their question's sentences."""
    columns = [FACTS.index(n) for n in names]
    usable = [(r, w) for r, w in data if (r.right & r.known).any()]
    x = np.concatenate([r.x[r.known][:, columns] for r, _ in usable])
    y = np.concatenate([r.right[r.known] for r, _ in usable]).astype(float)
    sizes = [int(r.known.sum()) for r, _ in usable]
    weight = np.array([w for _, w in usable]) / sum(w for _, w in usable)
    starts, owner = np.cumsum([0, *sizes[:-1]]), np.repeat(np.arange(len(sizes)), sizes)
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z = (x - mean) / scale
    w, m, v = np.zeros(len(columns)), np.zeros(len(columns)), np.zeros(len(columns))
    for step in range(1, 401):  # Adam: the problem is small and convex enough
        s = z @ w
        e = np.exp(s - np.maximum.reduceat(s, starts)[owner])
        everything, good = np.add.reduceat(e, starts), np.add.reduceat(e * y, starts)
        pull = (e * y / good[owner] - e / everything[owner]) * weight[owner]
        gradient = -(z * pull[:, None]).sum(0) + 0.01 * w
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        w -= 0.03 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-9)
    return dict(zip(names, (w / scale).tolist(), strict=True))


def logistic(x: Array, y: Array, weight: Array, l2: float) -> tuple[Array, float]:
    """Weighted logistic regression by Newton's method, l2 on standardised weights."""
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z = np.c_[(x - mean) / scale, np.ones(len(x))]
    penalty = np.diag([l2] * x.shape[1] + [0.0])
    w = np.zeros(z.shape[1])
    weight = weight / weight.sum()
    for _ in range(30):
        p = 1 / (1 + np.exp(-z @ w))
        gradient = z.T @ (weight * (p - y)) + penalty @ w
        hessian = (z.T * (weight * p * (1 - p))) @ z + penalty + 1e-9 * np.eye(len(w))
        w = w - np.linalg.solve(hessian, gradient)
    return w[:-1] / scale, float(w[-1] - (w[:-1] * mean / scale).sum())


def even(answerable: Sequence[bool], total: float) -> Array:
    """Weights that make answerable and unanswerable examples count the same, adding up to total."""
    y = np.array(answerable, bool)
    return np.asarray(np.where(y, 0.5 / max(1, y.sum()), 0.5 / max(1, (~y).sum())) * total)


def fit(
    tune: Sequence[Rows], train: Sequence[Rows], rank: Sequence[str], judge: Sequence[str]
) -> dict[str, Any]:
    """Both linear models; ``threshold`` and ``quote`` are set by hand from the printed curves."""
    weights = fit_rank([(r, 2.0) for r in tune] + [(r, 1.0) for r in train], rank)
    confidence, _ = _fit_confidence(tune, train, weights, judge)
    return {"rank": weights, "chance": _fit_chance(tune, weights), "confidence": confidence}


def fit_reader(tune: Sequence[Rows], words: dict[str, Any], declined: float) -> dict[str, Any]:
    """The same with the small model: half-way between the best fit and the models of words.

    The questions of the fit are of one kind. Of others, over tables, over several documents, in
    conversations, the best fit alone declines too many; half-way, it gains almost as much.
    ``words`` has the other models; their ranks give the scale, so that what counts as nearly as
    likely stays the same. ``declined`` is the share of the answerable tune questions that they
    decline at the threshold, which is kept.
    """
    weights = fit_rank([(r, 1.0) for r in tune], f"{RANK} {READ}".split())
    scale = _fit_chance(tune, weights)["slope"] / words["chance"]["slope"]
    scaled = {name: value * scale for name, value in weights.items()}
    weights = _between(words["rank"], scaled)
    confidence, evidence = _fit_confidence(tune, [], weights, f"{JUDGE} {JUDGE_READ}".split())
    old = words["confidence"]
    confidence["weights"] = _between(old["weights"], confidence["weights"])
    answerable = np.array([r.example.answerable for r in tune])
    odds = evidence[answerable] @ np.array(list(confidence["weights"].values()))
    threshold = math.log(select.THRESHOLD / (1 - select.THRESHOLD))
    confidence["intercept"] = threshold - float(np.quantile(odds, declined))
    return {"rank": weights, "chance": _fit_chance(tune, weights), "confidence": confidence}


def _between(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: (one.get(name, 0.0) + value) / 2 for name, value in other.items()}


def _fit_confidence(
    tune: Sequence[Rows], train: Sequence[Rows], weights: dict[str, float], judge: Sequence[str]
) -> tuple[dict[str, Any], Array]:
    """The model of the confidence, and the evidence of each question it was fitted on."""
    w = np.array([weights.get(name, 0.0) for name in FACTS])
    evidence = []
    for r in (*tune, *train):
        scores = r.x @ w
        facts = r.x[np.argsort(-scores)].tolist()
        found = select.judged(r.example.question, facts, float(scores.max()))
        evidence.append([found[name] for name in judge])
    x = np.array(evidence)
    y = np.array([float(r.example.answerable) for r in (*tune, *train)])
    counted = [
        even([r.example.answerable for r in part], total)
        for part, total in ((tune, 1.0), (train, 0.5))
    ]
    fitted, intercept = logistic(x, y, np.concatenate(counted), 0.05)
    return {"weights": dict(zip(judge, fitted.tolist(), strict=True)), "intercept": intercept}, x


def _fit_chance(tune: Sequence[Rows], weights: dict[str, float]) -> dict[str, float]:
    """What turns the rank of one of the first three sentences into the chance that it is right."""
    w = np.array([weights.get(name, 0.0) for name in FACTS])
    top = [np.argsort(-(r.x @ w))[:3] for r in tune]
    x = np.concatenate([r.x[k] @ w for r, k in zip(tune, top, strict=True)])[:, None]
    right = np.concatenate([r.right[k] for r, k in zip(tune, top, strict=True)])
    slope, base = logistic(x, right.astype(float), np.ones(len(x)), 0.0)
    return {"slope": float(slope[0]), "intercept": base}


def auroc(answerable: Sequence[bool], confidence: Sequence[float]) -> float:
    """The chance that an answerable question has the higher confidence; ties count half."""
    y, s = np.array(answerable, bool), np.array(confidence)
    good, bad = s[y], np.sort(s[~y])
    if not len(good) or not len(bad):
        return math.nan
    below = np.searchsorted(bad, good, "left") + np.searchsorted(bad, good, "right")
    return float(below.mean() / 2 / len(bad))


def measure(
    examples: Sequence[Example], embed: Vectors, reader: Reader | None
) -> tuple[dict[str, Any], list[float]]:
    """What ``rag.select`` itself reaches, and the confidence of each example."""
    hit1, hit2, hits, quoted, certain = [], [], [], [], []
    for e in examples:
        ranked = select.rank_sentences(e.question, e.passages, embed, e.idf, reader)
        certain.append(select.confidence(e.question, ranked, reader))
        if e.answerable:
            chosen = select.choose(e.question, ranked, reader)
            right = [holds(c.text, e.answers) for c in ranked[:2]]
            hit1.append(any(right[:1]))
            hit2.append(any(right))
            hits.append(any(holds(c.text, e.answers) for c in chosen))
            quoted.append(len(chosen))
    answerable = [e.answerable for e in examples]
    return {
        "questions": len(examples),
        "sentence_hit@1": round(float(np.mean(hit1)), 4),
        "sentence_hit@2": round(float(np.mean(hit2)), 4),
        "answer_hit": round(float(np.mean(hits)), 4),
        "quoted": round(float(np.mean(quoted)), 2),
        "auroc": round(auroc(answerable, certain), 4),
    }, certain


def half(title: str) -> int:
    """0: tune, 1: report."""
    return int(hashlib.sha256(title.encode()).hexdigest(), 16) % 2


def main() -> None:
    """Fit, write, measure what was written, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("rag/select_weights.json"))
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    embed, reader = Vectors(arguments.cache), load_reader()
    corpus, squad = benchmark(arguments.data / "retrieval/squad2_half", embed)
    train = training(arguments.data / "train/reader.jsonl.gz", embed)
    tune = [e for e in squad if half(e.group) == 0]
    report = [e for e in squad if half(e.group) == 1]
    model = json.loads(arguments.out.read_text())
    model["fitted"] = datetime.date.today().isoformat()
    model["data"] = "squad2_half, tune half; squadshifts_wiki, 2,000 questions of its train split"
    model["words"] |= fit(
        [rows(e, embed) for e in tune], [rows(e, embed) for e in train], RANK.split(), JUDGE.split()
    )
    _use(model, arguments.out)
    _, certain = measure(tune, embed, None)
    declined = [c < select.THRESHOLD for e, c in zip(tune, certain, strict=True) if e.answerable]
    read = [read_rows(e, embed, reader) for e in tune]
    model["reader"] |= fit_reader(read, model["words"], float(np.mean(declined)))
    _use(model, arguments.out)
    far = [
        Example(q, corpus.search(q), [], False, None, "", corpus.idf) for q in OFF_TOPIC.split("\n")
    ]
    for way, used in (("words", None), ("reader", reader)):
        figures = model[way]["figures"] = {}
        for name, examples in (("tune", tune), ("report", report), ("whole", squad)):
            figures[name], certain = measure(examples, embed, used)
            print(way, name, figures[name])
            print(curve([e.answerable for e in examples], certain))
        print("off topic", sorted(round(c, 3) for c in measure_far(far, embed, used)))
    _use(model, arguments.out)


def _use(model: dict[str, Any], out: Path) -> None:
    out.write_text(json.dumps(model, indent=1) + "\n")
    importlib.reload(select)


def measure_far(
    examples: Sequence[Example], embed: Vectors, reader: Reader | None
) -> Iterator[float]:
    """The confidence of questions that nothing in the corpus is near."""
    for e in examples:
        ranked = select.rank_sentences(e.question, e.passages, embed, e.idf, reader)
        yield select.confidence(e.question, ranked, reader)


def curve(answerable: Sequence[bool], confidence: Sequence[float]) -> str:
    """Per threshold: answerable declined, unanswerable declined, precision of what is answered."""
    y, s = np.array(answerable, bool), np.array(confidence)
    lines = []
    for threshold in np.arange(0.1, 0.65, 0.05):
        answered = s >= threshold
        lines.append(
            f"  {threshold:.2f}: over-refusal {(y & ~answered).sum() / y.sum():.3f}, refused "
            f"{(~y & ~answered).sum() / max(1, (~y).sum()):.3f}, answered precision "
            f"{(y & answered).sum() / max(1, answered.sum()):.3f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
