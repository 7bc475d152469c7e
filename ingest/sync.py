"""Files in, index up to date.

Every file is parsed, cut and made searchable by its words, one transaction each; vectors follow
beside it, in batches. Whatever stops a run, the next one carries on where it stopped.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ingest.chunk import chunk_document
from ingest.containers import Document, is_container, is_url, members
from ingest.embedding import Embedding
from ingest.files import absolute, find_documents, is_under, sha256_of, vanished
from ingest.originals import clean_originals, keep_original
from ingest.parsed import Builder, Parsed
from ingest.report import FileReport, Progress, Report, State
from ingest.worker import Reader
from rag.errors import BadDocument
from rag.index import Index
from rag.library import Library
from rag.standing import MEMBER, stat_of
from rag.tables import FileStat, Record
from rag.types import Fidelity, Source


def sync(
    index: Index,
    paths: Sequence[str | Path],
    progress: Progress | None = None,
    *,
    allow_private: bool = False,
) -> Report:
    """Bring the index up to date with files, folders, glob patterns and web addresses.

    New files are added, changed ones replaced, unchanged ones skipped, vanished ones dropped. A
    file that cannot be read is reported and stops nothing; what the index knew of it stays. A
    sitemap stands for its pages. ``allow_private`` lets addresses lead into a private network.
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
        with (
            tempfile.TemporaryDirectory(prefix="footnote-") as scratch,
            Embedding(index, progress) as embedding,
            Reader() as reader,
        ):
            run = _Run(index, known, report, progress, Path(scratch), allow_private)
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
        with Embedding(index):
            _forget(index.library, doomed, report)
        clean_originals(index)
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
                index.library.put(
                    uri, record_of(index, parsed, f"text-{sha256[:20]}", uri, sha256, title)
                )
        with Embedding(index):
            pass


def record_of(
    index: Index, parsed: Parsed, source_id: str, uri: str, sha256: str, title: str
) -> Record:
    """A parsed document, cut into chunks, as the library keeps it."""
    source = Source(
        id=source_id,
        uri=uri,
        title=title,
        sha256=sha256,
        media_type=parsed.media_type,
        characters=len(parsed.text),
        pages=parsed.pages,
        date=parsed.date,
        author=parsed.author,
        language=parsed.language,
    )
    chunks = chunk_document(parsed, source_id, title, index.encoder)
    return Record(source, parsed.text, chunks, parsed.places, parsed.flags, parsed.fidelity)


class _Run:
    """One run over files: what it knows, and what it says of each."""

    def __init__(
        self,
        index: Index,
        known: dict[str, str],
        report: Report,
        progress: Progress,
        scratch: Path,
        allow_private: bool,
    ) -> None:
        self._index = index
        self._known = known
        self._report = report
        self._progress = progress
        self._scratch = scratch
        self._allow_private = allow_private
        self._total = 0
        self._hashes: dict[str, str] = {}

    def to_read(self, found: Sequence[Document], pages: Sequence[str]) -> Iterator[Document]:
        """The documents whose content the index does not have; the others are dealt with here."""
        self._expect(len(found) + len(pages))
        for document in found:
            if document.problem:
                self._failed(document.uri, document.problem)
            elif is_container(document.path):
                yield from self._members(document.path)
            elif self._is_new(document):
                yield document
        for address in pages:
            yield from self._pages(address)

    def store(self, document: Document, outcome: Parsed | BadDocument) -> None:
        """Put what was read into the index, or report why it could not be read."""
        if isinstance(outcome, BadDocument):
            self._failed(document.uri, str(outcome))
            _discard(document)
            return
        sha256 = self._hashes[document.uri]
        item = record_of(
            self._index,
            outcome,
            _source_id(document.path, sha256),
            document.uri,
            sha256,
            outcome.title or Path(document.uri).stem,
        )
        keep_original(self._index, document.path, sha256)
        _discard(document)
        with self._index.library.writing():
            self._index.library.put(document.uri, item, self._stat(document))
        self._say(
            FileReport(
                document.uri,
                self._state(document.uri),
                item.source.characters,
                item.source.pages,
                len(item.chunks),
                len(item.flags),
                item.fidelity,
            )
        )

    def forget(self, uris: Sequence[str]) -> None:
        """Drop what is no longer there."""
        _forget(self._index.library, uris, self._report)

    def _members(self, path: Path) -> Iterator[Document]:
        """What is to be read of an archive; as a whole it is skipped if its bytes are known."""
        library, uri = self._index.library, str(path)
        try:
            sha256 = _readable_sha256(path)
        except BadDocument as error:
            self._failed(uri, str(error))
            return
        if library.container(uri) == sha256:
            self._say(FileReport(uri, "unchanged"))
            return
        inside = {known for known in self._known if known.startswith(uri + MEMBER)}
        seen: set[str] = set()
        warnings: list[str] = []
        whole = True
        for member in members(path, self._scratch, warnings):
            self._expect(1)
            seen.add(member.uri)
            if member.problem:
                whole = False
                self._failed(member.uri, member.problem)
            elif self._is_new(member):
                yield member
            else:
                _discard(member)
        # A member that has a problem now may only be damaged: what is known of it stays.
        self.forget(sorted(inside - seen) if whole else [])
        if warnings:
            fidelity = Fidelity(warnings=tuple(warnings))
            self._say(FileReport(uri, "changed" if inside else "added", fidelity=fidelity))
        with library.writing():
            library.put_container(uri, sha256 if whole else None)

    def _pages(self, address: str) -> Iterator[Document]:
        """A web page, or those of a sitemap, that can be had and are not as they were."""
        from ingest.sitemap import sitemap_urls
        from ingest.web import fetch, store

        pages = [address]
        try:
            if address.endswith((".xml", ".xml.gz")):
                pages = sitemap_urls(address, allow_private=self._allow_private)
                self._expect(len(pages) - 1)
        except BadDocument as error:
            self._failed(address, str(error))
            return
        for page in pages:
            try:
                document = store(fetch(page, allow_private=self._allow_private), self._scratch)
            except BadDocument as error:
                self._failed(page, str(error))
                continue
            if self._is_new(document):
                yield document
            else:
                _discard(document)

    def _is_new(self, document: Document) -> bool:
        """Whether a document has to be read; if not, its place is recorded and reported."""
        library, uri = self._index.library, document.uri
        try:
            sha256 = _readable_sha256(document.path)
        except BadDocument as error:
            self._failed(uri, str(error))
            return False
        source_id = _source_id(document.path, sha256)
        if self._known.get(uri) == source_id:
            self._say(FileReport(uri, "unchanged"))
            return False
        same = library.sources([source_id]).get(source_id)
        if same is not None:
            with library.writing():
                library.put_again(uri, source_id, self._stat(document))
            self._say(FileReport(uri, self._state(uri), same.characters, same.pages))
            return False
        self._hashes[uri] = sha256
        return True

    def _stat(self, document: Document) -> FileStat:
        # Of a member, the archive on disk is what can change.
        path = Path(document.uri.split(MEMBER)[0])
        try:
            return stat_of(path)
        except OSError:
            return FileStat()

    def _state(self, uri: str) -> State:
        return "changed" if uri in self._known else "added"

    def _failed(self, uri: str, problem: str) -> None:
        shown = uri.encode(errors="replace").decode()
        self._say(FileReport(shown, "failed", problem=problem))

    def _say(self, row: FileReport) -> None:
        self._report.files.append(row)
        self._progress.file(row)

    def _expect(self, more: int) -> None:
        self._total += more
        self._progress.files(self._total)


def _discard(document: Document) -> None:
    """Delete the bytes that were unpacked or fetched only to be read."""
    if document.is_member:
        document.path.unlink(missing_ok=True)


def _source_id(path: Path, sha256: str) -> str:
    return f"{path.suffix.lower().lstrip('.')}-{sha256[:20]}"


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


def _forget(library: Library, uris: Sequence[str], report: Report) -> None:
    if uris:
        with library.writing():
            library.remove(uris)
    report.files.extend(FileReport(uri, "removed") for uri in uris)
