"""Which collections and sources of an index are there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rag.errors import BadInput

if TYPE_CHECKING:
    from rag.index import Index


class Choice(NamedTuple):
    """The collections and the sources that are there; None for all."""

    collections: frozenset[str] | None = None
    sources: frozenset[str] | None = None

    def narrowed(self, collections: Iterable[str] | None, sources: Iterable[str] | None) -> Choice:
        """What of it these leave."""
        return Choice(_both(self.collections, collections), _both(self.sources, sources))


def check_collections(index: Index, names: Sequence[str] | None) -> None:
    """Raise ``BadInput`` for a collection that holds nothing."""
    held = index.library.collection_names()
    if unknown := [name for name in names or () if name not in held]:
        raise BadInput(
            f"no collection {unknown[0]!r} in {str(index.folder)!r}; it has "
            f"{', '.join(held) or 'none: `footnote ingest PATHS --collection NAME` makes one'}"
        )


def check_sources(index: Index, ids: Iterable[str] | None) -> None:
    """Raise ``BadInput`` for the id of a source that is not, or no longer, in the index."""
    asked = frozenset(ids or ())
    if unknown := asked - index.library.sources(asked).keys():
        raise BadInput(
            f"no source {min(unknown)!r} is in the library (any more): it was changed or removed; "
            "choose again, `footnote library --json` has the ids"
        )


def _both(held: frozenset[str] | None, wanted: Iterable[str] | None) -> frozenset[str] | None:
    """What is in both, where None is everything."""
    if wanted is None:
        return held
    return frozenset(wanted) if held is None else held & frozenset(wanted)
