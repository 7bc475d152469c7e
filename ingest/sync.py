"""Files in, index up to date.

Every file is parsed, cut and made searchable by its words, one transaction each; vectors follow
beside it, in batches. Whatever stops a run, the next one carries on where it stopped.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.containers import is_url
from ingest.embedding import Embedding, publish
from ingest.files import find_documents, is_under, vanished
from ingest.intake import Intake, forget_places, record_of, scratch_folder
from ingest.originals import clean_originals
from ingest.parsed import Builder
from ingest.report import Progress, Report
from ingest.worker import Reader
from rag.files import absolute
from rag.index import Index


def sync(
    index: Index,
    paths: Sequence[str | Path],
    progress: Progress | None = None,
    *,
    allow_private: bool = False,
    collection: str | None = None,
    again: bool = False,
) -> Report:
    """Bring the index up to date with files, folders, glob patterns and web addresses.

    New files are added, changed ones replaced, unchanged ones skipped, vanished ones dropped. A
    file that cannot be read is reported and stops nothing; what the index knew of it stays. A
    sitemap stands for its pages. ``allow_private`` lets addresses lead into a private network.
    ``collection`` is where all of it goes, and what is found at these paths later; "" is none, and
    by default what is known stays where it is. ``again`` reads unchanged files too.
    Raises ``BadInput`` for a path that does not exist, before anything is changed, and ``BadIndex``
    when another process is writing.
    """
    progress = progress or Progress()
    report, start = Report(), time.perf_counter()
    with index.lock():
        known = index.library.files()
        pages = [str(path) for path in paths if is_url(str(path))]
        places = [path for path in paths if not is_url(str(path))]
        found = find_documents(places, known)
        if collection is not None:
            with index.library.writing():
                index.library.collect(_roots(places, [d.uri for d in found]), collection)
        with (
            scratch_folder(index) as scratch,
            Embedding(index, progress) as embedding,
            Reader() as reader,
        ):
            run = Intake(index, known, report, progress, scratch, allow_private, collection, again)
            for document, outcome in reader.read(run.to_read(found, pages)):
                run.store(document, outcome)
                embedding.wake()
            run.forget(vanished(places, known))
        report.embedded, report.embedding_seconds = embedding.done, embedding.seconds
        clean_originals(index)
    report.seconds = time.perf_counter() - start
    return report


def remove(index: Index, paths: Sequence[str | Path]) -> Report:
    """Drop documents, given by file or folder, from the index; the files themselves stay."""
    report, start = Report(), time.perf_counter()
    pages = {str(path) for path in paths if is_url(str(path))}
    roots = [absolute(path) for path in paths if not is_url(str(path))]
    with index.lock():
        doomed = [
            uri
            for uri in index.library.files()
            if uri in pages or any(is_under(uri, root) for root in roots)
        ]
        with index.library.writing():
            index.library.forget_collected([*pages, *map(str, roots)])
        with Embedding(index):
            forget_places(index.library, doomed, report)
        clean_originals(index)
    report.seconds = time.perf_counter() - start
    return report


def collect(index: Index, places: Sequence[str], collection: str) -> None:
    """Move documents, given by their places as the index has them, into a collection; "" is none.

    Raises ``BadInput`` for a name that cannot be used, ``IndexBusy`` when another process is
    writing.
    """
    with index.lock():
        with index.library.writing():
            index.library.collect(places, collection)
        publish(index)


def _roots(places: Sequence[str | Path], found: Sequence[str]) -> list[str]:
    """The files and folders that are meant, with what patterns match; the outer ones first."""
    roots = [root for root in map(absolute, places) if root.exists()]
    matched = [uri for uri in found if not any(is_under(uri, root) for root in roots)]
    return sorted({*map(str, roots), *matched})


def add_texts(index: Index, documents: Iterable[tuple[str, str, str]]) -> None:
    """Add plain texts that are no files, as ``(uri, title, text)``.

    All are written in one transaction, then embedded. Each line of a text is a paragraph.
    Raises ``BadIndex`` when another process is writing.
    """
    with index.lock():
        with index.library.writing():
            for uri, title, text in documents:
                builder = Builder()
                for line in text.splitlines():
                    builder.add("paragraph", line)
                parsed = builder.build(title=title, media_type="text/plain")
                sha256 = hashlib.sha256(f"{uri}\n{title}\n{text}".encode()).hexdigest()
                index.library.put(
                    uri, record_of(index, parsed, f"text-{sha256[:20]}", uri, sha256, title)
                )
        with Embedding(index):
            pass
