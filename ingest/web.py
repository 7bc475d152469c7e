"""Web pages by their address."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import httpx

from ingest.containers import Document, is_url
from ingest.http import get
from ingest.parse import FORMATS
from rag.errors import BadDocument

_HEAD_BYTES = 1 << 16  # of a page, in which its canonical address must stand
_VAGUE = frozenset({"", "application/octet-stream", "text/plain", "binary/octet-stream"})
_HTML = frozenset({".html", ".xhtml"})
_SUFFIX_OF = {form.media_type: suffix for suffix, form in FORMATS.items()} | {
    "text/html": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What a web server sent for an address.

    ``canonical`` is where it lies for the user: the address the page states for itself, if that is
    on the same host, else the one that redirects led to. ``suffix`` is that of a file of this
    kind.
    """

    canonical: str
    content: bytes
    suffix: str


def fetch(url: str, *, allow_private: bool = False) -> Page:
    """Get a page of a supported format.

    Raises ``BadDocument`` when the address is no web address, leads into a private network (unless
    ``allow_private``), the server refuses or is too slow, or the page is too large or of another
    kind.
    """
    final, headers, content = get(url, allow_private)
    media_type, charset = _content_type(headers)
    suffix = _suffix(final, media_type)
    if charset and suffix in _HTML | {".txt"}:
        # The server's word on the encoding goes before the page's own, unless it is wrong.
        with contextlib.suppress(LookupError, ValueError):
            content = content.decode(charset).encode("utf-8-sig")
    return Page(
        canonical=_canonical(content, final) if suffix in _HTML else str(final),
        content=content,
        suffix=suffix,
    )


def store(page: Page, into: Path) -> Document:
    """Write a page into a folder, to be read like any file; the consumer deletes it after use."""
    with tempfile.NamedTemporaryFile(suffix=page.suffix, dir=into, delete=False) as file:
        file.write(page.content)
    return Document(page.canonical, Path(file.name))


def _content_type(headers: dict[str, str]) -> tuple[str, str]:
    """The media type and the encoding, "" where not said, or where it is UTF-8 anyway."""
    message = Message()
    message["content-type"] = headers.get("content-type", "")
    charset = str(message.get_content_charset() or "")
    media_type = message.get_content_type() if headers.get("content-type") else ""
    return media_type, "" if charset in ("utf-8", "utf8") else charset


def _suffix(url: httpx.URL, media_type: str) -> str:
    """The suffix of a file of this kind. Raises ``BadDocument`` where none is supported."""
    own = PurePosixPath(url.path).suffix.lower()
    if media_type in _VAGUE and own in FORMATS:
        return own
    if media_type not in _SUFFIX_OF:
        raise BadDocument(
            f"{url}: is {media_type or 'of no stated kind'}, which cannot be read: save it as a "
            "file of a supported format"
        )
    return _SUFFIX_OF[media_type]


class _CanonicalLink(HTMLParser):
    """Finds the address that a page states for itself."""

    def __init__(self) -> None:
        super().__init__()
        self.href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and (values.get("rel") or "").lower() == "canonical":
            self.href = self.href or (values.get("href") or "").strip()


def _canonical(content: bytes, final: httpx.URL) -> str:
    finder = _CanonicalLink()
    finder.feed(content[:_HEAD_BYTES].decode("utf-8", errors="replace"))
    try:
        stated = final.join(finder.href) if finder.href else final
    except (httpx.InvalidURL, ValueError):
        return str(final)
    # A page cannot speak for another site.
    return str(stated if is_url(str(stated)) and stated.host == final.host else final)
