"""The parsed text of a document as HTML: paragraphs, headings, code and tables, with marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from rag.spans import overlap
from rag.types import Place, Span
from ui.web.markup import marked

_SEPARATORS = "; |:"

Marks = Sequence[tuple[Span, str]]


@dataclass(frozen=True, slots=True)
class Text:
    """A document's text and what is known of its structure.

    ``headings`` are the texts of its headings, ``part`` what a page is called ("slide"), ``code``
    whether every line counts.
    """

    text: str
    places: Sequence[Place]
    headings: frozenset[str] = frozenset()
    part: str = "page"
    code: bool = False


@dataclass(slots=True)
class _Row:
    """A line of a table: its cells by column, each with its label and its range."""

    table: str
    number: str
    cells: dict[str, tuple[str, Span]] = field(default_factory=dict)


def as_html(document: Text, window: Span, marks: Marks) -> str:
    """``document.text[window.start:window.end]`` as HTML, with ranges of the document marked."""
    near = [p for p in document.places if overlap(p, window)]
    out: list[str] = []
    page: int | None = None
    for kind, group in groupby(_pieces(document, window, near), key=lambda piece: piece[0]):
        pieces = list(group)
        if kind == "row":
            out.append(_tables(document, [row for _, _, row in pieces if row], marks))
            continue
        for _, span, _ in pieces:
            here = next((p.page for p in near if p.page and p.end > span.start), None)
            if here and here != page and document.part:
                page = here
                out.append(f'<p class="fn-part">{document.part.capitalize()} {page}</p>')
            out.append(_block(document, span, near, marks))
    return "".join(out)


def _pieces(
    document: Text, window: Span, near: Sequence[Place]
) -> Iterator[tuple[str, Span, _Row | None]]:
    """The paragraphs and table rows of a window, in order."""
    start = window.start
    open_at: int | None = None
    last = start
    for line in document.text[window.start : window.end].split("\n"):
        span = Span(start, start + len(line))
        start = span.end + 1
        row = _row(document.text, span, near)
        if open_at is not None and (row or not line.strip() or document.code):
            yield "block", Span(open_at, last), None
            open_at = None
        if row:
            yield "row", span, row
        elif line.strip() or document.code:
            open_at = span.start if open_at is None else open_at
            last = span.end
    if open_at is not None:
        yield "block", Span(open_at, last), None


def _row(text: str, line: Span, near: Sequence[Place]) -> _Row | None:
    cells = [p for p in near if p.cell and line.start <= p.start and p.end <= line.end]
    if not cells:
        return None
    row, end = _Row("", ""), line.start
    for place in cells:
        row.table, _, address = place.cell.rpartition("!")
        letters = address.rstrip("0123456789")
        row.number = address[len(letters) :]
        label = text[end : place.start].strip(_SEPARATORS)
        row.cells.setdefault(letters, (label, Span(place.start, place.end)))
        end = place.end
    return row


def _tables(document: Text, rows: Sequence[_Row], marks: Marks) -> str:
    return "".join(
        _table(document.text, name, list(group), marks)
        for name, group in groupby(rows, key=lambda row: row.table)
    )


def _table(text: str, name: str, rows: Sequence[_Row], marks: Marks) -> str:
    columns = sorted({c for row in rows for c in row.cells}, key=lambda c: (len(c), c))
    labels = {c: cell[0] for row in reversed(rows) for c, cell in row.cells.items()}
    names = "".join(f'<th scope="col">{escape(labels[c] or c)}</th>' for c in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row.number)}</th>{_cells(text, row, columns, marks)}</tr>'
        for row in rows
    )
    caption = f"<caption>{escape(name)}</caption>" if name else ""
    return (
        f'<div class="fn-grid" tabindex="0"><table>{caption}<thead><tr><td></td>{names}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def _cells(text: str, row: _Row, columns: Sequence[str], marks: Marks) -> str:
    out = ""
    for column in columns:
        span = row.cells[column][1] if column in row.cells else Span(0, 0)
        inside = marked(text[span.start : span.end], span.start, marks)
        out += f'<td dir="auto"{_hit(inside)}>{inside}</td>'
    return out


def _hit(inside: str) -> str:
    return ' class="fn-hit"' if "<mark" in inside else ""


def _block(document: Text, span: Span, near: Sequence[Place], marks: Marks) -> str:
    text = document.text[span.start : span.end]
    inside = marked(text, span.start, marks)
    if document.code:
        line = next((p for p in near if p.start <= span.start < p.end and p.line), None)
        number = ""
        if line and line.line:
            number = str(line.line + document.text.count("\n", line.start, span.start))
        return f'<div class="fn-line"><i aria-hidden="true">{number}</i><code>{inside}</code></div>'
    tag = "h3" if " ".join(text.split()) in document.headings else "p"
    return f'<{tag} dir="auto">{inside}</{tag}>'


def window_around(text: str, span: Span, before: int, after: int) -> Span:
    """A range around another that begins and ends between lines where there are any."""
    start, end = max(0, span.start - before), min(len(text), span.end + after)
    if start:
        line = text.rfind("\n", max(0, start - before), start)
        start = start if line < 0 else line + 1
    if end < len(text):
        line = text.find("\n", end, end + after)
        end = end if line < 0 else line
    return Span(start, end)
