"""What of the files is new, and what becomes of each: the inside of one run of ``sync``."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ingest.chunk import chunk_document
from ingest.containers import Document, is_container, members
from ingest.originals import keep_original
from ingest.parsed import Parsed
from ingest.report import FileReport, Progress, Report, State
from rag.errors import BadDocument, NoDocument
from rag.files import MEMBER, sha256_of
from rag.index import Index
from rag.library import Library
from rag.standing import file_of, stat_of
from rag.tables import FileStat, Record
from rag.types import Fidelity, Source


class Intake:
    """One run over files: what it knows, and what it says of each."""

    def __init__(
        self,
        index: Index,
        known: dict[str, str],
        report: Report,
        progress: Progress,
        scratch: Path,
        allow_private: bool,
        collection: str | None = None,
        again: bool = False,
    ) -> None:
        """``collection`` is where web pages go; of files, the library has been told.

        ``again`` reads also what is known already.
        """
        self._index = index
        self._known = known
        self._stats = index.library.stats()
        self._archives = {str(file_of(uri)) for uri in known if MEMBER in uri}
        self._report = report
        self._progress = progress
        self._scratch = scratch
        self._allow_private = allow_private
        self._collection = collection
        self._again = again
        self._total = 0
        self._reading: dict[Path, _Copy] = {}
        self._pages: set[str] = set()

    def to_read(self, found: Sequence[Document], pages: Sequence[str]) -> Iterator[Document]:
        """Copies of the documents whose content the index does not have.

        The others are dealt with here.
        """
        self._expect(len(found) + len(pages))
        for document in found:
            if document.problem:
                self._failed(document.uri, document.problem)
            elif is_container(document.path):
                yield from self._members(document)
            else:
                if document.uri in self._archives:  # once it was large, and read in parts
                    self.forget([u for u in self._known if u.startswith(document.uri + MEMBER)])
                yield from self._if_new(document)
        for address in pages:
            yield from self._fetched(address)

    def store(self, document: Document, outcome: Parsed | BadDocument) -> None:
        """Put what was read into the index, or report why it could not be read."""
        if isinstance(outcome, BadDocument):
            state: State = "skipped" if isinstance(outcome, NoDocument) else "failed"
            self._failed(document.uri, str(outcome), state)
            document.path.unlink(missing_ok=True)
            return
        copy = self._reading.pop(document.path)
        item = record_of(
            self._index,
            outcome,
            copy.source_id,
            document.uri,
            copy.sha256,
            outcome.title or Path(document.uri).stem,
        )
        keep_original(self._index, document.path, copy.sha256)
        with self._index.library.writing():
            self._index.library.put(document.uri, item, copy.stat, self._again)
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
        forget_places(self._index.library, uris, self._report)

    def _members(self, archive: Document) -> Iterator[Document]:
        """What is new in an archive; what has left it is forgotten."""
        uri = archive.uri
        seen: set[str] = set()
        failed: list[str] = []
        warnings: list[str] = []
        for member in members(archive.path, self._scratch, warnings):
            self._expect(1)
            seen.add(member.uri)
            if member.problem:
                failed.append(member.uri + MEMBER)
                self._failed(member.uri, member.problem)
            else:
                yield from self._if_new(member)
        if warnings or not seen:
            fidelity = Fidelity(warnings=tuple(warnings or ["it holds nothing that can be read"]))
            state: State = "unchanged" if uri in self._archives else "added"
            self._say(FileReport(uri, state, fidelity=fidelity))
        else:
            self._expect(-1)  # its members speak for it
        before = [u for u in self._known if u == uri or u.startswith(uri + MEMBER)]
        # What is known of an archive that cannot be opened now stays.
        self.forget([u for u in before if u not in seen and not u.startswith(tuple(failed))])

    def _fetched(self, address: str) -> Iterator[Document]:
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
            if document.uri in self._pages:  # the same page by another address
                self._expect(-1)
                document.path.unlink()
                continue
            self._pages.add(document.uri)
            if self._collection is not None:
                with self._index.library.writing():
                    self._index.library.collect([document.uri], self._collection)
            yield from self._if_new(document)

    def _if_new(self, document: Document) -> Iterator[Document]:
        """A copy of a document that has to be read; of any other, its place is recorded."""
        try:
            copy = self._copy_if_new(document)
        except BadDocument as error:
            copy = None
            self._failed(document.uri, str(error))
        if document.is_member and document.path != copy:
            document.path.unlink(missing_ok=True)
        if copy is not None:
            yield Document(document.uri, copy)

    def _copy_if_new(self, document: Document) -> Path | None:
        library, uri = self._index.library, document.uri
        stat = self._stat(document)
        sha256 = _readable_sha256(document.path)
        source_id = _source_id(document.path, sha256)
        if self._known.get(uri) == source_id and not self._again:
            if self._stats.get(uri) != stat:
                with library.writing():
                    library.put_stat(uri, stat)
            self._say(FileReport(uri, "unchanged"))
            return None
        same = None if self._again else library.sources([source_id]).get(source_id)
        if same:
            with library.writing():
                library.put_again(uri, source_id, stat)
            self._say(FileReport(uri, self._state(uri), same.characters, same.pages))
            return None
        path = document.path
        if not document.is_member:
            # The file may change while it is being read.
            path, sha256 = _copied(document.path, self._scratch)
        self._reading[path] = _Copy(_source_id(path, sha256), sha256, stat)
        return path

    def _stat(self, document: Document) -> FileStat:
        # Of a member, the archive on disk is what can change.
        try:
            return stat_of(file_of(document.uri))
        except OSError:
            return FileStat()

    def _state(self, uri: str) -> State:
        return "changed" if uri in self._known else "added"

    def _failed(self, uri: str, problem: str, state: State = "failed") -> None:
        shown = uri.encode(errors="replace").decode()
        self._say(FileReport(shown, state, problem=problem))

    def _say(self, row: FileReport) -> None:
        self._report.files.append(row)
        self._progress.file(row)

    def _expect(self, more: int) -> None:
        self._total += more
        self._progress.files(self._total)


class _Copy(NamedTuple):
    """What is being read: its identity, and how the file was when it was copied."""

    source_id: str
    sha256: str
    stat: FileStat


@contextmanager
def scratch_folder(index: Index) -> Iterator[Path]:
    """A folder in the index for what is being read; what a killed run left there goes.

    Call under the index's lock.
    """
    for left in index.folder.glob("reading-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix="reading-", dir=index.folder) as folder:
        yield Path(folder)


def _copied(path: Path, into: Path) -> tuple[Path, str]:
    """A copy of a file, and the SHA-256 of the copy. Raises ``BadDocument``."""
    number, name = tempfile.mkstemp(suffix=path.suffix, dir=into)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file, open(number, "wb") as copy:  # noqa: PTH123 - a number
            while data := file.read(1 << 20):
                digest.update(data)
                copy.write(data)
    except OSError as error:
        Path(name).unlink()
        raise BadDocument(
            f"{path}: cannot be copied into the index ({error.strerror}): make room, or check it"
        ) from error
    return Path(name), digest.hexdigest()


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


def forget_places(library: Library, uris: Sequence[str], report: Report) -> None:
    """Drop documents, with all their versions, and report it."""
    if uris:
        with library.writing():
            library.remove(uris)
    report.files.extend(FileReport(uri, "removed") for uri in uris)
