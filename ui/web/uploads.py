"""Documents that are added or dropped on the page: one at a time, in a thread of its own."""

from __future__ import annotations

import logging
import re
import shutil
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Literal

from ingest.containers import CONTAINER_SUFFIXES, is_url
from ingest.parse import SUPPORTED
from ingest.report import FileReport, Progress
from ingest.sync import collect, remove, sync
from rag.errors import BadInput, FootnoteError
from rag.files import MEMBER
from rag.standing import file_of
from rag.types import Source
from ui.web.access import UPLOADS, Access
from ui.web.markup import file_name

MOST_WAITING = 500
LARGEST = 500 * 1000**2
_SHOWN = 200
_NAME_BYTES = 180
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069<>:"|?*\\/]')

JobState = Literal["waiting", "reading", "embedding", "done", "unchanged", "failed"]
Task = Literal["add", "read again", "move", "remove"]

log = logging.getLogger(__name__)


@dataclass
class Job:
    """What is done with one place: what it is called, how far it is, and what was found.

    ``collection`` is where it goes, "" for none; None leaves that as it is.
    """

    name: str
    uri: str
    state: JobState = "waiting"
    detail: str = ""
    warnings: tuple[str, ...] = ()
    task: Task = "add"
    owner: str = ""
    collection: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "unchanged", "failed")


class Uploads:
    """The queue of changes to one library, and what became of the last ones."""

    def __init__(self, access: Access, allow_private: bool = False) -> None:
        """``allow_private`` lets addresses lead into a private network."""
        self._access = access
        self._index = access.index
        self._allow_private = allow_private
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque(maxlen=MOST_WAITING + _SHOWN)
        self._worker: threading.Thread | None = None

    def jobs(self, owner: str = "") -> list[Job]:
        """The latest changes by a reader, the newest first."""
        with self._lock:
            return [job for job in self._jobs if job.owner == owner][: -_SHOWN - 1 : -1]

    def add_file(
        self, path: Path, name: str, owner: str = "", collection: str | None = None
    ) -> None:
        """Take a file that was uploaded to ``path`` into the library as ``name``.

        ``name`` may have folders. Raises ``BadInput`` for a kind of file that is not read, for one
        that is too large, while too much waits, and for a reader who may not choose the collection.
        """
        parts = [_safe(part) for part in name.replace("\\", "/").split("/")]
        parts = [part for part in parts if part][-4:]
        suffix = Path(parts[-1]).suffix.lower() if parts else ""
        try:
            collection = self._collection(owner, collection)
            if suffix not in SUPPORTED | CONTAINER_SUFFIXES:
                raise BadInput(
                    f"{name}: cannot read {suffix or 'a file without suffix'}; read are "
                    f"{', '.join(sorted(SUPPORTED | CONTAINER_SUFFIXES))}"
                )
            if path.stat().st_size > LARGEST:
                raise BadInput(
                    f"{name} is larger than {LARGEST / 1e6:,.0f} MB: divide it, or use "
                    "`footnote ingest` on the machine that runs Footnote"
                )
            self._check_room(1)
        except BadInput:
            path.unlink(missing_ok=True)
            raise
        target = self._access.folder_of(owner).joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
        self._put([Job("/".join(parts), str(target), owner=owner, collection=collection)])

    def add_addresses(self, text: str, owner: str = "", collection: str | None = None) -> None:
        """Fetch web pages, given one a line.

        Raises ``BadInput`` for what is no web address, and for a reader who may not.
        """
        self._access.check_address(owner)
        addresses = text.split()
        for address in addresses:
            if not is_url(address):
                raise BadInput(f"{address} is no web address: it begins with https:// or http://")
        collection = self._collection(owner, collection)
        self._put([Job(a, a, owner=owner, collection=collection) for a in addresses])

    def remove(self, source: Source, owner: str = "") -> None:
        """Drop a document from the library; a file that was uploaded here is deleted.

        Raises ``BadInput`` for a reader who may not.
        """
        self._access.check_removal(owner, source)
        uris = (source.uri, *source.also_at)
        self._put([Job(file_name(uri), uri, task="remove", owner=owner) for uri in uris])

    def read_again(self, source: Source, owner: str = "") -> None:
        """Read a file or page anew, also where it has not changed.

        Raises ``BadInput`` for a reader who may not, and for a file that is not there any more.
        """
        self._access.check_again(owner, source)
        uris = [u for u in (source.uri, *source.also_at) if is_url(u) or file_of(u).is_file()]
        if not uris:
            raise BadInput(
                f"{file_name(source.uri)} is not where it was read: put it back there, or remove "
                "it from the library"
            )
        # Of an archive, all is read.
        places = dict.fromkeys(u if is_url(u) else str(file_of(u)) for u in uris)
        self._put([Job(file_name(u), u, task="read again", owner=owner) for u in places])

    def move(self, source: Source, collection: str, owner: str = "") -> None:
        """Put a document, wherever it lies, into another collection; "" is none.

        Raises ``BadInput`` for a reader who may not, and for a name that cannot be used.
        """
        self._access.check_collection(owner, collection)
        uris = (source.uri, *source.also_at)
        self._put(
            [Job(file_name(u), u, task="move", owner=owner, collection=collection) for u in uris]
        )

    def dismiss(self, owner: str = "") -> None:
        """Forget what is done of a reader's changes."""
        with self._lock:
            left = [job for job in self._jobs if job.owner != owner or not job.is_over]
            self._jobs.clear()
            self._jobs.extend(left)

    def wait(self, seconds: float) -> bool:
        """Whether everything is done, after waiting for it."""
        worker = self._worker
        if worker:
            worker.join(seconds)
        return not worker or not worker.is_alive()

    def _collection(self, owner: str, wanted: str | None) -> str | None:
        """Where goes what a reader adds, who may have chosen. Raises ``BadInput``."""
        if wanted is None:
            self._access.check_adds(owner)
            return self._access.collection_of(owner)
        self._access.check_collection(owner, wanted)
        return wanted

    def _put(self, jobs: Sequence[Job]) -> None:
        with self._lock:
            self._check_room(len(jobs))
            self._jobs.extend(jobs)
            if not self._worker or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, daemon=True)
                self._worker.start()

    def _check_room(self, more: int) -> None:
        waiting = sum(not job.is_over for job in list(self._jobs))
        if waiting + more > MOST_WAITING:
            raise BadInput(
                f"{waiting} documents wait to be read, and at most {MOST_WAITING} may: try "
                "again when they are done, or use `footnote ingest` for a whole folder"
            )

    def _next(self) -> list[Job]:
        """What waits next and can be done in one run; none ends the worker."""
        with self._lock:
            waiting = [job for job in self._jobs if job.state == "waiting"]
            batch = list(takewhile(lambda job: _kind(job) == _kind(waiting[0]), waiting))
            if not batch:
                self._worker = None
            return batch

    def _work(self) -> None:
        while batch := self._next():
            run = {"remove": self._remove, "move": self._move}.get(batch[0].task, self._add)
            try:
                run(batch)
            except FootnoteError as error:
                _end(batch, "failed", str(error))
            except Exception:
                log.exception("a change of the library failed")
                _end(batch, "failed", "failed: the terminal that runs Footnote says what")
            _end(batch, "done", "")

    def _add(self, batch: Sequence[Job]) -> None:
        for job in batch:
            job.state = "reading"
        follow = _Follow(batch)
        sync(
            self._index,
            [job.uri for job in batch],
            follow,
            allow_private=self._allow_private,
            collection=batch[0].collection,
            again=batch[0].task == "read again",
        )

    def _move(self, batch: Sequence[Job]) -> None:
        name = batch[0].collection or ""
        collect(self._index, [job.uri for job in batch], name)
        for job in batch:
            job.detail = f"now in {name}" if name else "now in no collection"

    def _remove(self, batch: Sequence[Job]) -> None:
        for job in batch:
            job.state, job.detail = "reading", "removing"
        remove(self._index, [job.uri for job in batch])
        uploads = self._index.folder / UPLOADS
        # An archive stays for the documents that are still in it.
        left = {file_of(uri) for uri in self._index.library.files()}
        for job in batch:
            path = file_of(job.uri)
            if path.is_relative_to(uploads) and path not in left:
                path.unlink(missing_ok=True)
            job.detail = "removed"


class _Follow(Progress):
    """Writes down at each job how its file went."""

    def __init__(self, batch: Sequence[Job]) -> None:
        self._batch = batch

    def file(self, row: FileReport) -> None:
        for job in self._batch:
            if row.uri == job.uri or row.uri.startswith(job.uri + MEMBER):
                self._tell(job, row)
                return
        if len(self._batch) == 1:  # a page may have answered from another address
            self._tell(self._batch[0], row)

    def embedding(self, done: int, total: int) -> None:
        for job in self._batch:
            if job.state == "embedding":
                job.detail = f"searchable by words; meaning {done:,} of {total:,}"

    def _tell(self, job: Job, row: FileReport) -> None:
        if row.state == "skipped" and row.uri != job.uri:
            return  # an icon beside the documents of an archive
        if row.state in ("failed", "skipped"):
            # The job shows its name; where the server keeps the file is not the reader's.
            job.state, job.detail = "failed", row.problem.removeprefix(f"{row.uri}: ")
        elif row.state == "unchanged":
            job.state, job.detail = "unchanged", "is in the library already"
        else:
            job.state, job.detail = "embedding", "searchable by words"
            job.warnings = (*job.warnings, *row.fidelity.warnings)


def _end(batch: Sequence[Job], state: JobState, detail: str) -> None:
    for job in batch:
        if not job.is_over:
            job.state, job.detail = state, detail or job.detail * (job.task in ("remove", "move"))


def _kind(job: Job) -> tuple[Task, str | None]:
    """What can be done in one run."""
    return job.task, job.collection


def _safe(part: str) -> str:
    """One name of a path with nothing in it that could lead elsewhere or deceive the eye."""
    name = _UNSAFE.sub("_", part).strip().lstrip(".")
    if len(name.encode()) <= _NAME_BYTES:
        return name
    suffix = Path(name).suffix
    room = _NAME_BYTES - len(suffix.encode())
    if room <= 0:  # no suffix of a document, so nothing that has to be kept
        suffix, room = "", _NAME_BYTES
    stem = name.removesuffix(suffix).encode()[:room]
    return stem.decode(errors="ignore") + suffix
