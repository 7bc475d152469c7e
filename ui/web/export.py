"""A conversation as a file: Markdown with footnotes, JSON, or a page to print."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from typing import Literal

from rag.types import Answer, Citation, Sentence
from ui.web.conversations import Conversation, Exchange

Format = Literal["md", "json", "html"]
MEDIA_TYPES: dict[Format, str] = {
    "md": "text/markdown",
    "json": "application/json",
    "html": "text/html",
}
CHECKED = {"supported": "", "partial": " (partly supported)", "unsupported": " (not supported)"}
DECLINED = "The library does not answer this."
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$])")
_LINE_START = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)", re.MULTILINE)
_STYLE = """
body { font: 12pt/1.55 Georgia, serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
sup a { text-decoration: none; color: #0b5f73; } ol, .quiet { font-size: 0.85em; color: #555; }
.partial { text-decoration: underline dotted; } .unsupported { text-decoration: underline wavy; }
h2, li { break-inside: avoid; } @page { margin: 2cm; }
"""  # noqa: E501


def export(conversation: Conversation, form: Format) -> str:
    """The whole conversation with every quote it stands on, in a form."""
    if form == "json":
        rows = [_row(exchange) for exchange in conversation.exchanges]
        return json.dumps(
            {"title": conversation.title, "exchanges": rows}, ensure_ascii=False, indent=1
        )
    return "".join(_markdown(conversation) if form == "md" else _html(conversation))


def export_name(conversation: Conversation, form: Format) -> str:
    """A file name that says what the conversation is about."""
    words = re.sub(r"[^\w-]+", "-", conversation.title).strip("-").lower()[:60]
    return f"{words or 'conversation'}.{form}"


def _row(exchange: Exchange) -> dict[str, object]:
    answer = exchange.answer.to_dict() if exchange.answer else None
    return {**asdict(exchange), "asked": _when(exchange), "answer": answer}


def _when(exchange: Exchange) -> str:
    return datetime.fromtimestamp(exchange.asked, UTC).isoformat(timespec="seconds")


def _markdown(conversation: Conversation) -> Iterator[str]:
    yield f"# {_plain(conversation.title)}\n"
    for exchange in conversation.exchanges:
        yield f"\n## {_plain(exchange.question)}\n\n"
        answer = exchange.answer
        if answer is None:
            yield f"{_plain(exchange.text)} ({exchange.state})\n"
            continue
        yield from _paragraphs(exchange, answer, _plain_sentence, _footnote)
        for note in answer.notes:
            yield f"\n> {_plain(note)}\n"
        for citation in answer.citations:
            quote = _plain(citation.quote)
            yield f"\n[^{_id(exchange, citation)}]: {_plain(_where(citation))}: “{quote}”\n"


def _html(conversation: Conversation) -> Iterator[str]:
    title = escape(conversation.title)
    yield (
        '<!doctype html><html><head><meta charset="utf-8"><meta http-equiv='
        "\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
    )
    for exchange in conversation.exchanges:
        yield f'<h2 dir="auto">{escape(exchange.question)}</h2>'
        answer = exchange.answer
        if answer is None:
            yield f"<p>{escape(exchange.text)} ({exchange.state})</p>"
            continue
        said = "".join(_paragraphs(exchange, answer, _span, _reference))
        yield "".join(f'<p dir="auto">{p}</p>' for p in said.split("\n") if p.strip())
        yield "".join(f'<p class="quiet">{escape(note)}</p>' for note in answer.notes)
        yield "<ol>" * bool(answer.citations)
        for citation in answer.citations:
            yield (
                f'<li id="f{_id(exchange, citation)}" value="{citation.number}" dir="auto">'
                f"{escape(_where(citation))}: “{escape(citation.quote)}”</li>"
            )
        yield "</ol>" * bool(answer.citations)
        yield f'<p class="quiet">{escape(_made(exchange, answer))}</p>'
    yield "</body></html>"


def _paragraphs(
    exchange: Exchange,
    answer: Answer,
    words: Callable[[Sentence], str],
    reference: Callable[[Exchange, Citation], str],
) -> Iterator[str]:
    if answer.status == "declined":
        yield DECLINED + "\n"
        return
    end = 0
    for sentence in answer.sentences:
        between = answer.text[end : sentence.start] if end else ""
        yield "\n\n" if "\n" in between else " " * bool(end)
        end = sentence.end
        yield words(sentence) + "".join(reference(exchange, c) for c in sentence.citations)
        yield CHECKED[sentence.verdict]
    yield "\n"
    if answer.withheld:
        yield f"\n({len(answer.withheld)} withheld, as the sources do not support it.)\n"


def _span(sentence: Sentence) -> str:
    return f'<span class="{sentence.verdict}">{escape(sentence.text)}</span>'.replace("\n", " ")


def _plain_sentence(sentence: Sentence) -> str:
    return _plain(sentence.text)


def _footnote(exchange: Exchange, citation: Citation) -> str:
    return f"[^{_id(exchange, citation)}]"


def _reference(exchange: Exchange, citation: Citation) -> str:
    return f'<sup><a href="#f{_id(exchange, citation)}">{citation.number}</a></sup>'


def _id(exchange: Exchange, citation: Citation) -> str:
    return f"{exchange.number}-{citation.number}"


def _where(citation: Citation) -> str:
    page = f"page {citation.page}" if citation.page is not None else ""
    path = " › ".join(citation.headings)
    return ", ".join(p for p in (citation.title, path, page, citation.date[:10], citation.uri) if p)


def _made(exchange: Exchange, answer: Answer) -> str:
    return " · ".join(p for p in (_when(exchange), f"{answer.engine} engine", answer.model) if p)


def _plain(text: str) -> str:
    r"""Text as one Markdown paragraph in which nothing is markup."""
    flat = " ".join(text.split())
    return _LINE_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", flat))
