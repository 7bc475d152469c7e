"""Passages found by the words of a query and by its meaning."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rag.embed import DEFAULT_MODEL, Vectors
from rag.found import Document, Match, Why
from rag.index import Index
from rag.lexical import IDENTIFIER, analyze, query_terms
from rag.types import Chunk, Span

# A cosine of the default embedding model. `python -m eval.bench.find_threshold` on squad2_half,
# hotpotqa_100 and multihop_facts: from 0.4 on, .84, .78 and .72 of the relevant documents are
# found, in lists of 11, 5 and 9 documents; from 0.5 on it is .65, .64, .42 in lists of 4, 3, 4.
NEAR = 0.4
# Of the words of a query: so many, and so much of their weight, which is greater for rare ones.
MOST = 2 / 3
MOST_WEIGHT = 1 / 2
# Where all is about one thing, all is near: from FEW passages on, a near one has to be this many
# standard deviations above the mean as well.
STANDS_OUT = 2.0
FEW = 100
NARROWED = 500  # passages, about a second for every 60 of them
AT_ONCE = 1000  # chunks, of 1.5 kB of vector each

# What a request begins with before it comes to what is looked for.
_REQUEST = re.compile(
    r"(?:(?:please|find|list|show|give|search|look|me|us|for|all|any|every|each|the|of|that|which"
    r"|where|mentions?|mentioned|mentioning|passages?|sentences?|places?|occurrences?)\b\W*)+"
    r"(?:\w+\W+(?:(?:that|which|who)\W+)?(?:mentions?|mentioning|refers? to|referring to)\b\W*)?",
    re.I,
)


class WordSearch:
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
        words = [*re.findall(r"\w+", sought), *IDENTIFIER.findall(sought)]
        written = {stem: word for word in words for stem in analyze(word)}
        self._weights = {term: self._library.idf(term) for term in terms}
        self._written = {term: written.get(term, term) for term in terms}
        self._unseen = set(terms)
        self.words = tuple(dict.fromkeys(self._written.values()))
        self.without_vector = 0
        self._cosines = array("f")
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

    def matches(self, document: Document) -> Iterator[Match]:
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
        near = threshold(np.array(self._cosines, dtype=np.float32))
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
        self, document: Document, batch: Sequence[tuple[Chunk, list[Span]]]
    ) -> Iterator[Match]:
        similarities = self._similarities([chunk for chunk, _ in batch])
        self._cosines.extend(similarities.values())
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
        document: Document,
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
            and self._weight(terms) >= MOST_WEIGHT * self._weight(set(wanted))
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


def threshold(cosines: Vectors, floor: float = NEAR) -> float:
    """From which cosine on a passage is near to a query, given those of all passages."""
    if len(cosines) < FEW:
        return floor
    return max(floor, float(cosines.mean() + STANDS_OUT * cosines.std()))
