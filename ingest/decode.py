"""Text from bytes: which encoding they are in, and whether they are text at all."""

from __future__ import annotations

import re
from pathlib import Path

from ingest.parsed import repair, repair_warnings
from rag.errors import BadDocument

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_CONTROL = 0.1  # share of control characters above which a file is not text
_DETECT_BYTES = 1_000_000  # enough to tell an encoding by


def decode(path: Path, data: bytes, declared: str = "") -> tuple[str, tuple[str, ...]]:
    r"""The text in ``data``, with ``\n`` line ends, and warnings of what was guessed or repaired.

    Tried in this order: byte order mark, the ``declared`` encoding, UTF-8, detection. Raises
    ``BadDocument`` for data that is not text.
    """
    marked = next((name for bom, name in _BOMS if data.startswith(bom)), "")
    if not marked and b"\x00" in data:
        raise BadDocument(
            f"{path}: is binary, not text (it has NUL bytes): give it its proper suffix, or save "
            "it as UTF-8 text"
        )
    warnings: tuple[str, ...] = ()
    text = None
    for encoding in dict.fromkeys(filter(None, (marked, declared, "utf-8"))):
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError):  # LookupError: no such encoding
            continue
        break
    if text is None:
        text, encoding = _detect(path, data)
        warnings = (f"read as {encoding}, not UTF-8",)
    if len(_CONTROL.findall(text)) > _MAX_CONTROL * len(text):
        raise BadDocument(
            f"{path}: is binary, not text (over {_MAX_CONTROL:.0%} control characters): give it "
            "its proper suffix"
        )
    text, repaired = repair(text)
    return text, warnings + repair_warnings(repaired)


def _detect(path: Path, data: bytes) -> tuple[str, str]:
    """The text and the name of the most likely encoding."""
    from charset_normalizer import from_bytes

    likely = [match.encoding for match in from_bytes(data[:_DETECT_BYTES])]
    # Where Western Windows is among the candidates it is by far the most common of them.
    for codec in ("cp1252", *likely) if not likely or "cp1252" in likely else likely:
        try:
            return data.decode(codec), re.sub(r"^cp(?=125\d$)", "windows-", codec)
        except UnicodeDecodeError:
            continue
    raise BadDocument(f"{path}: is in no known text encoding: save it as UTF-8 text")
