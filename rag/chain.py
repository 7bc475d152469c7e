"""From question to answer, as a LangChain runnable.

Complete the question, divide it, retrieve, select, then quote or decline.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig

from rag.extractive import nearest_text, quote
from rag.followup import standalone
from rag.index import PASSAGES, Index
from rag.manifest import Manifest
from rag.parts import parts
from rag.retrieve import check_question
from rag.select import THRESHOLD, Candidate, choose, confidence, rank_sentences
from rag.settings import Settings
from rag.standing import changed_files
from rag.types import Answer, Passage, Turn, turns

ENGINE = "extractive"
QUOTES = 3
# In log-odds. A follow-up wants something new, unless nothing else comes near what was quoted.
REPEAT_LEAD = 5.0


class Question(TypedDict, total=False):
    """What the chain takes: ``question``, and optionally ``history``, oldest turn first.

    ``settings`` are those of this question, by default the index's.
    """

    question: str
    history: Sequence[Turn | Mapping[str, str]]
    settings: Settings | None


class AnswerChain(Runnable[Question | str, Answer]):
    """One question in, one cited answer out. ``stream`` gives the text in pieces first."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._complete_at = -1

    def invoke(
        self,
        input: Question | str,
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ANN401 - LangChain's signature
    ) -> Answer:
        """Answer a question. Raises ``BadQuestion`` for one that cannot be asked."""

        def run(given: Question | str) -> Answer:
            row: Question = {"question": given} if isinstance(given, str) else given
            return self.answer(row.get("question", ""), row.get("history", ()), row.get("settings"))

        return self._call_with_config(run, input, config)

    def stream(
        self,
        input: Question | str,
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ANN401 - LangChain's signature
    ) -> Iterator[Any]:
        """The answer's text, a sentence at a time, then the ``Answer`` itself."""
        answer = self.invoke(input, config)
        position = 0
        for sentence in answer.sentences[1:]:
            yield answer.text[position : sentence.start]
            position = sentence.start
        yield answer.text[position:]
        yield answer

    def answer(
        self,
        question: str,
        history: Sequence[Turn | Mapping[str, str]] = (),
        settings: Settings | None = None,
    ) -> Answer:
        """What ``invoke`` does."""
        question = check_question(question)
        settings = settings or self._index.settings
        threshold = _threshold(settings, self._index.manifest)
        clock = _Clock()
        revision = self._index.library.revision()
        conversation = turns(history)
        asked = parts(standalone(question, conversation))
        clock.lap("complete")
        retrieved = [self._index.retriever.search(query) for query in asked]
        clock.lap("retrieve")
        said = " ".join(turn.text for turn in conversation if turn.role == "assistant")
        found = [self._judge(q, p, said) for q, p in zip(asked, retrieved, strict=True)]
        chosen = _chosen([part for part in found if part.confidence >= threshold])
        clock.lap("select")
        passages = _interleaved(retrieved, chosen)
        text, sentences, citations = quote(chosen) if chosen else (nearest_text(passages), (), ())
        missing = [part.query for part in found if chosen and part.confidence < threshold]
        return Answer(
            question=question,
            query="; ".join(asked),
            status="answered" if chosen else "declined",
            text=text,
            sentences=sentences,
            citations=citations,
            passages=tuple(passages),
            confidence=max(part.confidence for part in found),
            engine=ENGINE,
            timings=clock.laps,
            index_revision=revision,
            notes=(
                *(f"the library does not answer: {query}" for query in missing),
                *self._notes(revision, {citation.uri for citation in citations}),
            ),
        )

    def _judge(self, query: str, passages: Sequence[Passage], said: str) -> _Part:
        index = self._index
        found = rank_sentences(query, passages, index.encoder.encode_documents, index.library.idf)
        ranked = _news_first(found, said)
        return _Part(query, ranked, confidence(query, passages, ranked))

    def _notes(self, revision: int, cited: Iterable[str]) -> tuple[str, ...]:
        """What makes the answer a lesser one: passages still without a vector, files changed."""
        library = self._index.library
        notes = []
        if self._complete_at != revision:
            owed = library.counts().owed
            if owed:
                notes.append(
                    f"{owed:,} passages have no vector yet and are found by their words only: "
                    "`footnote ingest` completes them"
                )
            else:
                self._complete_at = revision
        notes += [
            f"{uri} is no longer as it was when it was read: `footnote ingest` reads it again"
            for uri in changed_files(library, cited)
        ]
        return tuple(notes)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one part of a question found."""

    query: str
    ranked: Sequence[Candidate]
    confidence: float


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


def _chosen(answered: Sequence[_Part]) -> list[Candidate]:
    """What to quote: the choice for a single question; of several parts, the best of each first."""
    if len(answered) == 1:
        return choose(answered[0].query, answered[0].ranked)
    turn_by_turn = zip_longest(*(choose(part.query, part.ranked) for part in answered))
    chosen = {(c.passage.source.id, c.span): c for row in turn_by_turn for c in row if c}
    return list(chosen.values())[:QUOTES]


def _interleaved(
    retrieved: Sequence[Sequence[Passage]], chosen: Sequence[Candidate]
) -> list[Passage]:
    """The passages of all parts, best first, as many as for one question, and all that is cited."""
    merged = {p.chunk.id: p for row in zip_longest(*retrieved) for p in row if p}
    first = dict(list(merged.items())[:PASSAGES])
    return list((first | {c.passage.chunk.id: c.passage for c in chosen}).values())


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now
