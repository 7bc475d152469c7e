"""Answers as HTML. Whatever comes from a document or a reader is escaped here, and only here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rag.types import Answer, Citation, Passage, Sentence, Source

if TYPE_CHECKING:
    from rag.tables import Counts

NEAREST = 3
SNIPPET = 240
LISTED = 100
VERDICTS = {"partial": "Partly supported by its source", "unsupported": "Not supported"}


def answer(turn: int, given: Answer) -> str:
    """A finished turn: question, cited sentences and their sources, or the nearest passages."""
    body = ""
    if given.query != given.question:
        body += f'<p class="fn-searched" dir="auto">Searched for: {escape(given.query)}</p>'
    if given.status == "answered":
        body += _sentences(turn, given) + _sources(turn, given)
    else:
        body += _declined(given)
    body += "".join(f'<p class="fn-note">{escape(note)}</p>' for note in given.notes)
    seconds = sum(given.timings.values())
    spent = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    took = f"{given.status} in {spent}, {_count(len(given.passages), 'passage')}"
    body += f'<p class="fn-time">{took}</p>'
    return _turn(turn, given.question, body)


def partial(turn: int, question: str, text: str, stopped: bool = False) -> str:
    """A turn whose answer is still being made, or was stopped while it was."""
    body = f'<p class="fn-text" dir="auto">{escape(text)}</p>' if text else ""
    body += '<p class="fn-note">Stopped.</p>' * stopped
    return _turn(turn, question, body or '<p class="fn-wait">Searching…</p>', done=stopped)


def failed(turn: int, question: str, message: str) -> str:
    """A turn that came to nothing, and why."""
    return _turn(turn, question, f'<p class="fn-failed" role="alert">{escape(message)}</p>')


def library(counts: Counts, sources: Iterable[Source]) -> str:
    """The side panel: which documents can be asked."""
    rows = "".join(
        f'<li title="{escape(source.uri)}"><span dir="auto">{escape(source.title)}</span><small>'
        f"{_facts(source.date[:10], file_name(source.uri))}</small></li>"
        for source in sorted(sources, key=lambda s: s.title.casefold())
    )
    if not counts.sources:
        rows = "<li>Empty. <code>footnote ingest PATHS</code> adds documents.</li>"
    return (
        '<details class="fn-library" open><summary>Library '
        f"<span>{counts.sources:,}</span></summary><ul>{rows}</ul></details>"
    )


def footer(counts: Counts) -> str:
    """How much there is to ask, and where it stays."""
    owed = f", {counts.owed:,} still to be embedded" if counts.owed else ""
    held = f"{_count(counts.sources, 'source')}, {_count(counts.chunks, 'passage')}{owed}"
    return f"<footer>{held}. Everything stays on this machine.</footer>"


def file_name(uri: str) -> str:
    """The last part of a path or address, as a person would say it."""
    path = unquote(urlsplit(uri).path) if _web(uri) else uri
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or uri


def _web(uri: str) -> bool:
    """Whether this may become a link: nothing but http and https ever does."""
    return uri.lower().startswith(("http://", "https://"))


def _turn(turn: int, question: str, body: str, done: bool = True) -> str:
    return (
        f'<article class="fn-turn" data-turn="{turn}" data-done="{int(done)}">'
        f'<h2 class="fn-question" dir="auto">{escape(question)}</h2>'
        f'<div class="fn-answer">{body}</div></article>'
    )


def _sentences(turn: int, given: Answer) -> str:
    paragraphs, end = [""], 0
    for sentence in given.sentences:
        if paragraphs[-1]:
            if "\n" in given.text[end : sentence.start]:
                paragraphs.append("")
            else:
                paragraphs[-1] += " "
        paragraphs[-1] += _sentence(turn, sentence)
        end = sentence.end
    return "".join(f'<p class="fn-text" dir="auto">{text}</p>' for text in paragraphs)


def _sentence(turn: int, sentence: Sentence) -> str:
    text = escape(sentence.text)
    if problem := VERDICTS.get(sentence.verdict):
        text = f'<span class="fn-{sentence.verdict}" title="{problem}">{text}</span>'
    return text + "".join(_chip(turn, citation) for citation in sentence.citations)


def _chip(turn: int, citation: Citation) -> str:
    place = _place(citation.title, citation.headings, citation.page)
    return (
        f'<button type="button" class="fn-chip" data-cite="t{turn}-{citation.number}" '
        f'aria-label="Source {citation.number}: {escape(citation.title)}, show the passage">'
        f'[{citation.number}]<span class="fn-tip" aria-hidden="true">'
        f"<b>{escape(citation.title)}</b><i>{place}</i>"
        f"<q>{escape(citation.quote)}</q></span></button>"
    )


def _sources(turn: int, given: Answer) -> str:
    """The cited passages in the order of their numbers, each once."""
    groups: dict[str, tuple[Passage | None, list[Citation]]] = {}
    for citation in given.citations:
        home = next((p for p in given.passages if _holds(p, citation)), None)
        key = home.chunk.id if home else f"[{citation.number}]"
        groups.setdefault(key, (home, []))[1].append(citation)
    items = "".join(
        f"<li><details{'' if position else ' open'}>{_source(turn, home, citations)}</details></li>"
        for position, (home, citations) in enumerate(groups.values())
    )
    return f'<section class="fn-sources"><h3>Sources</h3><ol>{items}</ol></section>'


def _holds(passage: Passage, cited: Citation) -> bool:
    chunk = passage.chunk
    inside = chunk.start <= cited.start and cited.end <= chunk.end
    return inside and chunk.source_id == cited.source_id


def _source(turn: int, home: Passage | None, citations: Sequence[Citation]) -> str:
    first = citations[0]
    text, offset = (home.chunk.text, home.chunk.start) if home else (first.quote, first.start)
    name = f'<span title="{escape(first.uri)}">{escape(file_name(first.uri))}</span>'
    if _web(first.uri):
        name = f'<a href="{escape(first.uri)}" target="_blank" rel="noreferrer">{name}</a>'
    place = _place(first.title, first.headings, first.page, home.source.date if home else "")
    numbers = "".join(f"<b>{c.number}</b>" for c in citations)
    return (
        f'<summary><span class="fn-number">{numbers}</span>'
        f'<span class="fn-head"><span class="fn-title" dir="auto">{escape(first.title)}</span>'
        f"<small>{place}{' · ' if place else ''}{name}</small></span></summary>"
        f'<blockquote dir="auto">{_marked(turn, text, offset, citations)}</blockquote>'
    )


def _marked(turn: int, text: str, offset: int, citations: Sequence[Citation]) -> str:
    """A passage with its quoted characters highlighted, each where its citation points."""
    parts, at = "", 0
    for citation in sorted(citations, key=lambda c: c.start):
        start, end = max(citation.start - offset, at), citation.end - offset
        mark = (
            f'<mark id="t{turn}-{citation.number}" tabindex="-1">{escape(text[start:end])}</mark>'
        )
        parts += escape(text[at:start]) + mark
        at = max(at, end)
    return parts + escape(text[at:])


def _declined(given: Answer) -> str:
    rows = "".join(
        f'<li><span dir="auto">{escape(p.source.title)}</span>'
        f"<small>{_place(p.source.title, p.chunk.headings, p.chunk.page)}</small>"
        f'<p dir="auto">{escape(_snippet(p.chunk.text))}</p></li>'
        for p in given.passages[:NEAREST]
    )
    lead = "No passage answers this well enough to be quoted, so nothing is claimed."
    lead += " These come nearest:" if rows else ""
    text = f"<h3>Not in the library</h3><p>{lead}</p><ul>{rows}</ul>"
    return f'<section class="fn-declined">{text}</section>'


def _snippet(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SNIPPET else flat[:SNIPPET].rpartition(" ")[0] + " …"


def _place(title: str, headings: Sequence[str], page: int | None, date: str = "") -> str:
    """Where in a document: a first heading that repeats its title is left out."""
    path = headings[1:] if headings[:1] == (title,) else headings
    return _facts(" › ".join(path), f"page {page}" if page is not None else "", date[:10])


def _facts(*values: str) -> str:
    return " · ".join(escape(value) for value in values if value)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
