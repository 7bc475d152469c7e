"""From question to answer, as a LangChain runnable: complete, retrieve, select, quote or decline."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig

from rag.extractive import nearest_text, quote
from rag.followup import standalone
from rag.index import Index
from rag.retrieve import check_question
from rag.select import THRESHOLD, choose, confidence, rank_sentences
from rag.types import Answer, Turn, turns

ENGINE = "extractive"


class Question(TypedDict, total=False):
    """What the chain takes: ``question``, and optionally ``history``, oldest turn first."""

    question: str
    history: Sequence[Turn | Mapping[str, str]]


class AnswerChain(Runnable[Question | str, Answer]):
    """One question in, one cited answer out. ``stream`` gives the text in pieces first."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def invoke(
        self,
        input: Question | str,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Answer:
        """Answer a question. Raises ``BadQuestion`` for one that cannot be asked."""
        def run(given: Question | str) -> Answer:
            row: Question = {"question": given} if isinstance(given, str) else given
            return self.answer(row.get("question", ""), row.get("history", ()))

        return self._call_with_config(run, input, config)

    def stream(
        self,
        input: Question | str,
        config: RunnableConfig | None = None,
        **kwargs: Any,
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
        threshold: float = THRESHOLD,
    ) -> Answer:
        """What ``invoke`` does, declining below another confidence; 0 never declines."""
        question = check_question(question)
        clock = _Clock()
        query = standalone(question, turns(history))
        clock.lap("complete")
        revision = self._index.library.revision()
        passages = self._index.retriever.search(query)
        clock.lap("retrieve")
        ranked = rank_sentences(
            query, passages, self._index.encoder.encode_documents, self._index.library.idf
        )
        certainty = confidence(query, passages, ranked)
        chosen = choose(query, ranked) if certainty >= threshold else []
        clock.lap("select")
        text, sentences, citations = quote(chosen) if chosen else (nearest_text(passages), (), ())
        return Answer(
            question=question,
            query=query,
            status="answered" if chosen else "declined",
            text=text,
            sentences=sentences,
            citations=citations,
            passages=tuple(passages),
            confidence=certainty,
            engine=ENGINE,
            timings=clock.laps,
            index_revision=revision,
            notes=_notes(self._index),
        )


def _notes(index: Index) -> tuple[str, ...]:
    owed = index.library.counts().owed
    if not owed:
        return ()
    return (f"{owed:,} new passages are found by their words only, until they are embedded",)


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now
