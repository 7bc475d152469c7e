"""Make an index anew beside the old one, and switch over in one step."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ingest.containers import Document
from ingest.embedding import Embedding, publish
from ingest.intake import record_of, scratch_folder
from ingest.originals import original_path
from ingest.parsed import VERSION
from ingest.report import FileReport, Progress, Report
from ingest.worker import Reader
from rag.embed import load_encoder
from rag.errors import BadDocument
from rag.index import LIBRARY, Index, create_index, manifest_of, open_index
from rag.tables import Record
from rag.types import Source

# Another reader or chunker begins anew: raise VERSION when they read differently.
BESIDE = f"reindex-{VERSION}"


def reindex(
    index: Index, embedding_model: str | None = None, progress: Progress | None = None
) -> Report:
    """Read every document again from its kept original, and embed it with the given model.

    The index answers as before until all is done, then changes in one transaction. What stops this
    changes nothing, and the next call goes on from there. A document that cannot be read any more
    stays as it was read before, and is reported as failed. Raises ``ModelError`` for a model that
    cannot be loaded, ``IndexBusy`` when another process is writing.
    """
    progress = progress or Progress()
    report, start = Report(), time.perf_counter()
    encoder = load_encoder(embedding_model or index.manifest.embedding_model)
    with index.lock():
        number = int(index.manifest.collection.rpartition("-")[2])
        with _beside(index, encoder.name, encoder.fingerprint) as fresh:
            with fresh.lock():
                _read_all(index, fresh, report, progress)
            library = fresh.library.path
        index.library.replace_with(library, manifest_of(encoder, f"chunks-{number + 1}"))
        shutil.rmtree(index.folder / BESIDE)
        index.vectors.switch(index.vector_state())
        publish(index)
    report.seconds = time.perf_counter() - start
    return report


def _beside(index: Index, model: str, fingerprint: str) -> Index:
    """The new index in the making: an interrupted one of the same model is gone on with."""
    folder = index.folder / BESIDE
    if (folder / LIBRARY).is_file():
        fresh = open_index(folder)
        if fresh.manifest.embedding_fingerprint == fingerprint:
            return fresh
        fresh.close()
    for left in index.folder.glob("reindex-*"):
        shutil.rmtree(left)
    fresh = create_index(folder, model)
    if index.manifest.embedding_fingerprint == fingerprint:
        fresh.library.adopt_vectors(index.library.path)
    return fresh


def _read_all(index: Index, fresh: Index, report: Report, progress: Progress) -> None:
    old, new = index.library, fresh.library
    files, sources, done = old.files(), old.sources(), new.files()
    stale = [uri for uri, source_id in done.items() if files.get(uri) != source_id]
    if stale:
        with new.writing():
            new.remove(stale)
    progress.files(len(files))
    with (
        scratch_folder(index) as scratch,
        Embedding(fresh, progress) as embedding,
        Reader() as reader,
    ):
        places = {source.id: (source.uri, *source.also_at) for source in sources.values()}
        documents = _documents(index, sources, set(done) - set(stale), scratch)
        for document, outcome in reader.read(documents):
            source = sources[files[document.uri]]
            if isinstance(outcome, BadDocument):
                record = _as_before(index, source.id)
                row = FileReport(document.uri, "failed", problem=f"{outcome} (kept as it was)")
            else:
                title = outcome.title or source.title
                record = record_of(fresh, outcome, source.id, source.uri, source.sha256, title)
                row = FileReport(
                    document.uri,
                    "changed",
                    len(record.text),
                    record.source.pages,
                    len(record.chunks),
                    len(record.flags),
                    record.fidelity,
                )
            stats = old.stats(places[source.id])
            with new.writing():
                for uri in places[source.id]:
                    new.put(
                        uri, replace(record, source=replace(record.source, uri=uri)), stats[uri]
                    )
            embedding.wake()
            report.files.append(row)
            progress.file(row)
    report.embedded, report.embedding_seconds = embedding.done, embedding.seconds


def _documents(
    index: Index, sources: dict[str, Source], done: set[str], scratch: Path
) -> Iterator[Document]:
    """The originals under the names they had."""
    for source in sources.values():
        if source.uri in done:
            continue
        folder = scratch / source.id
        folder.mkdir()
        # The name of a source begins with the suffix it was read by.
        path = folder / f"document.{source.id.partition('-')[0]}"
        path.symlink_to(original_path(index, source.sha256))
        yield Document(source.uri, path)


def _as_before(index: Index, source_id: str) -> Record:
    library = index.library
    return Record(
        library.sources([source_id])[source_id],
        library.text(source_id),
        library.chunks_of(source_id),
        library.places(source_id),
        library.flags(source_id),
        library.fidelity(source_id),
    )
