"""What a search through everything finds, and a source laid out to be searched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rag.spans import overlap
from rag.types import Chunk, Flag, Source, Span

Why = Literal["phrase", "words", "meaning"]
Scope = Literal["sentence", "passage"]


@dataclass(frozen=True, slots=True)
class Match:
    """A place that matches, with ``quote == parsed_text[start:end]``, and why it does.

    ``phrase`` and ``words``: this sentence or heading has them, all but those ``missing``. With
    ``scope`` "passage" it takes the rest of the passage, its title and headings too, to have all
    words, and the sentence with most of them is quoted. ``meaning``: the passage is
    near to the query; its nearest sentence is quoted. ``similarity`` is the passage's cosine, None
    where it is not known. ``marked`` are the exact ranges of a phrase.
    """

    source_id: str
    page: int | None
    headings: tuple[str, ...]
    start: int
    end: int
    quote: str
    why: tuple[Why, ...]
    scope: Scope = "sentence"
    missing: tuple[str, ...] = ()
    similarity: float | None = None
    marked: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What going through an index came to: ``checked`` of its chunks, all of them.

    ``matches`` come source by source, in the order of their places, and in reading order within;
    ``sources`` has those that match, by id. ``phrases`` or else ``words`` were looked for.
    ``without_vector`` chunks could be checked by their words only. ``notes`` are for the reader.
    """

    query: str
    phrases: tuple[str, ...]
    words: tuple[str, ...]
    checked: int
    checked_sources: int
    without_vector: int
    matches: tuple[Match, ...]
    sources: dict[str, Source]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


class Document:
    """A source laid out to be searched.

    ``units`` are what is quoted, in reading order: the sentences of its chunks, and the headings
    above them, which are in no chunk's text. ``owners`` are the chunks they belong to. What is in
    neither was kept out when the document was read, and is not searched.
    """

    def __init__(
        self, source: Source, text: str, chunks: Sequence[Chunk], flags: Sequence[Flag]
    ) -> None:
        self.source = source
        self.text = text
        self.chunks = chunks
        self.flags = flags
        self.units: list[Span] = []
        self.owners: list[int] = []
        position = 0
        for number, chunk in enumerate(chunks):
            names = {" ".join(h.split()) for h in (source.title, *chunk.headings)}
            for block in re.finditer(r"\S(?:.|\n(?!\n))*", text[position : chunk.start]):
                span = Span(block.start(), block.start() + len(block[0].rstrip())).moved(position)
                known = " ".join(block[0].split()) in names
                if known and not any(overlap(span, flag) for flag in flags):
                    self._add(span, number)
            for span in chunk.sentences or (Span(chunk.start, chunk.end),):
                self._add(span, number)
            position = chunk.end

    def _add(self, span: Span, owner: int) -> None:
        self.units.append(span)
        self.owners.append(owner)

    def units_of(self) -> Iterator[tuple[Chunk, list[Span]]]:
        """Every chunk with its units."""
        at = 0
        for number, chunk in enumerate(self.chunks):
            first = at
            while at < len(self.units) and self.owners[at] == number:
                at += 1
            yield chunk, self.units[first:at]

    def match(self, chunk: Chunk, span: Span, why: tuple[Why, ...], **more: Any) -> Match:  # noqa: ANN401
        """A match at a range of the text."""
        return Match(
            source_id=self.source.id,
            page=chunk.page,
            headings=chunk.headings,
            start=span.start,
            end=span.end,
            quote=self.text[span.start : span.end],
            why=why,
            **more,
        )
