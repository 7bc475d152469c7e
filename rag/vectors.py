"""The vectors, in Chroma: cosine space, beside the text and place of each chunk.

Chroma answers from what it loaded when it was opened: another process's writes are not seen until
it is opened again (Chroma 1.5.9). So every query says which revision of the library it is for, and
the collection is opened anew when that has moved without it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import chromadb
import numpy as np
from chromadb.api.client import Client
from chromadb.api.collection_configuration import CreateCollectionConfiguration
from chromadb.api.types import QueryResult
from chromadb.config import Settings
from chromadb.errors import ChromaError

from rag.embed import Vectors
from rag.errors import BadIndex
from rag.types import Chunk, Source

COLLECTION = "chunks"
# Chroma's default distance is Euclidean, and its default search width loses neighbours.
HNSW = CreateCollectionConfiguration(
    hnsw={"space": "cosine", "ef_construction": 200, "ef_search": 200}
)
_opened = itertools.count()


class VectorIndex:
    """One Chroma collection in a folder. Safe to share between threads."""

    def __init__(self, folder: Path, revision: int) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open(revision)

    def close(self) -> None:
        """Release the files."""
        with self._lock:
            self._client.close()

    def count(self) -> int:
        """How many vectors are stored."""
        return self._collection.count()

    def ids(self) -> set[str]:
        """The ids of all vectors."""
        return set(self._collection.get(include=[])["ids"])

    def upsert(
        self, chunks: Sequence[Chunk], sources: Sequence[Source], vectors: Vectors, revision: int
    ) -> None:
        """Write vectors of shape (len(chunks), dimension); ``sources`` goes with ``chunks``.

        ``revision`` is the library's revision that will tell of this write.
        """
        with self._lock:
            for part in self._parts(len(chunks)):
                self._collection.upsert(
                    ids=[c.id for c in chunks[part]],
                    embeddings=vectors[part],
                    documents=[c.text for c in chunks[part]],
                    metadatas=[
                        _metadata(c, s) for c, s in zip(chunks[part], sources[part], strict=True)
                    ],
                )
            self._revision = revision

    def delete(self, ids: Sequence[str], revision: int) -> None:
        """Delete vectors; unknown ids are no error. ``revision`` as for ``upsert``."""
        with self._lock:
            for part in self._parts(len(ids)):
                self._collection.delete(ids=list(ids[part]))
            self._revision = revision

    def nearest(self, vector: Vectors, k: int, revision: int) -> dict[str, float]:
        """Cosine similarity of the ``k`` nearest chunks to a unit vector, by chunk id."""
        with self._lock:
            self._follow(revision)
            size = self._collection.count()
            if size == 0:
                return {}
            found: QueryResult = self._collection.query(
                query_embeddings=vector[np.newaxis], n_results=min(k, size), include=["distances"]
            )
        distances = found["distances"]
        assert distances is not None
        return {i: 1.0 - d for i, d in zip(found["ids"][0], distances[0], strict=True)}

    def vectors(self, ids: Sequence[str], revision: int) -> dict[str, Vectors]:
        """The stored vectors of those ids that have one."""
        with self._lock:
            self._follow(revision)
            found = self._collection.get(ids=list(ids), include=["embeddings"])
        embeddings = found["embeddings"]
        assert embeddings is not None
        return {
            i: np.asarray(e, dtype=np.float32)
            for i, e in zip(found["ids"], embeddings, strict=True)
        }

    def _follow(self, revision: int) -> None:
        if revision != self._revision:
            self._client.close()
            self._open(revision)

    def _open(self, revision: int) -> None:
        # Chroma shares one loaded state between clients of the same path string, and a shared one
        # stays stale; a spelling of the path that is used once keeps each client to itself.
        path = f"{self._folder}/{'./' * (next(_opened) % 500)}"
        try:
            client = chromadb.PersistentClient(path, Settings(anonymized_telemetry=False))
            # The declared type lacks close().
            self._client = cast(Client, client)
            self._collection = self._client.get_or_create_collection(
                COLLECTION, embedding_function=None, configuration=HNSW
            )
        except (ChromaError, ValueError, RuntimeError) as error:
            raise BadIndex(
                f"the vectors in {str(self._folder)!r} cannot be opened ({error}): "
                "remove that folder and run `footnote ingest` again; nothing else is lost"
            ) from error
        self._revision = revision

    def _parts(self, n: int) -> list[slice]:
        size = self._client.get_max_batch_size()
        return [slice(i, i + size) for i in range(0, n, size)]


def _metadata(chunk: Chunk, source: Source) -> dict[str, Any]:
    values = {
        "source_id": source.id,
        "uri": source.uri,
        "title": source.title,
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "headings": " > ".join(chunk.headings),
    }
    return {key: value for key, value in values.items() if value is not None}
