"""Every passage that matches a query: all of them are gone through, none is left out by rank.

A sentence matches by its words or, with quotation marks in the query, by that very phrase; a
passage also by its meaning, where its vector is near the query's. One source is held at a time.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from rag.errors import BadQuestion
from rag.find_words import WordSearch
from rag.found import Document, Found, Match
from rag.index import Index
from rag.retrieve import check_question
from rag.spans import overlap
from rag.types import Source, Span
from rag.verify_facts import plain

Progress = Callable[[int, int], object]
_QUOTED = re.compile('"([^"]*)"')


def find_all(index: Index, query: str, progress: Progress | None = None) -> Found:
    """Go through all chunks of an index and return every match.

    ``progress`` gets how many chunks are done, and of how many. Raises ``BadQuestion`` for a query
    that cannot be searched for.
    """
    query = check_question(query)
    library = index.library
    revision, total = library.revision(), library.counts().chunks
    phrases = _phrases(query)
    search = _PhraseSearch(phrases) if phrases else WordSearch(index, query)
    matches: list[Match] = []
    sources: dict[str, Source] = {}
    checked = checked_sources = 0
    for source in sorted(library.sources().values(), key=lambda source: source.uri):
        with library.reading():
            if library.standing(source.id) != "current":
                continue
            document = Document(
                source,
                library.text(source.id),
                library.chunks_of(source.id),
                library.flags(source.id),
            )
            checked_sources += 1
            sources[source.id] = source
            matches += search.matches(document)
        checked += len(document.chunks)
        if progress:
            progress(checked, total)
    matches = search.settled(matches)
    notes = list(search.notes())
    if library.revision() != revision:
        notes.append("the index changed while it was searched: search again to be sure")
    return Found(
        query=query,
        phrases=phrases,
        words=search.words,
        checked=checked,
        checked_sources=checked_sources,
        without_vector=search.without_vector,
        matches=tuple(matches),
        sources={match.source_id: sources[match.source_id] for match in matches},
        notes=tuple(notes),
    )


class _PhraseSearch:
    """Finds phrases, whatever the case, the white space and the kind of quotes and dashes."""

    words: tuple[str, ...] = ()
    without_vector = 0

    def __init__(self, phrases: Sequence[str]) -> None:
        forms = {unicodedata.normalize(f, p) for p in phrases for f in ("NFC", "NFD")}
        self._pattern = re.compile("|".join(map(_phrase_pattern, sorted(forms))), re.I)

    def settled(self, matches: list[Match]) -> list[Match]:
        """The matches as they are."""
        return matches

    def notes(self) -> tuple[str, ...]:
        """Nothing to say."""
        return ()

    def matches(self, document: Document) -> Iterator[Match]:
        """One match per sentence, or run of sentences that a phrase goes through."""
        starts = [unit.start for unit in document.units]
        found: dict[tuple[int, int], list[Span]] = {}
        for hit in self._pattern.finditer(plain(document.text)):
            first = bisect_right(starts, hit.start()) - 1
            last = bisect_right(starts, hit.end() - 1) - 1
            if first < 0 or document.units[first].end <= hit.start():
                continue
            if document.units[last].end < hit.end():
                continue
            span = Span(*hit.span())
            if not any(overlap(span, flag) for flag in document.flags):
                found.setdefault((first, last), []).append(span)
        for (first, last), marked in found.items():
            span = Span(document.units[first].start, document.units[last].end)
            chunk = document.chunks[document.owners[first]]
            yield document.match(chunk, span, ("phrase",), marked=tuple(marked))


def _phrases(query: str) -> tuple[str, ...]:
    """What stands in quotation marks. Raises ``BadQuestion`` for nothing in them."""
    found = tuple(" ".join(phrase.split()) for phrase in _QUOTED.findall(plain(query)))
    for phrase in found:
        if not any(c.isalnum() for c in phrase):
            raise BadQuestion('there is nothing between the quotation marks: write "a few words"')
    return found


def _phrase_pattern(phrase: str) -> str:
    """A regular expression for whole words, where the script divides words at all."""
    before = r"(?<!\w)" * _parted(phrase[0])
    after = r"(?!\w)" * _parted(phrase[-1])
    return before + r"\s+".join(map(re.escape, phrase.split())) + after


def _parted(character: str) -> bool:
    return character.isdigit() or character.lower() != character.upper()
