"""Mailboxes in the mbox format, message by message, however large."""

from __future__ import annotations

import re
from email.errors import MessageError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import BinaryIO

LINE_BYTES = 1 << 16  # read at once; a longer line comes in pieces
_FROM = re.compile(rb"From \S")
_QUOTED_FROM = re.compile(rb">+From ")


def begins_message(line: bytes) -> bool:
    """Whether a line stands above a message; within a mailbox, a blank line goes before it."""
    return bool(_FROM.match(line))


class Message:
    """One message of a mailbox as a file: up to the next line that begins with ``From ``."""

    def __init__(self, file: BinaryIO) -> None:
        self.is_last = False
        self._file = file
        self._ended = False
        self._line = b"\n"
        self._after_blank = False

    def read(self, size: int) -> bytes:
        """About ``size`` bytes, none at the end."""
        lines: list[bytes] = []
        length = 0
        while length < size and not self._ended:
            begins = self._line.endswith(b"\n")
            line = self._line = self._file.readline(LINE_BYTES)
            self.is_last = not line
            self._ended = not line or (begins and self._after_blank and begins_message(line))
            if not self._ended:
                self._after_blank = begins and line in (b"\n", b"\r\n")
                # Whoever wrote the mailbox marked such lines of the text.
                lines.append(line[1:] if begins and _QUOTED_FROM.match(line) else line)
                length += len(line)
        return b"".join(lines)


def subject(path: Path) -> str:
    """The subject of a message, or ""."""
    with path.open("rb") as file:
        head = file.read(LINE_BYTES)
    raw = str(BytesHeaderParser().parsebytes(head).get("Subject") or "")
    try:
        return str(make_header(decode_header(raw)))
    except (MessageError, LookupError, ValueError):
        return raw
