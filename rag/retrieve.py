"""Question in, passages out: words and vectors asked together, their scores fused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from rag.errors import BadQuestion
from rag.fuse import drop_near_duplicates, fuse, lexical_trust
from rag.index import PASSAGES, Index
from rag.lexical import analyze, query_terms
from rag.types import Chunk, Passage, Source

CANDIDATES = 50
MAX_QUESTION = 10_000


class HybridRetriever(BaseRetriever):
    """An index as a LangChain retriever: BM25 and cosine similarity, fused by score."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    index: Any  # an Index; pydantic cannot hold the type without importing it for validation
    k: int = PASSAGES

    def search(self, query: str, k: int | None = None) -> list[Passage]:
        """The ``k`` best passages, best first, near-duplicates left out.

        Raises ``BadQuestion`` for an empty or absurdly long query.
        """
        k = self.k if k is None else k
        query = check_question(query)
        index: Index = self.index
        library = index.library
        with library.reading():
            vector = index.encoder.encode_queries([query])[0]
            words = dict(library.lexical.search(query, CANDIDATES))
            found = list(dict.fromkeys([*index.nearest(vector, CANDIDATES), *words]))
            chunks = library.chunks(found)
            sources = library.sources({chunk.source_id for chunk in chunks.values()})
            found = [n for n in found if n in chunks]
            missing = [n for n in found if n not in words]
            words |= library.lexical.score(query, missing)
            stored = library.vectors(found)
        similarity = {n: float(stored[n] @ vector) if n in stored else None for n in found}
        bm25 = np.array([words.get(n, 0.0) for n in found])
        cosine = np.array([np.nan if (s := similarity[n]) is None else s for n in found])
        best = max(found, key=lambda n: words.get(n, 0.0), default=None)
        trust = 0.0 if best is None else self._trust(query, chunks[best], sources)
        fused = fuse(cosine, bm25, trust)
        ranked = [found[i] for i in np.argsort(-fused, kind="stable")]
        scores = dict(zip(found, fused, strict=True))
        kept = drop_near_duplicates([(n, chunks[n].text) for n in ranked], k)
        return [
            Passage(
                chunk=chunks[n],
                source=sources[chunks[n].source_id],
                score=float(scores[n]),
                similarity=similarity[n],
                bm25=words.get(n, 0.0),
            )
            for n in kept
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
