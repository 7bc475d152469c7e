"""Mail messages: who wrote what to whom, and what they said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import Header, decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

from ingest.decode import decode
from ingest.parse_html import add_html
from ingest.parsed import Builder, Parsed, collapse
from rag.errors import BadDocument

_ENCRYPTED = frozenset(
    {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)
_FORWARDED = "message/rfc822"
_STATUS = "message/delivery-status"
_READ = ("text/plain", "text/html", "text/rfc822-headers")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_QUOTED = re.compile(r"[ \t]?> ?")
_WROTE = re.compile(
    r"(?:On|Am|Le|El|Il)\b(?=.*\d).{6,300}\b(?:wrote|schrieb\b.*|a écrit|escribió|ha scritto) ?:"
)
_AGAIN = re.compile(r"\b(?P<mark>re|fwd?|aw|wg|antw|sv|tr|rv):(?:\s*(?P=mark):)+", re.IGNORECASE)
_SHOWN = ("From", "To", "Cc")
_TELLING = ("From", "To", "Date", "Subject", "Message-ID", "Received")
_NAMED = 5  # attachments in a warning


def parse_eml(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read a message: its subject as heading, from, to and date as lines, then its text.

    Messages that it forwards follow in the same way. What it quotes at its end comes without the
    marks of quoting, below the line that says who wrote it. The plain text is read where there is
    one, else the HTML. Attachments are named in a warning. Raises ``BadDocument`` for data that
    is no message, and for one that is encrypted.
    """
    try:
        return _read(path, data, media_type)
    except RecursionError as error:
        raise BadDocument(f"{path}: is nested too deeply: save the message anew") from error


def _read(path: Path, data: bytes, media_type: str) -> Parsed:
    # The older policy: the newer one raises errors of all kinds for headers against the rules.
    message = message_from_bytes(data.lstrip(), policy=policy.compat32)
    if not any(name in message for name in _TELLING):
        raise BadDocument(
            f"{path}: is not a mail message (it has no From, To, Date or Subject): give it its "
            "proper suffix"
        )
    if message.get_content_type() in _ENCRYPTED:
        raise BadDocument(f"{path}: is encrypted: save the message decrypted and ingest it again")
    builder = Builder()
    attachments: list[str] = []
    _add_message(builder, path, message, attachments, level=1)
    if attachments:
        names = ", ".join(attachments[:_NAMED]) + ", ..." * (len(attachments) > _NAMED)
        were = "attachment was" if len(attachments) == 1 else "attachments were"
        builder.warnings.append(f"{len(attachments)} {were} not read: {names}")
    date = _date(message)
    return builder.build(
        title=_subject(message) or path.stem,
        media_type=media_type,
        date=date.isoformat() if date else "",
        author=", ".join(who or mail for who, mail in getaddresses([_header(message, "From")])),
        language=_header(message, "Content-Language"),
    )


def _add_message(
    builder: Builder, path: Path, message: Message, attachments: list[str], *, level: int
) -> None:
    """Append a message, and below it those that it forwards."""
    builder.add("heading", _subject(message), level=min(level, 6))
    date = _date(message)
    shown = [(name, _people(message, name)) for name in _SHOWN]
    shown.append(("Date", date.isoformat(" ") if date else _header(message, "Date")))
    builder.add("paragraph", "\n".join(f"{name}: {text}" for name, text in shown if text))
    before = len(builder.blocks)
    for part in _bodies(message, attachments):
        if part.get_content_type() == _STATUS:
            _add_status(builder, part)
            continue
        inner = part.get_payload(0) if part.is_multipart() else None
        if isinstance(inner, Message):
            _add_message(builder, path, inner, attachments, level=level + 1)
        else:
            _add_body(builder, path, part, level)
    if len(builder.blocks) == before:
        builder.warnings.append("the message has no text")


def _header(message: Message, name: str) -> str:
    """A header on one line, its encoded words decoded as far as they can be."""
    raw = message.get(name, "")
    if isinstance(raw, Header):  # bytes outside of ASCII, against the standard but common
        raw = b"".join(
            part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
            for part, _ in decode_header(raw)
        ).decode("utf-8", "replace")
    try:
        return collapse(str(make_header(decode_header(collapse(raw)))))
    except (MessageError, UnicodeError, LookupError, ValueError):  # shown as it was written
        return collapse(raw)


def _subject(message: Message) -> str:
    """The subject, each mark of an answer once: some programs put one before every answer."""
    return _AGAIN.sub(r"\g<mark>:", _header(message, "Subject"))


def _people(message: Message, name: str) -> str:
    """The people of a header, such as ``Ada Lovelace <ada@example.org>, ...``."""
    pairs = getaddresses([_header(message, name)])
    people = [f"{who} <{mail}>" if who and mail else who or mail for who, mail in pairs]
    return ", ".join(filter(None, people)) or _header(message, name)


def _date(message: Message) -> datetime | None:
    try:
        return parsedate_to_datetime(_header(message, "Date"))
    except (ValueError, TypeError, OverflowError):  # shown as it was written
        return None


def _bodies(part: Message, attachments: list[str]) -> Iterator[Message]:
    """The parts to be read, in order; the names of all others are collected."""
    kind = part.get_content_type()
    children = part.get_payload()
    attached = part.get_content_disposition() == "attachment" or part.get_filename()
    if part.is_multipart() and kind.startswith("multipart/"):
        parts = [child for child in children if isinstance(child, Message)]
        if kind == "multipart/alternative":
            parts = _preferred(parts)
        for child in parts:
            yield from _bodies(child, attachments)
    elif part.is_multipart() if kind in (_FORWARDED, _STATUS) else kind in _READ and not attached:
        yield part
    else:
        attachments.append(collapse(_filename(part)) or kind)


def _preferred(parts: list[Message]) -> list[Message]:
    """Of parts that say the same, the plain text, or else the last, which is the best."""
    for part in parts:
        if part.get_content_type() == "text/plain" and _payload(part).strip():
            return [part]
    return parts[-1:]


def _filename(part: Message) -> str:
    try:
        return str(make_header(decode_header(part.get_filename() or "")))
    except (MessageError, UnicodeError, LookupError, ValueError):
        return part.get_filename() or ""


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _add_status(builder: Builder, part: Message) -> None:
    """Append what became of a message: fields for the whole of it, then for each recipient."""
    for fields in part.get_payload():
        if isinstance(fields, Message):
            lines = (
                f"{name}: {text}"
                for name in dict.fromkeys(fields)
                if (text := _header(fields, name))
            )
            builder.add("paragraph", "\n".join(lines))


def _add_body(builder: Builder, path: Path, part: Message, level: int) -> None:
    charset = part.get_content_charset() or ""
    payload = _payload(part)
    if not payload.strip():
        return
    text, warnings = decode(path, payload, charset)
    builder.warnings += (warning for warning in warnings if warning not in builder.warnings)
    if part.get_content_type() == "text/html":
        add_html(builder, text, beside=True)
        return
    _add_text(builder, text, level)


def _add_text(builder: Builder, text: str, level: int) -> None:
    """Append a plain text, and below who wrote it what it quotes at its end.

    What is quoted between its own lines stays as it is: its marks tell who says what.
    """
    lines = text.splitlines()
    start = len(lines)
    while start and (not lines[start - 1].strip() or _QUOTED.match(lines[start - 1])):
        start -= 1
    quoted = [_QUOTED.sub("", line, count=1) for line in lines[start:]]
    size = next((n for n in (1, 2) if _is_introduction(lines[max(0, start - n) : start])), 0)
    if not size or not any(line.strip() for line in quoted):
        start, size = len(lines), 0
    for paragraph in _BLANK_LINE.split("\n".join(lines[: start - size])):
        builder.add("paragraph", paragraph)
    if size:
        who = collapse(" ".join(lines[start - size : start]))
        builder.add("heading", who, level=min(level + 1, 6))
        _add_text(builder, "\n".join(quoted), level + 1)


def _is_introduction(lines: list[str]) -> bool:
    """Whether some lines say who wrote what is quoted below them."""
    return bool(_WROTE.fullmatch(collapse(" ".join(lines))))
