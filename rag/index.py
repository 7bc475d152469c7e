"""An index on disk, opened: search it, ask it, stream from it.

The folder holds ``library.sqlite3`` (the truth: sources, texts, chunks, vectors, lexical index),
``chroma/`` (the vectors, to search them) and ``originals/`` (the files as they were, named by their
SHA-256).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from rag.choice import Choice, check_collections, check_sources
from rag.database import layout_of
from rag.embed import DEFAULT_MODEL, Encoder, Vectors, load_encoder
from rag.errors import BadIndex, BadInput, IndexBusy
from rag.exact import ExactSearch
from rag.files import DEFAULT_INDEX, absolute
from rag.library import Library
from rag.manifest import Manifest
from rag.reader import load_reader
from rag.settings import PASSAGES as PASSAGES
from rag.settings import Settings
from rag.types import Answer, Passage, Turn
from rag.vectors import State, VectorIndex

if TYPE_CHECKING:
    from rag.chain import AnswerChain
    from rag.retrieve import HybridRetriever

LIBRARY = "library.sqlite3"
# Everything an index's folder may hold.
PARTS = (
    LIBRARY,
    "chroma",
    "originals",
    "write.lock",
    "reindex",
    "reading-",
    "conversations.sqlite3",
    "uploads",
    "cases.jsonl",
    "watch-",
    "runs",
)
FIRST_COLLECTION = "chunks-1"
# Readers hold the lock for milliseconds, or while they open the vectors.
LOCK_SECONDS = 5
# Choices whose connections are kept open while nobody asks them.
VIEWS = 8


class Index:
    """Everything one index can do. Made by ``open_index`` or ``create_index``; close it when done.

    Safe to share between threads. What another process adds is seen by the next question.
    """

    def __init__(self, folder: Path, library: Library, settings: Settings | None = None) -> None:
        self.folder = folder
        self.library = library
        self.settings = settings or Settings()
        self._encoder_lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._exact: ExactSearch | None = None
        self._views: dict[Choice, Index] = {}
        self._views_lock = threading.Lock()
        self._state: State | None = None
        lock = FileLock(folder / "write.lock", timeout=LOCK_SECONDS)
        self.vectors = VectorIndex(folder / "chroma", lock)

    @property
    def manifest(self) -> Manifest:
        """What the index was made with, now: another process may have made it anew."""
        return self.library.manifest()

    def ask(
        self,
        question: str,
        history: Sequence[Turn | Mapping[str, str]] = (),
        settings: Settings | None = None,
    ) -> Answer:
        """Answer a question, citing the passages it stands on, or decline.

        ``history`` is the conversation so far, oldest first; ``settings`` are by default those the
        index was opened with. Raises ``BadQuestion`` for a question that cannot be asked,
        ``ModelError`` when the language model cannot be used at all.
        """
        return self.chain.invoke(
            {"question": question, "history": list(history), "settings": settings}
        )

    def stream(
        self,
        question: str,
        history: Sequence[Turn | Mapping[str, str]] = (),
        settings: Settings | None = None,
    ) -> Iterator[str | Answer]:
        """Like ``ask``: the answer's text in pieces as it is made, and last the ``Answer``."""
        return self.chain.stream(
            {"question": question, "history": list(history), "settings": settings}
        )

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
        manifest = self.manifest
        with self._encoder_lock:
            if self._encoder is None or self._encoder.fingerprint != manifest.embedding_fingerprint:
                encoder = load_encoder(manifest.embedding_model)
                _check_model(self.folder, manifest, encoder)
                self._encoder = encoder
                self._exact = None
            return self._encoder

    def nearest(self, vector: Vectors, k: int) -> dict[int, float]:
        """Cosine similarity of the ``k`` nearest chunks to a unit vector, by chunk number."""
        with self.library.reading():
            near = self.vectors.nearest(vector, k, self.vector_state())
            if near is None:
                return self.exact.nearest(self.library, vector, k)
            return {n: near[i] for i, n in self.library.numbers(list(near)).items()}

    @property
    def exact(self) -> ExactSearch:
        """The vectors as the library has them, to compare with every one."""
        # Read before the lock: a caller who reads the library waits for it here.
        dimension = self.manifest.dimension
        with self._encoder_lock:
            self._exact = self._exact or ExactSearch(dimension)
            return self._exact

    def within(
        self, collections: Iterable[str] | None, sources: Iterable[str] | None = None
    ) -> Index:
        """The index as if there were only these collections, and what is in none; None for all.

        Of what they hold, only the ``sources`` of these ids; None for all. What comes back can be
        read but not changed. It closes with this one.
        """
        choice = Choice().narrowed(collections, sources)
        if choice == Choice():
            return self
        from rag.view import IndexView

        with self._views_lock:
            view = self._views.pop(choice, None) or IndexView(self, choice)
            self._views[choice] = view
            if len(self._views) > VIEWS:
                # Not closed here: someone may be asking it. It closes with the last who does.
                del self._views[next(iter(self._views))]
            return view

    def vector_state(self) -> State:
        """What Chroma has to hold now."""
        with self.library.reading():
            revision = self.library.revision()
            if self._state is None or self._state.revision != revision:
                count = self.library.embedded_count()
                self._state = State(revision, self.manifest.collection, count)
            return self._state

    def warm(self) -> float:
        """Load what a question needs, now instead of with the first one. Returns the seconds."""
        start = time.perf_counter()
        self.nearest(self.encoder.encode_queries(["warm"])[0], 1)
        self.chain  # noqa: B018 - made on first touch
        if self.settings.reader:
            load_reader()
        return time.perf_counter() - start

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the one writer, across processes; a dead process holds no lock.

        Raises ``IndexBusy`` when another one writes, ``BadIndex`` for a folder that cannot be
        written.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.vectors.writing(self.vector_state()))
            except Timeout as error:
                raise IndexBusy(
                    f"another process is writing to {str(self.folder)!r}: try again when it is done"
                ) from error
            except PermissionError as error:
                raise BadIndex(
                    f"{str(self.folder)!r} cannot be written: check its permissions, "
                    "or give another folder with --index"
                ) from error
            yield

    def close(self) -> None:
        """Release files and memory. The index cannot be used afterwards."""
        for view in self._views.values():
            view.close()
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


def open_index(path: str | Path = DEFAULT_INDEX, settings: Settings | None = None) -> Index:
    """Open an index for questions; with collections or sources in the settings, only these.

    Raises ``BadIndex`` when there is none that can be used, ``BadInput`` for no such collection or
    source.
    """
    folder = absolute(path)
    if not folder.is_dir():
        raise BadIndex(
            f"no index at {str(folder)!r}: run `footnote ingest PATHS --index {folder}` first"
        )
    if not (folder / LIBRARY).is_file():
        raise BadIndex(
            f"{str(folder)!r} is not an index (it has no {LIBRARY}): "
            "give the folder that `footnote ingest` wrote with --index"
        )
    library = Library(folder / LIBRARY)
    if not library.has_manifest():
        library.close()
        raise BadIndex(f"the index at {str(folder)!r} was never finished: run `footnote ingest`")
    index = Index(folder, library, settings)
    choice = Choice().narrowed(index.settings.collections, index.settings.sources)
    if choice == Choice():
        return index
    try:
        check_collections(index, index.settings.collections)
        check_sources(index, choice.sources)
    except BadInput:
        index.close()
        raise
    from rag.view import IndexView

    return IndexView(index, choice, closes=True)


def create_index(path: str | Path = DEFAULT_INDEX, embedding_model: str | None = None) -> Index:
    """Open an index for writing, and make it first if there is none.

    Raises ``BadInput`` for a folder that holds something else, ``BadIndex`` when the index was made
    with another embedding model than the one asked for, ``ModelError`` when that cannot be loaded.
    """
    folder = absolute(path)
    if embedding_model is not None and Path(embedding_model).expanduser().is_dir():
        embedding_model = str(absolute(embedding_model))
    if _is_made(folder):
        index = open_index(folder)
        manifest = index.manifest
        if embedding_model is not None and embedding_model != manifest.embedding_model:
            index.close()
            _check_model(folder, manifest, load_encoder(embedding_model))
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
    library = Library(folder / LIBRARY, create=True)
    with library.writing():
        library.put_manifest(manifest_of(encoder, FIRST_COLLECTION))
    return Index(folder, library)


def manifest_of(encoder: Encoder, collection: str) -> Manifest:
    """The manifest of an index made with this model."""
    return Manifest(
        encoder.name, encoder.fingerprint, encoder.dimension, encoder.max_tokens, collection
    )


def _is_made(folder: Path) -> bool:
    """Whether there is an index whose making was not interrupted."""
    if not (folder / LIBRARY).is_file() or not layout_of(folder / LIBRARY):
        return False
    library = Library(folder / LIBRARY)
    try:
        return library.has_manifest()
    finally:
        library.close()


def _foreign(folder: Path) -> bool:
    """Whether the folder holds anything that is not an index's."""
    return any(not p.name.startswith(PARTS) for p in folder.iterdir())


def _check_model(folder: Path, manifest: Manifest, encoder: Encoder) -> None:
    if encoder.fingerprint != manifest.embedding_fingerprint:
        raise BadIndex(
            f"the index at {str(folder)!r} was made with the embedding model "
            f"{manifest.embedding_model!r} ({manifest.embedding_fingerprint[:12]}), not with "
            f"{encoder.name!r} ({encoder.fingerprint[:12]}): `footnote reindex --embedding-model "
            f"{encoder.name}` makes it anew with that one"
        )
