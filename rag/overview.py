"""A document in brief: the sentences of its own that together say most of it, quoted.

A request for a summary asks for no fact that a sentence could answer. What authors say in brief
themselves, under "Summary" or "Abstract", is taken as it is. Else passages are picked by maximal
marginal relevance (Carbonell and Goldstein, SIGIR 1998): near to the middle of the document, and
far from those picked before. Of each the sentence is quoted that is nearest to it in meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np

from rag.embed import Vectors
from rag.features import CLAUSE, is_row
from rag.headings import as_it_stands
from rag.index import Index
from rag.library_reader import LibraryReader
from rag.parts import IN_BRIEF
from rag.select import Candidate
from rag.types import Chunk, Passage, Source, Span
from rag.words import STOP, stems_of, word_set

SENTENCES = 6
"""So many sentences are a document in brief."""
DOCUMENTS = 3
"""More than these are not summarised at once."""
LISTED = 50
"""Of so many whose title or place has the words as parts of others, those that have them whole."""
LOOKED_AT = 400
"""Of so many chunks, evenly spaced, a document's middle is found."""
NEAR = 0.6
"""What being near to the middle weighs; the rest weighs being far from what is picked already."""
SHORTEST = 40
"""Characters of a sentence that may say something of a document."""
_WORD = re.compile(r"\w+")
_ABOUT = re.compile(
    r"\W*what(?:['’]s| is| are| does| do)\b(?P<what>.+?)\b(?:about|say)\W*", re.IGNORECASE
)
_KINDS = word_set("article document documents file files page paper pdf report source text whole")
_OWN = re.compile(
    r"[\W\d]*(?:abstract|(?:executive |management )?summary|highlights|in brief|at a glance"
    r"|(?:key|main) (?:points|findings|takeaways|messages|results))\W*",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(r"(?:it|its|he|his|she|her|they|their|this|that|these|those)\b", re.I)


def to_be_summarised(question: str, library: LibraryReader) -> list[Source] | None:
    """The documents that a request for a summary means; None where it is no such request.

    A document is meant by words of its title or file name; the only one of a library need not be
    named. Empty: none is named. What many documents are about is a question for passages, and so is
    "What is X about?" where X is no document.
    """
    asked = IN_BRIEF.fullmatch(question)
    what = asked or _ABOUT.fullmatch(question)
    if not what:
        return None
    words = [w for w in _WORD.findall(what["what"].casefold()) if w not in STOP]
    names = [word for word in words if word not in _KINDS]
    if not names:
        found, there = library.listed(most=1)
        return found if there == 1 else [] if asked else None
    for wanted in (words, names):
        holding, there = library.listed(" ".join(wanted), most=LISTED)
        found = [s for s in holding if _stems(wanted) <= _stems((s.title, PurePath(s.uri).name))]
        if len(found) == 1 or (asked and 0 < len(found) <= DOCUMENTS and there <= LISTED):
            return found
    return None


def _stems(texts: Iterable[str]) -> frozenset[str]:
    return stems_of(*(text.replace("_", " ") for text in texts))


def in_brief(sources: Sequence[Source], index: Index) -> list[Candidate]:
    """The sentences to quote, in reading order; none where the documents have no prose."""
    each = SENTENCES // len(sources) if sources else 0
    return [candidate for source in sources for candidate in _in_brief(source, each, index)]


def _in_brief(source: Source, most: int, index: Index) -> list[Candidate]:
    library = index.library
    numbers = library.numbers_of(source.id)
    numbers = numbers[:: -(-len(numbers) // LOOKED_AT) or 1]
    chunks, vectors = library.chunks(numbers), library.vectors(numbers)
    own = [chunk for chunk in chunks.values() if any(map(_OWN.fullmatch, chunk.headings[-1:]))]
    said = [_quoted(source, chunk, span) for chunk in own for span in chunk.sentences]
    if len(said) > 1:
        return said[:most]
    telling = {n: spans for n in vectors if n in chunks and (spans := _prose(chunks[n]))}
    chosen = []
    for n in sorted(_spread({n: vectors[n] for n in telling}, most)):
        texts = [chunks[n].cut(span) for span in telling[n]]
        near = index.encoder.encode_sentences(texts) @ vectors[n]
        chosen.append(_quoted(source, chunks[n], telling[n][int(np.argmax(near))]))
    return chosen


def _spread(vectors: Mapping[int, Vectors], most: int) -> list[int]:
    """The numbers of so many vectors that are near to the middle of all and far apart."""
    if not vectors:
        return []
    numbers = list(vectors)
    rows = np.stack([vectors[n] for n in numbers])
    middle = rows.mean(axis=0)
    near = rows @ (middle / np.linalg.norm(middle))
    taken = np.zeros(len(numbers))
    picked: list[int] = []
    for _ in range(min(most, len(numbers))):
        worth = NEAR * near - (1 - NEAR) * taken
        worth[picked] = -np.inf
        picked.append(int(np.argmax(worth)))
        taken = np.maximum(taken, rows @ rows[picked[-1]])
    return [numbers[i] for i in picked]


def _prose(chunk: Chunk) -> list[Span]:
    """The sentences that say something by themselves, or if all lean on others, these."""
    texts = {span: chunk.cut(span).strip() for span in chunk.sentences}
    prose = [
        span
        for span, text in texts.items()
        if len(text) >= SHORTEST
        and CLAUSE.search(text)
        and not is_row(text)
        and not text.endswith(("?", ":"))
    ]
    return [span for span in prose if not _POINTS_BACK.match(texts[span])] or prose


def _quoted(source: Source, chunk: Chunk, span: Span) -> Candidate:
    passage = Passage(chunk, source, score=1.0, similarity=None, bm25=0.0)
    return replace(as_it_stands(passage, span), mark="-")
