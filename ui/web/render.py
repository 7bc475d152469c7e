"""Answers as HTML. Whatever comes from a document, a model or a reader is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from rag.types import Answer, Citation, Passage, Sentence
from ui.web.markup import count, facts, file_name, place
from ui.web.suggest import next_questions

if TYPE_CHECKING:
    from rag.tables import Standing

NEAREST = 3
SNIPPET = 240
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
    """A finished turn: question, cited sentences and their sources, or the nearest passages.

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
    body += _made(given) + _acts(vote) + _next(unread)
    return _turn(turn, given.question, body)


def partial(turn: int, question: str, text: str, stopped: bool = False) -> str:
    """A turn whose answer is still being made, or was stopped while it was."""
    body = f'<p class="fn-text" dir="auto">{escape(text)}</p>' if text else ""
    body += '<p class="fn-note">Stopped.</p>' * stopped
    wait = '<p class="fn-wait">Searching the library…</p>'
    return _turn(turn, question, (body or wait) + _acts() * stopped, done=stopped)


def failed(turn: int, question: str, message: str) -> str:
    """A turn that came to nothing, and why."""
    said = f'<p class="fn-failed" role="alert">{escape(message)}</p>'
    return _turn(turn, question, said + _acts())


def _turn(turn: int, question: str, body: str, done: bool = True) -> str:
    return (
        f'<article class="fn-turn" data-turn="{turn}" data-done="{int(done)}">'
        f'<h2 class="fn-question" dir="auto">{escape(question)}</h2>'
        f'<div class="fn-answer">{body}</div></article>'
    )


def _sentences(given: Answer) -> str:
    paragraphs, end = [""], 0
    for sentence in given.sentences:
        if paragraphs[-1]:
            if "\n" in given.text[end : sentence.start]:
                paragraphs.append("")
            else:
                paragraphs[-1] += " "
        paragraphs[-1] += _sentence(sentence)
        end = sentence.end
    return "".join(f'<p class="fn-text" dir="auto">{text}</p>' for text in paragraphs)


def _sentence(sentence: Sentence) -> str:
    """The words, then one pill: what the check says of them, and the sources they stand on."""
    chips = "".join(map(_chip, sentence.citations))
    return (
        f'<span class="fn-said fn-{sentence.verdict}">{escape(sentence.text)}</span>'
        f'<span class="fn-pill fn-{sentence.verdict}">{_verdict(sentence)}{chips}</span>'
    )


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
    label = f"Source {citation.number}: {citation.title}, open the passage"
    return (
        f'<button type="button" class="fn-chip" {_target(citation)} aria-label="{escape(label)}">'
        f'{citation.number}<span class="fn-tip" aria-hidden="true">'
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
    rows = "".join(f'<li dir="auto">{_sentence(s)}{_reasons(s)}</li>' for s in given.withheld)
    return (
        f'<details class="fn-withheld"><summary>{count(len(given.withheld), "sentence")} {was} '
        f"withheld: {their} not support {'it' if one else 'them'}</summary>"
        f"<ul>{rows}</ul></details>"
    )


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
    missing = "".join(f'<li dir="auto">{escape(note)}</li>' for note in given.notes)
    if missing:
        missing = f'<h4>What is missing</h4><ul class="fn-missing">{missing}</ul>'
    rows = "".join(f"<li>{_near(p)}</li>" for p in given.passages[:NEAREST])
    if rows:
        rows = f"<h4>Nearest passages</h4><ol>{rows}</ol>"
    lead = "No passage answers this well enough to be quoted, so nothing is claimed."
    text = f"<h3>Not in the library</h3><p>{lead}</p>{missing}{rows}"
    return f'<section class="fn-declined">{text}</section>'


def _near(passage: Passage) -> str:
    chunk, source = passage.chunk, passage.source
    return (
        f'<button type="button" class="fn-near" data-number="0" '
        f'data-source="{escape(source.id)}" data-start="{chunk.start}" data-end="{chunk.end}">'
        f'<span class="fn-title" dir="auto">{escape(source.title)}</span>'
        f"<small>{place(source.title, chunk.headings, chunk.page, source.date)}</small>"
        f'<span class="fn-snippet" dir="auto">{escape(_snippet(chunk.text))}</span></button>'
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
