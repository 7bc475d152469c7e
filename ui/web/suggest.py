"""Questions to ask, made from headings and titles: no language model is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from weakref import WeakKeyDictionary

from rag.index import Index
from rag.types import Answer, Chunk
from rag.words import content_stems

FIRST = 4
NEXT = 3
_SOURCES = 40
_LONGEST = 80
_first: WeakKeyDictionary[Index, tuple[int, list[str]]] = WeakKeyDictionary()
_SHORTEST = {True: 20, False: 5}  # of a question, of any other heading


def first_questions(index: Index) -> list[str]:
    """Questions to begin with, each from another document and answered by the library."""
    revision = index.library.revision()
    if index not in _first or _first[index][0] != revision:
        _first[index] = revision, _answered(index)
    return list(_first[index][1])


def _answered(index: Index) -> list[str]:
    found: list[list[str]] = []
    for source in islice(index.library.sources().values(), _SOURCES):
        asked = _asked(source.title, index.library.chunks_of(source.id))
        # A question that the document itself puts is better than one that we make.
        asked.sort(key=lambda question: not question.endswith("?"))
        whole = [f"What is “{source.title}” about?"] * (len(source.title) <= _LONGEST)
        if questions := [*map(_as_question, asked[:1]), *whole]:
            found.append(questions)
    found.sort(key=lambda questions: questions[0].startswith("What "))
    quoting = replace(index.settings, engine="extractive")
    of_each = (
        next((q for q in questions if index.ask(q, settings=quoting).status == "answered"), "")
        for questions in found
    )
    return list(islice(filter(None, of_each), FIRST))


def next_questions(answer: Answer) -> list[str]:
    """What the passages that were found but not quoted say something about."""
    cited = {(c.source_id, c.headings) for c in answer.citations}
    found: dict[str, str] = {}
    for passage in answer.passages:
        source = passage.source
        if (source.id, passage.chunk.headings) not in cited and source.id not in found:
            for asked in _asked(source.title, [passage.chunk]):
                found[source.id] = _as_question(asked)
    return [question for question in found.values() if question != answer.question][:NEXT]


def _asked(title: str, chunks: Sequence[Chunk]) -> list[str]:
    """The headings of a document: as they are when they ask, or else what it says about them."""
    headings: Iterable[str] = dict.fromkeys(c.headings[-1] for c in chunks if c.headings)
    return [
        heading if heading.endswith("?") else f"{heading}\n{title}"
        for heading in headings
        if not content_stems(heading) <= content_stems(title)
        and len(heading) >= _SHORTEST[heading.endswith("?")]
        and len(heading) + len(title) <= _LONGEST
    ]


def _as_question(asked: str) -> str:
    heading, _, title = asked.partition("\n")
    return f"What does “{title}” say about “{heading}”?" if title else heading
