"""The questions of a report: each sentence with its evidence, highlighted where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from eval.causes import CAUSES
from eval.figures import BY_NAME
from eval.grounding_metrics import Grounds
from eval.locate import CONTEXT, overlaps
from eval.record import Excerpt, Piece, passage_spots
from eval.scored import CaseResult, Detail, Run
from rag.types import Citation, Passage, Sentence

HEADS = (
    ("id", "id", False),
    ("question", "question", False),
    ("kind", "kind", False),
    ("cause", "cause", False),
    ("confidence", "confidence", True),
    ("seconds", "seconds", True),
)
_BLANK = re.compile(r"\s*\n\s*")
FILTERS = ("kind", "status", "cause")


def questions(run: Run) -> str:
    """The section with all questions, and what sorts and filters them."""
    filters = "".join(
        f'<select name="{name}" aria-label="{name}"><option value="">every {name}</option>'
        + "".join(
            f'<option value="{escape(value)}">{escape(value.replace("_", " "))}</option>'
            for value in sorted({str(getattr(row, name)) for row in run.cases})
        )
        + "</select>"
        for name in FILTERS
    )
    heads = "".join(
        f'<button data-key="{key}"{" data-numeric" if numeric else ""} aria-sort="none">{name}'
        "</button>"
        for key, name, numeric in HEADS
    )
    rows = "".join(_question(n, row, run.details[row.id]) for n, row in enumerate(run.cases))
    return (
        '<h2>Questions</h2><div class="tools"><input id="find" type="search" '
        f'placeholder="Find in questions, answers and evidence" aria-label="Find">{filters}'
        '<span id="shown" class="soft" role="status"></span></div>'
        f'<div class="heads">{heads}</div><div id="questions">{rows}</div>'
    )


def _question(n: int, row: CaseResult, detail: Detail) -> str:
    data = " ".join(
        f'data-{key}="{escape(str(getattr(row, key)))}"' for key, *_ in (*HEADS, ("status",))
    )
    good = "ok" if row.cause == "correct" else "no"
    return (
        f'<details class="q" id="q{n}" {data}><summary class="row"><code>{escape(row.id)}</code>'
        f'<span class="question">{escape(row.question)}</span>'
        f'<span class="soft">{escape(row.kind.replace("_", " "))}</span>'
        f'<span class="{good}">{escape(row.cause)}</span>'
        f'<span class="n">{row.confidence:.2f}</span><span class="n">{row.seconds:.2f}</span>'
        f'</summary><div class="body">{_body(n, row, detail)}</div></details>'
    )


def _body(n: int, row: CaseResult, detail: Detail) -> str:
    record, case = detail.record, detail.case
    parts = [
        f'<p class="soft">{escape(turn.role)}: {escape(turn.text)}</p>' for turn in case.history
    ]
    if row.query and row.query != row.question:
        parts.append(f'<p class="soft">searched: {escape(row.query)}</p>')
    if row.cause != "correct":
        parts.append(f'<p><b class="no">{escape(row.cause)}</b>: {escape(CAUSES[row.cause])}</p>')
    if record.answer is None:
        return "".join([*parts, f'<p class="no">failed: {escape(record.problem)}</p>'])
    answer = record.answer
    parts.append(f"<h3>{escape(answer.status.capitalize())}</h3>")
    if not answer.sentences:
        parts.append(f"<p>{escape(answer.text)}</p>")
    unused = record.unused or (False,) * len(answer.sentences)
    rows = zip(answer.sentences, detail.grounds, unused, strict=True)
    for i, (sentence, found, again) in enumerate(rows):
        parts.append(_sentence(f"q{n}-{i}", sentence, found, record.excerpts, again))
    for sentence in answer.withheld:
        reasons = "; ".join(sentence.reasons)
        parts.append(f'<p class="soft">withheld: {escape(sentence.text)} ({escape(reasons)})</p>')
    parts += [f'<p class="soft">{escape(note)}</p>' for note in answer.notes]
    parts.append(_expected(row, detail))
    if answer.passages:
        parts.append(_passages(answer.passages, detail.pieces))
    scores = ", ".join(
        f"{escape(BY_NAME[name].title)} {a / b:.2f}" for name, (a, b) in row.parts.items() if b
    )
    return "".join([*parts, f"<h3>Scores</h3><p><small>{scores}</small></p>"])


def _sentence(
    name: str, sentence: Sentence, found: Grounds, excerpts: Sequence[Excerpt], again: bool
) -> str:
    verdict = (
        '<span class="ok">supported, verbatim</span>'
        if found.quoted
        else f'<span class="ok">supported, {found.score:.2f}</span>'
        if found.supported
        else f'<span class="no">not supported by what it cites, {found.score:.2f}</span>'
    )
    numbers = "".join(f" [{c.number}]" for c in sentence.citations)
    unused = '; <span class="no">said again without what it cites</span>' if again else ""
    evidence = "".join(
        _evidence(f"{name}-{i}", citation, excerpts)
        for i, citation in enumerate(sentence.citations)
    )
    return (
        f'<div class="sentence"><a href="#{name}-0">{escape(sentence.text)}</a>{numbers} '
        f"<small>{verdict}; told to the reader: {escape(sentence.verdict)}"
        f"{escape(_because(sentence.reasons))}{unused}</small>{evidence}</div>"
    )


def _because(reasons: Iterable[str]) -> str:
    text = "; ".join(reasons)
    return f" ({text})" if text else ""


def _evidence(name: str, citation: Citation, excerpts: Sequence[Excerpt]) -> str:
    """The quotation marked in the text around it, as the library has it."""
    page = f", page {citation.page}" if citation.page else ""
    title = f"<b>[{citation.number}] {escape(citation.title)}{page}</b>"
    holding = (
        e
        for e in excerpts
        if e.source_id == citation.source_id
        and e.start <= citation.start
        and citation.end <= e.start + len(e.text)
    )
    # Its own excerpt is the one that starts latest: others begin where they are cut for another.
    around = max(holding, key=lambda e: e.start, default=None)
    if around is None:
        text = f'{escape(citation.quote)} <span class="no">the source has no such place</span>'
    else:
        start, end = citation.start - around.start, citation.end - around.start
        marked = around.text[start:end]
        text = (
            f"{_before(around.text[:start])}<mark>{escape(marked)}</mark>"
            f"{_after(around.text[end:])}"
        )
        if marked != citation.quote:
            text += f'\n<span class="no">quoted as: {escape(citation.quote)}</span>'
    return f'<div class="evidence" id="{name}">{title}{text}</div>'


def _before(text: str) -> str:
    """What stands before a quotation, from the start of a word, without blank lines."""
    whole = len(text) < CONTEXT
    return escape(_BLANK.sub("\n", text if whole else re.sub(r"^\S*\s+", "… ", text)))


def _after(text: str) -> str:
    """What stands behind it, up to the end of a word."""
    whole = len(text) < CONTEXT
    return escape(_BLANK.sub("\n", text if whole else re.sub(r"\s+\S*$", " …", text)))


def _expected(row: CaseResult, detail: Detail) -> str:
    case = detail.case
    if not case.answerable:
        return "<h3>Expected</h3><p>To decline: the library has no answer.</p>"
    pieces = "".join(
        f'<div class="evidence"><b>{escape(piece.source)}</b>'
        + (
            f"{_before(piece.before)}<mark>{escape(piece.quote)}</mark>{_after(piece.after)}"
            if piece.places
            else f'{escape(piece.quote)} <span class="no">{_STANDING[piece.standing]}</span>'
        )
        + "</div>"
        for piece in detail.pieces
    )
    answers = ", ".join(f"“{escape(answer)}”" for answer in case.answers)
    right = '<span class="ok">said</span>' if row.right else '<span class="no">not said</span>'
    return f"<h3>Expected</h3><p>{escape(case.reference)} ({answers}: {right})</p>{pieces}"


_STANDING = {
    "found": "",
    "no_source": "this file is not in the library",
    "no_text": "the file's text does not have these words",
}


def _passages(passages: Sequence[Passage], pieces: Sequence[Piece]) -> str:
    rows = []
    for n, (passage, spot) in enumerate(zip(passages, passage_spots(passages), strict=True), 1):
        gold = any(overlaps(piece.places, [spot]) for piece in pieces)
        start = " ".join(passage.chunk.text[:160].split())
        cosine = "-" if passage.similarity is None else f"{passage.similarity:.2f}"
        rows.append(
            f'<tr><td class="n">{n}</td><td>{escape(passage.source.title)}'
            f"<small>{escape(start)}</small></td>"
            f'<td class="n">{passage.score:.2f}</td><td class="n">{cosine}</td>'
            f'<td class="n">{passage.bm25:.1f}</td>'
            f'<td class="ok">{"evidence" if gold else ""}</td></tr>'
        )
    heads = "".join(f'<th class="n">{name}</th>' for name in ("score", "cosine", "BM25"))
    return (
        '<div class="passages"><h3>Passages</h3><div class="scroll"><table>'
        f'<tr><th class="n">#</th><th>passage</th>{heads}<th></th></tr>'
        f"{''.join(rows)}</table></div></div>"
    )
