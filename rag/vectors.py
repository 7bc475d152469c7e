"""The vectors, in Chroma: cosine space, beside the text and place of each chunk.

Chroma 1.5.9 answers from what it loaded when it was opened, so another process's writes are not
seen until it is opened anew; and reading while another process writes fails, or damages its files.
So Chroma is only touched under the index's write lock. While another process holds that, the caller
is told, and searches the library's own vectors (``rag.exact``).
"""

from __future__ import annotations

import errno
import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import chromadb
import numpy as np
from chromadb.api.client import Client
from chromadb.api.collection_configuration import CreateCollectionConfiguration
from chromadb.api.models.Collection import Collection
from chromadb.api.types import QueryResult
from chromadb.config import Settings
from chromadb.errors import ChromaError
from filelock import BaseFileLock, FileLock, Timeout

from rag.embed import Vectors
from rag.errors import BadIndex
from rag.types import Chunk

# Chroma's default distance is Euclidean, and its default search width loses neighbours.
HNSW = CreateCollectionConfiguration(
    hnsw={"space": "cosine", "ef_construction": 200, "ef_search": 200}
)
# Another reader is done well within this; a writer is not.
READER_SECONDS = 0.05
_opened = itertools.count()


class State(NamedTuple):
    """What the library says of its vectors: as of when, in which collection, and how many."""

    revision: int
    collection: str
    size: int


class VectorIndex:
    """One Chroma collection in a folder. Safe to share between threads.

    ``lock`` is the index's write lock, which a writer holds all the time and a reader for an
    instant: until it has the lock of Chroma's folder. So a writer waits for the reads under way
    only, however many follow. A ``State`` says which collection is meant, and as of when.
    """

    def __init__(self, folder: Path, lock: BaseFileLock) -> None:
        self._folder = folder
        self._write_lock = lock
        self._folder_lock = FileLock(f"{folder}.lock")
        self._lock = threading.RLock()
        self._client: Client | None = None
        self._collection: Collection | None = None
        self._revision = -1
        self._owned = False

    def close(self) -> None:
        """Release the files; the next use opens them again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = self._collection = None
            self._revision = -1

    @contextmanager
    def writing(self, state: State) -> Iterator[None]:
        """Hold the write lock; this process's threads go on reading. Raises ``Timeout``."""
        with self._write_lock, self._folder_lock:
            with self._lock:
                self._at(state)
                self._owned = True
            try:
                yield
            finally:
                with self._lock:
                    self._owned = False

    def follow(self, state: State) -> bool:
        """Open what was written up to this state. False: another process is writing just now."""
        with self._reading(state) as collection:
            return collection is not None

    def switch(self, state: State) -> None:
        """Go over to another collection, made if there is none. Call inside ``writing``."""
        with self._lock:
            self._open(state)

    def count(self) -> int:
        """How many vectors are stored."""
        with self._lock:
            return self._collection.count() if self._collection else 0

    def ids(self) -> set[str]:
        """The ids of all vectors."""
        with self._lock:
            return set(self._collection.get(include=[])["ids"]) if self._collection else set()

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors, revision: int) -> None:
        """Write vectors of shape (len(chunks), dimension).

        Call inside ``writing``. ``revision`` is the library's that will tell of this write.
        """
        with self._lock:
            assert self._collection is not None
            collection = self._collection
            for part in self._parts(len(chunks)):
                collection.upsert(
                    ids=[chunk.id for chunk in chunks[part]],
                    embeddings=vectors[part],
                    documents=[chunk.text for chunk in chunks[part]],
                    metadatas=[_metadata(chunk) for chunk in chunks[part]],
                )
            self._revision = revision

    def delete(self, ids: Sequence[str], revision: int) -> None:
        """Delete vectors; unknown ids are no error. As for ``upsert``."""
        with self._lock:
            assert self._collection is not None
            collection = self._collection
            for part in self._parts(len(ids)):
                collection.delete(ids=list(ids[part]))
            self._revision = revision

    def nearest(self, vector: Vectors, k: int, state: State) -> dict[str, float] | None:
        """Cosine similarity of the ``k`` nearest chunks to a unit vector, by chunk id.

        None while another process is writing, and where Chroma does not hold just the library's
        vectors.
        """
        with self._reading(state) as collection:
            if collection is None or collection.count() != state.size:
                return None
            found: QueryResult = collection.query(
                query_embeddings=vector[np.newaxis], n_results=k, include=["distances"]
            )
        distances = found["distances"]
        assert distances is not None
        return {i: 1.0 - d for i, d in zip(found["ids"][0], distances[0], strict=True)}

    def drop_others(self) -> None:
        """Delete every collection but the current one. Call inside ``writing``."""
        with self._lock:
            assert self._client is not None
            assert self._collection is not None
            for other in self._client.list_collections():
                if other.name != self._collection.name:
                    self._client.delete_collection(other.name)

    @contextmanager
    def _reading(self, state: State) -> Iterator[Collection | None]:
        """The collection as of a revision, or None while another process writes."""
        with self._lock:
            if self._owned:
                yield self._collection
                return
            try:
                with self._write_lock.acquire(timeout=READER_SECONDS, poll_interval=0.005):
                    self._folder_lock.acquire(timeout=READER_SECONDS, poll_interval=0.005)
            except Timeout:
                yield None
                return
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                    raise
                # No lock can be made in a folder that cannot be written; nobody writes there.
                yield self._at(state)
                return
            try:
                yield self._at(state)
            finally:
                self._folder_lock.release()

    def _at(self, state: State) -> Collection:
        if self._collection is None or state.revision != self._revision:
            self._open(state)
        assert self._collection is not None
        return self._collection

    def _open(self, state: State) -> None:
        self.close()
        # Chroma shares one loaded state between clients of the same path string, and a shared one
        # stays stale; a spelling of the path that is used once keeps each client to itself.
        path = f"{self._folder}/{'./' * (next(_opened) % 500)}"
        try:
            client = chromadb.PersistentClient(path, Settings(anonymized_telemetry=False))
            # The declared type lacks close().
            self._client = cast(Client, client)
            self._collection = self._client.get_or_create_collection(
                state.collection, embedding_function=None, configuration=HNSW
            )
        except (ChromaError, OSError, ValueError, RuntimeError) as error:
            raise BadIndex(
                f"the vectors in {str(self._folder)!r} cannot be opened ({error}): check its "
                "permissions; if it is damaged, remove that folder and run `footnote ingest` again"
            ) from error
        self._revision = state.revision

    def _parts(self, n: int) -> list[slice]:
        assert self._client is not None
        size = self._client.get_max_batch_size()
        return [slice(i, i + size) for i in range(0, n, size)]


def _metadata(chunk: Chunk) -> dict[str, Any]:
    values = {
        "source_id": chunk.source_id,
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "headings": " > ".join(chunk.headings),
    }
    return {key: value for key, value in values.items() if value is not None}
