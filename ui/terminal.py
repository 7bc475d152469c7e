"""Questions and answers as plain text."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import click

from rag.errors import BadInput, FootnoteError
from rag.index import Index
from rag.library import Library
from rag.types import Answer, Citation, Sentence, Turn
from ui.library import place_of
from ui.printable import printable

_END = frozenset({"", "quit", "exit", ":q", "/quit", "/exit"})
_HELP = frozenset({"help", "/help", "?"})
_NUMBER = re.compile(r"\[?(\d{1,3})\]?")
AROUND = 400
"""So many characters before and after a quote are shown with it."""


class QuestionRow(TypedDict):
    """One row of a file of questions."""

    id: str
    question: str
    history: list[dict[str, str]]


def format_answer(answer: Answer, library: Library) -> str:
    """An answer for a terminal: the text, then its sources, or what came nearest.

    ``library`` is the one it was found in, and tells where in their documents the quotes stand.
    """
    lines = _text(answer).splitlines()
    if searched := answer.searched_for:
        lines.insert(0, f"(searched for: {searched})")
    lines += ["", *(_source_line(c, library) for c in answer.citations)]
    if answer.status == "declined":
        lines += [_near_line(c, library) for c in answer.nearest]
    lines += [_withheld_line(s) for s in answer.withheld]
    lines += [f"note: {note}" for note in answer.notes]
    return "\n".join(map(printable, lines)).rstrip()


def format_place(citation: Citation, library: Library) -> str:
    """A quote between >> and << amid what stands around it in its document."""
    try:
        text = library.text(citation.source_id)
    except KeyError:
        return f"{printable(citation.title)} was removed from the library"
    before = text[max(0, citation.start - AROUND) : citation.start]
    after = text[citation.end : citation.end + AROUND]
    around = f"{before}>>{citation.quote}<<{after}".strip()
    lines = [_source_line(citation, library), "", *around.splitlines()]
    return "\n".join(map(printable, lines))


def read_questions(path: str) -> Iterator[QuestionRow]:
    """The rows of a JSON Lines file, ``-`` for standard input; blank lines are passed over.

    Raises ``BadInput`` naming path and line for what is not such a row.
    """
    if path != "-" and not Path(path).is_file():
        raise BadInput(f"no file of questions at {path!r}: check the path")
    with click.open_file(path, encoding="utf-8") as file:
        try:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _question_row(line, f"{path}:{number}", number)
        except UnicodeDecodeError as error:
            raise BadInput(f"{path}: not UTF-8 text ({error}): save it as UTF-8") from error


def converse(index: Index) -> None:
    """Ask, answer, remember, until the user ends it."""
    history: list[Turn] = []
    cited: dict[int, Citation] = {}
    click.echo(
        "Ask about your documents; an empty line, quit or exit ends the chat, help says more."
    )
    while True:
        try:
            question = click.prompt(">", prompt_suffix=" ", default="", show_default=False)
        except click.Abort:
            click.echo()
            return
        said = question.strip().lower()
        if said in _END:
            return
        if said in _HELP:
            click.echo(
                "Ask in whole sentences; what went before is remembered. The number of a source "
                "shows its quote where it stands. `footnote library` lists the documents, quit or "
                "exit ends the chat.\n"
            )
            continue
        number = _NUMBER.fullmatch(said)
        if number and (citation := cited.get(int(number[1]))):
            click.echo(f"{format_place(citation, index.library)}\n")
            continue
        try:
            answer = index.ask(question, history)
        except FootnoteError as error:
            click.echo(str(error), err=True)
            continue
        click.echo(f"{format_answer(answer, index.library)}\n")
        cited = {c.number: c for c in answer.citations}
        history += [Turn("user", question), Turn("assistant", answer.text)]


def _question_row(line: str, place: str, number: int) -> QuestionRow:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{place}: not JSON ({error})") from error
    if not isinstance(row, dict) or not isinstance(row.get("question"), str):
        raise BadInput(f'{place}: give an object with "question", and optionally "id", "history"')
    history = row.get("history") or []
    if not isinstance(history, list):
        raise BadInput(f'{place}: "history" must be a list of turns')
    return QuestionRow(id=str(row.get("id", number)), question=row["question"], history=history)


def _text(answer: Answer) -> str:
    """The text of an answer, each quote of several on a line of its own."""
    text = answer.text
    if answer.engine == "extractive":
        for sentence in reversed(answer.sentences):
            if text.endswith("] ", 0, sentence.start):  # items of a list are on lines already
                text = f"{text[: sentence.start - 1]}\n{text[sentence.start :]}"
    return text


def _source_line(citation: Citation, library: Library) -> str:
    headings = f" > {' > '.join(citation.headings)}" if citation.headings else ""
    where = _where(citation, library)
    return f"[{citation.number}] {citation.title}{headings}{where} ({citation.uri})"


def _where(citation: Citation, library: Library) -> str:
    page = f"page {citation.page}" if citation.page else ""
    try:
        place = place_of(library.places(citation.source_id), citation.start, citation.end)
    except KeyError:  # removed since by another process
        place = ""
    return "".join(f", {known}" for known in dict.fromkeys((page, place)) if known)


def _withheld_line(sentence: Sentence) -> str:
    return f"withheld: {sentence.text} ({'; '.join(sentence.reasons)})"


def _near_line(citation: Citation, library: Library) -> str:
    quote = textwrap.shorten(citation.quote, 300, placeholder=" ...")
    return f"- {citation.title}{_where(citation, library)}: {quote}"
