"""An index on disk, opened: search it, ask it, stream from it.

The folder holds ``manifest.json``, ``library.sqlite3`` (the truth: sources, texts, chunks, lexical
index), ``chroma/`` (vectors) and ``originals/`` (the files as they were, named by their SHA-256).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from rag.embed import DEFAULT_MODEL, Encoder, load_encoder
from rag.errors import BadIndex, BadInput
from rag.library import Library
from rag.manifest import NAME, SCHEMA, Manifest, read_manifest, write_manifest
from rag.types import Answer, Passage, Turn
from rag.vectors import VectorIndex

if TYPE_CHECKING:
    from rag.chain import AnswerChain
    from rag.retrieve import HybridRetriever

DEFAULT_INDEX = Path(".footnote")
LIBRARY = "library.sqlite3"
PASSAGES = 10
# Readers hold the lock for milliseconds, or while they open the vectors.
LOCK_SECONDS = 5


class Index:
    """Everything one index can do. Made by ``open_index`` or ``create_index``; close it when done.

    Safe to share between threads. What another process adds is seen by the next question.
    """

    def __init__(self, folder: Path, manifest: Manifest, library: Library) -> None:
        self.folder = folder
        self.manifest = manifest
        self.library = library
        self._encoder_lock = threading.Lock()
        self._encoder: Encoder | None = None
        lock = FileLock(folder / "write.lock", timeout=LOCK_SECONDS)
        self.vectors = VectorIndex(folder / "chroma", lock)

    def ask(self, question: str, history: Sequence[Turn | Mapping[str, str]] = ()) -> Answer:
        """Answer a question, citing the passages it stands on, or decline.

        ``history`` is the conversation so far, oldest first. Raises ``BadQuestion`` for a question
        that cannot be asked.
        """
        return self.chain.invoke({"question": question, "history": list(history)})

    def stream(
        self, question: str, history: Sequence[Turn | Mapping[str, str]] = ()
    ) -> Iterator[str | Answer]:
        """Like ``ask``: the answer's text in pieces as it is made, and last the ``Answer``."""
        return self.chain.stream({"question": question, "history": list(history)})

    def search(self, query: str, k: int = PASSAGES) -> list[Passage]:
        """The ``k`` passages nearest to a query, best first. Raises ``BadQuestion``."""
        return self.retriever.search(query, k)

    @cached_property
    def retriever(self) -> HybridRetriever:
        """The index as a LangChain retriever."""
        from rag.retrieve import HybridRetriever

        return HybridRetriever(index=self)

    @cached_property
    def chain(self) -> AnswerChain:
        """The way from question to answer as a LangChain runnable."""
        from rag.chain import AnswerChain

        return AnswerChain(self)

    @property
    def encoder(self) -> Encoder:
        """The embedding model the index was made with, loaded on first use.

        Raises ``BadIndex`` when what that name gives now is another model.
        """
        with self._encoder_lock:
            if self._encoder is None:
                encoder = load_encoder(self.manifest.embedding_model)
                _check_model(self.folder, self.manifest, encoder)
                self._encoder = encoder
            return self._encoder

    def warm(self) -> float:
        """Load what a question needs, now instead of with the first one. Returns the seconds."""
        start = time.perf_counter()
        self.encoder.encode_queries(["warm"])
        self.vectors.follow(self.library.revision())
        self.chain  # noqa: B018 - made on first touch
        return time.perf_counter() - start

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the one writer, across processes; a dead process holds no lock.

        Raises ``BadIndex`` when another one writes, or the folder cannot be written.
        """
        try:
            with self.vectors.writing(self.library.revision()):
                yield
        except Timeout as error:
            raise BadIndex(
                f"another process is writing to {str(self.folder)!r}: try again when it is done"
            ) from error
        except PermissionError as error:
            raise BadIndex(
                f"{str(self.folder)!r} cannot be written: check its permissions, "
                "or give another folder with --index"
            ) from error

    def close(self) -> None:
        """Release files and memory. The index cannot be used afterwards."""
        self.vectors.close()
        self.library.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_index(path: str | Path = DEFAULT_INDEX) -> Index:
    """Open an index for questions. Raises ``BadIndex`` when there is none that can be used."""
    folder = _absolute(path)
    manifest = read_manifest(folder)
    return Index(folder, manifest, Library(folder / LIBRARY))


def create_index(path: str | Path = DEFAULT_INDEX, embedding_model: str | None = None) -> Index:
    """Open an index for writing, and make it first if there is none.

    Raises ``BadInput`` for a folder that holds something else, ``BadIndex`` when the index was made
    with another embedding model than the one asked for, ``ModelError`` when that cannot be loaded.
    """
    folder = _absolute(path)
    if embedding_model is not None and Path(embedding_model).expanduser().is_dir():
        embedding_model = str(_absolute(embedding_model))
    if (folder / NAME).is_file():
        if not (folder / LIBRARY).exists():
            # Lost: the documents are read again, what is left of the vectors is reconciled.
            Library(folder / LIBRARY, create=True).close()
        index = open_index(folder)
        if embedding_model is not None and embedding_model != index.manifest.embedding_model:
            index.close()
            _check_model(folder, index.manifest, load_encoder(embedding_model))
            index = open_index(folder)
        return index
    if folder.exists() and (not folder.is_dir() or _foreign(folder)):
        raise BadInput(
            f"{str(folder)!r} holds other files: give an empty or new folder with --index"
        )
    encoder = load_encoder(embedding_model or DEFAULT_MODEL)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{str(folder)!r} cannot be made ({error.strerror}): give another folder with --index"
        ) from error
    manifest = Manifest(
        SCHEMA, encoder.name, encoder.fingerprint, encoder.dimension, encoder.max_tokens
    )
    library = Library(folder / LIBRARY, create=True)
    write_manifest(folder, manifest)
    return Index(folder, manifest, library)


def _absolute(path: str | Path) -> Path:
    """The folder from the root: a later change of the working directory must not move it."""
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - links stay links


def _foreign(folder: Path) -> bool:
    """Whether the folder holds anything but what an interrupted creation leaves."""
    return any(not p.name.startswith((LIBRARY, NAME)) for p in folder.iterdir())


def _check_model(folder: Path, manifest: Manifest, encoder: Encoder) -> None:
    if encoder.fingerprint != manifest.embedding_fingerprint:
        raise BadIndex(
            f"the index at {str(folder)!r} was made with the embedding model "
            f"{manifest.embedding_model!r} ({manifest.embedding_fingerprint[:12]}), not with "
            f"{encoder.name!r} ({encoder.fingerprint[:12]}): ingest into a new folder "
            f"with `footnote ingest PATHS --index NEW --embedding-model {encoder.name}`"
        )
