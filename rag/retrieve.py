"""Question in, passages out: words and vectors asked together, their scores fused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from rag.dates import day_of, distances, period_asked
from rag.embed import Vectors
from rag.errors import BadQuestion
from rag.fuse import fuse, lexical_trust, near_duplicates
from rag.index import PASSAGES, Index
from rag.lexical import analyze, query_terms
from rag.parts import next_query
from rag.question import best_coverage, read_question
from rag.types import Chunk, Passage, Source

CANDIDATES = 50
# The second search's share of a score, and how many of the first search's best stay where they are.
HOP = 0.2
FIXED = 3
# The share of words that passages on the same thing have in common, and the most that a date takes
# from the score of such a passage: what differs in them, a name or a figure, moves it by less.
ALIKE = 0.5
DATED = 0.1
# The share of a score that is the best sentence's, and of how many passages it is looked at.
SAID = 1 / 6
COVERED = 30
MAX_QUESTION = 10_000


class Retrieved(NamedTuple):
    """Passages, best first, and the queries that found them, in order."""

    passages: list[Passage]
    queries: tuple[str, ...]


class HybridRetriever(BaseRetriever):
    """An index as a LangChain retriever: BM25 and cosine similarity, fused by score."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    index: Any  # an Index; pydantic cannot hold the type without importing it for validation
    k: int = PASSAGES

    def search(self, query: str, k: int | None = None) -> list[Passage]:
        """The ``k`` best passages, best first, near-duplicates left out. Raises as ``find``."""
        return self.find(query, k).passages

    def find(self, query: str, k: int | None = None) -> Retrieved:
        """The ``k`` best passages, and what was searched for to find them.

        What the best passage leaves open is searched for as well, and a date in the query weighs
        dated sources. Raises ``BadQuestion`` for an empty or absurdly long query.
        """
        k = self.k if k is None else k
        query = check_question(query)
        index: Index = self.index
        with index.library.reading():
            asked = [self._ask(query)]
            passages = self._scored(asked)
            more = passages and next_query(query, passages[0], index.library.idf)
            if more:
                asked.append(self._ask(more))
                passages = _in_place(passages[:FIXED], self._scored(asked))
            passages = by_coverage(query, passages, index.library.idf)
        ranked = by_date(query, passages)
        kept = near_duplicates([(n, p.chunk.text) for n, p in enumerate(ranked)], k)
        passages = [
            replace(ranked[n], copies=tuple(ranked[c] for c in copies))
            for n, copies in kept.items()
        ]
        return Retrieved(passages, tuple(a.text for a in asked))

    def _ask(self, text: str) -> _Asked:
        index: Index = self.index
        vector = index.encoder.encode_queries([text])[0]
        words = dict(index.library.lexical.search(text, CANDIDATES))
        return _Asked(text, vector, words, tuple(index.nearest(vector, CANDIDATES)))

    def _scored(self, asked: Sequence[_Asked]) -> list[Passage]:
        """All that the queries find, best first, by the first one and, for ``HOP``, the second."""
        library = self.index.library
        found = list(dict.fromkeys(n for a in asked for n in (*a.nearest, *a.words)))
        chunks = library.chunks(found)
        sources = library.sources({chunk.source_id for chunk in chunks.values()})
        found = [n for n in found if n in chunks]
        stored = library.vectors(found)
        shares = (1 - HOP, HOP) if len(asked) > 1 else (1.0,)
        total = np.zeros(len(found))
        for query, share in zip(asked, shares, strict=True):
            missing = [n for n in found if n not in query.words]
            query.words.update(library.lexical.score(query.text, missing))
            best = max(found, key=query.bm25, default=None)
            trust = 0.0 if best is None else self._trust(query.text, chunks[best], sources)
            cosine = [np.nan if (v := stored.get(n)) is None else v @ query.vector for n in found]
            total += share * fuse(cosine, [query.bm25(n) for n in found], trust)
        first = asked[0]
        return [
            Passage(
                chunk=chunks[found[i]],
                source=sources[chunks[found[i]].source_id],
                score=float(total[i]),
                similarity=float(stored[found[i]] @ first.vector) if found[i] in stored else None,
                bm25=first.bm25(found[i]),
            )
            for i in np.argsort(-total, kind="stable")
        ]

    def _trust(self, query: str, match: Chunk, sources: Mapping[str, Source]) -> float:
        library = self.index.library
        title = sources[match.source_id].title
        held = set(analyze(" ".join((title, *match.headings, match.text))))
        idf = {term: library.idf(term) for term in query_terms(query)}
        matched = sum(value for term, value in idf.items() if term in held)
        return lexical_trust(matched, sum(idf.values()), library.idf_of(1))

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [_document(passage) for passage in self.search(query)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One query with what each half found: BM25 scores and nearest chunks, by chunk number."""

    text: str
    vector: Vectors
    words: dict[int, float]
    nearest: tuple[int, ...]

    def bm25(self, number: int) -> float:
        return self.words.get(number, 0.0)


def by_coverage(
    query: str, passages: Sequence[Passage], idf: Callable[[str], float]
) -> list[Passage]:
    """The passages, their first ``COVERED`` ordered also by what one sentence says of the query.

    A passage holds the query's words here and there where a single sentence would answer it.
    ``idf`` gives a term's inverse document frequency.
    """
    asked = read_question(query, idf)
    scored = []
    for n, passage in enumerate(passages):
        chunk = passage.chunk
        spans = chunk.sentences if n < COVERED else ()
        said = best_coverage(asked, [chunk.cut(span) for span in spans])
        scored.append(replace(passage, score=(1 - SAID) * passage.score + SAID * said))
    return sorted(scored, key=lambda p: -p.score)


def by_date(query: str, passages: Sequence[Passage]) -> list[Passage]:
    """The passages, with those put back that another source says for the time asked about.

    A passage goes back, by ``DATED`` of its score at most, when its source is of another time than
    the query asks about and a passage ``ALIKE`` it is of a nearer one. What has no like stays, as a
    later source may well tell of an earlier time; so does what has no date.
    """
    far = distances(period_asked(query), [p.source.date for p in passages])
    if not any(far):
        return list(passages)
    dated = [(f, frozenset(analyze(p.chunk.text))) for p, f in zip(passages, far, strict=True)]
    rivals = [row for row, p in zip(dated, passages, strict=True) if day_of(p.source.date)]
    moved = []
    for passage, (own, words) in zip(passages, dated, strict=True):
        nearest = min((f for f, other in rivals if f < own and _alike(words, other)), default=own)
        moved.append(replace(passage, score=max(0.0, passage.score - DATED * (own - nearest))))
    return sorted(moved, key=lambda p: -p.score)


def _alike(a: frozenset[str], b: frozenset[str]) -> bool:
    return len(a & b) >= ALIKE * len(a | b)


def _in_place(first: Sequence[Passage], passages: Sequence[Passage]) -> list[Passage]:
    """The passages with these before all others, their scores at least those of the others."""
    places = {p.chunk.id: n for n, p in enumerate(first)}
    ordered = sorted(passages, key=lambda p: places.get(p.chunk.id, len(places)))
    scores = np.maximum.accumulate([p.score for p in reversed(ordered)])[::-1]
    return [replace(p, score=float(s)) for p, s in zip(ordered, scores, strict=True)]


def check_question(question: str) -> str:
    """The question without white space around it. Raises ``BadQuestion`` if it cannot be asked."""
    stripped = question.strip()
    if not any(c.isalnum() for c in stripped):
        raise BadQuestion('the question is empty: type one, for example `footnote ask "Who ...?"`')
    if any("\ud800" <= c <= "\udfff" for c in stripped):
        raise BadQuestion("the question is not valid text: type it again, in UTF-8")
    if len(stripped) > MAX_QUESTION:
        raise BadQuestion(
            f"the question has {len(stripped):,} characters; at most {MAX_QUESTION:,}: "
            "ask about one thing, and ingest long text as a document"
        )
    return stripped


def _document(passage: Passage) -> Document:
    chunk, source = passage.chunk, passage.source
    metadata = {
        "source": source.uri,
        "source_id": source.id,
        "title": source.title,
        "page": chunk.page,
        "headings": list(chunk.headings),
        "start": chunk.start,
        "end": chunk.end,
        "score": passage.score,
    }
    return Document(id=chunk.id, page_content=chunk.text, metadata=metadata)
