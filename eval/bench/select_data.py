"""The questions that ``eval.bench.fit_select`` fits on, each with the passages found for it."""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sentencex

from eval.benchmark import read_corpus, read_queries
from eval.rows import json_rows
from eval.train.edits import swap_name, swap_number
from rag.embed import load_encoder
from rag.followup import standalone
from rag.fuse import fuse, near_duplicates
from rag.index import Index
from rag.lexical import analyze, query_terms
from rag.library_reader import OPENING
from rag.parts import parts
from rag.retrieve import by_coverage
from rag.scope import DEPTH, in_scope
from rag.spans import stripped
from rag.types import Chunk, Passage, Source, Span
from rag.words import stems_of

QUERIES = "queries.jsonl"
TRAIN_QUESTIONS, TRAIN_CONTEXTS = 2000, 1600
CANDIDATES, PASSAGES = 50, 10


@dataclass(frozen=True)
class Example:
    """A question with its passages; ``gold`` names the document that answers, if one does.

    ``openings`` are how the passages' documents begin, by id.
    """

    question: str
    passages: list[Passage]
    openings: Mapping[str, str]
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
        passages = [
            Passage(self.chunks[i], self.sources[i], fused[i], float(cosine[i]), float(bm25[i]))
            for i in sorted(found, key=lambda i: -fused[i])
        ]
        ranked = by_coverage(question, passages, self.idf)
        kept = near_duplicates([(n, p.chunk.text) for n, p in enumerate(ranked)], PASSAGES)
        return [ranked[n] for n in kept]


def benchmark(folder: Path, index: Index) -> list[Example]:
    """The questions of a set of ``retrieval/`` that say whether they have an answer.

    ``index`` holds its corpus. An example's group is the title of the document it was written for,
    or else its own id. Left out are questions in several parts: each part is judged by itself.
    """
    titles = {key: title for key, title, _ in read_corpus(folder)}
    written_for = {row["_id"]: row.get("gold_para") for _, row in json_rows(folder / QUERIES)}
    examples = []
    for query in read_queries(folder):
        asked = parts(standalone(query.text, query.history))
        if query.answerable is None or len(asked) > 1:
            continue
        gold = written_for[query.id]
        passages, openings = _found(asked[0], index)
        examples.append(
            Example(
                asked[0], passages, openings, list(query.answers), query.answerable, gold,
                titles.get(gold or "") or query.id, index.library.idf,
            )
        )  # fmt: skip
    return [e for e in examples if e.passages]


def of_others(examples: Sequence[Example], index: Index) -> list[Example]:
    """Questions with an answer, each beside the same one asked of another name or number.

    The other name is one that the passages of a question taken at random hold, and its own do not.
    """
    rng = random.Random(0)
    found = []
    for example in examples:
        if not example.answerable:
            continue
        other = rng.choice(examples).passages[0].chunk.text
        ways = [swap_name(example.question, other, rng), swap_number(example.question, "", rng)]
        asked = rng.choice([way for way in ways if way] or [""])
        new = stems_of(asked) - stems_of(example.question)
        if not new or new & stems_of(*(p.chunk.text for p in example.passages)):
            continue
        passages, openings = _found(asked, index)
        found += [
            example,
            replace(
                example, question=asked, passages=passages, openings=openings, answerable=False
            ),
        ]
    return [e for e in found if e.passages]


def _found(question: str, index: Index) -> tuple[list[Passage], dict[str, str]]:
    """The passages that a question is answered from, and how their sources begin."""
    retrieved = index.search(question, DEPTH)
    openings = index.library.openings(p.source.id for p in retrieved)
    return in_scope(question, retrieved, openings, PASSAGES), openings


def training(path: Path, embed: Vectors) -> list[Example]:
    """A sample of ``squadshifts_wiki``; every third question is asked without its passage."""
    rows = [row for _, row in json_rows(path) if row["set"] == "squadshifts_wiki"]
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
        openings = {p.source.id: p.chunk.text[:OPENING] for p in found}
        examples.append(
            Example(
                r["question"], found, openings, answers, i % 3 != 2, gold, gold, corpus.idf,
            )
        )  # fmt: skip
    return examples


def _sentences(text: str) -> Iterator[Span]:
    start = 0
    for line in text.split("\n"):
        for found in sentencex.get_sentence_boundaries("en", line):
            said = stripped(line, Span(found["start_index"], found["end_index"]))
            if said.start < said.end:
                yield said.moved(start)
        start += len(line) + 1
