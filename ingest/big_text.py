"""Texts too large to be read in one piece, cut at line ends without ever holding the whole."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

from ingest.table_header import is_header

TEXT_SUFFIXES = frozenset({".txt", ".text", ".log", ".csv", ".tsv", ".jsonl", ".ndjson"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv"})
PART_BYTES = 16_000_000

_PARAGRAPH_BYTES = 1 << 16  # how far back a blank line is looked for
_HEADER_BYTES = 1 << 16  # a longer first row is none that names columns
# Only where a byte order mark tells them: in these, byte 10 is not always a line end.
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def parts(file: BinaryIO, suffix: str) -> Iterator[bytes]:
    """The bytes of a text in pieces of at most ``PART_BYTES``, each ending with a line.

    Where a table's first row names its columns, every piece begins with it, and no piece ends
    inside a quoted cell. A line longer than a piece is cut at a space or, without any, between
    characters. UTF-16 and UTF-32 become UTF-8.
    """
    start = file.read(4)
    file.seek(0)
    encoding = next((name for mark, name in _WIDE if start.startswith(mark)), "")
    read = _as_utf8(file, encoding) if encoding else file.read
    is_table = suffix in TABLE_SUFFIXES
    buffer = read(PART_BYTES)
    header = _header(buffer, suffix) if is_table else b""
    first = True
    while buffer:
        room = PART_BYTES - (0 if first else len(header))
        while len(buffer) <= room and (more := read(room + 1 - len(buffer))):
            buffer += more
        end = _end(buffer, room, is_table) if len(buffer) > room else len(buffer)
        yield buffer[:end] if first else header + buffer[:end]
        buffer, first = buffer[end:], False


def _as_utf8(file: BinaryIO, encoding: str) -> Callable[[int], bytes]:
    text = io.TextIOWrapper(file, encoding, errors="replace", newline="")

    def read(size: int) -> bytes:
        # A character has at most four bytes.
        return text.read(max(1024, size // 4)).encode("utf-8", errors="replace")

    return read


def _end(buffer: bytes, room: int, is_table: bool) -> int:
    """Where to cut: the last line end before ``room``, of a table the last row's, if it can be."""
    if is_table and (end := _row_end(buffer, room)):
        return end
    if not is_table and (end := buffer.rfind(b"\n\n", room - _PARAGRAPH_BYTES, room)) >= 0:
        return end + 2
    if end := buffer.rfind(b"\n", 0, room) + 1:
        return end
    if end := buffer.rfind(b" ", 0, room) + 1:
        return end
    return next(end for end in range(room, 0, -1) if buffer[end] & 0xC0 != 0x80 or end < room - 3)


def _row_end(buffer: bytes, room: int) -> int:
    """The last line end before ``room`` that is in no quoted cell, or 0."""
    end = buffer.rfind(b"\n", 0, room) + 1
    quotes = buffer.count(b'"', 0, end)
    while end and quotes % 2:
        before = buffer.rfind(b"\n", 0, end - 1) + 1
        quotes -= buffer.count(b'"', before, end)
        end = before
    return end


def _header(buffer: bytes, suffix: str) -> bytes:
    """The bytes of a table's first row if that names the columns, else none."""
    end = buffer.find(b"\n") + 1
    while end and buffer.count(b'"', 0, end) % 2:  # inside a quoted cell
        end = buffer.find(b"\n", end, _HEADER_BYTES) + 1
    line = buffer[:end].decode("utf-8", errors="replace")
    delimiter = "\t" if suffix == ".tsv" else max(",;\t|", key=line.count)
    row = next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])
    return buffer[:end] if end <= _HEADER_BYTES and is_header(row) else b""
