"""EPUB books: the chapters in reading order."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag
from zipfile import ZipFile

from ingest.decode import decode
from ingest.epub_contents import without_contents
from ingest.parse_html import add_html, declared_encoding, open_tags
from ingest.parsed import Builder, Parsed, collapse, iso_date
from ingest.zipped import open_zip, read_xml, reading
from rag.errors import BadDocument

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def parse_epub(path: Path, media_type: str) -> Parsed:
    """Read a book along its spine, without its tables of contents.

    Raises ``BadDocument`` for a file that is no EPUB, is broken, protected against copying, or
    would unpack to too much; see ``open_zip``.
    """
    builder = Builder()
    with open_zip(path) as archive, reading(path):
        package_name = read_xml(archive, _CONTAINER).find(".//{*}rootfile").get("full-path", "")
        package = read_xml(archive, package_name)
        protected = _protected(archive)
        missing = 0
        for name in _chapters(package, posixpath.dirname(package_name)):
            if name in protected:
                raise BadDocument(
                    f"{path}: is protected against copying (DRM): get a copy without protection"
                )
            if name not in archive.NameToInfo:
                missing += 1
                continue
            data = archive.read(name)
            text, warnings = decode(path, data, declared_encoding(data))
            builder.warnings += (w for w in warnings if w not in builder.warnings)
            add_html(builder, without_contents(open_tags(text)), beside=True)
        if missing:
            builder.warnings.append(f"{missing} of its chapters are missing in the file")
        return builder.build(
            title=builder.title_or(path.stem, _stated(package, "title")),
            media_type=media_type,
            date=iso_date(_stated(package, "date")),
            author=_stated(package, "creator", every=True),
            language=_stated(package, "language"),
        )


def _chapters(package: _Element, folder: str) -> list[str]:
    """The entries of the spine in reading order."""
    pages: dict[str, str] = {}
    for item in package.iter("{*}item"):
        is_contents = "nav" in item.get("properties", "").split()
        if item.get("media-type") in _PAGES and not is_contents:
            href = unquote(urldefrag(item.get("href", "")).url)
            pages[item.get("id", "")] = posixpath.normpath(posixpath.join(folder, href))
    order = [pages.get(ref.get("idref", ""), "") for ref in package.iter("{*}itemref")]
    return list(dict.fromkeys(filter(None, order)))


def _protected(archive: ZipFile) -> set[str]:
    """The entries that are encrypted. Fonts often are in books that are not protected."""
    if _ENCRYPTION not in archive.NameToInfo:
        return set()
    references = read_xml(archive, _ENCRYPTION).iter("{*}CipherReference")
    return {unquote(reference.get("URI", "")) for reference in references}


def _stated(package: _Element, name: str, *, every: bool = False) -> str:
    """What the book states for itself under a Dublin Core name: the first, or every such line."""
    found = [
        collapse("".join(map(str, element.itertext())))
        for element in package.iter(f"{{http://purl.org/dc/elements/1.1/}}{name}")
    ]
    stated = [text for text in found if text]
    return ", ".join(stated) if every else next(iter(stated), "")
