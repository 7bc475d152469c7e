"""Answers as HTML. Whatever comes from a document, a model or a reader is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from rag.extractive import NEAREST, cite
from rag.reply import table_cells
from rag.types import Answer, Citation, Sentence, Span
from ui.web import written
from ui.web.markup import count, facts, file_name, place
from ui.web.suggest import next_questions
from ui.web.viewer import CODE
from ui.web.written import Line

if TYPE_CHECKING:
    from rag.tables import Standing

SNIPPET = 400
# A row of a table as it is read, ``Fruit: Apple; Price: 3`` or ``Apple | 3``: its cells.
_LABELLED = r"[^;:|]{1,60}: [^;|]+"
_ROW = re.compile(
    rf"{_LABELLED}(?:; {_LABELLED})+|[^;|]+(?:; {_LABELLED}){{2,}}|[^|]+(?: \| [^|]+)+"
)
_CELL = re.compile(r"(; | \| )")
VERDICTS = {
    "supported": "Supported by its source",
    "partial": "Partly supported by its source",
    "unsupported": "Not supported by its source",
}
STANDINGS = {
    "superseded": "has changed since; what was quoted is kept",
    "gone": "has been removed since",
}


def answer(
    turn: int, given: Answer, standing: Mapping[int, Standing] | None = None, vote: int = 0
) -> str:
    """A finished turn: question, cited sentences and their sources, or what comes nearest.

    ``standing`` says of each citation, by number, what has become of its source since; ``vote``
    is what the reader said of the answer: 1, -1 or 0.
    """
    body = ""
    if searched := given.searched_for:
        body += f'<p class="fn-searched" dir="auto">Searched for: {escape(searched)}</p>'
    if given.status == "answered":
        body += _sentences(given) + _withheld(given) + _notes(given.notes)
        body += _cards(given.citations, standing or {})
    else:
        body += _declined(given) + _withheld(given)
    unread = next_questions(given) if given.status == "answered" else []
    body += _made(given) * bool(given.query) + _acts(vote) + _next(unread)
    return _turn(turn, given.question, body, said=given.text)


def partial(turn: int, question: str, text: str, stopped: bool = False) -> str:
    """A turn whose answer is still being made, or was stopped while it was."""
    lines = [line for line in text.split("\n") if line.strip()]
    body = "".join(
        f'<p class="fn-text fn-growing" dir="auto">{written.as_html(line)}</p>' for line in lines
    )
    body += '<p class="fn-note">Stopped.</p>' * stopped
    wait = '<p class="fn-wait">Searching the library…</p>'
    return _turn(turn, question, (body or wait) + _acts() * stopped, stopped, text * stopped)


def failed(turn: int, question: str, message: str) -> str:
    """A turn that came to nothing, and why."""
    said = f'<p class="fn-failed" role="alert">{escape(message)}</p>'
    return _turn(turn, question, said + _acts())


def _turn(turn: int, question: str, body: str, done: bool = True, said: str = "") -> str:
    return (
        f'<article class="fn-turn" data-turn="{turn}" data-done="{int(done)}" '
        f'data-said="{escape(said)}">'
        f'<h2 class="fn-question" dir="auto">{escape(question)}</h2>'
        f'<div class="fn-answer">{body}</div></article>'
    )


def _sentences(given: Answer) -> str:
    if given.engine != "extractive":
        return "".join(
            _lines(kind, list(group))
            for (kind, _), group in groupby(
                written.lines_of(given.text, given.sentences),
                key=lambda line: (line.kind, line.mark[:1].isdigit()),
            )
        )
    types = {p.source.id: p.source.media_type for p in given.passages}
    return "".join(
        _list(list(group), _quoted) if kind == "item" else _quotations(group, types)
        for kind, group in groupby(
            written.lines_of(given.text, given.sentences, quoted=True), key=lambda line: line.kind
        )
    )


def _quotations(given: Iterable[Line], types: Mapping[str, str]) -> str:
    """Quotations in paragraphs, rows of tables and code each by themselves."""
    lines = [""]
    for sentence in (sentence for line in given for sentence in line.sentences):
        if any(types.get(c.source_id) in CODE for c in sentence.citations):
            lines += [_code(sentence, sentence.citations[0].quote), ""]
        elif _ROW.fullmatch(sentence.text):
            lines += [_paragraph(_row(sentence)), ""]
        else:
            lines[-1] += " " * bool(lines[-1]) + _sentence(sentence, _quoted(sentence))
    return "".join(line if line.startswith("<div") else _paragraph(line) for line in lines if line)


def _lines(kind: written.Kind, lines: Sequence[Line]) -> str:
    """Neighbours of one kind: paragraphs, one list, one table, blocks of code."""
    if kind == "code":
        return "".join(_code(line.sentences[0]) for line in lines)
    if kind == "row":
        return _table(lines)
    if kind == "text":
        return "".join(_paragraph(" ".join(map(_said, line.sentences))) for line in lines)
    return _list(lines, lambda sentence: written.as_html(sentence.text))


def _list(lines: Sequence[Line], words: Callable[[Sentence], str]) -> str:
    """Items of a list; ``words`` gives those of a sentence as HTML."""
    items = ""
    for line in lines:
        number = line.mark.rstrip(".)")
        value = f' value="{number}"' if number.isdigit() else ""
        inside = " ".join(_sentence(sentence, words(sentence)) for sentence in line.sentences)
        items += f'<li dir="auto"{value}>{inside}</li>'
    tag = "ol" if lines[0].mark[0].isdigit() else "ul"
    return f'<{tag} class="fn-text fn-list">{items}</{tag}>'


def _paragraph(inside: str) -> str:
    return f'<p class="fn-text" dir="auto">{inside}</p>'


def _said(sentence: Sentence) -> str:
    return _sentence(sentence, written.as_html(sentence.text))


def _sentence(sentence: Sentence, words: str, name: str = "") -> str:
    """The words, as HTML, then what the check says of them and the sources they stand on."""
    said = f'<span class="{name}fn-said fn-{sentence.verdict}">{words}</span>'
    return said + _pill(sentence)


def _quoted(sentence: Sentence) -> str:
    """A quotation, with the few words of it that answer set off."""
    text, answer = sentence.text, sentence.answer
    if answer is None:
        return escape(text)
    words = f"<b>{escape(text[answer.start : answer.end])}</b>"
    return escape(text[: answer.start]) + words + escape(text[answer.end :])


def _pill(sentence: Sentence) -> str:
    chips = "".join(map(_chip, sentence.citations))
    return f'<span class="fn-pill fn-{sentence.verdict}">{_verdict(sentence)}{chips}</span>'


def _code(sentence: Sentence, code: str | None = None) -> str:
    """Code by its lines. ``code`` is given where it was quoted, not written."""
    inside = escape(written.code_of(sentence.text) if code is None else code)
    return (
        f'<div class="fn-text fn-code"><pre class="fn-said fn-{sentence.verdict}" dir="ltr" '
        f'tabindex="0"><code>{inside}</code></pre>{_pill(sentence)}</div>'
    )


def _row(sentence: Sentence) -> str:
    """A quoted row of a table, every character of it, so that its cells can be told apart."""
    cells = _CELL.split(sentence.text)
    inside = "".join(
        f'<span class="fn-gap">{part}</span>' if n % 2 else f'<span class="fn-cell">{part}</span>'
        for n, part in enumerate(map(escape, cells))
    )
    return _sentence(sentence, inside, "fn-row ")


def _table(lines: Sequence[Line]) -> str:
    """The rows as they were written, each with its pill behind it."""
    body = head = ""
    for n, line in enumerate(lines):
        (sentence,) = line.sentences
        is_head = n + 1 < len(lines) and lines[n + 1].below_header
        tag = 'th scope="col" dir="auto"' if is_head else 'td dir="auto"'
        cells = "".join(
            f"<{tag}>{written.as_html(cell)}</{tag[:2]}>" for cell in table_cells(sentence.text)
        )
        row = f'<tr class="fn-said fn-{sentence.verdict}">{cells}<td>{_pill(sentence)}</td></tr>'
        head, body = (head + row, body) if is_head else (head, body + row)
    head = f"<thead>{head}</thead>" if head else ""
    rows = f"<table>{head}<tbody>{body}</tbody></table>"
    return f'<div class="fn-text fn-grid" tabindex="0">{rows}</div>'


def _verdict(sentence: Sentence) -> str:
    name = VERDICTS[sentence.verdict]
    said = ": ".join([name, "; ".join(sentence.reasons)] if sentence.reasons else [name])
    reasons = "".join(f'<q dir="auto">{escape(reason)}</q>' for reason in sentence.reasons)
    return (
        f'<button type="button" class="fn-verdict" aria-label="{escape(said)}">'
        f'<span class="fn-shape"></span><span class="fn-tip" aria-hidden="true">'
        f"<b>{name}</b>{reasons}</span></button>"
    )


def _chip(citation: Citation) -> str:
    where = place(citation.title, citation.headings, citation.page, citation.date)
    # What was withheld has no number in the answer.
    number = str(citation.number or "")
    label = f"Source{f' {number}' if number else ''}: {citation.title}, open the passage"
    return (
        f'<button type="button" class="fn-chip" {_target(citation)} aria-label="{escape(label)}">'
        f'{number or "source"}<span class="fn-tip" aria-hidden="true">'
        f'<b dir="auto">{escape(citation.title)}</b><i>{where}</i>'
        f'<q dir="auto">{escape(citation.quote)}</q></span></button>'
    )


def _target(citation: Citation) -> str:
    """What the viewer needs to open a passage."""
    return (
        f'data-number="{citation.number}" data-source="{escape(citation.source_id)}" '
        f'data-start="{citation.start}" data-end="{citation.end}"'
    )


def _withheld(given: Answer) -> str:
    if not given.withheld:
        return ""
    one = len(given.withheld) == 1
    was, their = ("was", "its sources do") if one else ("were", "their sources do")
    rows = "".join(f'<li dir="auto">{_held_back(s)}{_reasons(s)}</li>' for s in given.withheld)
    return (
        f'<details class="fn-withheld"><summary>{count(len(given.withheld), "sentence")} {was} '
        f"withheld: {their} not support {'it' if one else 'them'}</summary>"
        f"<ul>{rows}</ul></details>"
    )


def _held_back(sentence: Sentence) -> str:
    cells = table_cells(sentence.text)
    if not cells:
        return _said(sentence)
    inside = " ".join(f'<span class="fn-cell">{written.as_html(cell)}</span>' for cell in cells)
    return _sentence(sentence, inside, "fn-row ")


def _reasons(sentence: Sentence) -> str:
    return "".join(f"<small>{escape(reason)}</small>" for reason in sentence.reasons)


def _notes(notes: Iterable[str]) -> str:
    return "".join(f'<p class="fn-note" dir="auto">{escape(note)}</p>' for note in notes)


def _cards(citations: Sequence[Citation], standing: Mapping[int, Standing]) -> str:
    """The cited sources in the order of their numbers, a card each."""
    groups: dict[str, list[Citation]] = {}
    for citation in citations:
        groups.setdefault(citation.source_id, []).append(citation)
    if not groups:
        return ""
    items = "".join(f"<li>{_card(group, standing)}</li>" for group in groups.values())
    return f'<section class="fn-sources"><h3>Sources</h3><ol>{items}</ol></section>'


def _card(group: Sequence[Citation], standing: Mapping[int, Standing]) -> str:
    first = group[0]
    numbers = "".join(f"<b>{c.number}</b>" for c in group)
    one = group if len(group) == 1 else ()
    where = "".join(place(c.title, c.headings, c.page) for c in one)
    now = STANDINGS.get(standing.get(first.number, "current"), "")
    changed = f'<small class="fn-changed">This source {now}.</small>' if now else ""
    return (
        f'<button type="button" class="fn-card" {_target(first)}>'
        f'<span class="fn-number">{numbers}</span><span class="fn-head">'
        f'<span class="fn-title" dir="auto">{escape(first.title)}</span>'
        f"<small>{where}</small>"
        f'<small title="{escape(first.uri)}">{facts(first.date[:10], file_name(first.uri))}</small>'
        f"{changed}</span></button>"
    )


def _declined(given: Answer) -> str:
    if not given.query:
        return f'<section class="fn-declined"><p dir="auto">{escape(given.text)}</p></section>'
    missing = "".join(f'<li dir="auto">{escape(note)}</li>' for note in given.notes)
    if missing:
        missing = f'<h4>What is missing</h4><ul class="fn-missing">{missing}</ul>'
    # A question about a report that is not there, and an answer kept from before, have none.
    near = given.nearest or [
        cite(n, p, Span(p.chunk.start, p.chunk.end))
        for n, p in enumerate(given.passages[:NEAREST], 1)
    ]
    rows = "".join(f"<li>{_near(citation)}</li>" for citation in near)
    if rows:
        rows = f"<h4>What comes nearest</h4><ol>{rows}</ol>"
    lead = "No passage answers this well enough to be quoted, so nothing is claimed."
    text = f"<h3>No sure answer in the library</h3><p>{lead}</p>{missing}{rows}"
    return f'<section class="fn-declined">{text}</section>'


def _near(citation: Citation) -> str:
    where = place(citation.title, citation.headings, citation.page, citation.date)
    return (
        f'<button type="button" class="fn-near" {_target(citation)}>'
        f'<span class="fn-title" dir="auto">{escape(citation.title)}</span><small>{where}</small>'
        f'<span class="fn-snippet" dir="auto">{escape(_snippet(citation.quote))}</span></button>'
    )


def _snippet(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SNIPPET else flat[:SNIPPET].rpartition(" ")[0] + " …"


def _made(given: Answer) -> str:
    """The quiet line: how long it took, from how much, and who wrote it."""
    seconds = sum(given.timings.values())
    spent = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    took = f"{given.status} in {spent} from {count(len(given.passages), 'passage')}"
    line = facts(took, f"{given.engine} engine", given.model)
    return f'<p class="fn-time">{line}</p>'


def _acts(vote: int | None = None) -> str:
    """What a reader can do with a turn; a vote only on an answer."""
    votes = [("good", "Helpful", 1), ("bad", "Not helpful", -1)] if vote is not None else []
    buttons = "".join(
        f'<button type="button" data-act="{act}">{label}</button>'
        for act, label in (("copy", "Copy"), ("again", "Ask again"), ("edit", "Edit question"))
    )
    buttons += "".join(
        f'<button type="button" data-act="{act}" aria-label="{label}" title="{label}" '
        f'aria-pressed="{str(vote == value).lower()}"></button>'
        for act, label, value in votes
    )
    return f'<div class="fn-acts">{buttons}</div>'


def _next(questions: Sequence[str]) -> str:
    if not questions:
        return ""
    rows = "".join(
        f'<li><button type="button" class="fn-ask" dir="auto">{escape(q)}</button></li>'
        for q in questions
    )
    return f'<section class="fn-next"><h3>Also in the library</h3><ul>{rows}</ul></section>'
