"""An index of which only some collections, or sources, are there.

The restriction is in the database, below everything that asks it: the connection of such an index
has a view in place of each table that tells of a document, and a view of the same name goes first.
So whatever is asked, in whichever way, no row of another document comes back.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from rag.choice import Choice
from rag.embed import Encoder, Vectors
from rag.errors import BadInput
from rag.index import Index
from rag.library import Library

if TYPE_CHECKING:
    from rag.chain import AnswerChain
    from rag.retrieve import HybridRetriever

# An empty choice leaves what is in no collection; none leaves everything.
_SEEN = "({0} = '' OR {0} IN (SELECT name FROM temp.seen))"
_CHOSEN = "source_id IN (SELECT id FROM temp.chosen)"
_VIEWS = """
CREATE TEMP VIEW files AS SELECT * FROM main.files WHERE {files};
CREATE TEMP VIEW collected AS SELECT * FROM main.collected WHERE {collected};
CREATE TEMP VIEW versions AS SELECT * FROM main.versions AS v
    WHERE EXISTS (SELECT 1 FROM temp.files WHERE uri = v.uri);
CREATE TEMP VIEW sources AS SELECT * FROM main.sources AS s
    WHERE EXISTS (SELECT 1 FROM temp.files WHERE source_id = s.id)
    OR EXISTS (SELECT 1 FROM temp.versions WHERE source_id = s.id);
CREATE TEMP VIEW chunks AS SELECT * FROM main.chunks AS c
    WHERE EXISTS (SELECT 1 FROM temp.files WHERE source_id = c.source_id);
CREATE TEMP VIEW lexical AS SELECT rowid, rank, lexical, terms FROM main.lexical AS l
    WHERE EXISTS (SELECT 1 FROM temp.chunks WHERE number = l.rowid);
PRAGMA query_only = ON
"""


class LibraryView(Library):
    """A library of which only some collections, and what is in none, are there; to read only.

    Of these, only the ``sources`` of these ids. None stands for all. How rare a word is stays a
    figure of the whole library.
    """

    def __init__(
        self, path: Path, collections: Iterable[str] | None, sources: Iterable[str] | None = None
    ) -> None:
        super().__init__(path)
        among = [] if collections is None else [_SEEN.format("collection")]
        among += [] if sources is None else [_CHOSEN]
        views = _VIEWS.format(
            files=" AND ".join(among) or "true",
            collected="true" if collections is None else _SEEN.format("name"),
        )
        with self._explained():
            for table, column, names in (("seen", "name", collections), ("chosen", "id", sources)):
                self._db.execute(f"CREATE TEMP TABLE {table} ({column} TEXT PRIMARY KEY)")
                rows = [(name,) for name in names or ()]
                self._db.executemany(f"INSERT INTO {table} VALUES (?)", rows)
            for statement in views.strip().split(";\n"):
                self._db.execute(statement)
        # Whoever has the library may go on asking it after its index let go of the view.
        weakref.finalize(self, self._db.close)


class IndexView(Index):
    """An index over a ``LibraryView``.

    It shares the models of the whole one, and never asks Chroma, which knows of no collections.
    """

    def __init__(self, whole: Index, choice: Choice, closes: bool = False) -> None:
        """``closes`` says that the whole index closes with this one."""
        library = LibraryView(whole.library.path, choice.collections, choice.sources)
        # They are chosen here already.
        super().__init__(whole.folder, library, replace(whole.settings, collections=None))
        self._whole = whole
        self._choice = choice
        self._closes = closes
        self._numbers: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, dtype=np.int64))

    def within(
        self, collections: Iterable[str] | None, sources: Iterable[str] | None = None
    ) -> Index:
        """This index, or what of it these collections and sources leave."""
        left = self._choice.narrowed(collections, sources)
        return self if left == self._choice else self._whole.within(*left)

    @property
    def encoder(self) -> Encoder:
        """The embedding model of the whole index."""
        return self._whole.encoder

    # Made anew for each question: one that is kept here would keep the view from being let go.
    @property
    def retriever(self) -> HybridRetriever:
        """The view as a LangChain retriever."""
        from rag.retrieve import HybridRetriever

        return HybridRetriever(index=self)

    @property
    def chain(self) -> AnswerChain:
        """The way from question to answer, with the models that the whole index has loaded."""
        from rag.chain import AnswerChain

        return AnswerChain(self, self._whole.chain)

    def nearest(self, vector: Vectors, k: int) -> dict[int, float]:
        """Cosine similarity of the ``k`` nearest chunks to a unit vector, by chunk number."""
        revision = self.library.revision()
        if self._numbers[0] != revision:
            self._numbers = revision, np.fromiter(self.library.embedded(), dtype=np.int64)
        return self._whole.exact.nearest(self._whole.library, vector, k, self._numbers[1])

    @contextmanager
    def lock(self) -> Iterator[NoReturn]:
        """Raises ``BadInput``: what is not seen whole is not changed."""
        raise BadInput("only some collections are open here: open the index without collections")
        yield

    def close(self) -> None:
        """Release the view, and the whole index where that was opened for it."""
        super().close()
        if self._closes:
            self._whole.close()
