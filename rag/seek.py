"""What is found for a question: its parts, the passages of each, and which sentences to quote.

Nothing is said yet. ``rag.chain`` makes an answer of it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rag.confidence import THRESHOLD, confidence
from rag.errors import ModelError
from rag.followup import CARRIED, may_be_whole, standalone
from rag.generate import rewrite
from rag.headings import with_heading, with_terms
from rag.index import Index
from rag.library_reader import LibraryReader
from rag.lists import with_lists
from rag.llm import LanguageModel
from rag.manifest import Manifest
from rag.overview import in_brief
from rag.parts import parts
from rag.reader import Reader, load_reader
from rag.replies import with_replies
from rag.scope import DEPTH, in_scope
from rag.sections import named_part
from rag.select import QUOTES, Candidate, choose, rank_sentences
from rag.settings import Settings
from rag.spelling import respell
from rag.terms import definition_asked
from rag.types import Passage, Source, Turn
from rag.words import stems_of, tokens

NAMED = 1.0
"""The confidence in a document, or a part of one, that is asked for by its name or number."""
BRIEF = "these are sentences of the document itself; a language model would put it in other words"
SURE = 0.5
"""The confidence in a sentence that defines what is asked for, and the one from which on a question
has turned to another document than the one before."""
# In log-odds. A follow-up wants something new, unless nothing else comes near what was quoted.
REPEAT_LEAD = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of a question found: passages in its scope, and their sentences, ranked.

    ``whole`` is what to quote of documents, or a part of one, that it asks for by name or number,
    and ``note`` what to say of that.
    """

    query: str
    passages: Sequence[Passage]
    ranked: Sequence[Candidate]
    confidence: float
    whole: Sequence[Candidate] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sought:
    """What was found for a question, and what of it to quote.

    ``searched`` are all queries sent to the index, ``threshold`` the confidence under which a part
    is not answered. ``failure`` says what a model failed at meanwhile, ``usage`` are its tokens.
    """

    parts: Sequence[Part]
    chosen: Sequence[Candidate]
    passages: Sequence[Passage]
    searched: tuple[str, ...]
    threshold: float
    failure: str
    usage: Mapping[str, int]


def seek(
    index: Index,
    question: str,
    conversation: Sequence[Turn],
    settings: Settings,
    model: LanguageModel | None,
    clock: Clock,
) -> Sought:
    """Complete the question and divide it, retrieve, and choose what to quote.

    ``index`` is what may be seen. A ``model``, if any, completes a follow-up. Raises
    ``BadQuestion`` for a part that cannot be asked.
    """
    asked, failure, usage = _asked(question, conversation, model)
    asked = [respell(query, index.library, index.encoder.tokenizer) for query in asked]
    clock.lap("complete")
    k = settings.passages
    results = [index.retriever.find(query, max(k, DEPTH)) for query in asked]
    clock.lap("retrieve")
    spoken = " ".join(turn.text for turn in conversation if turn.role == "assistant")
    reader = load_reader() if settings.reader else None
    found = [
        _judge(index, query, result.passages, k, spoken, reader)
        for query, result in zip(asked, results, strict=True)
    ]
    threshold = _threshold(settings, index.manifest)
    if len(asked) == 1 and CARRIED.search(asked[0]) and may_be_whole(question):
        query = CARRIED.sub("", asked[0])
        result = index.retriever.find(query, max(k, DEPTH))
        alone = _judge(index, query, result.passages, k, spoken, reader)
        if _turns_away(alone, found[0], threshold):
            found, results = [alone], [result]
    answered = [part for part in found if part.confidence >= threshold]
    chosen = _chosen(question, answered, len(found) > 1, index.library, reader)
    passages = interleaved([result.passages[:k] for result in results], chosen, k)
    clock.lap("select")
    searched = tuple(query for result in results for query in result.queries)
    return Sought(found, chosen, passages, searched, threshold, failure, usage)


def seek_in_brief(
    index: Index, question: str, sources: Sequence[Source], settings: Settings, clock: Clock
) -> Sought | None:
    """What to quote of documents that are asked for in brief; None where they have no prose."""
    quoted = in_brief(sources, index)
    if not quoted:
        return None
    passages = list({c.passage.chunk.id: c.passage for c in quoted}.values())
    part = Part(question, passages, quoted, NAMED, quoted, BRIEF)
    clock.lap("select")
    threshold = _threshold(settings, index.manifest)
    return Sought([part], quoted, passages, (), threshold, "", {})


def _judge(
    index: Index,
    query: str,
    retrieved: Sequence[Passage],
    k: int,
    said: str,
    reader: Reader | None,
) -> Part:
    """What a part finds: in what it names of a document, or else in all that is in its scope."""
    embed, idf = index.encoder.encode_sentences, index.library.idf
    openings = index.library.openings({p.source.id for p in retrieved})

    def judged(asked: str, passages: Sequence[Passage]) -> Part:
        ranked = _news_first(rank_sentences(asked, passages, openings, embed, idf, reader), said)
        sure = confidence(asked, passages, ranked, reader)
        if ranked and (defines := definition_asked(asked)) and defines.match(ranked[0].text):
            sure = max(sure, SURE)
        return Part(query, passages, ranked, sure)

    within = in_scope(query, retrieved, openings, DEPTH)
    named = named_part(query, within, openings, index.library)
    if named and named.whole:
        return Part(query, named.passages, named.whole, NAMED, named.whole)
    anywhere = judged(query, in_scope(query, retrieved, openings, k))
    there = judged(named.question, named.passages) if named else anywhere
    return there if there.confidence >= anywhere.confidence else anywhere


def _asked(
    question: str, conversation: Sequence[Turn], model: LanguageModel | None
) -> tuple[list[str], str, Mapping[str, int]]:
    """The questions to search for, each fit to stand alone, what failed meanwhile, and tokens."""
    completed, failure = None, ""
    usage: Mapping[str, int] = {}
    if model and conversation:
        try:
            completed, usage = rewrite(question, conversation, model)
        except ModelError as error:
            failure = str(error)
    return parts(completed or standalone(question, conversation)), failure, usage


def _turns_away(alone: Part, completed: Part, threshold: float) -> bool:
    """Whether a question by itself is to be answered, rather than with the subject before it.

    In another document than that subject's it must be answered for sure, and not at all with the
    subject; and it must keep to the names that the subject has.
    """
    if not alone.ranked or alone.confidence < max(threshold, completed.confidence):
        return False
    best = alone.ranked[0].passage
    carried = CARRIED.search(completed.query)
    names = [t.stem for t in tokens(carried[0] if carried else "") if t.capital]
    held = stems_of(best.source.title, *best.chunk.headings, best.chunk.text)
    same = best.source.id in {c.passage.source.id for c in completed.ranked[:1]}
    sure = completed.confidence < threshold and alone.confidence >= SURE
    return held.issuperset(names) and (same or sure)


def _threshold(settings: Settings, manifest: Manifest) -> float:
    """Where to decline: as asked for, else as the index was calibrated, else as shipped."""
    if settings.threshold is not None:
        return settings.threshold
    return manifest.calibration.threshold if manifest.calibration else THRESHOLD


def _news_first(ranked: Sequence[Candidate], said: str) -> Sequence[Candidate]:
    """Without what the conversation has quoted already, if something else is nearly as good."""
    spoken = " ".join(said.split())
    news = [c for c in ranked if " ".join(c.text.split()) not in spoken]
    return news if news and ranked[0].rank - news[0].rank <= REPEAT_LEAD else ranked


def _chosen(
    question: str,
    answered: Sequence[Part],
    of_parts: bool,
    library: LibraryReader,
    reader: Reader | None,
) -> list[Candidate]:
    """What to quote: parts named whole, then of the others the best of each first, with lists.

    ``of_parts`` says that the question has several, answered or not.
    """
    whole = [c for part in answered for c in part.whole]
    of_each = [
        with_heading(part.query, choose(part.query, part.ranked, reader, of_parts), library)
        for part in answered
        if not part.whole
    ]
    turn_by_turn = [c for row in zip_longest(*of_each) for c in row if c]
    best = list({(c.passage.source.id, c.span): c for c in turn_by_turn}.values())[:QUOTES]
    quoted = [*whole, *with_lists(question, with_replies(best, library), library)]
    told = with_terms(question, quoted, library)
    return list({(c.passage.source.id, c.span): c for c in told}.values())


def interleaved(
    retrieved: Sequence[Sequence[Passage]], chosen: Sequence[Candidate], k: int
) -> list[Passage]:
    """The passages of all parts, best first, as many as for one question, and all that is cited."""
    merged = {p.chunk.id: p for row in zip_longest(*retrieved) for p in row if p}
    passages = dict(list(merged.items())[:k])
    for passage in (c.passage for c in chosen):
        passages.setdefault(passage.chunk.id, passage)
    return list(passages.values())


class Clock:
    """``laps`` are the seconds that each stage took, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now
