"""Every passage that matches a query: all of them are gone through, none is left out by rank.

A sentence matches by its words or, with quotation marks in the query, by that very phrase; a
passage also by its meaning, where its vector is near the query's. One source is held at a time.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from rag.embed import DEFAULT_MODEL, Vectors
from rag.errors import BadQuestion
from rag.index import Index
from rag.lexical import analyze, query_terms
from rag.retrieve import check_question
from rag.types import Chunk, Flag, Source, Span
from rag.verify_facts import plain

Why = Literal["phrase", "words", "meaning"]
Scope = Literal["sentence", "passage"]
Progress = Callable[[int, int], object]

# A cosine of the default embedding model. `python -m eval.bench.find_threshold` on squad2_half,
# hotpotqa_100 and multihop_facts: from 0.5 on, .65, .64 and .42 of the relevant documents are
# found, in lists of 4, 3 and 4 documents; at 0.4 it is .84, .78 and .72 in lists of 11, 5 and 9.
NEAR = 0.5
# Of the words of a query, counted, and weighed by how rare they are.
MOST = 2 / 3
# Where all is about one thing, all is near: from FEW passages on, a near one has to be this many
# standard deviations above the mean as well.
STANDS_OUT = 2.0
FEW = 100
NARROWED = 500  # passages, about a second for every 60 of them
AT_ONCE = 1000  # chunks, of 1.5 kB of vector each

_QUOTED = re.compile('"([^"]*)"')
# What a request begins with before it comes to what is looked for.
_REQUEST = re.compile(
    r"(?:(?:please|find|list|show|give|search|look|me|us|for|all|any|every|each|the|of|that|which"
    r"|where|mentions?|mentioned|mentioning|passages?|sentences?|places?|occurrences?)\b\W*)+"
    r"(?:\w+\W+(?:(?:that|which|who)\W+)?(?:mentions?|mentioning|refers? to|referring to)\b\W*)?",
    re.I,
)


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


def find_all(index: Index, query: str, progress: Progress | None = None) -> Found:
    """Go through all chunks of an index and return every match.

    ``progress`` gets how many chunks are done, and of how many. Raises ``BadQuestion`` for a query
    that cannot be searched for.
    """
    query = check_question(query)
    library = index.library
    revision, total = library.revision(), library.counts().chunks
    phrases = _phrases(query)
    search = _PhraseSearch(phrases) if phrases else _WordSearch(index, query)
    matches: list[Match] = []
    sources: dict[str, Source] = {}
    checked = checked_sources = 0
    for source in sorted(library.sources().values(), key=lambda source: source.uri):
        with library.reading():
            if library.standing(source.id) != "current":
                continue
            document = _Document(
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


class _Document:
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
                start = position + block.start()
                end = start + len(block[0].rstrip())
                known = " ".join(block[0].split()) in names
                if known and not any(f.start < end and f.end > start for f in flags):
                    self._add(Span(start, end), number)
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

    def matches(self, document: _Document) -> Iterator[Match]:
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
            if not any(f.start < hit.end() and f.end > hit.start() for f in document.flags):
                found.setdefault((first, last), []).append(Span(hit.start(), hit.end()))
        for (first, last), marked in found.items():
            span = Span(document.units[first].start, document.units[last].end)
            chunk = document.chunks[document.owners[first]]
            yield document.match(chunk, span, ("phrase",), marked=tuple(marked))


class _WordSearch:
    """Finds sentences and passages by the query's words, and passages by their vectors."""

    def __init__(self, index: Index, query: str) -> None:
        self._library = index.library
        self._encoder = index.encoder
        # The threshold says nothing about the cosines of another model.
        self._by_meaning = self._encoder.name == DEFAULT_MODEL
        request = _REQUEST.match(query)
        sought = query[request.end() :] if request else query
        sought = sought if query_terms(sought) else query
        self._vector: Vectors = self._encoder.encode_queries([sought])[0]
        terms = query_terms(sought)
        # The "s" of "Microsoft's" is no word to look for.
        terms = [t for t in terms if len(t) > 1 or not t.isascii() or t.isdigit()] or terms
        written = {stem: word for word in re.findall(r"\w+", sought) for stem in analyze(word)}
        self._weights = {term: self._library.idf(term) for term in terms}
        self._written = {term: written.get(term, term) for term in terms}
        self._unseen = set(terms)
        self.words = tuple(dict.fromkeys(self._written.values()))
        self.without_vector = 0
        self._cosines: list[Vectors] = []
        self._units: dict[Match, Sequence[Span]] = {}

    def notes(self) -> Iterator[str]:
        """What the result owes to the query or to the index."""
        if self._unseen:
            words = ", ".join(self._named(self._unseen))
            yield f"no passage has the words: {words}"
        if not self._by_meaning:
            yield (
                f"searched by words only: what is near in meaning is known for {DEFAULT_MODEL}, "
                f"not for {self._encoder.name}"
            )
        elif self.without_vector:
            yield (
                f"{self.without_vector:,} passages have no vector yet and were checked by their "
                "words only: `footnote ingest` completes them"
            )

    def matches(self, document: _Document) -> Iterator[Match]:
        """One match per sentence with the words, or per passage without such a sentence."""
        batch: list[tuple[Chunk, list[Span]]] = []
        for row in document.units_of():
            batch.append(row)
            if len(batch) == AT_ONCE:
                yield from self._batch(document, batch)
                batch = []
        yield from self._batch(document, batch)

    def settled(self, matches: list[Match]) -> list[Match]:
        """The matches, by meaning only where that stands out among all passages.

        Of those, the nearest are narrowed down to the sentence that is nearest.
        """
        near = self._near()
        kept: list[Match] = []
        for match in matches:
            far = match.similarity is None or match.similarity < near
            if match.why == ("meaning",) and far:
                continue
            kept.append(replace(match, why=("words",)) if far and "words" in match.why else match)
        rough = [match for match in kept if match in self._units]
        rough.sort(key=lambda match: -(match.similarity or 0.0))
        narrow = self._narrowed(rough[:NARROWED])
        return [narrow.get(match, match) for match in kept]

    def _near(self) -> float:
        cosines = np.concatenate(self._cosines) if self._cosines else np.empty(0)
        if len(cosines) < FEW:
            return NEAR
        return max(NEAR, float(cosines.mean() + STANDS_OUT * cosines.std()))

    def _narrowed(self, matches: Sequence[Match]) -> dict[Match, Match]:
        """Each match with its nearest sentence in place of its passage."""
        texts = [
            match.quote[unit.start - match.start : unit.end - match.start]
            for match in matches
            for unit in self._units[match]
        ]
        cosines = self._encoder.encode_documents(texts) @ self._vector
        narrow: dict[Match, Match] = {}
        at = 0
        for match in matches:
            units = self._units[match]
            best = int(cosines[at : at + len(units)].argmax())
            unit, quote = units[best], texts[at + best]
            narrow[match] = replace(match, start=unit.start, end=unit.end, quote=quote)
            at += len(units)
        return narrow

    def _batch(
        self, document: _Document, batch: Sequence[tuple[Chunk, list[Span]]]
    ) -> Iterator[Match]:
        similarities = self._similarities([chunk for chunk, _ in batch])
        self._cosines.append(np.array(list(similarities.values()), dtype=np.float32))
        for chunk, units in batch:
            similarity = similarities.get(chunk.id)
            near = similarity is not None and similarity >= NEAR
            found = list(self._by_words(document, chunk, units, similarity, near))
            if near and not found:
                span = Span(units[0].start, units[-1].end)
                match = document.match(
                    chunk, span, ("meaning",), scope="passage", similarity=similarity
                )
                self._units[match] = units
                found = [match]
            yield from found

    def _by_words(
        self,
        document: _Document,
        chunk: Chunk,
        units: Sequence[Span],
        similarity: float | None,
        near: bool,
    ) -> Iterator[Match]:
        text = document.text
        above = "\n".join((document.source.title, *chunk.headings))
        held = self._held(f"{above}\n{chunk.text}")
        self._unseen -= held
        if not self._enough(held):
            return
        why: tuple[Why, ...] = ("words", "meaning") if near else ("words",)
        rows = [(unit, self._held(text[unit.start : unit.end])) for unit in units]
        whole = [(unit, has) for unit, has in rows if self._enough(has)]
        for unit, has in whole:
            missing = self._named(self._weights.keys() - has)
            yield document.match(chunk, unit, why, missing=missing, similarity=similarity)
        unit, has = max(rows, key=lambda row: self._weight(row[1]))
        if has and not whole and len(held) == len(self._weights):
            yield document.match(chunk, unit, why, scope="passage", similarity=similarity)

    def _held(self, text: str) -> set[str]:
        return self._weights.keys() & set(analyze(text))

    def _weight(self, terms: set[str]) -> float:
        return sum(self._weights[term] for term in terms)

    def _enough(self, terms: set[str]) -> bool:
        wanted = self._weights
        return len(terms) == len(wanted) or (
            len(terms) >= MOST * len(wanted)
            and self._weight(terms) >= MOST * self._weight(set(wanted))
        )

    def _named(self, terms: set[str]) -> tuple[str, ...]:
        """The terms as they are written in the query, in its order."""
        return tuple(dict.fromkeys(w for term, w in self._written.items() if term in terms))

    def _similarities(self, chunks: Sequence[Chunk]) -> dict[str, float]:
        """The cosine of every chunk that has a vector, by id."""
        if not self._by_meaning:
            return {}
        numbers = self._library.numbers([chunk.id for chunk in chunks])
        vectors = self._library.vectors(list(numbers.values()))
        self.without_vector += len(chunks) - len(vectors)
        return {i: float(vectors[n] @ self._vector) for i, n in numbers.items() if n in vectors}


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
