"""Formats that are zip archives of XML: checked before anything is unpacked, read without risk."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rag.errors import BadDocument

if TYPE_CHECKING:
    from lxml.etree import XMLParser, _Element

MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 500_000_000
MAX_MARKUP_BYTES = 150_000_000  # of XML and HTML, which take several times that in memory
MAX_RATIO = 200
_RATIO_FROM_BYTES = 10_000_000  # below this nothing can explode, whatever the ratio
_XML = (".xml", ".rels", ".opf")
_MARKUP = (*_XML, ".ncx", ".xhtml", ".html", ".htm")
_PROLOG_BYTES = 4096  # entities are declared at the start of an XML file
_ENCRYPTED = 0x1  # bit of an entry's flags

NAMES: Mapping[str, str] = MappingProxyType(
    {
        ".docx": "Word document",
        ".epub": "EPUB book",
        ".odt": "OpenDocument text",
        ".pptx": "PowerPoint presentation",
        ".xlsx": "Excel workbook",
    }
)
_BY_MIMETYPE = {
    b"application/epub+zip": ".epub",
    b"application/vnd.oasis.opendocument.text": ".odt",
}
_BY_FOLDER = {"word/": ".docx", "ppt/": ".pptx", "xl/": ".xlsx"}

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    OSError,  # also what bz2 raises for damaged data
    struct.error,
    SyntaxError,  # malformed XML, as lxml reports it
    NotImplementedError,  # a compression method zipfile does not know
    RuntimeError,  # an entry with a password, XML nested without end
    LookupError,  # a part that the others refer to is missing; an unknown encoding
    ValueError,  # another kind of document, or a number that is none
    AttributeError,  # what python-docx and python-pptx raise for a part without its
    TypeError,  # required elements
)


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open a zip-based document whose content is what its suffix says.

    Raises ``BadDocument`` for one that is broken, encrypted, of another format, or would unpack to
    more than ``MAX_UNPACKED_BYTES``, ``MAX_MARKUP_BYTES``, ``MAX_ENTRIES`` or ``MAX_RATIO`` times
    its size, or whose XML declares entities. No entry is unpacked beyond the size checked here.
    """
    with reading(path):
        archive = zipfile.ZipFile(path)
        try:
            _check(path, archive)
        except BaseException:
            archive.close()
            raise
    return archive


def content_suffix(archive: zipfile.ZipFile) -> str:
    """The suffix that fits the content, or "" for an archive of something else."""
    names = archive.namelist()
    if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
        return _BY_MIMETYPE.get(archive.read("mimetype").strip(), "")
    if "[Content_Types].xml" in names:
        for folder, suffix in _BY_FOLDER.items():
            if any(name.startswith(folder) for name in names):
                return suffix
    return ""


def sniff(path: Path) -> str:
    """``content_suffix`` of the archive at ``path``; "" also for one that cannot be read."""
    try:
        with reading(path), zipfile.ZipFile(path) as archive:
            return content_suffix(archive)
    except BadDocument:
        return ""


def described(suffix: str) -> str:
    """What a person calls a file with this suffix, such as ``an Excel workbook``."""
    name = NAMES[suffix]
    return f"an {name}" if name[0] in "AEIOU" else f"a {name}"


@contextmanager
def reading(path: Path, *others: type[Exception]) -> Iterator[None]:
    """Turn what zip and XML libraries, and ``others``, raise for a damaged file to ``BadDocument``.

    ``others`` are the errors that a library derives from nothing but ``Exception``.
    """
    damage: tuple[type[Exception], ...] = (*_DAMAGE, *others)
    try:
        yield
    except damage as error:
        raise broken(path) from error


def broken(path: Path) -> BadDocument:
    """The error for a file that is not what its suffix says, or is damaged."""
    suffix = path.suffix.lower()
    return BadDocument(
        f"{path}: is not a readable {NAMES.get(suffix, 'document')}: open it in the program that "
        f"made it and save it as {suffix} again"
    )


def read_xml(archive: zipfile.ZipFile, name: str) -> _Element:
    """The root of an XML entry. Use inside ``reading``: raises what the libraries raise."""
    from lxml import etree

    root = etree.fromstring(archive.read(name), xml_parser())
    if root is None:
        raise ValueError(f"{name} is empty")
    return root


def xml_parser() -> XMLParser:
    """Expands no entities, fetches nothing, and gives up on nesting and text without end."""
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


def _check(path: Path, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise BadDocument(
            f"{path}: has {len(entries):,} parts; at most {MAX_ENTRIES:,} are read: split it"
        )
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    bomb = unpacked > _RATIO_FROM_BYTES and unpacked / packed > MAX_RATIO
    if unpacked > MAX_UNPACKED_BYTES or bomb:
        raise BadDocument(
            f"{path}: unpacks to {unpacked / 1e6:,.0f} MB, {unpacked / packed:,.0f} times its "
            f"size; at most {MAX_UNPACKED_BYTES // 10**6} MB and {MAX_RATIO} times are read: "
            "remove its images or split it"
        )
    markup = sum(e.file_size for e in entries if e.filename.lower().endswith(_MARKUP))
    if markup > MAX_MARKUP_BYTES:
        raise BadDocument(
            f"{path}: holds {markup / 1e6:,.0f} MB of text and markup; at most "
            f"{MAX_MARKUP_BYTES // 10**6} MB are read: split it"
        )
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise BadDocument(f"{path}: is encrypted: remove its password and ingest it again")
    for entry in entries:
        if entry.filename.lower().endswith(_XML):
            with archive.open(entry) as file:
                # They are not expanded, so the text that they stand for would be missing.
                if b"<!ENTITY" in file.read(_PROLOG_BYTES):
                    raise BadDocument(
                        f"{path}: declares XML entities, which can multiply or hide text: open it "
                        "in the program that made it and save it again"
                    )
    suffix, found = path.suffix.lower(), content_suffix(archive)
    if found and found != suffix:
        raise BadDocument(
            f"{path}: is {described(found)} by its content, not {suffix}: rename it to {found}"
        )
