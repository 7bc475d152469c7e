"""Follow files and folders, and keep an index up to date with them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from watchfiles import watch
from watchfiles.main import FileChange

from ingest.containers import CONTAINER_SUFFIXES
from ingest.files import places_of
from ingest.parse import SUPPORTED
from ingest.report import Progress, Report
from ingest.sync import sync
from ingest.watched import Watching
from rag.errors import BadInput, IndexBusy
from rag.files import absolute
from rag.index import Index

# Editors write, rename and touch within this time; one change of a file is then read once.
QUIET_MS = 500
LONGEST_MS = 5_000
BUSY_SECONDS = 2.0


def follow(
    index: Index,
    paths: Sequence[str | Path],
    progress: Callable[[], AbstractContextManager[Progress]] = lambda: nullcontext(Progress()),
    stop: threading.Event | None = None,
) -> Iterator[Report]:
    """Bring the index up to date, then again whenever something changes, until ``stop`` is set.

    Gives a report for the first run and for each later one that changed anything. Waits while
    another process writes to the index. ``ingest.watched`` tells other processes how far it is.
    Raises ``BadInput`` for a path that is not there, or that another process follows.
    """
    roots = [absolute(path) for path in paths]
    for root in roots:
        if not root.exists():
            raise BadInput(f"nothing to follow at {str(root)!r}: give files or folders")
    whole = {root for root in roots if root.is_dir()}
    # A file that is replaced by another would no longer be seen; its folder sees both.
    beside = {root.parent for root in roots if root not in whole}
    watches = [
        watch(
            *folders,
            debounce=LONGEST_MS,
            step=QUIET_MS,
            stop_event=stop,
            watch_filter=None,
            recursive=folders is whole,
            rust_timeout=QUIET_MS,
            yield_on_timeout=True,
        )
        for folders in (whole, beside)
        if folders
    ]
    first = True
    with Watching(index.folder, roots) as watching:
        for batches in zip(*watches, strict=False):
            batch = set[FileChange]().union(*batches)
            if first:
                # What changes from here on is seen: the watching has begun.
                first = False
                if report := _sync(index, roots, progress, stop, watching):
                    yield report
            touched = sorted({Path(path) for _, path in batch if _is_under(Path(path), roots)})
            if not touched:
                continue
            report = _sync(index, touched, progress, stop, watching)
            if report and any(row.state != "unchanged" for row in report.files):
                yield report


def _sync(
    index: Index,
    paths: Sequence[Path],
    progress: Callable[[], AbstractContextManager[Progress]],
    stop: threading.Event | None,
    watching: Watching,
) -> Report | None:
    """Sync what there is to read, or known and gone, among these paths; None for nothing."""
    while True:
        places = places_of(index.library.files())
        meant = [path for path in paths if _is_meant(path, places)]
        if not meant:
            watching.is_done()
            return None
        try:
            with progress() as told:
                report = sync(index, meant, watching.reads(told))
            watching.is_done(report)
            return report
        except IndexBusy:
            watching.waits()
            if stop is not None and stop.is_set():
                raise
            time.sleep(BUSY_SECONDS)
        except BadInput:
            if all(path.exists() for path in meant):
                raise
            # One of them went away just now.


def _is_under(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a path is one of the roots or inside one, and not hidden there."""
    return any(
        path == root
        or (
            path.is_relative_to(root)
            and not any(part.startswith(".") for part in path.relative_to(root).parts)
        )
        for root in roots
    )


def _is_meant(path: Path, places: set[str]) -> bool:
    """Whether there is something to read, or something known that has gone."""
    if path.is_dir():
        return True
    if path.exists():
        return path.suffix.lower() in SUPPORTED | CONTAINER_SUFFIXES
    return str(path) in places
