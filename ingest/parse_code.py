"""Source code, configuration and logs, kept character by character."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ingest.decode import decode
from ingest.parse_text import kept
from ingest.parsed import Block, Parsed
from rag.spans import stripped
from rag.types import Span

# A piece begins at the margin below a blank line; what closes or goes on with one does not.
_PIECE = re.compile(r"\n[ \t\f]*\n(?=[^\s)\]}])")
# An entry of a log begins at the margin; what is indented, such as a stack trace, belongs to it.
_ENTRY = re.compile(r"\n(?=\S)")


def parse_code(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read source code: one block per top-level piece, as blank lines and indentation show it.

    The title is the file's name. Raises ``BadDocument`` for data that is not text.
    """
    text, warnings = decode(path, data)
    blocks = [Block("code", start, end) for start, end in _pieces(text, _PIECE)]
    return kept(text, blocks, path.name, media_type, warnings)


def parse_log(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read a log: one block per entry, its indented lines included.

    The title is the file's name. Raises ``BadDocument`` for data that is not text.
    """
    text, warnings = decode(path, data)
    blocks = [Block("code", start, end) for start, end in _pieces(text, _ENTRY)]
    return kept(text, blocks, path.name, media_type, warnings)


def _pieces(text: str, boundary: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """The ranges between boundaries, without whitespace around them."""
    starts = [0, *(match.end() for match in boundary.finditer(text))]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        piece = stripped(text, Span(start, end))
        if piece.start < piece.end:
            yield piece.start, piece.end
