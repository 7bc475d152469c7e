"""What a ``follow`` tells other processes: a small file in the index, and a lock while it lives."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from filelock import FileLock, Timeout

from ingest.report import FileReport, Progress, Report
from rag.errors import BadIndex, BadInput

# Someone who looks whether it lives holds the lock for less.
LOCK_SECONDS = 2.0
# Of a file for each document, not every one is worth a line on a disk.
TELL_SECONDS = 0.3

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """What follows some places, and how far it is.

    ``synced`` is when last all was read, in seconds since 1970, 0 for never. ``left`` files are
    still to be read. ``problem`` is why a file could not be read, or why it stopped, for the user.
    It is ``stopped`` when no process follows any more.
    """

    places: tuple[str, ...]
    state: Literal["reading", "waiting", "following", "stopped"] = "reading"
    left: int = 0
    synced: float = 0.0
    problem: str = ""

    @property
    def key(self) -> str:
        """What names it in its index."""
        return hashlib.sha256("\n".join(self.places).encode(errors="replace")).hexdigest()[:12]


class Watching:
    """Tells what is done while some places are followed; a context for as long as they are.

    Raises ``BadInput`` when another process follows the same places, ``BadIndex`` for a folder that
    cannot be written.
    """

    def __init__(self, folder: Path, places: Sequence[Path]) -> None:
        self._now = Watched(tuple(sorted(map(str, places))))
        self._path = _path(folder, self._now.key)
        self._lock = FileLock(_lock_of(self._path), timeout=LOCK_SECONDS)
        self._told = 0.0

    def __enter__(self) -> Watching:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise BadInput(
                f"another process follows {', '.join(self._now.places)} already: stop that one, "
                "or leave it to it"
            ) from error
        except OSError as error:
            raise BadIndex(
                f"{str(self._path.parent)!r} cannot be written: check its permissions"
            ) from error
        self._write()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if isinstance(error, Exception):
                self._now = replace(self._now, problem=str(error) or type(error).__name__)
                self._write()
        finally:
            self._lock.release()

    def waits(self) -> None:
        """Another process is writing."""
        self._now = replace(self._now, state="waiting")
        self._write()

    def reads(self, progress: Progress) -> Progress:
        """Reading has begun: pass what this gives to ``sync``."""
        self._now = replace(self._now, state="reading", left=0)
        self._write()
        return _Told(self, progress)

    def expects(self, left: int) -> None:
        """So many files are still to be read."""
        self._now = replace(self._now, left=left)
        if time.monotonic() - self._told > TELL_SECONDS:
            self._write()

    def is_done(self, report: Report | None = None) -> None:
        """All is read, as far as it could be."""
        if report is None and self._now.state == "following":
            return  # what is told, in a folder that is followed, is a change too
        failed = [row.problem for row in report.files if row.state == "failed"] if report else []
        self._now = replace(
            self._now,
            state="following",
            left=0,
            synced=time.time(),
            problem=failed[0] if failed else "",
        )
        self._write()

    def _write(self) -> None:
        part = self._path.with_suffix(".part")
        try:
            part.write_text(json.dumps(asdict(self._now)), encoding="utf-8")
            part.replace(self._path)
        except OSError as error:
            raise BadIndex(
                f"{str(self._path)!r} cannot be written ({error.strerror}): make room or check "
                "permissions"
            ) from error
        self._told = time.monotonic()


class _Told(Progress):
    """Counts what is left to read, and passes on what it is told."""

    def __init__(self, watching: Watching, progress: Progress) -> None:
        self._watching = watching
        self._progress = progress
        self._total = self._done = 0

    def files(self, total: int) -> None:
        self._total = total
        self._watching.expects(self._total - self._done)
        self._progress.files(total)

    def file(self, row: FileReport) -> None:
        self._done += 1
        self._watching.expects(max(0, self._total - self._done))
        self._progress.file(row)

    def embedding(self, done: int, total: int) -> None:
        self._progress.embedding(done, total)


def watched(folder: Path) -> list[Watched]:
    """All that follows, or followed, places for the index in this folder; by the places."""
    found = []
    for path in folder.glob("watch-*.state"):
        try:
            row: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            told = Watched(**{**row, "places": tuple(row["places"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("%s does not tell what is followed: %s", path, error)
            continue
        found.append(told if _lives(path) else replace(told, state="stopped"))
    return sorted(found, key=lambda told: told.places)


def forget(folder: Path, key: str) -> None:
    """Tell no more of what is followed no longer. Raises ``BadInput`` while it is."""
    for told in watched(folder):
        if told.key != key:
            continue
        if told.state != "stopped":
            raise BadInput(f"{', '.join(told.places)} is still followed: stop `footnote watch`")
        path = _path(folder, key)
        path.unlink(missing_ok=True)
        _lock_of(path).unlink(missing_ok=True)


def line(told: Watched) -> str:
    """What is followed, and how far that is, on one line."""
    return f"Watching {', '.join(told.places)}: {state_of(told)}"


def state_of(told: Watched) -> str:
    """How far it is, in a few words."""
    if told.state == "stopped":
        ended = f"up to date until {_clock(told.synced)}" if told.synced else "never up to date"
        state = f"stopped, {ended}; run `footnote watch` again"
    elif told.state == "waiting":
        state = "waiting, as another process is writing"
    elif told.state == "reading":
        files = f"{told.left:,} file{'s' * (told.left != 1)}"
        state = f"reading {files}" if told.left else "reading"
    else:
        state = f"up to date since {_clock(told.synced)}"
    problem = f" ({told.problem})" if told.problem else ""
    return f"{state}{problem}"


def _clock(seconds: float) -> str:
    """Hours and minutes here, with the day where it is another than today's."""
    then, now = time.localtime(seconds), time.localtime()
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


def _lives(path: Path) -> bool:
    """Whether the process that writes this file is there: a dead one holds no lock."""
    try:
        with FileLock(_lock_of(path), timeout=0):
            return False
    except (Timeout, PermissionError):  # who may not lock it cannot tell, and believes what it says
        return True


def _path(folder: Path, key: str) -> Path:
    return folder / f"watch-{key}.state"


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")
