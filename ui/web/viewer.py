"""A document beside the chat, open at a passage: page images, text, tables or code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ingest.containers import is_url
from ingest.originals import original_path
from ingest.parse import FORMATS
from rag.errors import BadDocument
from rag.index import Index
from rag.spans import overlap
from rag.standing import changed_files
from rag.types import Place, Source, Span
from ui.web.markup import facts, file_name
from ui.web.pages import boxes, has_pages, page_image
from ui.web.prose import Text, as_html, window_around

BEFORE, AFTER = 4_000, 6_000
"""Characters shown around a passage; the rest of the document comes on demand."""
MOST_PAGES = 3
HERE, ALSO = "fn-here", "fn-also"
CODE = frozenset(f.media_type for f in FORMATS.values() if f.module == "parse_code") - {
    "text/plain"
}


@dataclass(frozen=True, slots=True)
class Opened:
    """What to show: a source, the passage quoted from it, and the other passages of the answer."""

    source: Source
    text: str
    places: Sequence[Place]
    span: Span
    also: Sequence[Span] = ()

    @property
    def marks(self) -> list[tuple[Span, str]]:
        """The ranges to mark; the passage itself last, above the others."""
        return [*((span, ALSO) for span in self.also), (self.span, HERE)]


def view(index: Index, source_id: str, span: Span, also: Sequence[Span] = ()) -> str:
    """A source open at a passage, as HTML. Raises ``KeyError`` when the index has it no more."""
    opened = _open(index, source_id, span, also)
    return _header(index, opened) + f'<div class="fn-paper">{_around(index, opened)}</div>'


def more(index: Index, source_id: str, at: int, back: bool, span: Span) -> str:
    """The page, or the stretch of text, at ``at`` that goes before or after what is shown.

    Raises ``KeyError`` when the index has the source no more, or there is no such page.
    """
    opened = _open(index, source_id, span, ())
    source = opened.source
    if has_pages(source.media_type):
        if not 1 <= at <= (source.pages or 1):
            raise KeyError(at)
        try:
            page = _page(index, opened, at)
        except BadDocument as error:
            return _notice(str(error))
        return _earlier(at - 1) * back + page + _later(at + 1, source.pages or 1) * (not back)
    edge = Span(at, at)
    window = window_around(opened.text, edge, BEFORE + AFTER if back else 0, 0 if back else AFTER)
    return _stretch(index, opened, window, back, not back)


def gone(quote: str) -> str:
    """What is left of a source that was removed from the library: its quoted words."""
    notice = _notice("This source has been removed from the library; its quoted words are kept.")
    return f'{notice}<div class="fn-paper"><p dir="auto"><mark>{escape(quote)}</mark></p></div>'


def _open(index: Index, source_id: str, span: Span, also: Sequence[Span]) -> Opened:
    library = index.library
    with library.reading():
        source = library.version(source_id)
        text = library.text(source_id)
        return Opened(source, text, library.places(source_id), span, also)


def _header(index: Index, opened: Opened) -> str:
    source = opened.source
    name = escape(file_name(source.uri))
    if is_url(source.uri):
        name = f'<a href="{escape(source.uri)}" target="_blank" rel="noreferrer">{name}</a>'
    about = facts(source.date[:10], source.author)
    return (
        f'<header class="fn-doc"><h2 dir="auto">{escape(source.title)}</h2>'
        f'<p title="{escape(source.uri)}">{about}{" · " if about else ""}{name}</p>'
        f"{_standing(index, source)}</header>"
    )


def _standing(index: Index, source: Source) -> str:
    if index.library.standing(source.id) == "superseded":
        return _notice("This file has changed since. Shown is the version that was quoted.")
    if changed_files(index.library, [source.uri]):
        return _notice("The file on disk has changed since it was read. Shown is what was read.")
    return ""


def _notice(text: str) -> str:
    return f'<p class="fn-changed" role="status">{escape(text)}</p>'


def _around(index: Index, opened: Opened) -> str:
    notice = ""
    if has_pages(opened.source.media_type):
        try:
            return _pages(index, opened)
        except BadDocument as error:
            notice = _notice(f"Shown as text: {error}")
    window = window_around(opened.text, opened.span, BEFORE, AFTER)
    return notice + _stretch(index, opened, window, True, True)


def _pages(index: Index, opened: Opened) -> str:
    span = opened.span
    on = [p.page for p in opened.places if p.page and overlap(p, span)]
    first = min(on, default=1)
    last = min(max(on, default=1), first + MOST_PAGES - 1)
    count = opened.source.pages or last
    shown = "".join(_page(index, opened, number) for number in range(first, last + 1))
    return _earlier(first - 1) + shown + _later(last + 1, count)


def _page(index: Index, opened: Opened, number: int) -> str:
    source = opened.source
    path = original_path(index, source.sha256)
    image = page_image(path, source.media_type, number)
    layers = "".join(
        f'<i class="fn-box {name}" style="left:{left:.3%};top:{top:.3%};'
        f'width:{right - left:.3%};height:{bottom - top:.3%}"></i>'
        for span, name in opened.marks
        for left, top, right, bottom in boxes(
            path, source.media_type, number, opened.places, span, opened.text
        )
    )
    of = f" of {source.pages}" if source.pages else ""
    return (
        f'<figure class="fn-page"><div><img src="{image}" alt="Page {number}{of}">{layers}</div>'
        f"<figcaption>Page {number}{of}</figcaption></figure>"
    )


def _earlier(page: int) -> str:
    return _more(page, True, f"Page {page}") if page >= 1 else ""


def _later(page: int, count: int) -> str:
    return _more(page, False, f"Page {page}") if page <= count else ""


def _stretch(index: Index, opened: Opened, window: Span, before: bool, after: bool) -> str:
    source = opened.source
    text = Text(
        opened.text,
        opened.places,
        _headings(index, source.id) | {source.title},
        "slide" if "presentation" in source.media_type else "page",
        source.media_type in CODE,
    )
    body = as_html(text, window, opened.marks)
    if before and window.start > 0:
        body = _more(window.start, True, "Earlier text") + body
    if after and window.end < len(opened.text):
        body += _more(window.end, False, "Later text")
    return body


def _headings(index: Index, source_id: str) -> frozenset[str]:
    chunks = index.library.chunks_of(source_id)
    return frozenset(heading for chunk in chunks for heading in chunk.headings)


def _more(at: int, back: bool, label: str) -> str:
    return (
        f'<button type="button" class="fn-further" data-at="{at}" data-back="{int(back)}">'
        f"{escape(label)}</button>"
    )
