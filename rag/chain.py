"""From question to answer, as a LangChain runnable.

Complete the question, divide it, retrieve, then quote, let a model write, or decline.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig

from rag.choice import check_sources
from rag.errors import ModelError
from rag.extractive import declined_text, nearest, quote
from rag.generate import wants_prose, write
from rag.index import Index
from rag.llm import LanguageModel, load_llm
from rag.notes import (
    about_choice,
    about_copies,
    about_draft,
    about_library,
    about_lists,
    about_words,
    disagreements,
)
from rag.overview import to_be_summarised
from rag.retrieve import check_question
from rag.seek import Clock, Part, Sought, interleaved, seek, seek_in_brief
from rag.select import QUOTES, Candidate, in_conflict
from rag.settings import Settings
from rag.talk import said_to
from rag.types import Answer, Citation, Engine, Sentence, Turn, turns
from rag.verify import Verifier, load_verifier

# A model can answer from passages of which no sentence is believed, so it is asked from this
# confidence on: of the cases' answerable questions that are declined, one in forty is below.
WRITE_FROM = 0.03
# A small model cannot tell that passages do not answer, so it is asked from this share of the
# threshold on: of the sample cases' far unanswerables one comes that high. So near, the sentence
# quoted for one part of a question may answer another part too.
NEAR = 0.4


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
        model = self._model(settings)
        revision = index.library.revision()
        history = turns(row.get("history", ()))
        summarised = to_be_summarised(question, history, index)
        if talk := said_to(question, summarised, index.library):
            yield talk
            yield _talk(
                question, talk, revision, settings, about_choice(index.library, settings.sources)
            )
            return
        clock = Clock()
        sought = seek_in_brief(index, question, summarised, settings, clock) if summarised else None
        sought = sought or seek(index, question, history, settings, model, clock)
        found, chosen, failure = sought.parts, sought.chosen, sought.failure
        said = None
        sure = max(part.confidence for part in found)
        if model and not failure and _may_write(model, question, sure, sought, settings):
            try:
                said = yield from self._written(sought, model, settings)
            except ModelError as error:
                failure = str(error)
            clock.lap("write")
        if said is None:
            said = _quoted(chosen)
            if failure:
                said = replace(said, notes=(f"{failure}{_instead(said)}",))
            else:
                yield from said.pieces()
        near_misses = () if said.sentences else nearest([part.ranked for part in found])
        text = said.text or declined_text(near_misses, sought.passages)
        if not said.sentences:
            yield text
        yield Answer(
            question=question,
            query="; ".join(part.query for part in found),
            status="answered" if said.sentences else "declined",
            text=text,
            sentences=said.sentences,
            citations=said.citations,
            passages=tuple(sought.passages),
            confidence=sure,
            engine=said.engine,
            timings=clock.laps,
            index_revision=revision,
            notes=_notes(said, sought, index, settings),
            policy=settings.policy,
            withheld=said.withheld,
            model=said.model,
            prompt_sha256=said.prompt_sha256,
            usage=dict(Counter(sought.usage) + Counter(said.usage)),
            searched=sought.searched,
            nearest=near_misses,
        )

    def _written(
        self, sought: Sought, model: LanguageModel, settings: Settings
    ) -> Generator[str, None, _Said]:
        """What a model says, or quotations where nothing of that is supported.

        Raises ``ModelError`` when it fails or says nothing at all.
        """
        found, chosen = sought.parts, sought.chosen
        passages = interleaved([part.passages for part in found], chosen, settings.passages)
        worthiest = {p.chunk.id: p for p in (*(c.passage for c in chosen), *passages)}
        draft = yield from write(
            " ".join(part.query for part in found),
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


def _notes(said: _Said, sought: Sought, index: Index, settings: Settings) -> tuple[str, ...]:
    """What the reader is told beside an answer: what is missing, and what makes it a lesser one."""
    quoting = said.engine == "extractive"
    declined = quoting and not said.sentences
    missing = [p.query for p in sought.parts if sought.chosen and not _is_said(p, sought)]
    return (
        *(f"nothing answers for certain: {query}" for query in missing),
        *said.notes,
        *(about_words([p.query for p in sought.parts], index.library) if declined else ()),
        *(about_lists(sought.chosen) if quoting else ()),
        *(part.note for part in sought.parts if part.note and quoting),
        *disagreements(said.citations),
        *about_copies(said.citations, sought.passages),
        *about_library(index.library, {c.uri for c in said.citations}),
        *about_choice(index.library, settings.sources),
    )


def _talk(
    message: str, said: str, revision: int, settings: Settings, notes: Sequence[str]
) -> Answer:
    """What comes back for a message that asks nothing of the documents."""
    return Answer(
        question=message,
        query="",
        status="declined",
        text=said,
        sentences=(),
        citations=(),
        passages=(),
        confidence=0.0,
        engine="extractive",
        timings={},
        index_revision=revision,
        notes=tuple(notes),
        policy=settings.policy,
    )


def _may_write(
    model: LanguageModel, question: str, sure: float, sought: Sought, settings: Settings
) -> bool:
    """Whether a model is asked: for prose, or, unless it is small, where nothing can be quoted."""
    if sure < (sought.threshold * NEAR if model.small else WRITE_FROM):
        return False
    unquoted = not sought.chosen and not model.small
    return settings.engine == "llm" or wants_prose(question) or unquoted


def _is_said(part: Part, sought: Sought) -> bool:
    """Whether a part is answered, if only nearly and by what is quoted for another part."""
    best = {(c.passage.source.id, c.span) for c in part.ranked[:1]}
    quoted = any((c.passage.source.id, c.span) in best for c in sought.chosen)
    return part.confidence >= sought.threshold * (NEAR if quoted else 1)


def _quoted(chosen: Sequence[Candidate]) -> _Said:
    return _Said("extractive", *quote(chosen)) if chosen else _Said("extractive")


def _instead(said: _Said) -> str:
    return "; these are quotations instead" if said.sentences else ""


def _dissenters(cited: Sequence[Citation], found: Sequence[Part]) -> list[Candidate]:
    """Sentences of other sources that say the same as what is cited in all but the figures."""
    quotes = {" ".join(c.quote.split()) for c in cited}
    dissent = {
        candidate.text: candidate
        for part in found
        for candidate in part.ranked
        for citation in cited
        if " ".join(candidate.text.split()) not in quotes
        and in_conflict(candidate.passage.source, candidate.text, citation, citation.quote)
    }
    return list(dissent.values())[:QUOTES]
