"""Files in, text with structure out: the one door to every parser."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ingest.parsed import Parsed
from ingest.suspicious import quarantined
from rag.errors import BadDocument

MAX_TEXT_BYTES = 50_000_000
MAX_BYTES = 200_000_000

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        ".txt": "text/plain",
        ".text": "text/plain",
        ".md": "text/markdown",
        ".markdown": "text/markdown",
        ".csv": "text/csv",
        ".tsv": "text/tab-separated-values",
        ".html": "text/html",
        ".htm": "text/html",
        ".xhtml": "application/xhtml+xml",
        ".pdf": "application/pdf",
        ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }
)
SUPPORTED = frozenset(SUFFIXES)

_PAGED = frozenset({".pdf", ".docx"})
# A file that starts like this is binary whatever its name says.
_SIGNATURES = (
    (b"%PDF-", "a PDF file", ".pdf"),
    (b"PK\x03\x04", "a zip archive (.docx files are such archives)", ".docx"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.doc) or one with a password", ""),
    (b"\x89PNG", "a PNG image", ""),
    (b"\xff\xd8\xff", "a JPEG image", ""),
    (b"GIF8", "a GIF image", ""),
    (b"\x1f\x8b", "a gzip archive", ""),
    (b"{\\rtf", "a rich text (RTF) file", ""),
)


def parse(path: Path) -> Parsed:
    """Read one file as text with structure.

    The suffix chooses the parser, the content must agree with it. Raises ``BadDocument``, with
    the path, what is wrong and what to do, for a file that cannot be opened, is too large, empty,
    encrypted or broken, has an unknown suffix, is not what its suffix says, or holds no text.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadDocument(
            f"{path}: cannot read {suffix or 'a file without suffix'}; supported are "
            f"{', '.join(sorted(SUPPORTED))}: convert it to one of them"
        )
    _check(path, suffix)
    parsed = _parse(path, suffix)
    if not parsed.blocks:
        pages = " It may be a scan: run OCR on it and ingest the result." * (suffix == ".pdf")
        raise BadDocument(f"{path}: no text could be extracted from it.{pages}")
    return quarantined(parsed, path.stem)


def _check(path: Path, suffix: str) -> None:
    limit = MAX_BYTES if suffix in _PAGED else MAX_TEXT_BYTES
    try:
        if path.is_dir():
            raise BadDocument(f"{path}: is a folder, not a file: give the files in it")
        # A pipe or device would block or never end; its size says nothing.
        if path.exists() and not path.is_file():
            raise BadDocument(f"{path}: is not a regular file: copy its content into one")
        size = path.stat().st_size
        if size > limit:
            kind = "" if suffix in _PAGED else " of text"
            raise BadDocument(
                f"{path}: is {size / 1e6:,.0f} MB; at most {limit // 10**6} MB{kind} per file: "
                "split it and ingest the parts"
            )
        with path.open("rb") as file:
            head = file.read(1024)
    except PermissionError as error:
        raise BadDocument(f"{path}: permission denied: make the file readable") from error
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or 0)
        raise BadDocument(f"{path}: cannot be opened: {reason}") from error
    if not head:
        raise BadDocument(f"{path}: the file is empty: put its content back or remove it")
    for signature, name, own_suffix in _SIGNATURES:
        if head.startswith(signature) and suffix != own_suffix:
            advice = f"rename it to {own_suffix}" if own_suffix else "convert it to that format"
            raise BadDocument(f"{path}: is {name} by its content, not {suffix}: {advice}")


def _parse(path: Path, suffix: str) -> Parsed:
    # Imported on use: a folder of text files must not pay for the PDF and Word libraries.
    media_type = SUFFIXES[suffix]
    if suffix == ".pdf":
        from ingest.parse_pdf import parse_pdf

        return parse_pdf(path, media_type)
    if suffix == ".docx":
        from ingest.parse_docx import parse_docx

        return parse_docx(path, media_type)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadDocument(f"{path}: cannot be read: {error.strerror}") from error
    if suffix in (".html", ".htm", ".xhtml"):
        from ingest.parse_html import parse_html

        return parse_html(path, data, media_type)
    from ingest import parse_text

    if suffix in (".md", ".markdown"):
        return parse_text.parse_markdown(path, data, media_type)
    if suffix in (".csv", ".tsv"):
        return parse_text.parse_csv(path, data, media_type)
    return parse_text.parse_plain(path, data, media_type)
