"""Files that hold documents: archives, mailboxes, and texts too large to be read in one piece.

A member is written into a temporary folder under a generated name, so that nothing in its own name
can lead anywhere; the user sees it as ``archive.zip!/folder/name.txt``.
"""

from __future__ import annotations

import io
import itertools
import logging
import os
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ingest.big_text import PART_BYTES, TEXT_SUFFIXES, parts
from ingest.mbox import LINE_BYTES, Message, begins_message, subject
from ingest.parse import SUPPORTED
from rag.errors import BadDocument
from rag.files import MEMBER

log = logging.getLogger(__name__)

CONTAINER_SUFFIXES = frozenset({".zip", ".mbox"})

MAX_DEPTH = 2  # archives inside of archives
MAX_MEMBERS = 10_000
MAX_MEMBER_BYTES = 500_000_000
MAX_UNPACKED_BYTES = 2_000_000_000
MAX_RATIO = 200
_RATIO_FROM_BYTES = 10_000_000  # below this nothing can explode, whatever the ratio
_MAX_DIRECTORY_BYTES = 4_000_000  # of an archive's table of contents, which is read at once
_COPY_BYTES = 1 << 20
_NAME_LENGTH = 150
_SUFFIX_LENGTH = 12
_MAX_NAMES = 20  # folders above a member that are shown

# LZMA is missing on purpose: an archive may demand gigabytes for its dictionary.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
_ENCRYPTED = 0x1
# What a damaged archive makes zipfile and its decompressors raise.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error,
)  # fmt: skip
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DRIVE = re.compile(r"^[A-Za-z]:(?=/)")


@dataclass(frozen=True, slots=True)
class Document:
    """What is to be read: ``uri`` is where it lies for the user, ``path`` where its bytes are.

    The two differ for a member of a container and for a web page; their ``path`` is for the
    consumer to delete. With a ``problem``, a message for the user, there is nothing at ``path``.
    """

    uri: str
    path: Path
    problem: str = ""

    @property
    def is_member(self) -> bool:
        """Whether there are bytes and they lie in a temporary file."""
        return not self.problem and self.uri != str(self.path)

    @property
    def is_page(self) -> bool:
        """Whether it is a page of the web, with more around its content than a file has."""
        return is_url(self.uri) and self.path.suffix in (".html", ".xhtml")


def is_url(text: str) -> bool:
    """Whether ``text`` is the address of a web page: nothing else ever becomes a link."""
    return text.lower().startswith(("http://", "https://"))


def is_container(path: Path) -> bool:
    """Whether a file is read through ``members`` and not by a parser."""
    suffix = path.suffix.lower()
    if suffix in CONTAINER_SUFFIXES:
        return True
    try:
        return suffix in TEXT_SUFFIXES and path.stat().st_size > PART_BYTES
    except OSError:
        return False  # whoever opens it will say why


def members(path: Path, into: Path, warnings: list[str]) -> Iterator[Document]:
    """The documents in a file, one after the other; a file that is no container yields itself.

    Each is unpacked into the folder ``into`` when it is asked for, and the consumer deletes it
    after use: then no more than a few are on the disk. A member that cannot be unpacked, and a
    container that cannot be opened, is a ``Document`` with a ``problem``. What is passed over, and
    how often, is appended to ``warnings`` at the end.
    """
    if not is_container(path):
        yield Document(str(path), path)
        return
    unpacking = _Unpacking(into)
    yield from unpacking.documents(Document(str(path), path), depth=1)
    for number, what in ((unpacking.hidden, "hidden"), (unpacking.unsupported, "unsupported")):
        if number:
            warnings.append(f"{number} {what} members were passed over")


class _Unpacking:
    """One run over a container and those inside it, within one budget."""

    def __init__(self, into: Path) -> None:
        self.hidden = 0
        self.unsupported = 0
        self._into = into
        self._bytes_left = MAX_UNPACKED_BYTES
        self._members_left = MAX_MEMBERS

    def documents(self, container: Document, depth: int) -> Iterator[Document]:
        """The documents in ``container``, which lies in ``depth`` - 1 archives."""
        try:
            match container.path.suffix.lower():
                case ".zip":
                    yield from self._zip(container, depth)
                case ".mbox":
                    yield from self._mbox(container)
                case _:
                    yield from self._parts(container)
        except BadDocument as error:
            yield _failed(container.uri, str(error))
        except _BROKEN as error:
            yield _failed(container.uri, f"cannot be unpacked ({error}): make it anew")
        except Exception as error:
            # Whatever the libraries stumble over in one file must not stop the others.
            log.exception("cannot unpack %s", container.uri)
            kind = type(error).__name__
            yield _failed(container.uri, f"cannot be unpacked ({kind}: {error}): make it anew")

    def _zip(self, container: Document, depth: int) -> Iterator[Document]:
        if depth > MAX_DEPTH:
            raise BadDocument(f"lies in {MAX_DEPTH} other archives: unpack the outer ones")
        taken: Counter[str] = Counter()
        wanted: list[tuple[str, zipfile.ZipInfo]] = []
        with _BoundedFile(container.path) as file, zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                name = _shown(info.filename)
                if info.is_dir():
                    continue
                if any(part.startswith((".", "__MACOSX")) for part in name.split("/")):
                    self.hidden += 1
                elif PurePosixPath(name).suffix.lower() not in SUPPORTED | CONTAINER_SUFFIXES:
                    self.unsupported += 1
                else:
                    wanted.append((_unique(name, taken), info))
            self._admit(len(wanted), sum(info.file_size for _, info in wanted))
            for name, info in wanted:
                yield from self._zip_member(f"{container.uri}{MEMBER}{name}", archive, info, depth)

    def _zip_member(
        self, uri: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, depth: int
    ) -> Iterator[Document]:
        if reason := _refusal(info):
            yield _failed(uri, reason)
            return
        try:
            with archive.open(info) as packed:
                path = self._write(packed, PurePosixPath(uri).suffix)
        except BadDocument as error:
            yield _failed(uri, str(error))
            return
        except _BROKEN as error:
            yield _failed(uri, f"cannot be unpacked ({error}): make the archive anew")
            return
        if not is_container(path):
            yield Document(uri, path)
            return
        try:
            yield from self.documents(Document(uri, path), depth + 1)
        finally:
            path.unlink(missing_ok=True)

    def _mbox(self, container: Document) -> Iterator[Document]:
        """Each message as an ``.eml`` file, named by its number and subject."""
        with container.path.open("rb") as file:
            if not begins_message(file.readline(LINE_BYTES)):
                raise BadDocument("is no mailbox (it does not begin with 'From '): export it anew")
            for number in itertools.count(1):
                self._admit(1, 0)
                message = Message(file)
                try:
                    path = self._write(message, ".eml")
                except BadDocument as error:
                    while message.read(_COPY_BYTES):
                        pass
                    yield _failed(f"{container.uri}{MEMBER}{number:04}.eml", str(error))
                else:
                    name = f"{number:04} {subject(path)}".strip().replace("/", "-")
                    yield Document(f"{container.uri}{MEMBER}{_shown(name)}.eml", path)
                if message.is_last:
                    return

    def _parts(self, container: Document) -> Iterator[Document]:
        """A large text as several, named by their number."""
        stem = PurePosixPath(container.uri).stem
        suffix = container.path.suffix
        with container.path.open("rb") as file:
            for number, part in enumerate(parts(file, suffix.lower()), 1):
                path = self._path(suffix)
                path.write_bytes(part)
                yield Document(f"{container.uri}{MEMBER}{stem} (part {number}){suffix}", path)

    def _admit(self, count: int, size: int) -> None:
        """Refuse what would go over the limits."""
        self._members_left -= count
        if self._members_left < 0:
            raise BadDocument(
                f"holds more than {MAX_MEMBERS:,} members: unpack it and ingest the folder"
            )
        if size > self._bytes_left:
            raise BadDocument(
                f"unpacks to {size / 1e6:,.0f} MB; at most {MAX_UNPACKED_BYTES // 10**6:,} MB are "
                "read from one file: unpack it and ingest the folder"
            )

    def _write(self, source: IO[bytes] | Message, suffix: str) -> Path:
        """Copy a member into a new file."""
        path = self._path(suffix)
        size = 0
        try:
            with path.open("wb") as target:
                while data := source.read(_COPY_BYTES):
                    size += len(data)
                    self._bytes_left -= len(data)
                    if size > MAX_MEMBER_BYTES or self._bytes_left < 0:
                        limit = min(MAX_MEMBER_BYTES, MAX_UNPACKED_BYTES) // 10**6
                        raise BadDocument(
                            f"unpacks to more than {limit:,} MB, or the file as a whole to more "
                            f"than {MAX_UNPACKED_BYTES // 10**6:,} MB: unpack it by hand"
                        )
                    target.write(data)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def _path(self, suffix: str) -> Path:
        # The suffix is one of ours here: the member would have been passed over otherwise.
        number, name = tempfile.mkstemp(suffix=suffix, dir=self._into)
        os.close(number)
        return Path(name)


class _BoundedFile(io.FileIO):
    """An archive of which no one can be made to read too much at once.

    A table of contents with millions of members would otherwise fill the memory.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        bounded = size is not None and 0 <= size <= _MAX_DIRECTORY_BYTES
        data = super().read(size if bounded else _MAX_DIRECTORY_BYTES + 1) or b""
        if len(data) > _MAX_DIRECTORY_BYTES:
            raise BadDocument(
                f"holds more than {MAX_MEMBERS:,} members: unpack it and ingest the folder"
            )
        return data


def _failed(uri: str, reason: str) -> Document:
    return Document(uri, Path(), f"{uri}: {reason}")


def _refusal(info: zipfile.ZipInfo) -> str:
    """Why a member is not unpacked, or ""."""
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode not in (0, stat.S_IFREG):
        return "is a link or device, not a file: put its content into the archive"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted: unpack it with its password and ingest the result"
    if info.compress_type not in _METHODS:
        return "is compressed in a way that is not supported: make the archive anew with deflate"
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > _RATIO_FROM_BYTES and ratio > MAX_RATIO:
        return (
            f"unpacks to {info.file_size / 1e6:,.0f} MB, {ratio:,.0f} times its size; at most "
            f"{MAX_RATIO} times are read: unpack it by hand"
        )
    return ""


def _shown(name: str) -> str:
    """A member's name for the user: no way up or out, nothing unprintable, not too long."""
    name = _DRIVE.sub("", _UNPRINTABLE.sub("\ufffd", name.replace("\\", "/")))
    parts = [part.strip() for part in name.split("/")]
    kept = [_shortened(part) for part in parts if part not in ("", ".", "..")]
    return "/".join(kept[-_MAX_NAMES:]) or "unnamed"


def _shortened(part: str) -> str:
    stem, dot, suffix = part.rpartition(".")
    if len(part) <= _NAME_LENGTH:
        return part
    return (stem or suffix)[:_NAME_LENGTH] + (dot + suffix)[:_SUFFIX_LENGTH] * bool(stem)


def _unique(name: str, taken: Counter[str]) -> str:
    """``name``, or with a number if it is taken already."""
    path = PurePosixPath(name)
    unique = name
    while taken[unique]:
        taken[name] += 1
        unique = str(path.with_name(f"{path.stem} ({taken[name]}){path.suffix}"))
    taken[unique] += 1
    return unique
