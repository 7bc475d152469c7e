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
from unicodedata import category

import numpy as np

from rag.embed import Vectors
from rag.errors import BadInput
from rag.lexical import LexicalIndex
from rag.library_reader import AMONG, CHUNK_COLUMNS, UNUSED, LibraryReader
from rag.manifest import Manifest
from rag.tables import TABLES, FileStat, Record
from rag.types import Chunk, Source

# Earlier versions of a changed file, kept so that what was quoted of them can still be shown.
KEPT_VERSIONS = 10
# What separates the names of collections in a file of users, and what ends or spoils its lines.
_SEPARATORS = {",", ":"}
_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # controls, halves of characters, ends of lines and paragraphs
# Whether a place is a root, or in that folder, archive or site.
UNDER = (
    "(uri = root OR substr(uri, 1, length(root) + 2) = root || '!/' "
    "OR substr(uri, 1, length(rtrim(root, '/')) + 1) = rtrim(root, '/') || '/')"
)


class Library(LibraryReader):
    """The documents, chunks and vectors of one index, to read and to change."""

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

    # Changes; call these inside ``writing()``

    def put_manifest(self, manifest: Manifest) -> None:
        """Record what the index is made with."""
        self._db.execute("DELETE FROM manifest")
        self._db.execute("INSERT INTO manifest VALUES (?)", (json.dumps(asdict(manifest)),))

    def put(
        self, uri: str, record: Record, stat: FileStat | None = None, again: bool = False
    ) -> None:
        """Record that ``uri`` holds this document; what it held before becomes an earlier version.

        A source that is already current somewhere is not written, but ``again`` replaces it. A new
        place joins the collection that is kept for it.
        """
        source = record.source
        before = self._rows("SELECT source_id FROM files WHERE uri = ?", uri)
        is_current = self.standing(source.id) == "current"
        if is_current and again:
            self._drop_chunks([source.id])
        if again or not is_current:
            self._put_source(record)
        stat = stat or FileStat()
        self._db.execute(
            "INSERT INTO files (uri, source_id, size, mtime_ns, collection) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (uri) DO UPDATE SET source_id = excluded.source_id, "
            "size = excluded.size, mtime_ns = excluded.mtime_ns",
            (uri, source.id, stat.size, stat.mtime_ns, self._kept_for(uri)),
        )
        self._db.execute("DELETE FROM versions WHERE uri = ? AND source_id = ?", (uri, source.id))
        if before and before[0][0] != source.id:
            self._supersede(uri, before[0][0])

    def put_again(self, uri: str, source_id: str, stat: FileStat) -> None:
        """Record that ``uri`` holds a source that is current somewhere."""
        source = self.sources([source_id])[source_id]
        self.put(uri, Record(replace(source, uri=uri, also_at=()), "", ()), stat)

    def put_stat(self, uri: str, stat: FileStat) -> None:
        """Record how the file at a known place is now."""
        self._db.execute(
            "UPDATE files SET size = ?, mtime_ns = ? WHERE uri = ?", (stat.size, stat.mtime_ns, uri)
        )

    def remove(self, uris: Iterable[str]) -> None:
        """Forget these places with all their versions, and the sources that lie nowhere else."""
        uris = list(uris)
        before = self._held(uris)
        places = json.dumps(uris)
        for table in ("files", "versions"):
            self._db.execute(f"DELETE FROM {table} WHERE uri {AMONG}", (places,))
        self._drop_orphans(before)

    def collect(self, roots: Iterable[str], collection: str) -> None:
        """Put what lies at or under these places, now and later, into a collection; "" into none.

        Raises ``BadInput`` for a name that cannot be used.
        """
        check_name(collection)
        roots = list(roots)
        self.forget_collected(roots)
        for root in roots:
            self._db.execute("INSERT INTO collected VALUES (?, ?)", (root, collection))
            self._db.execute(
                f"UPDATE files SET collection = ? FROM (SELECT ? AS root) WHERE {UNDER}",
                (collection, root),
            )

    def forget_collected(self, roots: Iterable[str]) -> None:
        """Keep no collection any more for these places and what is under them."""
        for root in roots:
            self._db.execute(
                "DELETE FROM collected WHERE root IN (SELECT uri FROM "
                f"(SELECT root AS uri FROM collected), (SELECT ? AS root) WHERE {UNDER})",
                (root,),
            )

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
            above = self._number(
                "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'chunks'"
            )
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

    def _kept_for(self, uri: str) -> str:
        """The collection that is kept for a place, by the nearest root."""
        rows = self._rows(
            f"SELECT name FROM collected, (SELECT ? AS uri) WHERE {UNDER} "
            "ORDER BY length(root) DESC LIMIT 1",
            uri,
        )
        return str(rows[0][0]) if rows else ""

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
        self._drop_chunks(left)
        self._db.execute(
            f"DELETE FROM sources WHERE id {AMONG} AND id NOT IN (SELECT source_id FROM versions)",
            (json.dumps(left),),
        )

    def _drop_chunks(self, source_ids: Sequence[str]) -> None:
        """Delete the chunks of sources; what Chroma has of them is to go there too."""
        gone = json.dumps(source_ids)
        chunks = f"FROM chunks WHERE source_id {AMONG}"
        self.lexical.delete([row[0] for row in self._rows(f"SELECT number {chunks}", gone)])
        self._db.execute(f"INSERT OR IGNORE INTO doomed SELECT id {chunks}", (gone,))
        self._db.execute(f"DELETE {chunks}", (gone,))


def check_name(collection: str) -> None:
    """Raise ``BadInput`` for what cannot be the name of a collection; "" stands for none."""
    unnamable = any(c in _SEPARATORS or category(c) in _UNSEEN for c in collection)
    if collection != collection.strip() or len(collection) > 64 or unnamable:
        raise BadInput(
            f"{collection!r} cannot be the name of a collection: use up to 64 characters, "
            "without ',' and ':'"
        )


def _json(value: Sequence[Any] | Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
