"""What was read, in one SQLite file: sources, where they lie, their text, their chunks.

This is the truth about an index. It changes in transactions, so a document is there whole or not at
all, whatever kills the process. The lexical index lives in the same file and the same transaction;
vectors follow in Chroma, and two columns say what is still owed there: chunks not yet ``embedded``,
and ``doomed`` ids whose vectors are still to be deleted.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.errors import BadIndex
from rag.lexical import LexicalIndex
from rag.types import Chunk, Source, Span

TABLES = """
CREATE TABLE IF NOT EXISTS revision (number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sources (
    id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, media_type TEXT NOT NULL, title TEXT NOT NULL,
    date TEXT NOT NULL, pages INTEGER, characters INTEGER NOT NULL, text TEXT NOT NULL,
    warnings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    uri TEXT PRIMARY KEY, source_id TEXT NOT NULL REFERENCES sources (id));
CREATE INDEX IF NOT EXISTS files_by_source ON files (source_id);
CREATE TABLE IF NOT EXISTS chunks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    source_id TEXT NOT NULL REFERENCES sources (id), text TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER,
    headings TEXT NOT NULL, sentences TEXT NOT NULL, embedded INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS chunks_by_source ON chunks (source_id);
CREATE INDEX IF NOT EXISTS chunks_owed ON chunks (number) WHERE embedded = 0;
CREATE TABLE IF NOT EXISTS doomed (id TEXT PRIMARY KEY);
"""
CHUNK_COLUMNS = 'id, source_id, text, start, "end", page, headings, sentences'


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an index holds. ``owed`` chunks are found by their words only, until embedded."""

    sources: int
    files: int
    chunks: int
    owed: int


class Library:
    """The SQLite file of one index. Safe to share between threads; readers never wait for a writer.

    Raises ``BadIndex`` when the file is missing (unless ``create``) or cannot be read.
    """

    def __init__(self, path: Path, create: bool = False) -> None:
        if not create and not path.is_file():
            raise BadIndex(f"{str(path)!r} is missing: run `footnote ingest` again to rebuild it")
        self._path = path
        self._lock = threading.RLock()
        with self._explained():
            self._db = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=30
            )
        self.lexical = LexicalIndex(self._db)
        try:
            if create:
                self._create()
            self.revision()
        except BadIndex:
            self._db.close()
            raise

    def _create(self) -> None:
        with self._explained():
            # Kept in the file: readers never wait for the writer, nor it for them.
            self._db.execute("PRAGMA journal_mode = WAL")
        with self._atomic():
            for statement in TABLES.strip().split(";\n"):
                self._db.execute(statement)
            self.lexical.create()
            self._db.execute(
                "INSERT INTO revision SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM revision)"
            )

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of what is written inside, or nothing. Raises the revision."""
        with self._lock, self._atomic():
            yield
            self._db.execute("UPDATE revision SET number = number + 1")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Several reads of one state, whatever other threads and processes write meanwhile."""
        with self._lock, self._explained():
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("COMMIT")

    @contextmanager
    def _atomic(self) -> Iterator[None]:
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what to do when the file cannot be used."""
        try:
            yield
        except sqlite3.Error as error:
            raise BadIndex(
                f"{str(self._path)!r} cannot be used ({error}): check permissions and free space; "
                "if it is damaged, restore a backup or ingest the documents into a new --index"
            ) from error

    def revision(self) -> int:
        """A number that grows with every change, by whichever process."""
        return self._number("SELECT number FROM revision")

    def counts(self) -> Counts:
        """How many sources, files and chunks there are, and how many chunks await a vector."""
        with self.reading():
            return Counts(
                self._number("SELECT count(*) FROM sources"),
                self._number("SELECT count(*) FROM files"),
                self._number("SELECT count(*) FROM chunks"),
                self._number("SELECT count(*) FROM chunks WHERE embedded = 0"),
            )

    def files(self) -> dict[str, str]:
        """The source id at every known place."""
        return dict(self._rows("SELECT uri, source_id FROM files"))

    def warnings(self, source_id: str) -> tuple[str, ...]:
        """What the parser warned of when it read this source."""
        rows = self._rows("SELECT warnings FROM sources WHERE id = ?", source_id)
        return tuple(json.loads(rows[0][0])) if rows else ()

    def sources(self, ids: Iterable[str] | None = None) -> dict[str, Source]:
        """The sources by id: all, or those asked for that exist."""
        query = "SELECT id, sha256, media_type, title, date, pages, characters FROM sources"
        places = "SELECT source_id, uri FROM files"
        only = () if ids is None else (json.dumps(list(ids)),)
        if only:
            query += " WHERE id IN (SELECT value FROM json_each(?))"
            places += " WHERE source_id IN (SELECT value FROM json_each(?))"
        with self.reading():
            uris: dict[str, list[str]] = {}
            for source_id, uri in self._rows(places + " ORDER BY uri", *only):
                uris.setdefault(source_id, []).append(uri)
            return {
                row[0]: Source(
                    id=row[0],
                    uri=uris[row[0]][0],
                    title=row[3],
                    sha256=row[1],
                    media_type=row[2],
                    characters=row[6],
                    pages=row[5],
                    date=row[4],
                    also_at=tuple(uris[row[0]][1:]),
                )
                for row in self._rows(query, *only)
            }

    def text(self, source_id: str) -> str:
        """The parsed text that all offsets of a source refer to. Raises ``KeyError``."""
        rows = self._rows("SELECT text FROM sources WHERE id = ?", source_id)
        if not rows:
            raise KeyError(source_id)
        return str(rows[0][0])

    def chunks(self, numbers: Sequence[int]) -> dict[int, Chunk]:
        """Those of the chunks that exist, by number."""
        rows = self._rows(
            f"SELECT number, {CHUNK_COLUMNS} FROM chunks "
            "WHERE number IN (SELECT value FROM json_each(?))",
            json.dumps(list(numbers)),
        )
        return {row[0]: _chunk(row[1:]) for row in rows}

    def numbers(self, ids: Sequence[str]) -> dict[str, int]:
        """Chunk numbers by chunk id; ids that are no longer there are left out."""
        return dict(
            self._rows(
                "SELECT id, number FROM chunks WHERE id IN (SELECT value FROM json_each(?))",
                json.dumps(list(ids)),
            )
        )

    def idf(self, term: str) -> float:
        """How rare a term of ``rag.lexical.analyze`` is among the chunks; greater is rarer."""
        with self._lock, self._explained():
            return self.lexical.idf(term)

    def idf_of(self, n: int) -> float:
        """How rare a term is that ``n`` chunks hold."""
        with self._lock, self._explained():
            return self.lexical.idf_of(n)

    def put(
        self,
        uri: str,
        source: Source,
        text: str,
        chunks: Sequence[Chunk],
        warnings: Sequence[str] = (),
    ) -> None:
        """Record that ``uri`` holds this source; what it held before goes if nothing else does.

        Call inside ``writing()``. Text and chunks of a source already known are not written again.
        """
        known = self._rows("SELECT 1 FROM sources WHERE id = ?", source.id)
        if not known:
            self._db.execute(
                "INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    source.id,
                    source.sha256,
                    source.media_type,
                    source.title,
                    source.date,
                    source.pages,
                    source.characters,
                    text,
                    json.dumps(list(warnings), ensure_ascii=False),
                ),
            )
            for chunk in chunks:
                self._put_chunk(source, chunk)
        before = self._rows("SELECT source_id FROM files WHERE uri = ?", uri)
        self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (uri, source.id))
        self._drop_orphans([row[0] for row in before])

    def remove(self, uris: Iterable[str]) -> None:
        """Forget these places, and the sources that lie nowhere else. Call inside ``writing()``."""
        places = json.dumps(list(uris))
        held = "SELECT source_id FROM files WHERE uri IN (SELECT value FROM json_each(?))"
        before = [row[0] for row in self._rows(held, places)]
        self._db.execute(
            "DELETE FROM files WHERE uri IN (SELECT value FROM json_each(?))", (places,)
        )
        self._drop_orphans(before)

    def owed(self, limit: int) -> list[tuple[int, Chunk]]:
        """Up to ``limit`` chunks that still await a vector, oldest first."""
        rows = self._rows(
            f"SELECT number, {CHUNK_COLUMNS} FROM chunks WHERE embedded = 0 "
            "ORDER BY number LIMIT ?",
            limit,
        )
        return [(row[0], _chunk(row[1:])) for row in rows]

    def mark_embedded(self, numbers: Iterable[int], embedded: bool = True) -> None:
        """Record that these chunks have a vector (or have lost it). Call inside ``writing()``."""
        self._db.executemany(
            "UPDATE chunks SET embedded = ? WHERE number = ?",
            [(int(embedded), number) for number in numbers],
        )

    def embedded_ids(self) -> set[str]:
        """Ids of all chunks that should have a vector."""
        return {row[0] for row in self._rows("SELECT id FROM chunks WHERE embedded = 1")}

    def embedded_count(self) -> int:
        """How many vectors there should be."""
        return self._number("SELECT count(*) FROM chunks WHERE embedded = 1")

    def doomed(self) -> list[str]:
        """Ids whose vectors are to be deleted. None of them is a chunk of the library."""
        return [row[0] for row in self._rows("SELECT id FROM doomed")]

    def doom(self, ids: Iterable[str]) -> None:
        """Record vectors that belong to no chunk. Call inside ``writing()``."""
        self._db.executemany(
            "INSERT OR IGNORE INTO doomed SELECT ? WHERE NOT EXISTS "
            "(SELECT 1 FROM chunks WHERE id = ?)",
            [(i, i) for i in ids],
        )

    def forget_doomed(self, ids: Iterable[str]) -> None:
        """Record that these vectors are gone. Call inside ``writing()``."""
        self._db.executemany("DELETE FROM doomed WHERE id = ?", [(i,) for i in ids])

    def _put_chunk(self, source: Source, chunk: Chunk) -> None:
        spans = [[s.start, s.end] for s in chunk.sentences]
        cursor = self._db.execute(
            f"INSERT INTO chunks ({CHUNK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                chunk.id,
                chunk.source_id,
                chunk.text,
                chunk.start,
                chunk.end,
                chunk.page,
                json.dumps(chunk.headings, ensure_ascii=False),
                json.dumps(spans),
            ),
        )
        # The id may come back to life before its old vector was deleted.
        self._db.execute("DELETE FROM doomed WHERE id = ?", (chunk.id,))
        assert cursor.lastrowid is not None
        self.lexical.add([(cursor.lastrowid, source.title, " ".join(chunk.headings), chunk.text)])

    def _drop_orphans(self, source_ids: Sequence[str]) -> None:
        """Delete those of the sources that no file holds any more, and doom their vectors."""
        gone = json.dumps(
            [
                source_id
                for source_id in set(source_ids)
                if not self._rows("SELECT 1 FROM files WHERE source_id = ? LIMIT 1", source_id)
            ]
        )
        orphaned = "source_id IN (SELECT value FROM json_each(?))"
        numbers = self._rows(f"SELECT number FROM chunks WHERE {orphaned}", gone)
        self.lexical.delete([row[0] for row in numbers])
        self._db.execute(
            f"INSERT OR IGNORE INTO doomed SELECT id FROM chunks WHERE {orphaned}", (gone,)
        )
        self._db.execute(f"DELETE FROM chunks WHERE {orphaned}", (gone,))
        self._db.execute(
            "DELETE FROM sources WHERE id IN (SELECT value FROM json_each(?))", (gone,)
        )

    def _rows(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._lock, self._explained():
            return self._db.execute(query, values).fetchall()

    def _number(self, query: str) -> int:
        return int(self._rows(query)[0][0])


def _chunk(row: Sequence[str | int]) -> Chunk:
    identifier, source_id, text, start, end, page, headings, sentences = row
    return Chunk(
        id=str(identifier),
        source_id=str(source_id),
        text=str(text),
        start=int(start),
        end=int(end),
        page=None if page is None else int(page),
        headings=tuple(json.loads(str(headings))),
        sentences=tuple(Span(a, b) for a, b in json.loads(str(sentences))),
    )
