"""What was read, in one SQLite file: sources, where they lie, their text, chunks and vectors.

This is the truth about an index. It changes in transactions, so a document is there whole or not at
all, whatever kills the process. The lexical index lives in the same file and the same transaction.
Vectors are kept here too, by a hash of what was embedded, and published to Chroma, which finds the
nearest quickly: ``doomed`` are ids whose vectors are still to be deleted there.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

import numpy as np

from rag.database import Database
from rag.embed import Vectors
from rag.lexical import LexicalIndex
from rag.manifest import Manifest
from rag.tables import TABLES, Counts, FileStat, Record, Standing
from rag.types import Chunk, Fidelity, Flag, Place, Source, Span

CHUNK_COLUMNS = 'id, source_id, text, start, "end", page, headings, sentences'
# Earlier versions of a changed file, kept so that what was quoted of them can still be shown.
KEPT_VERSIONS = 10
UNUSED = "key NOT IN (SELECT vector FROM chunks WHERE vector IS NOT NULL)"
AMONG = "IN (SELECT value FROM json_each(?))"


class Library(Database):
    """The documents, chunks and vectors of one index."""

    def __init__(self, path: Path, create: bool = False) -> None:
        super().__init__(path, create)
        self.lexical = LexicalIndex(self._db)
        if create:
            with self._atomic():
                for statement in TABLES.strip().split(";\n"):
                    self._db.execute(statement)
                self.lexical.create()
                self._db.execute(
                    "INSERT INTO revision SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM revision)"
                )

    # What there is

    def manifest(self) -> Manifest:
        """What the index was made with."""
        return Manifest(**json.loads(self._rows("SELECT value FROM manifest")[0][0]))

    def has_manifest(self) -> bool:
        """Whether the index was ever finished being made."""
        return bool(self._rows("SELECT 1 FROM manifest"))

    def counts(self) -> Counts:
        """How many sources, files and chunks there are, and how many chunks await a vector."""
        with self.reading():
            return Counts(
                self._number("SELECT count(DISTINCT source_id) FROM files"),
                self._number("SELECT count(*) FROM files"),
                self._number("SELECT count(*) FROM chunks"),
                self._number("SELECT count(*) FROM chunks WHERE vector IS NULL"),
            )

    def files(self) -> dict[str, str]:
        """The source id at every known place."""
        return dict(self._rows("SELECT uri, source_id FROM files"))

    def stats(self, uris: Iterable[str]) -> dict[str, FileStat]:
        """How the files at these places were when they were read."""
        rows = self._rows(
            f"SELECT uri, size, mtime_ns FROM files WHERE uri {AMONG}",
            json.dumps(list(uris)),
        )
        return {uri: FileStat(size, mtime) for uri, size, mtime in rows}

    def container(self, uri: str) -> str | None:
        """The SHA-256 of an archive when all of its members were read."""
        rows = self._rows("SELECT sha256 FROM containers WHERE uri = ?", uri)
        return str(rows[0][0]) if rows else None

    def earlier_versions(self, uri: str) -> int:
        """How many earlier versions of a place are kept."""
        return self._number("SELECT count(*) FROM versions WHERE uri = ?", uri)

    def standing(self, source_id: str) -> Standing:
        """Whether a source is still what its file holds; a superseded one can still be shown."""
        if self._rows("SELECT 1 FROM files WHERE source_id = ? LIMIT 1", source_id):
            return "current"
        known = self._rows("SELECT 1 FROM sources WHERE id = ?", source_id)
        return "superseded" if known else "gone"

    def sources(self, ids: Iterable[str] | None = None) -> dict[str, Source]:
        """The current sources by id: all, or those asked for that exist."""
        query = (
            "SELECT id, sha256, media_type, title, date, pages, characters, author, language "
            "FROM sources WHERE id IN (SELECT source_id FROM files)"
        )
        places = "SELECT source_id, uri FROM files"
        only: tuple[str, ...] = () if ids is None else (json.dumps(list(ids)),)
        if only:
            query += f" AND id {AMONG}"
            places += f" WHERE source_id {AMONG}"
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
                    author=row[7],
                    language=row[8],
                )
                for row in self._rows(query, *only)
            }

    def hashes(self) -> set[str]:
        """SHA-256 of every source, superseded ones included."""
        return {row[0] for row in self._rows("SELECT sha256 FROM sources")}

    def text(self, source_id: str) -> str:
        """The parsed text that all offsets of a source refer to. Raises ``KeyError``."""
        return str(self._of_source("text", source_id))

    def places(self, source_id: str) -> tuple[Place, ...]:
        """Where the ranges of a source's text stand in the original. Raises ``KeyError``."""
        rows = json.loads(zlib.decompress(self._of_source("places", source_id)))
        return tuple(
            Place(start, end, page, tuple(box) if box else None, cell, line)
            for start, end, page, box, cell, line in rows
        )

    def flags(self, source_id: str) -> tuple[Flag, ...]:
        """The ranges of a source that are in no chunk. Raises ``KeyError``."""
        return tuple(Flag(*row) for row in json.loads(self._of_source("flags", source_id)))

    def fidelity(self, source_id: str) -> Fidelity:
        """How well a source could be read. Raises ``KeyError``."""
        row: dict[str, Any] = json.loads(self._of_source("fidelity", source_id))
        row |= {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
        return Fidelity(**row)

    def chunks(self, numbers: Sequence[int]) -> dict[int, Chunk]:
        """Those of the chunks that exist, by number."""
        rows = self._rows(
            f"SELECT number, {CHUNK_COLUMNS} FROM chunks WHERE number {AMONG}",
            json.dumps(list(numbers)),
        )
        return {row[0]: _chunk(row[1:]) for row in rows}

    def numbers(self, ids: Sequence[str]) -> dict[str, int]:
        """Chunk numbers by chunk id; ids that are no longer there are left out."""
        return dict(
            self._rows(
                f"SELECT id, number FROM chunks WHERE id {AMONG}",
                json.dumps(list(ids)),
            )
        )

    def chunks_of(self, source_id: str) -> list[Chunk]:
        """The chunks of one source, in reading order."""
        rows = self._rows(
            f"SELECT {CHUNK_COLUMNS} FROM chunks WHERE source_id = ? ORDER BY number", source_id
        )
        return [_chunk(row) for row in rows]

    def chunk_counts(self) -> dict[str, int]:
        """How many chunks each source has."""
        return dict(self._rows("SELECT source_id, count(*) FROM chunks GROUP BY source_id"))

    def idf(self, term: str) -> float:
        """How rare a term of ``rag.lexical.analyze`` is among the chunks; greater is rarer."""
        with self._lock, self._explained():
            return self.lexical.idf(term)

    def idf_of(self, n: int) -> float:
        """How rare a term is that ``n`` chunks hold."""
        with self._lock, self._explained():
            return self.lexical.idf_of(n)

    # Vectors

    def owed(self, limit: int) -> list[tuple[int, Chunk]]:
        """Up to ``limit`` chunks that still await a vector, oldest first."""
        rows = self._rows(
            f"SELECT number, {CHUNK_COLUMNS} FROM chunks WHERE vector IS NULL "
            "ORDER BY number LIMIT ?",
            limit,
        )
        return [(row[0], _chunk(row[1:])) for row in rows]

    def embedded(self) -> dict[int, str]:
        """The id of every chunk that has a vector, by number in rising order."""
        return dict(
            self._rows("SELECT number, id FROM chunks WHERE vector IS NOT NULL ORDER BY number")
        )

    def embedded_count(self) -> int:
        """How many chunks have a vector."""
        return self._number("SELECT count(*) FROM chunks WHERE vector IS NOT NULL")

    def has_unused_vectors(self) -> bool:
        """Whether there are vectors that no chunk has any more."""
        return bool(self._rows(f"SELECT 1 FROM vectors WHERE {UNUSED} LIMIT 1"))

    def known_vectors(self, keys: Sequence[str]) -> dict[str, Vectors]:
        """The vectors already made for these keys."""
        rows = self._rows(
            f"SELECT key, value FROM vectors WHERE key {AMONG}",
            json.dumps(list(keys)),
        )
        return {key: np.frombuffer(value, dtype=np.float32) for key, value in rows}

    def vectors(self, numbers: Sequence[int]) -> dict[int, Vectors]:
        """The unit vectors of those chunks that have one, by chunk number."""
        rows = self._rows(
            f"SELECT number, value FROM chunks JOIN vectors ON key = vector WHERE number {AMONG}",
            json.dumps(list(map(int, numbers))),
        )
        return {number: np.frombuffer(value, dtype=np.float32) for number, value in rows}

    def doomed(self) -> list[str]:
        """Ids whose vectors Chroma is to delete. None of them is a chunk of the library."""
        return [row[0] for row in self._rows("SELECT id FROM doomed")]

    # Changes; call these inside ``writing()``

    def put_manifest(self, manifest: Manifest) -> None:
        """Record what the index is made with."""
        self._db.execute("DELETE FROM manifest")
        self._db.execute("INSERT INTO manifest VALUES (?)", (json.dumps(asdict(manifest)),))

    def put(self, uri: str, record: Record, stat: FileStat | None = None) -> None:
        """Record that ``uri`` holds this document; what it held before becomes an earlier version.

        A source that is already current somewhere is not written again.
        """
        source = record.source
        before = self._rows("SELECT source_id FROM files WHERE uri = ?", uri)
        if self.standing(source.id) != "current":
            self._put_source(record)
        stat = stat or FileStat()
        self._db.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
            (uri, source.id, stat.size, stat.mtime_ns),
        )
        self._db.execute("DELETE FROM versions WHERE uri = ? AND source_id = ?", (uri, source.id))
        if before and before[0][0] != source.id:
            self._supersede(uri, before[0][0])

    def put_again(self, uri: str, source_id: str, stat: FileStat) -> None:
        """Record that ``uri`` holds a source that is current somewhere."""
        source = self.sources([source_id])[source_id]
        self.put(uri, Record(replace(source, uri=uri, also_at=()), "", ()), stat)

    def put_container(self, uri: str, sha256: str | None) -> None:
        """Record that all members of an archive were read, or (None) that they were not."""
        self._db.execute("DELETE FROM containers WHERE uri = ?", (uri,))
        if sha256 is not None:
            self._db.execute("INSERT INTO containers VALUES (?, ?)", (uri, sha256))

    def remove(self, uris: Iterable[str]) -> None:
        """Forget these places with all their versions, and the sources that lie nowhere else."""
        uris = list(uris)
        before = self._held(uris)
        places = json.dumps(uris)
        for table in ("files", "versions", "containers"):
            self._db.execute(f"DELETE FROM {table} WHERE uri {AMONG}", (places,))
        self._drop_orphans(before)

    def put_vectors(self, rows: Iterable[tuple[int, str, Vectors]]) -> None:
        """Give chunks their vectors, as (number, key of what was embedded, unit vector)."""
        for number, key, vector in rows:
            self._db.execute(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                (key, np.asarray(vector, dtype=np.float32).tobytes()),
            )
            self._db.execute("UPDATE chunks SET vector = ? WHERE number = ?", (key, number))

    def forget_vectors(self) -> None:
        """Delete the vectors of chunks that are no longer there."""
        self._db.execute(f"DELETE FROM vectors WHERE {UNUSED}")

    def doom(self, ids: Iterable[str]) -> None:
        """Record vectors in Chroma that belong to no chunk."""
        self._db.executemany(
            "INSERT OR IGNORE INTO doomed SELECT ? WHERE NOT EXISTS "
            "(SELECT 1 FROM chunks WHERE id = ?)",
            [(i, i) for i in ids],
        )

    def forget_doomed(self, ids: Iterable[str]) -> None:
        """Record that Chroma has deleted these."""
        self._db.executemany("DELETE FROM doomed WHERE id = ?", [(i,) for i in ids])

    def adopt_vectors(self, other: Path) -> None:
        """Copy the vectors of another library of the same embedding model."""
        with self._attached(other), self._atomic():
            self._db.execute("INSERT OR IGNORE INTO vectors SELECT * FROM other.vectors")

    def replace_with(self, other: Path, manifest: Manifest) -> None:
        """Take chunks, vectors and readings from another library of the same files, in one step.

        Earlier versions stay. Chunk numbers do not come back with another meaning.
        """
        with self._attached(other), self.writing():
            above = self._number("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'")
            for table in ("lexical", "chunks", "vectors", "doomed"):
                self._db.execute(f"DELETE FROM main.{table}")
            self._db.execute("INSERT OR REPLACE INTO sources SELECT * FROM other.sources")
            self._db.execute("INSERT INTO vectors SELECT * FROM other.vectors")
            self._db.execute(
                f"INSERT INTO chunks (number, {CHUNK_COLUMNS}, vector) "
                f"SELECT number + ?, {CHUNK_COLUMNS}, vector FROM other.chunks",
                (above,),
            )
            self._db.execute(
                "INSERT INTO lexical (rowid, terms) SELECT rowid + ?, terms FROM other.lexical",
                (above,),
            )
            self.put_manifest(manifest)

    @contextmanager
    def _attached(self, other: Path) -> Iterator[None]:
        with self._lock, self._explained():
            self._db.execute("ATTACH ? AS other", (str(other),))
            try:
                yield
            finally:
                self._db.execute("DETACH other")

    def _put_source(self, record: Record) -> None:
        source = record.source
        places = [astuple(place) for place in record.places]
        self._db.execute(
            "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                source.id,
                source.sha256,
                source.media_type,
                source.title,
                source.date,
                source.author,
                source.language,
                source.pages,
                source.characters,
                record.text,
                zlib.compress(json.dumps(places).encode()),
                _json([astuple(flag) for flag in record.flags]),
                _json(asdict(record.fidelity)),
            ),
        )
        for chunk in record.chunks:
            self._put_chunk(source, chunk)

    def _put_chunk(self, source: Source, chunk: Chunk) -> None:
        cursor = self._db.execute(
            f"INSERT INTO chunks ({CHUNK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                chunk.id,
                chunk.source_id,
                chunk.text,
                chunk.start,
                chunk.end,
                chunk.page,
                _json(chunk.headings),
                _json([[s.start, s.end] for s in chunk.sentences]),
            ),
        )
        # The id may come back to life before its old vector was deleted.
        self._db.execute("DELETE FROM doomed WHERE id = ?", (chunk.id,))
        assert cursor.lastrowid is not None
        self.lexical.add([(cursor.lastrowid, source.title, " ".join(chunk.headings), chunk.text)])

    def _held(self, uris: Sequence[str]) -> set[str]:
        """The sources that these places hold or held."""
        places = json.dumps(list(uris))
        return {
            row[0]
            for table in ("files", "versions")
            for row in self._rows(f"SELECT source_id FROM {table} WHERE uri {AMONG}", places)
        }

    def _supersede(self, uri: str, source_id: str) -> None:
        """Make a source an earlier version of a place, and let go of the oldest ones."""
        self._db.execute(
            "INSERT OR IGNORE INTO versions (uri, source_id) VALUES (?, ?)", (uri, source_id)
        )
        before = self._held([uri])
        self._db.execute(
            "DELETE FROM versions WHERE uri = ? AND number NOT IN "
            "(SELECT number FROM versions WHERE uri = ? ORDER BY number DESC LIMIT ?)",
            (uri, uri, KEPT_VERSIONS),
        )
        self._drop_orphans(before)

    def _drop_orphans(self, source_ids: Iterable[str]) -> None:
        """Of these sources, unpublish those that no file holds; delete those without a version."""
        left = [i for i in source_ids if self.standing(i) != "current"]
        gone = json.dumps(left)
        chunks = f"FROM chunks WHERE source_id {AMONG}"
        self.lexical.delete([row[0] for row in self._rows(f"SELECT number {chunks}", gone)])
        self._db.execute(f"INSERT OR IGNORE INTO doomed SELECT id {chunks}", (gone,))
        self._db.execute(f"DELETE {chunks}", (gone,))
        self._db.execute(
            f"DELETE FROM sources WHERE id {AMONG} AND id NOT IN (SELECT source_id FROM versions)",
            (gone,),
        )

    def _of_source(self, column: str, source_id: str) -> Any:  # noqa: ANN401 - as SQLite gives it
        rows = self._rows(f"SELECT {column} FROM sources WHERE id = ?", source_id)
        if not rows:
            raise KeyError(source_id)
        return rows[0][0]


def _json(value: Sequence[Any] | Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


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
