"""A conversation as a file: Markdown with footnotes, JSON with receipts, or a page to print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from typing import Literal

from rag.errors import BadInput
from rag.index import Index
from rag.receipt import CONVERSATION, make_receipt
from rag.reply import table_cells
from rag.types import DECLINED, Answer, Citation, Sentence
from ui.web.conversations import Conversation, Exchange, turns_of
from ui.web.written import Line, as_html, as_markdown, code_of, escape_markdown, lines_of

Format = Literal["md", "json", "html"]
MEDIA_TYPES: dict[Format, str] = {
    "md": "text/markdown",
    "json": "application/json",
    "html": "text/html",
}
CHECKED = {"supported": "", "partial": " (partly supported)", "unsupported": " (not supported)"}
_LINE_START = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)")
_STYLE = """
body { font: 12pt/1.55 Georgia, serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
sup a { text-decoration: none; color: #0b5f73; } ol.notes, .quiet { font-size: 0.85em; color: #555; }
.partial { text-decoration: underline dotted; } .unsupported { text-decoration: underline wavy; }
table { border-collapse: collapse; margin: 0.5rem 0; } td { padding: 0.2rem 0.6rem; border: 1px solid #ccc; }
pre { padding: 0.5rem 0.75rem; background: #f4f3ef; white-space: pre-wrap; overflow-wrap: anywhere; }
h2, li, tr { break-inside: avoid; } @page { margin: 2cm; }
"""  # noqa: E501


def export(conversation: Conversation, form: Format, index: Index) -> str:
    """The whole conversation with every quote it stands on, in a form.

    ``index`` is the one that answered; in JSON every answer has the receipt that it makes.
    """
    if form == "json":
        rows = [_row(conversation, exchange, index) for exchange in conversation.exchanges]
        whole = {"format": CONVERSATION, "title": conversation.title, "exchanges": rows}
        return json.dumps(whole, ensure_ascii=False, indent=1)
    return "".join(_markdown(conversation) if form == "md" else _html(conversation))


def export_name(conversation: Conversation, form: Format) -> str:
    """A file name that says what the conversation is about."""
    words = re.sub(r"[^\w-]+", "-", conversation.title).strip("-").lower()[:60]
    return f"{words or 'conversation'}.{form}"


def _row(conversation: Conversation, exchange: Exchange, index: Index) -> dict[str, object]:
    asked = asdict(replace(exchange, answer=None))
    row: dict[str, object] = {**asked, "asked": _when(exchange), "receipt": None}
    if exchange.answer is None:
        return row
    history = turns_of(conversation.exchanges[: exchange.number - 1])
    try:
        row["receipt"] = make_receipt(index, exchange.answer, history).to_dict()
    except BadInput as error:
        row["no_receipt"] = str(error)
    return {**row, "answer": exchange.answer.to_dict()}


def _when(exchange: Exchange) -> str:
    return datetime.fromtimestamp(exchange.asked, UTC).isoformat(timespec="seconds")


def _lines(answer: Answer) -> list[Line]:
    return lines_of(answer.text, answer.sentences, answer.engine == "extractive")


def _no_answer(answer: Answer) -> str:
    return DECLINED if answer.query else answer.text


def _markdown(conversation: Conversation) -> Iterator[str]:
    yield f"# {_plain(conversation.title)}\n"
    for exchange in conversation.exchanges:
        yield f"\n## {_plain(exchange.question)}\n\n"
        answer = exchange.answer
        if answer is None:
            yield f"{_plain(exchange.text)} ({exchange.state})\n"
            continue
        yield f"{_plain(_no_answer(answer))}\n" * (answer.status == "declined")
        for citation in answer.nearest:
            yield f"\n- {_plain(_where(citation))}: “{_plain(citation.quote)}”\n"
        before: Line | None = None
        for line in _lines(answer):
            follows = before and before.kind == line.kind and line.kind in ("item", "row")
            yield "\n" * bool(before and not follows)
            yield _markdown_line(line, not follows, exchange, answer.engine == "extractive")
            before = line
        if answer.withheld:
            yield f"\n({len(answer.withheld)} withheld, as the sources do not support it.)\n"
        for note in answer.notes:
            yield f"\n> {_plain(note)}\n"
        for citation in answer.citations:
            quote = _plain(citation.quote)
            yield f"\n[^{_id(exchange, citation)}]: {_plain(_where(citation))}: “{quote}”\n"


def _markdown_line(line: Line, is_first: bool, exchange: Exchange, verbatim: bool) -> str:
    def behind(sentence: Sentence) -> str:
        notes = "".join(f"[^{_id(exchange, c)}]" for c in sentence.citations)
        return notes + CHECKED[sentence.verdict]

    first = line.sentences[0]
    if line.kind == "code":
        code = code_of(first.text)
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", code)), 0)
        return f"{fence}\n{code}\n{fence}\n{behind(first)}\n"
    if line.kind == "row":
        cells = [as_markdown(cell) for cell in table_cells(first.text)]
        row = f"| {' | '.join(cells)}{behind(first)} |\n"
        # Markdown knows no table without a header.
        return "|   " * len(cells) + "|\n" + "|---" * len(cells) + "|\n" + row if is_first else row
    words = escape_markdown if verbatim else as_markdown
    said = " ".join(words(sentence.text) + behind(sentence) for sentence in line.sentences)
    mark = f"{_mark(line)} " if line.kind == "item" else ""
    return f"{mark}{_LINE_START.sub(_unmarked, said)}\n"


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
        yield f"<p>{escape(_no_answer(answer))}</p>" * (answer.status == "declined")
        yield "".join(
            f'<p class="quiet" dir="auto">{escape(_where(c))}: “{escape(c.quote)}”</p>'
            for c in answer.nearest
        )
        for kind, lines in groupby(_lines(answer), key=lambda line: line.kind):
            said = "".join(
                _html_line(line, exchange, answer.engine == "extractive") for line in lines
            )
            yield f"<table>{said}</table>" if kind == "row" else said
        if answer.withheld:
            yield f"<p>({len(answer.withheld)} withheld, as the sources do not support it.)</p>"
        yield "".join(f'<p class="quiet">{escape(note)}</p>' for note in answer.notes)
        yield '<ol class="notes">' * bool(answer.citations)
        for citation in answer.citations:
            yield (
                f'<li id="f{_id(exchange, citation)}" value="{citation.number}" dir="auto">'
                f"{escape(_where(citation))}: “{escape(citation.quote)}”</li>"
            )
        yield "</ol>" * bool(answer.citations)
        yield f'<p class="quiet">{escape(_made(exchange, answer))}</p>'
    yield "</body></html>"


def _html_line(line: Line, exchange: Exchange, verbatim: bool) -> str:
    def behind(sentence: Sentence) -> str:
        references = "".join(
            f'<sup><a href="#f{_id(exchange, c)}">{c.number}</a></sup>' for c in sentence.citations
        )
        return references + CHECKED[sentence.verdict]

    first = line.sentences[0]
    if line.kind == "code":
        return f"<pre><code>{escape(code_of(first.text))}</code></pre><p>{behind(first)}</p>"
    if line.kind == "row":
        cells = "".join(f'<td dir="auto">{as_html(cell)}</td>' for cell in table_cells(first.text))
        return f'<tr class="{first.verdict}">{cells}<td>{behind(first)}</td></tr>'
    words = escape if verbatim else as_html
    said = " ".join(
        f'<span class="{s.verdict}">{words(s.text)}</span>{behind(s)}' for s in line.sentences
    )
    mark = f"{_mark(line).replace('-', '•')} " if line.kind == "item" else ""
    return f'<p dir="auto">{mark}{said}</p>'


def _mark(line: Line) -> str:
    return line.mark if line.mark[0].isdigit() else "-"


def _id(exchange: Exchange, citation: Citation) -> str:
    return f"{exchange.number}-{citation.number}"


def _where(citation: Citation) -> str:
    page = f"page {citation.page}" if citation.page is not None else ""
    path = " › ".join(citation.headings)
    return ", ".join(p for p in (citation.title, path, page, citation.date[:10], citation.uri) if p)


def _made(exchange: Exchange, answer: Answer) -> str:
    return " · ".join(p for p in (_when(exchange), f"{answer.engine} engine", answer.model) if p)


def _plain(text: str) -> str:
    """Text as one Markdown paragraph in which nothing is markup."""
    return _LINE_START.sub(_unmarked, escape_markdown(text))


def _unmarked(mark: re.Match[str]) -> str:
    return mark[1] + (f"{mark[2][:-1]}\\{mark[2][-1]}")
