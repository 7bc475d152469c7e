"""A document in brief: the sentences of its own that together say most of it, quoted.

A request for a summary asks for no fact that a sentence could answer. What authors say in brief
themselves, under "Summary" or "Abstract", is taken as it is. Else sentences are picked by maximal
marginal relevance (Carbonell and Goldstein, SIGIR 1998): near to the middle of the document, and
far from those picked before. In a long document passages are, by their stored vectors, and of each
the sentence is quoted that is nearest to it in meaning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rag.features import is_row
from rag.followup import CARRIED, standalone
from rag.headings import as_it_stands
from rag.index import Index
from rag.library_reader import LibraryReader
from rag.parts import summarised
from rag.scope import called
from rag.select import Candidate
from rag.types import Chunk, Passage, Source, Span, Turn
from rag.words import STOP, stems_of, word_set

SENTENCES = 6
"""So many sentences are a document in brief."""
DOCUMENTS = 3
"""More than these are not summarised at once."""
LISTED = 50
"""Of so many whose title or place has the words as parts of others, those that have them whole."""
LONG = 12
"""A document of so many chunks is told by its passages, a shorter one by its sentences."""
LOOKED_AT = 400
"""Of so many chunks, evenly spaced, a document's middle is found."""
NEAR = 0.6
"""What being near to the middle weighs; the rest weighs being far from what is picked already."""
SHORTEST = 25
"""Characters of a sentence that may say something of a document."""
_WORD = re.compile(r"\w+")
_ABOUT = re.compile(
    r"\W*what(?:['’]s| is| are| does| do)\b(?P<what>.+?)\b(?P<verb>about|say)\W*", re.IGNORECASE
)
_KINDS = word_set(
    "all article document documents everything file files it page paper pdf report source text "
    "whole"
)
_PAPERS = _KINDS | word_set(
    "agreement contract handbook leaflet lease letter memo minutes note notes notice plan policy "
    "review rules study survey"
)
_OWN = re.compile(
    r"[\W\d]*(?:abstract|(?:executive |management )?summary|highlights|in brief|at a glance"
    r"|(?:key|main) (?:points|findings|takeaways|messages|results))\W*",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(r"(?:it|its|he|his|she|her|they|their|this|that|these|those)\b", re.I)
_ENDS = re.compile(r"[.!。][\"'”’)\]]*$")


def to_be_summarised(
    question: str, conversation: Sequence[Turn], index: Index
) -> list[Source] | None:
    """The documents that a request for a summary means; None where it is no such request.

    A document is meant by words of its title or file name. Where none is named, these are all
    there are, if they are few, or else the one that the conversation is about; empty if there is
    none. What many documents are about is a question for passages, and so is "What is X about?"
    where X is no document.
    """
    topic = summarised(question)
    about = None if topic is not None else _ABOUT.fullmatch(question)
    words = _WORD.findall((about["what"] if about else topic or "").casefold())
    words = [word for word in words if word not in STOP]
    if about:
        # "What does the manager say?" is a question, "What does the lease say?" is none.
        named = about["verb"].lower() == "about" or "." in about["what"]
        if not words or not (named or _PAPERS.intersection(words)):
            return None
    elif topic is None:
        return None
    names = [word for word in words if word not in _KINDS]
    asked = not about or not names
    for wanted in filter(None, (words, names)):
        if found := _called(wanted, DOCUMENTS if asked else 1, index.library):
            return found
    if names:
        return _found(words, index) if topic else None
    all_of_them, there = index.library.listed(most=DOCUMENTS)
    return all_of_them if there <= DOCUMENTS else _spoken_of(question, conversation, index)


def in_brief(sources: Sequence[Source], index: Index) -> list[Candidate]:
    """The sentences to quote, in reading order; none where the documents have no prose."""
    return [
        candidate
        for source in sources
        for candidate in _in_brief(source, SENTENCES // len(sources), index)
    ]


def _called(words: Sequence[str], most: int, library: LibraryReader) -> list[Source]:
    """The documents with all these words in title or file name, if they are no more than that."""
    holding, there = library.listed(" ".join(words), most=LISTED)
    wanted = stems_of(*words)
    found = [source for source in holding if wanted <= stems_of(*called(source))]
    return found if there <= LISTED and len(found) <= most else []


def _found(words: Sequence[str], index: Index) -> list[Source] | None:
    """The paper found by the words that is of the kind they say; None where they say none.

    "The Tidemark agreement" may be titled without the name.
    """
    kinds = stems_of(*_PAPERS.difference(_KINDS).intersection(words))
    says_more = kinds and kinds < stems_of(*words)
    found = [passage.source for passage in index.search(" ".join(words))] if says_more else []
    return [source for source in found if kinds <= stems_of(*called(source))][:1] or None


def _spoken_of(question: str, conversation: Sequence[Turn], index: Index) -> list[Source]:
    """The document that has most to do with what was spoken of before, if anything was."""
    carried = CARRIED.search(standalone(question, conversation))
    passages = index.search(carried[0], k=1) if carried else []
    return [passage.source for passage in passages]


def _in_brief(source: Source, most: int, index: Index) -> list[Candidate]:
    library, embed = index.library, index.encoder.encode_sentences
    outline = library.outline(source.id)
    own = [n for n, headings in outline.items() if any(map(_OWN.fullmatch, headings))]
    said = [(chunk, s) for chunk in library.chunks(own[:LOOKED_AT]).values() for s in _prose(chunk)]
    if len(said) > 1:
        return [_quoted(source, *place) for place in said[:most]]
    numbers = list(outline)[:: -(-len(outline) // LOOKED_AT) or 1]
    telling = {n: c for n, c in library.chunks(numbers).items() if _prose(c)}
    if len(telling) < LONG:
        places = [(chunk, span) for chunk in telling.values() for span in _prose(chunk)]
        picked = _spread(embed([chunk.cut(span) for chunk, span in places]), most)
        return [_quoted(source, *places[i]) for i in sorted(picked)]
    vectors = library.vectors(list(telling))
    ordered = sorted(vectors)
    rows = np.array([vectors[n] for n in ordered])
    found = []
    for n in sorted(ordered[i] for i in _spread(rows, most)):
        spans = _prose(telling[n])
        near = embed([telling[n].cut(span) for span in spans]) @ vectors[n]
        found.append(_quoted(source, telling[n], spans[int(np.argmax(near))]))
    return found


def _spread(rows: npt.NDArray[np.float32], most: int) -> list[int]:
    """Which of the unit vectors, one a row, are near to the middle of all and far apart."""
    if not len(rows):
        return []
    middle = rows.mean(axis=0)
    near = rows @ (middle / np.linalg.norm(middle))
    taken = np.zeros(len(rows))
    picked: list[int] = []
    for _ in range(min(most, len(rows))):
        worth = NEAR * near - (1 - NEAR) * taken
        worth[picked] = -np.inf
        picked.append(int(np.argmax(worth)))
        taken = np.maximum(taken, rows @ rows[picked[-1]])
    return picked


def _prose(chunk: Chunk) -> list[Span]:
    """The sentences that say something by themselves, or if all lean on others, these."""
    texts = {span: chunk.cut(span).strip() for span in chunk.sentences}
    prose = [
        span
        for span, text in texts.items()
        if len(text) >= SHORTEST and _ENDS.search(text) and not is_row(text)
    ]
    return [span for span in prose if not _POINTS_BACK.match(texts[span])] or prose


def _quoted(source: Source, chunk: Chunk, span: Span) -> Candidate:
    passage = Passage(chunk, source, score=1.0, similarity=None, bm25=0.0)
    return replace(as_it_stands(passage, span), mark="-")
