"""The tables of an index, and the small values that go in and out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rag.database import COLLECTED, SCHEMA
from rag.types import Chunk, Fidelity, Flag, Place, Source

TABLES = f"""
CREATE TABLE IF NOT EXISTS revision (number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS manifest (value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sources (
    id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, media_type TEXT NOT NULL, title TEXT NOT NULL,
    date TEXT NOT NULL, author TEXT NOT NULL, language TEXT NOT NULL, pages INTEGER,
    characters INTEGER NOT NULL, text TEXT NOT NULL, places BLOB NOT NULL, flags TEXT NOT NULL,
    fidelity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    uri TEXT PRIMARY KEY, source_id TEXT NOT NULL REFERENCES sources (id), size INTEGER,
    mtime_ns INTEGER, collection TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS files_by_source ON files (source_id);
{COLLECTED};
CREATE TABLE IF NOT EXISTS versions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, uri TEXT NOT NULL,
    source_id TEXT NOT NULL REFERENCES sources (id), UNIQUE (uri, source_id));
CREATE INDEX IF NOT EXISTS versions_by_source ON versions (source_id);
CREATE TABLE IF NOT EXISTS chunks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    source_id TEXT NOT NULL REFERENCES sources (id), text TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER,
    headings TEXT NOT NULL, sentences TEXT NOT NULL, vector TEXT);
CREATE INDEX IF NOT EXISTS chunks_by_source ON chunks (source_id);
CREATE INDEX IF NOT EXISTS chunks_by_vector ON chunks (vector);
CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS doomed (id TEXT PRIMARY KEY);
PRAGMA user_version = {SCHEMA};
"""
Standing = Literal["current", "superseded", "gone"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an index holds. ``owed`` chunks are found by their words only, until embedded."""

    sources: int
    files: int
    chunks: int
    owed: int


@dataclass(frozen=True, slots=True)
class FileStat:
    """Size in bytes and time of change of a file when it was read; None where there is no file."""

    size: int | None = None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A source with all that was read of it."""

    source: Source
    text: str
    chunks: Sequence[Chunk]
    places: Sequence[Place] = ()
    flags: Sequence[Flag] = ()
    fidelity: Fidelity = field(default_factory=Fidelity)
