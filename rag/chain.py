"""From question to answer, as a LangChain runnable.

Complete the question, divide it, retrieve, then quote, let a model write, or decline.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest
from typing import Any, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig

from rag.choice import check_sources
from rag.confidence import THRESHOLD, confidence
from rag.errors import ModelError
from rag.extractive import nearest_text, quote
from rag.followup import standalone
from rag.generate import rewrite, wants_prose, write
from rag.index import Index
from rag.lists import with_lists
from rag.llm import LanguageModel, load_llm
from rag.manifest import Manifest
from rag.notes import about_choice, about_draft, about_library, about_lists, disagreements
from rag.parts import parts
from rag.reader import Reader, load_reader
from rag.retrieve import check_question
from rag.scope import DEPTH, in_scope
from rag.select import Candidate, choose, disagree, rank_sentences
from rag.settings import Settings
from rag.spelling import respell
from rag.types import Answer, Citation, Engine, Passage, Sentence, Turn, turns
from rag.verify import Verifier, load_verifier

QUOTES = 3
# A model can answer from passages of which no sentence is an answer by itself, so it is asked from
# this share of the threshold on; of the sample cases' far unanswerables none comes that high.
WRITE_FROM = 0.4
# In log-odds. A follow-up wants something new, unless nothing else comes near what was quoted.
REPEAT_LEAD = 5.0


class Question(TypedDict, total=False):
    """A ``question``, its ``history``, oldest turn first, and ``settings``, or else the index's."""

    question: str
    history: Sequence[Turn | Mapping[str, str]]
    settings: Settings | None


class AnswerChain(Runnable[Question | str, Answer]):
    """One question in, one cited answer out. ``stream`` gives the text in pieces first."""

    def __init__(self, index: Index, other: AnswerChain | None = None) -> None:
        """``other`` is one whose models this one shares."""
        self._index = index
        self._loaded: _Loaded = other._loaded if other else _Loaded()

    def invoke(
        self,
        input: Question | str,
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ANN401 - LangChain's signature
    ) -> Answer:
        """Answer a question.

        Raises ``BadQuestion`` for one that cannot be asked, ``BadInput`` when a source chosen is
        not there, ``ModelError`` when the language model or the verifier cannot be loaded.
        """

        def run(given: Question | str) -> Answer:
            *_, answer = self._steps(given)
            assert isinstance(answer, Answer)
            return answer

        return self._call_with_config(run, input, config)

    def stream(
        self,
        input: Question | str,
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ANN401 - LangChain's signature
    ) -> Iterator[Any]:
        """The answer's text as it is said, then the ``Answer`` itself, which is what holds.

        Its text is another one than that of the pieces when a language model broke off and was
        replaced by quotations. Raises as ``invoke`` does.
        """

        def run(given: Iterator[Question | str]) -> Iterator[Any]:
            for row in given:
                yield from self._steps(row)

        yield from self._transform_stream_with_config(iter([input]), run, config)

    def _steps(self, given: Question | str) -> Iterator[str | Answer]:
        row: Question = {"question": given} if isinstance(given, str) else given
        question = check_question(row.get("question", ""))
        settings = row.get("settings") or self._index.settings
        # From here on, what other collections and sources hold is not there.
        check_sources(self._index.within(settings.collections), settings.sources)
        index = self._index.within(settings.collections, settings.sources)
        threshold = _threshold(settings, index.manifest)
        model = self._model(settings)
        conversation = turns(row.get("history", ()))
        revision = index.library.revision()
        clock = _Clock()
        asked, failure, usage = _asked(question, conversation, model)
        asked = [respell(query, index.library, index.encoder.tokenizer) for query in asked]
        clock.lap("complete")
        k = settings.passages
        results = [index.retriever.find(query, max(k, DEPTH)) for query in asked]
        retrieved = [result.passages[:k] for result in results]
        clock.lap("retrieve")
        spoken = " ".join(turn.text for turn in conversation if turn.role == "assistant")
        reader = load_reader() if settings.reader else None
        found = [
            _judge(index, query, in_scope(query, result.passages, k), spoken, reader)
            for query, result in zip(asked, results, strict=True)
        ]
        answered = [part for part in found if part.confidence >= threshold]
        chosen = with_lists(question, _chosen(answered, reader), index.library)
        passages = _interleaved(retrieved, chosen, k)
        clock.lap("select")
        said = None
        sure = max(part.confidence for part in found)
        near = sure >= threshold * WRITE_FROM
        if model and near and not failure and (settings.engine == "llm" or wants_prose(question)):
            try:
                said = yield from self._written(asked, found, chosen, model, settings)
            except ModelError as error:
                failure = str(error)
            clock.lap("write")
        if said is None:
            said = _quoted(chosen)
            if failure:
                said = replace(said, notes=(f"{failure}{_instead(said)}",))
            else:
                yield from said.pieces()
        text = said.text or nearest_text(passages)
        if not said.sentences:
            yield text
        missing = [part.query for part in found if chosen and part.confidence < threshold]
        yield Answer(
            question=question,
            query="; ".join(asked),
            status="answered" if said.sentences else "declined",
            text=text,
            sentences=said.sentences,
            citations=said.citations,
            passages=tuple(passages),
            confidence=sure,
            engine=said.engine,
            timings=clock.laps,
            index_revision=revision,
            notes=(
                *(f"the library does not answer: {query}" for query in missing),
                *said.notes,
                *(about_lists(chosen) if said.engine == "extractive" else ()),
                *disagreements(said.citations),
                *about_library(index.library, {c.uri for c in said.citations}),
                *about_choice(index.library, settings.sources),
            ),
            policy=settings.policy,
            withheld=said.withheld,
            model=said.model,
            prompt_sha256=said.prompt_sha256,
            usage=dict(Counter(usage) + Counter(said.usage)),
            searched=tuple(query for result in results for query in result.queries),
        )

    def _written(
        self,
        asked: Sequence[str],
        found: Sequence[_Part],
        chosen: Sequence[Candidate],
        model: LanguageModel,
        settings: Settings,
    ) -> Generator[str, None, _Said]:
        """What a model says, or quotations where nothing of that is supported.

        Raises ``ModelError`` when it fails or says nothing at all.
        """
        passages = _interleaved([part.passages for part in found], chosen, settings.passages)
        worthiest = {p.chunk.id: p for p in (*(c.passage for c in chosen), *passages)}
        draft = yield from write(
            " ".join(asked),
            list(worthiest.values()),
            model,
            self._verifier(settings.verifier),
            settings.policy,
        )
        for dissent in _dissenters(draft.citations, found):
            yield draft.quote(dissent.passage, dissent.span)
        written = _Said(
            engine="llm",
            text=draft.text,
            sentences=tuple(draft.sentences),
            citations=tuple(draft.citations),
            notes=tuple(about_draft(draft, model)),
            withheld=tuple(draft.withheld),
            model=model.name,
            prompt_sha256=draft.prompt.sha256,
            usage=draft.usage,
        )
        if draft.sentences or (draft.missing and not draft.withheld):
            return written
        if not draft.withheld:
            raise ModelError(f"the language model {model.name} gave an empty reply")
        quoted = _quoted(chosen)
        note = f"nothing that the model wrote is supported by the passages{_instead(quoted)}"
        yield from quoted.pieces()
        return replace(
            written,
            engine="extractive",
            text=quoted.text,
            sentences=quoted.sentences,
            citations=quoted.citations,
            notes=(note, *written.notes),
        )

    def _model(self, settings: Settings) -> LanguageModel | None:
        """The language model to use, loaded once; None when quotations are asked for."""
        if settings.engine == "extractive" or (settings.engine == "auto" and not settings.llm):
            return None
        if not settings.llm:
            raise ModelError("the engine 'llm' needs a language model: choose one (--llm)")
        name = settings.llm if isinstance(settings.llm, str) else id(settings.llm)
        with self._loaded.lock:
            models, key = self._loaded.models, (name, settings.base_url)
            if key not in models:
                models[key] = load_llm(settings.llm, settings.base_url)
            return models[key]

    def _verifier(self, name: str) -> Verifier:
        encoder = self._index.encoder
        with self._loaded.lock:
            verifiers, key = self._loaded.verifiers, (name, encoder.fingerprint)
            if key not in verifiers:
                verifiers[key] = load_verifier(name or None, encoder)
            return verifiers[key]


@dataclass
class _Loaded:
    """The models in memory, loaded once."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    models: dict[tuple[object, str], LanguageModel] = field(default_factory=dict)
    verifiers: dict[tuple[str, str], Verifier] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one part of a question found: passages in its scope, and their sentences, ranked."""

    query: str
    passages: Sequence[Passage]
    ranked: Sequence[Candidate]
    confidence: float


@dataclass(frozen=True, slots=True)
class _Said:
    """What an engine said; without sentences, nothing."""

    engine: Engine
    text: str = ""
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    notes: tuple[str, ...] = ()
    withheld: tuple[Sentence, ...] = ()
    model: str = ""
    prompt_sha256: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)

    def pieces(self) -> Iterator[str]:
        """The text, a sentence at a time."""
        starts = [0, *(s.start for s in self.sentences[1:]), len(self.text)]
        for start, end in pairwise(starts):
            yield self.text[start:end]


def _judge(
    index: Index, query: str, passages: Sequence[Passage], said: str, reader: Reader | None
) -> _Part:
    embed, idf = index.encoder.encode_sentences, index.library.idf
    ranked = _news_first(rank_sentences(query, passages, embed, idf, reader), said)
    return _Part(query, passages, ranked, confidence(query, passages, ranked, reader))


def _quoted(chosen: Sequence[Candidate]) -> _Said:
    return _Said("extractive", *quote(chosen)) if chosen else _Said("extractive")


def _instead(said: _Said) -> str:
    return "; these are quotations instead" if said.sentences else ""


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


def _chosen(answered: Sequence[_Part], reader: Reader | None) -> list[Candidate]:
    """What to quote: the choice for a single question; of several parts, the best of each first."""
    of_each = [choose(part.query, part.ranked, reader) for part in answered]
    if len(of_each) == 1:
        return of_each[0]
    turn_by_turn = zip_longest(*of_each)
    chosen = {(c.passage.source.id, c.span): c for row in turn_by_turn for c in row if c}
    return list(chosen.values())[:QUOTES]


def _dissenters(cited: Sequence[Citation], found: Sequence[_Part]) -> list[Candidate]:
    """Sentences of other sources that say the same as what is cited in all but the figures."""
    quotes = {" ".join(c.quote.split()) for c in cited}
    dissent = {
        candidate.text: candidate
        for part in found
        for candidate in part.ranked
        for citation in cited
        if candidate.passage.source.id != citation.source_id
        and " ".join(candidate.text.split()) not in quotes
        and disagree(candidate.text, citation.quote)
    }
    return list(dissent.values())[:QUOTES]


def _interleaved(
    retrieved: Sequence[Sequence[Passage]], chosen: Sequence[Candidate], k: int
) -> list[Passage]:
    """The passages of all parts, best first, as many as for one question, and all that is cited."""
    merged = {p.chunk.id: p for row in zip_longest(*retrieved) for p in row if p}
    first = dict(list(merged.items())[:k])
    return list((first | {c.passage.chunk.id: c.passage for c in chosen}).values())


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now
