"""Vectors for the chunks that await one, made beside the reading of further documents."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from types import TracebackType

import numpy as np

from ingest.chunk import embedded_texts
from ingest.report import Progress
from rag.embed import Vectors
from rag.index import Index
from rag.types import Chunk

# Large enough that writing a batch costs little beside it, small enough that a stop loses seconds.
BATCH = 256


class Embedding:
    """Pays what is owed to the vector half of an index, in a thread, until all is paid.

    Use as a context while the index's lock is held; call ``wake`` when chunks were added. Leaving
    it waits for the rest, or, when an error leaves it, for the batch at hand. Raises what failed in
    the thread.
    """

    def __init__(self, index: Index, progress: Progress | None = None) -> None:
        self._index = index
        self._progress = progress or Progress()
        self._change = threading.Condition()
        self._complete = self._stopped = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="embedding")
        self.done = 0
        self.seconds = 0.0

    def __enter__(self) -> Embedding:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(stop=error is not None)
        try:
            self._thread.join()
        except KeyboardInterrupt:
            self._end(stop=True)
            self._thread.join()
            raise
        if self._error is not None and error is None:
            raise self._error

    def wake(self) -> None:
        """Say that chunks were added. Raises what failed in the thread."""
        if self._error is not None:
            raise self._error
        with self._change:
            self._change.notify()

    def _end(self, stop: bool) -> None:
        with self._change:
            self._complete = True
            self._stopped = self._stopped or stop
            self._change.notify()

    def _run(self) -> None:
        try:
            publish(self._index)
            while not self._stopped:
                complete = self._complete
                owed = self._index.library.owed(BATCH)
                if len(owed) == BATCH or (owed and complete):
                    start = time.perf_counter()
                    self._embed(owed)
                    self.seconds += time.perf_counter() - start
                elif complete:
                    break
                else:
                    with self._change:
                        if not self._complete:
                            self._change.wait(timeout=1)
            if not self._stopped:
                self._tidy()
        except BaseException as error:
            self._error = error

    def _tidy(self) -> None:
        """Let go of what belonged to chunks that went away, also while this was running."""
        publish(self._index)
        library = self._index.library
        if library.has_unused_vectors():
            with library.writing():
                library.forget_vectors()

    def _embed(self, owed: Sequence[tuple[int, Chunk]]) -> None:
        library = self._index.library
        encoder = self._index.encoder
        total = self.done + library.counts().owed
        known = library.sources({chunk.source_id for _, chunk in owed})
        # A document may have gone since.
        rows = [(n, chunk, known[chunk.source_id]) for n, chunk in owed if chunk.source_id in known]
        chunks, sources = [chunk for _, chunk, _ in rows], [source for _, _, source in rows]
        texts = embedded_texts(encoder, [source.title for source in sources], chunks)
        keys = [_key(text) for text in texts]
        vectors = library.known_vectors(keys)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
        ahead = self.done

        def step(n: int) -> None:
            nonlocal ahead
            ahead += n
            self._progress.embedding(ahead, total)

        vectors |= zip(new, encoder.encode_documents(list(new.values()), step), strict=True)
        # Chroma first: if this stops in between, they are written again, not lost.
        _upsert(self._index, chunks, [vectors[key] for key in keys])
        with library.writing():
            library.put_vectors(
                (n, key, vectors[key]) for (n, _, _), key in zip(rows, keys, strict=True)
            )
        self.done += len(rows)
        self._progress.embedding(self.done, total)


def publish(index: Index) -> None:
    """Bring Chroma in line with the library: what is lost there is written, what is left deleted.

    Nothing is embedded for it. Call under the index's lock.
    """
    library = index.library
    _delete_doomed(index)
    index.vectors.drop_others()
    if index.vectors.count() == library.embedded_count():
        return
    embedded = {identifier: number for number, identifier in library.embedded().items()}
    stored = index.vectors.ids()
    missing = [number for identifier, number in embedded.items() if identifier not in stored]
    for i in range(0, len(missing), BATCH):
        part = missing[i : i + BATCH]
        vectors = library.vectors(part)
        chunks = library.chunks(part)
        _upsert(index, list(chunks.values()), [vectors[number] for number in chunks])
    with library.writing():
        library.doom(stored - embedded.keys())
    _delete_doomed(index)


def _delete_doomed(index: Index) -> None:
    library = index.library
    if doomed := library.doomed():
        index.vectors.delete(doomed, library.revision() + 1)
        with library.writing():
            library.forget_doomed(doomed)


def _upsert(index: Index, chunks: Sequence[Chunk], vectors: Sequence[Vectors]) -> None:
    if chunks:
        index.vectors.upsert(chunks, np.array(vectors), index.library.revision() + 1)


def _key(text: str) -> str:
    """The name of a text's vector: what was embedded before need not be again."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
