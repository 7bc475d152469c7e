"""One SQLite file: transactions, copies, and errors that say what to do."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rag.errors import BadIndex

# The layout of an index's folder and tables. One of UPGRADES is brought up to it when it is opened,
# any other is refused.
SCHEMA = 3
COLLECTED = "CREATE TABLE IF NOT EXISTS collected (root TEXT PRIMARY KEY, name TEXT NOT NULL)"
UPGRADES = {2: ("ALTER TABLE files ADD COLUMN collection TEXT NOT NULL DEFAULT ''", COLLECTED)}


def copy_database(path: Path, target: Path) -> None:
    """Copy an SQLite file as it is at one moment, while others read and write it.

    Raises ``sqlite3.Error``.
    """
    with closing(sqlite3.connect(path)) as own, closing(sqlite3.connect(target)) as copy:
        own.backup(copy)


class Database:
    """An index's SQLite file. Safe to share between threads; readers never wait for a writer.

    Raises ``BadIndex`` when the file is missing (unless ``create``), cannot be read, or has
    another layout.
    """

    def __init__(self, path: Path, create: bool = False) -> None:
        if not create and not path.is_file():
            raise BadIndex(f"{str(path)!r} is missing: run `footnote ingest` again to rebuild it")
        self.path = path
        self._lock = threading.RLock()
        with self._explained():
            self._db = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=30
            )
        try:
            if create:
                with self._explained():
                    # Kept in the file: readers never wait for the writer, nor it for them.
                    self._db.execute("PRAGMA journal_mode = WAL")
            with self._explained():
                # Deleted rows are overwritten, not only forgotten.
                self._db.execute("PRAGMA secure_delete = ON")
                # SQLite's own lower() knows no letters but A to Z.
                self._db.create_function("casefold", 1, str.casefold, deterministic=True)
            layout = self._number("PRAGMA user_version")
            if not create and layout in UPGRADES:
                layout = self._upgrade()
            if not create and layout != SCHEMA:
                raise BadIndex(
                    f"the index at {str(path.parent)!r} has layout {layout}, this version reads "
                    f"{SCHEMA}: ingest the documents again into a new --index folder"
                )
        except BadIndex:
            self._db.close()
            raise

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

    def revision(self) -> int:
        """A number that grows with every change, by whichever process."""
        return self._number("SELECT number FROM revision")

    def _upgrade(self) -> int:
        """Bring an earlier layout up to this one, unless another process just has."""
        with self._atomic():
            layout = self._number("PRAGMA user_version")
            while layout in UPGRADES:
                for statement in UPGRADES[layout]:
                    self._db.execute(statement)
                layout += 1
                self._db.execute(f"PRAGMA user_version = {layout}")
            return layout

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
                f"{str(self.path)!r} cannot be used ({error}): check permissions and free space; "
                "if it is damaged, `footnote restore` a backup or ingest into a new --index"
            ) from error

    def _rows(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._lock, self._explained():
            return self._db.execute(query, values).fetchall()

    def _number(self, query: str, *values: object) -> int:
        return int(self._rows(query, *values)[0][0])


def layout_of(path: Path) -> int:
    """The layout of an index's file; 0 if its making was stopped. Raises ``BadIndex``."""
    try:
        db = sqlite3.connect(path)
        try:
            return int(db.execute("PRAGMA user_version").fetchone()[0])
        finally:
            db.close()
    except sqlite3.Error as error:
        raise BadIndex(f"{str(path)!r} cannot be used ({error}): restore a backup") from error
