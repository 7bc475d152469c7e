"""An index in which some characters cannot be found, and what is said without them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from eval.cases import Case
from eval.locate import overlaps
from eval.metrics import normalize_answer
from eval.record import Spot, citations_of, passage_spots, spot_of
from rag.errors import FootnoteError
from rag.index import PASSAGES, Index
from rag.settings import Settings
from rag.types import Answer

if TYPE_CHECKING:
    from rag.chain import AnswerChain
    from rag.retrieve import HybridRetriever, Retrieved

_LOG = logging.getLogger(__name__)


def without(index: Index, hidden: Sequence[Spot]) -> Index:
    """The index as if no passage held these characters; it closes with the one it is made of."""
    return _Without(index, hidden)


def unused_citations(
    index: Index, case: Case, answer: Answer, settings: Settings, hidden: tuple[Spot, ...] = ()
) -> tuple[bool, ...] | None:
    """For each sentence, whether it is said again when no passage that is cited can be found.

    Quotations are made of what they cite: none is said without it. What a language model wrote is
    asked for once more, without the ``hidden`` characters either; sentences are the same by their
    words, shown or withheld, since it is the writing that did without. None when that failed.
    """
    nothing = (False,) * len(answer.sentences)
    if answer.engine != "llm" or not answer.citations:
        return nothing
    cited = [spot_of(citation) for citation in citations_of(answer)]
    try:
        again = without(index, [*hidden, *cited]).ask(case.question, case.history, settings)
    except FootnoteError as error:
        _LOG.warning("case %s could not be asked without its citations: %s", case.id, error)
        return None
    if not again.model and (again.status == "answered" or any("model" in n for n in again.notes)):
        _LOG.warning("case %s: without its citations %s", case.id, "; ".join(again.notes))
        return None  # quotations took the place of what the model would have written
    written = again.sentences if again.engine == "llm" else ()
    said = {normalize_answer(s.text) for s in (*written, *again.withheld)}
    return tuple(bool(s.citations) and normalize_answer(s.text) in said for s in answer.sentences)


class _Without(Index):
    """Shares all of the other index but its retriever, and with it the chain."""

    def __init__(self, index: Index, hidden: Sequence[Spot]) -> None:
        self.__dict__ |= {
            name: value
            for name, value in index.__dict__.items()
            if name not in ("retriever", "chain")
        }
        self._whole = index
        self._hidden = tuple(hidden)

    @cached_property
    def retriever(self) -> HybridRetriever:
        """The retriever, which leaves out every passage that holds a hidden character."""
        from rag.retrieve import HybridRetriever, Retrieved

        hidden = self._hidden

        class Leaving(HybridRetriever):
            def find(self, query: str, k: int | None = None) -> Retrieved:
                wanted = k or PASSAGES
                found, queries = super().find(query, wanted + 10 * len(hidden))
                kept = [p for p in found if not overlaps(hidden, passage_spots([p]))]
                return Retrieved(kept[:wanted], queries)

        return Leaving(index=self)

    @cached_property
    def chain(self) -> AnswerChain:
        """The way from question to answer, with the models that the other index has loaded."""
        from rag.chain import AnswerChain

        return AnswerChain(self, self._whole.chain)

    def close(self) -> None:
        """Nothing: the index it was made of is still in use."""
