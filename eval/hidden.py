"""An index in which some characters cannot be found, so that what they answer has no answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from eval.locate import overlaps
from eval.record import Spot
from rag.index import PASSAGES, Index
from rag.types import Passage

if TYPE_CHECKING:
    from rag.chain import AnswerChain
    from rag.retrieve import HybridRetriever, Retrieved


def without(index: Index, hidden: Sequence[Spot]) -> Index:
    """The index as if no passage held these characters; it closes with the one it is made of."""
    return _Without(index, hidden)


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
                kept = [p for p in found if not overlaps(hidden, [_spot(p)])]
                return Retrieved(kept[:wanted], queries)

        return Leaving(index=self)

    @cached_property
    def chain(self) -> AnswerChain:
        """The way from question to answer, with the models that the other index has loaded."""
        from rag.chain import AnswerChain

        return AnswerChain(self, self._whole.chain)

    def close(self) -> None:
        """Nothing: the index it was made of is still in use."""


def _spot(passage: Passage) -> Spot:
    return passage.source.id, passage.chunk.start, passage.chunk.end
