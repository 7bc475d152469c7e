"""Files in, index up to date.

First every file is parsed, cut and made searchable by its words, one transaction each; then the
vectors follow in batches. Whatever stops a run, the next one carries on where it stopped.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ingest.chunk import chunk_document, embedded_texts
from ingest.files import absolute, find_files, sha256_of, vanished
from ingest.parse import parse
from ingest.parsed import Builder, Parsed
from rag.errors import BadDocument, BadIndex
from rag.index import Index
from rag.types import Chunk, Source

log = logging.getLogger(__name__)

State = Literal["added", "changed", "unchanged", "removed", "failed"]
# Large enough that sorting by length leaves little padding, small enough that a stop loses seconds.
EMBED_BATCH = 256


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file. ``problem`` is the reason of a failure, for the user."""

    uri: str
    state: State
    characters: int = 0
    pages: int | None = None
    chunks: int = 0
    warnings: tuple[str, ...] = ()
    problem: str = ""


@dataclass
class Report:
    """What a run did: one row a file, vectors written, seconds taken."""

    files: list[FileReport] = field(default_factory=list)
    embedded: int = 0
    seconds: float = 0.0

    def count(self, state: State) -> int:
        """How many files ended in this state."""
        return sum(row.state == state for row in self.files)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return asdict(self)


class Progress:
    """Told how a run goes; the command line draws bars of it, the default says nothing."""

    def files(self, total: int) -> None:
        """``total`` files will be looked at."""

    def file(self, row: FileReport) -> None:
        """One file is done."""

    def vectors(self, total: int) -> None:
        """``total`` chunks will be embedded."""

    def embedded(self, n: int) -> None:
        """``n`` more are."""


def sync(index: Index, paths: Sequence[str | Path], progress: Progress | None = None) -> Report:
    """Bring the index up to date with files, folders and glob patterns.

    New files are added, changed ones replaced, unchanged ones skipped, vanished ones dropped. A
    file that cannot be read is reported and stops nothing; what the index knew of it stays.
    Raises ``BadInput`` for a path that does not exist, before anything is changed, and ``BadIndex``
    when another process is writing.
    """
    progress = progress or Progress()
    report, start = Report(), time.perf_counter()
    with index.lock():
        known = index.library.files()
        found = find_files(paths, known)
        progress.files(len(found))
        for path in found:
            row = _sync_file(index, path, known)
            report.files.append(row)
            progress.file(row)
        report.files.extend(_forget(index, vanished(paths, known)))
        report.embedded = _embed(index, progress)
        _clean_originals(index)
    report.seconds = time.perf_counter() - start
    return report


def remove(index: Index, paths: Sequence[str | Path]) -> Report:
    """Drop documents, given by file or folder, from the index; the files themselves stay."""
    report, start = Report(), time.perf_counter()
    roots = [absolute(p) for p in paths]
    with index.lock():
        doomed = [
            uri
            for uri in index.library.files()
            if any(root == Path(uri) or root in Path(uri).parents for root in roots)
        ]
        report.files.extend(_forget(index, doomed))
        _embed(index, Progress())
        _clean_originals(index)
    report.seconds = time.perf_counter() - start
    return report


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
                source = Source(
                    f"text-{sha256[:20]}", uri, title, sha256, "text/plain", len(parsed.text)
                )
                chunks = chunk_document(parsed, source.id, title, index.encoder)
                index.library.put(uri, source, parsed.text, chunks)
        _embed(index, Progress())


def _sync_file(index: Index, path: Path, known: dict[str, str]) -> FileReport:
    uri = str(path)
    state: State = "changed" if uri in known else "added"
    try:
        sha256 = _readable_sha256(path)
        source_id = f"{path.suffix.lower().lstrip('.')}-{sha256[:20]}"
        if known.get(uri) == source_id:
            return FileReport(uri, "unchanged")
        same = index.library.sources([source_id]).get(source_id)
        if same is not None:
            with index.library.writing():
                index.library.put(uri, same, "", ())
            return FileReport(uri, state, same.characters, same.pages)
        parsed, chunks = _read(path, source_id, index)
    except BadDocument as error:
        return FileReport(uri.encode(errors="replace").decode(), "failed", problem=str(error))
    source = Source(
        id=source_id,
        uri=uri,
        title=parsed.title or path.stem,
        sha256=sha256,
        media_type=parsed.media_type,
        characters=len(parsed.text),
        pages=parsed.pages,
        date=parsed.date,
    )
    _keep_original(index, path, sha256)
    with index.library.writing():
        index.library.put(uri, source, parsed.text, chunks, parsed.warnings)
    return FileReport(uri, state, source.characters, source.pages, len(chunks), parsed.warnings)


def _readable_sha256(path: Path) -> str:
    """The file's SHA-256. Raises ``BadDocument`` for what cannot be read or named."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        name = str(path).encode(errors="replace").decode()
        raise BadDocument(f"{name}: its name is not valid UTF-8: rename it") from error
    try:
        if path.is_dir():
            raise BadDocument(f"{path}: the folder cannot be opened: check its permissions")
        if not path.is_file():
            # A pipe or a device would never end.
            raise BadDocument(f"{path}: is not a file, or has just gone: run this again")
        return sha256_of(path)
    except OSError as error:
        raise BadDocument(f"{path}: cannot be read ({error.strerror}): check it") from error


def _read(path: Path, source_id: str, index: Index) -> tuple[Parsed, list[Chunk]]:
    encoder = index.encoder
    try:
        parsed = parse(path)
        return parsed, chunk_document(parsed, source_id, parsed.title or path.stem, encoder)
    except BadDocument:
        raise
    except Exception as error:
        # Whatever a parser stumbles over in one file must not stop the others.
        log.exception("cannot read %s", path)
        raise BadDocument(
            f"{path}: cannot be read ({type(error).__name__}: {error}): "
            "save it anew or convert it to another format"
        ) from error


def _forget(index: Index, uris: Sequence[str]) -> list[FileReport]:
    if uris:
        with index.library.writing():
            index.library.remove(uris)
    return [FileReport(uri, "removed") for uri in uris]


def _embed(index: Index, progress: Progress) -> int:
    """Pay what is owed to the vector half: vectors of new chunks, deletion of old ones."""
    library = index.library
    _heal(index)
    doomed = library.doomed()
    if doomed:
        index.vectors.delete(doomed, library.revision() + 1)
        with library.writing():
            library.forget_doomed(doomed)
    total = library.counts().owed
    progress.vectors(total)
    while owed := library.owed(EMBED_BATCH):
        numbers = [number for number, _ in owed]
        chunks = [chunk for _, chunk in owed]
        known = library.sources({chunk.source_id for chunk in chunks})
        sources = [known[chunk.source_id] for chunk in chunks]
        texts = embedded_texts(index.encoder, [source.title for source in sources], chunks)
        vectors = index.encoder.encode_documents(texts, progress.embedded)
        # Vectors first: if this stops in between, they are written again, not lost.
        index.vectors.upsert(chunks, sources, vectors, library.revision() + 1)
        with library.writing():
            library.mark_embedded(numbers)
    return total


def _heal(index: Index) -> None:
    """Where vectors were lost or left over behind the library's back, owe or doom them again."""
    library = index.library
    if index.vectors.count() == library.embedded_count():
        return
    stored, expected = index.vectors.ids(), library.embedded_ids()
    lost = library.numbers(sorted(expected - stored))
    surplus = sorted(stored - expected - set(library.doomed()))
    with library.writing():
        library.mark_embedded(lost.values(), embedded=False)
        library.doom(surplus)


def _keep_original(index: Index, path: Path, sha256: str) -> None:
    """Keep the file's bytes, so that a citation can be opened after the file has changed."""
    target = original_path(index, sha256)
    if target.exists():
        return
    part = target.with_suffix(".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, part)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadIndex(
            f"{path} cannot be copied into {str(index.folder)!r} ({error.strerror}): "
            "make room or check permissions, then run this again; what is done is kept"
        ) from error


def original_path(index: Index, sha256: str) -> Path:
    """Where the bytes of a source are kept."""
    return index.folder / "originals" / sha256[:2] / sha256


def _clean_originals(index: Index) -> None:
    kept = {source.sha256 for source in index.library.sources().values()}
    for path in (index.folder / "originals").glob("*/*"):
        if path.name not in kept:
            path.unlink()
