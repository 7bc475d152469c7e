"""Small pieces of HTML that several parts of the page share. What comes in is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from ingest.containers import is_url
from rag.types import Span


def file_name(uri: str) -> str:
    """The last part of a path or address, as a person would say it."""
    path = unquote(urlsplit(uri).path) if is_url(uri) else uri
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or uri


def place(title: str, headings: Sequence[str], page: int | None, date: str = "") -> str:
    """Where in a document: a first heading that repeats its title is left out."""
    path = headings[1:] if tuple(headings[:1]) == (title,) else headings
    return facts(" › ".join(path), f"page {page}" if page is not None else "", date[:10])


def facts(*values: str) -> str:
    """Those of the values that are not empty, on one line."""
    return " · ".join(escape(value) for value in values if value)


def count(number: int, noun: str) -> str:
    """``1 source``, ``2,000 sources``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def marked(text: str, offset: int, spans: Iterable[tuple[Span, str]]) -> str:
    """``text``, which starts at ``offset`` of its document, with ranges of that document marked.

    Each range comes with its class. Where ranges overlap, the earlier one is cut short for the
    later; none adds or loses a character.
    """
    cuts = {0, len(text)}
    inside = []
    for span, name in spans:
        start, end = max(0, span.start - offset), min(len(text), span.end - offset)
        if start < end:
            inside.append((start, end, name))
            cuts |= {start, end}
    edges = sorted(cuts)
    parts = []
    for start, end in pairwise(edges):
        names = [name for first, last, name in inside if first <= start and end <= last]
        piece = escape(text[start:end])
        parts.append(f'<mark class="{names[-1]}">{piece}</mark>' if names else piece)
    return "".join(parts)
