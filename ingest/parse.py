"""Files in, text with structure out: the one door to every parser."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from ingest.parsed import Parsed
from ingest.stated_date import stated_date
from ingest.suspicious import quarantined
from rag.errors import BadDocument

_MADE = ("parse_pdf", "parse_docx", "parse_odt", "parse_pptx", "parse_rtf", "parse_xlsx")
MAX_TEXT_BYTES = 50_000_000
MAX_BYTES = 200_000_000


class Format(NamedTuple):
    """How a file with some suffix is read.

    ``function`` in ``ingest.<module>`` takes ``(path, media_type)`` if it ``takes`` a path, and
    ``(path, data, media_type)`` with the file's bytes if it takes data.
    """

    media_type: str
    takes: Literal["path", "data"]
    module: str
    function: str


_OFFICE = "application/vnd.openxmlformats-officedocument."
# fmt: off
_CODE = {
    ".bash": "text/x-shellscript", ".bat": "text/x-bat", ".c": "text/x-c", ".cc": "text/x-c++",
    ".cfg": "text/x-ini", ".conf": "text/plain", ".cpp": "text/x-c++", ".cs": "text/x-csharp",
    ".css": "text/css", ".go": "text/x-go", ".h": "text/x-c", ".hpp": "text/x-c++",
    ".ini": "text/x-ini", ".java": "text/x-java", ".jl": "text/x-julia", ".js": "text/javascript",
    ".jsx": "text/javascript", ".kt": "text/x-kotlin", ".lua": "text/x-lua",
    ".mjs": "text/javascript", ".php": "text/x-php", ".pl": "text/x-perl",
    ".properties": "text/x-properties", ".proto": "text/x-protobuf", ".ps1": "text/x-powershell",
    ".py": "text/x-python", ".pyi": "text/x-python", ".r": "text/x-r", ".rb": "text/x-ruby",
    ".rs": "text/x-rust", ".scala": "text/x-scala", ".scss": "text/x-scss",
    ".sh": "text/x-shellscript", ".sql": "application/sql", ".swift": "text/x-swift",
    ".toml": "application/toml", ".ts": "text/x-typescript", ".tsx": "text/x-typescript",
    ".xml": "application/xml", ".yaml": "application/yaml", ".yml": "application/yaml",
}
FORMATS: Mapping[str, Format] = MappingProxyType({
    **{suffix: Format(media, "path", "parse_image", "parse_image") for suffix, media in (
        (".bmp", "image/bmp"), (".jpeg", "image/jpeg"), (".jpg", "image/jpeg"),
        (".png", "image/png"), (".tif", "image/tiff"), (".tiff", "image/tiff"),
        (".webp", "image/webp"),
    )},
    ".csv": Format("text/csv", "data", "parse_csv", "parse_csv"),
    ".docx": Format(_OFFICE + "wordprocessingml.document", "path", "parse_docx", "parse_docx"),
    ".eml": Format("message/rfc822", "data", "parse_mail", "parse_eml"),
    ".epub": Format("application/epub+zip", "path", "parse_epub", "parse_epub"),
    ".htm": Format("text/html", "data", "parse_html", "parse_html"),
    ".html": Format("text/html", "data", "parse_html", "parse_html"),
    ".json": Format("application/json", "data", "parse_json", "parse_json"),
    ".jsonl": Format("application/jsonl", "data", "parse_json", "parse_jsonl"),
    ".log": Format("text/plain", "data", "parse_code", "parse_log"),
    ".markdown": Format("text/markdown", "data", "parse_markdown", "parse_markdown"),
    ".md": Format("text/markdown", "data", "parse_markdown", "parse_markdown"),
    ".ndjson": Format("application/jsonl", "data", "parse_json", "parse_jsonl"),
    ".odt": Format("application/vnd.oasis.opendocument.text", "path", "parse_odt", "parse_odt"),
    ".pdf": Format("application/pdf", "path", "parse_pdf", "parse_pdf"),
    ".pptx": Format(_OFFICE + "presentationml.presentation", "path", "parse_pptx", "parse_pptx"),
    ".rst": Format("text/x-rst", "data", "parse_rst", "parse_rst"),
    ".rtf": Format("application/rtf", "data", "parse_rtf", "parse_rtf"),
    ".text": Format("text/plain", "data", "parse_text", "parse_plain"),
    ".tsv": Format("text/tab-separated-values", "data", "parse_csv", "parse_csv"),
    ".txt": Format("text/plain", "data", "parse_text", "parse_plain"),
    ".xhtml": Format("application/xhtml+xml", "data", "parse_html", "parse_html"),
    ".xlsx": Format(_OFFICE + "spreadsheetml.sheet", "path", "parse_xlsx", "parse_xlsx"),
    **{s: Format(media, "data", "parse_code", "parse_code") for s, media in _CODE.items()},
})
# fmt: on
SUPPORTED = frozenset(FORMATS)

# A file that starts like this is binary whatever its name says.
_SIGNATURES = (
    (b"%PDF-", "a PDF file", ".pdf"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office file (.doc, .xls, .ppt) or one with a password",
        "",
    ),
    (b"\x89PNG", "a PNG image", ".png"),
    (b"\xff\xd8\xff", "a JPEG image", ".jpg"),
    (b"GIF8", "a GIF image", ""),
    (b"\x1f\x8b", "a gzip archive", ""),
    (b"{\\rtf", "a rich text (RTF) file", ".rtf"),
)
_ZIP_SIGNATURE = b"PK\x03\x04"


def parse(path: Path) -> Parsed:
    """Read one file as text with structure.

    The suffix chooses the parser, the content must agree with it. Raises ``BadDocument``, with
    the path, what is wrong and what to do, for a file that cannot be opened, is too large, empty,
    encrypted or broken, has an unknown suffix, is not what its suffix says, or holds no text.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise BadDocument(
            f"{path}: cannot read {suffix or 'a file without suffix'}; supported are "
            f"{', '.join(sorted(SUPPORTED))}: convert it to one of them"
        )
    _check(path, suffix)
    parsed = _parse(path, FORMATS[suffix])
    if not parsed.blocks:
        scan = FORMATS[suffix].module in ("parse_pdf", "parse_image")
        advice = " OCR found none in its pictures either: scan it anew, larger." * scan
        raise BadDocument(f"{path}: no text could be extracted from it.{advice}")
    parsed = quarantined(parsed, path.stem)
    stated = stated_date(parsed)
    # The program that wrote such a file notes when; what it says of itself is what counts.
    first, second = (stated, parsed.date) if _is_made(suffix) else (parsed.date, stated)
    return replace(parsed, date=first or second)


def _is_made(suffix: str) -> bool:
    """Whether a format's own date is that of the file, and not one that its author gives."""
    return FORMATS[suffix].module in _MADE


def _check(path: Path, suffix: str) -> None:
    is_text = FORMATS[suffix].takes == "data"
    limit = MAX_TEXT_BYTES if is_text else MAX_BYTES
    try:
        if path.is_dir():
            raise BadDocument(f"{path}: is a folder, not a file: give the files in it")
        # A pipe or device would block or never end; its size says nothing.
        if path.exists() and not path.is_file():
            raise BadDocument(f"{path}: is not a regular file: copy its content into one")
        size = path.stat().st_size
        if size > limit:
            raise BadDocument(
                f"{path}: is {size / 1e6:,.0f} MB; at most {limit // 10**6} MB"
                f"{' of text' * is_text} per file: split it and ingest the parts"
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
    _check_content(path, suffix, head)


def _check_content(path: Path, suffix: str, head: bytes) -> None:
    from ingest import zipped

    # What a zip-based format holds is checked where it is opened.
    if head.startswith(_ZIP_SIGNATURE) and suffix not in zipped.NAMES:
        found = zipped.sniff(path)
        name = zipped.described(found) if found else "a zip archive"
        advice = f"rename it to {found}" if found else "unpack it and ingest the files in it"
        raise BadDocument(f"{path}: is {name} by its content, not {suffix}: {advice}")
    for signature, name, own_suffix in _SIGNATURES:
        # A picture is read whatever kind of picture its name says.
        alike = own_suffix and FORMATS[own_suffix].module == FORMATS[suffix].module
        if head.startswith(signature) and not alike:
            advice = f"rename it to {own_suffix}" if own_suffix else "convert it to that format"
            raise BadDocument(f"{path}: is {name} by its content, not {suffix}: {advice}")


def _parse(path: Path, form: Format) -> Parsed:
    # Imported on use: a folder of text files must not pay for the PDF and Word libraries.
    function = getattr(import_module(f"ingest.{form.module}"), form.function)
    if form.takes == "path":
        parsed: Parsed = function(path, form.media_type)
        return parsed
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadDocument(f"{path}: cannot be read: {error.strerror}") from error
    parsed = function(path, data, form.media_type)
    return parsed
