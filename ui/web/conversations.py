"""Conversations, kept in one SQLite file beside the index."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rag.answer_json import answer_from_dict
from rag.errors import BadIndex, BadInput
from rag.types import Answer, Turn

FILE = "conversations.sqlite3"
TITLE = 80
PAGE = 50
_SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, changed REAL NOT NULL);
CREATE INDEX IF NOT EXISTS conversations_by_owner ON conversations (owner, changed);
CREATE TABLE IF NOT EXISTS exchanges (
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    number INTEGER NOT NULL, question TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL,
    answer TEXT NOT NULL, asked REAL NOT NULL, vote INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (conversation, number));
PRAGMA user_version = 1;
"""

State = Literal["asked", "answered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what came of it.

    ``text`` is what was said, also when it was stopped, or why it failed; ``answer`` is None
    where there is none. ``asked`` is in seconds since 1970. ``vote`` is 1, -1 or 0.
    """

    number: int
    question: str
    state: State
    text: str = ""
    answer: Answer | None = None
    asked: float = 0.0
    vote: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Exchanges in their order."""

    id: str
    title: str
    exchanges: tuple[Exchange, ...]


def turns_of(exchanges: Iterable[Exchange]) -> tuple[Turn, ...]:
    """The exchanges that were answered, as the next question is asked with them."""
    return tuple(
        turn
        for e in exchanges
        if e.answer
        for turn in (Turn("user", e.question), Turn("assistant", e.answer.text))
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A conversation in the list; ``changed`` in seconds since 1970."""

    id: str
    title: str
    changed: float


class Conversations:
    """All conversations of one index. Safe to share between threads.

    Everything is asked for in the name of an owner, "" where nobody signs in, and what belongs to
    another one does not exist.
    """

    def __init__(self, folder: Path) -> None:
        """Find them, or make the file. Raises ``BadIndex`` when it cannot be used."""
        self._path = folder / FILE
        with self._open() as db:
            db.executescript(_SCHEMA)

    def begin(self, owner: str, question: str) -> str:
        """A new conversation, named by its first question. Returns its id."""
        name = " ".join(question.split())
        title = name if len(name) <= TITLE else name[:TITLE].rpartition(" ")[0] + "…"
        made = secrets.token_urlsafe(9)
        with self._open() as db:
            db.execute(
                "INSERT INTO conversations VALUES (?, ?, ?, ?)", (made, owner, title, time.time())
            )
        return made

    def put(self, owner: str, conversation: str, exchange: Exchange) -> None:
        """Add an exchange, or replace the one of its number."""
        answer = exchange.answer.to_dict() if exchange.answer else None
        now = time.time()
        with self._open() as db:
            _own(db, owner, conversation)
            db.execute(
                "INSERT OR REPLACE INTO exchanges (conversation, number, question, state, text, "
                "answer, asked) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    conversation,
                    exchange.number,
                    exchange.question,
                    exchange.state,
                    exchange.text,
                    json.dumps(answer, ensure_ascii=False),
                    now,
                ),
            )
            db.execute("UPDATE conversations SET changed = ? WHERE id = ?", (now, conversation))

    def load(self, owner: str, conversation: str) -> Conversation:
        """One conversation. Raises ``BadInput`` when there is none of that id."""
        with self._open() as db:
            title = _own(db, owner, conversation)
            rows = db.execute(
                "SELECT number, question, state, text, answer, asked, vote, reason FROM exchanges "
                "WHERE conversation = ? ORDER BY number",
                (conversation,),
            ).fetchall()
        return Conversation(conversation, title, tuple(map(_exchange, rows)))

    def found(self, owner: str, words: str = "", start: int = 0) -> list[Entry]:
        """A page of the conversations with these words in a question or answer, newest first."""
        query = (
            "SELECT id, title, changed FROM conversations WHERE owner = ? AND "
            "(instr(casefold(title), ?) OR EXISTS (SELECT 1 FROM exchanges WHERE conversation = id "
            "AND instr(casefold(question || ' ' || text), ?))) "
            "ORDER BY changed DESC, id LIMIT ? OFFSET ?"
        )
        wanted = words.strip().casefold()
        with self._open() as db:
            rows = db.execute(query, (owner, wanted, wanted, PAGE, start)).fetchall()
        return [Entry(*row) for row in rows]

    def rename(self, owner: str, conversation: str, title: str) -> None:
        """Give a conversation another name. Raises ``BadInput`` for an empty one."""
        title = " ".join(title.split())[: 2 * TITLE]
        if not title:
            raise BadInput("a conversation needs a name: type one")
        with self._open() as db:
            _own(db, owner, conversation)
            db.execute("UPDATE conversations SET title = ? WHERE id = ?", (title, conversation))

    def delete(self, owner: str, conversation: str) -> None:
        """Delete a conversation with all that was said in it."""
        with self._open() as db:
            _own(db, owner, conversation)
            db.execute("DELETE FROM conversations WHERE id = ?", (conversation,))

    def vote(self, owner: str, conversation: str, number: int, vote: int, reason: str) -> None:
        """Record whether an answer was good (1), bad (-1) or neither (0), and why."""
        if vote not in (-1, 0, 1):
            raise BadInput(f"a vote is 1, -1 or 0, not {vote!r}")
        with self._open() as db:
            _own(db, owner, conversation)
            db.execute(
                "UPDATE exchanges SET vote = ?, reason = ? WHERE conversation = ? AND number = ?",
                (vote, reason[:2000], conversation, number),
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        try:
            with closing(sqlite3.connect(self._path, timeout=10)) as db, db:
                db.execute("PRAGMA foreign_keys = ON")
                # SQLite's own lower() knows no letters but A to Z.
                db.create_function("casefold", 1, str.casefold, deterministic=True)
                yield db
        except sqlite3.Error as error:
            raise BadIndex(
                f"conversations cannot be kept in {str(self._path)!r} ({error}): make room or "
                "check permissions; a damaged file can be moved away"
            ) from error


def _own(db: sqlite3.Connection, owner: str, conversation: str) -> str:
    """The title of a conversation of this owner."""
    rows = db.execute(
        "SELECT title FROM conversations WHERE id = ? AND owner = ?", (conversation, owner)
    ).fetchall()
    if not rows:
        raise BadInput("this conversation is not there any more: begin a new one")
    return str(rows[0][0])


def _exchange(row: Sequence[Any]) -> Exchange:
    number, question, state, text, answer, asked, vote, reason = row
    kept = json.loads(answer)
    return Exchange(
        number, question, state, text, answer_from_dict(kept) if kept else None, asked, vote, reason
    )
