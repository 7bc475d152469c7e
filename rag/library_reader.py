"""What an index holds: sources, their text and its map, chunks, vectors, words."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from rag.database import Database
from rag.embed import Vectors
from rag.lexical import LexicalIndex
from rag.manifest import Manifest
from rag.tables import Counts, FileStat, Standing
from rag.types import Chunk, Fidelity, Flag, Place, Source, Span

CHUNK_COLUMNS = 'id, source_id, text, start, "end", page, headings, sentences'
SOURCE_COLUMNS = "id, sha256, media_type, title, date, pages, characters, author, language"
OPENING_CHUNKS = 3
OPENING = 300
"""Of a document, so much says whom it is about."""
AMONG = "IN (SELECT value FROM json_each(?))"
UNUSED = "key NOT IN (SELECT vector FROM chunks WHERE vector IS NOT NULL)"

_MANIFEST = TypeAdapter(Manifest)
_FIDELITY = TypeAdapter(Fidelity)


class LibraryReader(Database):
    """The questions one can put to the documents, chunks and vectors of one index."""

    lexical: LexicalIndex

    def manifest(self) -> Manifest:
        """What the index was made with."""
        return _MANIFEST.validate_json(self._rows("SELECT value FROM manifest")[0][0])

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

    def collections(self, uris: Iterable[str] | None = None) -> dict[str, str]:
        """The collection of every place that is in one, or of those of these places."""
        query = "SELECT uri, collection FROM files WHERE collection <> ''"
        if uris is None:
            return dict(self._rows(query))
        return dict(self._rows(f"{query} AND uri {AMONG}", json.dumps(list(uris))))

    def collection_names(self) -> list[str]:
        """The collections that hold anything, by name."""
        rows = self._rows("SELECT DISTINCT collection FROM files WHERE collection <> ''")
        return sorted(row[0] for row in rows)

    def stats(self, uris: Iterable[str] | None = None) -> dict[str, FileStat]:
        """How the files at these places, or at all, were when they were read."""
        query = "SELECT uri, size, mtime_ns FROM files"
        if uris is None:
            rows = self._rows(query)
        else:
            rows = self._rows(f"{query} WHERE uri {AMONG}", json.dumps(list(uris)))
        return {uri: FileStat(size, mtime) for uri, size, mtime in rows}

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
            f"SELECT {SOURCE_COLUMNS} FROM sources "
            "WHERE EXISTS (SELECT 1 FROM files WHERE source_id = sources.id)"
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
            return {row[0]: _source(row, uris[row[0]]) for row in self._rows(query, *only)}

    def listed(self, words: str = "", start: int = 0, most: int = 50) -> tuple[list[Source], int]:
        """A page of the sources with all these words in title and places, and how many have.

        They are in the order of their titles.
        """
        wanted = [word.casefold() for word in words.split()]
        has_words = " AND ".join(["instr(said, ?)"] * len(wanted)) or "true"
        with self.reading():
            rows = self._rows(
                "SELECT source_id, count(*) OVER () FROM (SELECT source_id, min(uri) AS place, "
                "casefold(title) AS name, casefold(title || ' ' || group_concat(uri, ' ')) AS said "
                "FROM files JOIN sources ON id = source_id GROUP BY source_id) "
                f"WHERE {has_words} ORDER BY name, place LIMIT ? OFFSET ?",
                *wanted,
                most,
                start,
            )
            known = self.sources([source_id for source_id, _ in rows])
            return [known[source_id] for source_id, _ in rows], rows[0][1] if rows else 0

    def version(self, source_id: str) -> Source:
        """A source by id, also a superseded one, at a place it has or had. Raises ``KeyError``."""
        with self.reading():
            if current := self.sources([source_id]):
                return current[source_id]
            rows = self._rows(f"SELECT {SOURCE_COLUMNS} FROM sources WHERE id = ?", source_id)
            held = self._rows("SELECT max(uri) FROM versions WHERE source_id = ?", source_id)
            if not rows:
                raise KeyError(source_id)
            return _source(rows[0], [held[0][0] or ""])

    def hashes(self) -> set[str]:
        """SHA-256 of every source, superseded ones included."""
        return {row[0] for row in self._rows("SELECT sha256 FROM sources")}

    def text(self, source_id: str) -> str:
        """The parsed text that all offsets of a source refer to. Raises ``KeyError``."""
        return str(self._of_source("text", source_id))

    def openings(self, source_ids: Iterable[str]) -> dict[str, str]:
        """How the sources begin, by id: ``OPENING`` characters of the first chunk, and headings.

        Those of the first chunks stand each on a line: who gives a report may be said in one alone.
        """
        query = (
            f"SELECT source_id, headings, substr(text, 1, {OPENING}) FROM "
            f"(SELECT source_id AS whose, min(number) AS first FROM chunks WHERE source_id {AMONG} "
            "GROUP BY source_id) JOIN chunks ON source_id = whose "
            f"AND number BETWEEN first AND first + {OPENING_CHUNKS - 1} ORDER BY number"
        )
        lines: dict[str, dict[str, None]] = {}
        for source_id, headings, text in self._rows(query, json.dumps(list(source_ids))):
            of_source = lines.setdefault(source_id, {text: None})
            of_source |= dict.fromkeys(json.loads(headings))
        return {source_id: "\n".join(said) for source_id, said in lines.items()}

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
        return _FIDELITY.validate_json(self._of_source("fidelity", source_id))

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

    def outline(self, source_id: str) -> dict[int, tuple[str, ...]]:
        """The headings above each chunk of one source, by its number, in reading order."""
        rows = self._rows(
            "SELECT number, headings FROM chunks WHERE source_id = ? ORDER BY number", source_id
        )
        return {number: tuple(json.loads(headings)) for number, headings in rows}

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

    def holding(self, terms: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Of these terms, how many chunks hold each, and one that does; without those in none."""
        with self._lock, self._explained():
            return self.lexical.holding(terms)

    def owed(self, limit: int) -> list[tuple[int, Chunk]]:
        """Up to ``limit`` chunks that still await a vector, oldest first."""
        rows = self._rows(
            f"SELECT number, {CHUNK_COLUMNS} FROM chunks WHERE vector IS NULL "
            "ORDER BY number LIMIT ?",
            limit,
        )
        return [(row[0], _chunk(row[1:])) for row in rows]

    def owed_of(self, source_ids: Iterable[str]) -> dict[str, int]:
        """How many chunks await a vector, for each of these sources of which any does."""
        return dict(
            self._rows(
                "SELECT source_id, count(*) FROM chunks WHERE vector IS NULL "
                f"AND source_id {AMONG} GROUP BY source_id",
                json.dumps(list(source_ids)),
            )
        )

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

    def _of_source(self, column: str, source_id: str) -> Any:  # noqa: ANN401 - as SQLite gives it
        rows = self._rows(f"SELECT {column} FROM sources WHERE id = ?", source_id)
        if not rows:
            raise KeyError(source_id)
        return rows[0][0]


def _source(row: Sequence[Any], uris: Sequence[str]) -> Source:
    identifier, sha256, media_type, title, date, pages, characters, author, language = row
    return Source(
        id=identifier,
        uri=uris[0],
        title=title,
        sha256=sha256,
        media_type=media_type,
        characters=characters,
        pages=pages,
        date=date,
        also_at=tuple(uris[1:]),
        author=author,
        language=language,
    )


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
