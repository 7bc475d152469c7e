"""Where the evidence of cases stands in a library, and the text around places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from eval.cases import Case, Evidence, find_quote
from eval.record import Excerpt, Piece, Spot
from rag.index import Index

CONTEXT = 240  # characters on either side


def locate(index: Index, cases: Sequence[Case]) -> dict[str, tuple[Piece, ...]]:
    """The pieces of evidence of each case, or what it is asked without, by case id, in its order.

    A source is named by its path within the library: whole parts from the end of the place.
    """
    ids: dict[str, set[str]] = {}
    wanted = {item.source for case in cases for item in case.evidence or case.without}
    for uri, source_id in index.library.files().items():
        place = f"/{PurePath(uri).as_posix()}"
        for name in wanted:
            if place.endswith(f"/{name}"):
                ids.setdefault(name, set()).add(source_id)
    known = {i for found in ids.values() for i in found}
    texts = {i: index.library.text(i) for i in known}
    chunks = {i: [(c.start, c.end) for c in index.library.chunks_of(i)] for i in known}

    def piece(item: Evidence) -> Piece:
        sources = sorted(ids.get(item.source, ()))
        if not sources:
            return Piece(item.source, item.quote, "no_source")
        spots = tuple(
            (i, s.start, s.end) for i in sources for s in find_quote(texts[i], item.quote)
        )
        if not spots:
            return Piece(item.source, item.quote, "no_text")
        held = any(a <= start and end <= b for i, start, end in spots for a, b in chunks[i])
        source_id, start, end = spots[0]
        text = texts[source_id]
        before, after = text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT]
        return Piece(item.source, item.quote, "found", spots, held, before, after)

    return {case.id: tuple(map(piece, case.evidence or case.without)) for case in cases}


def excerpts(index: Index, spots: Iterable[Spot]) -> tuple[Excerpt, ...]:
    """The text of each place with what is around it; none for a source that is gone."""
    found = []
    for source_id, start, end in dict.fromkeys(spots):
        try:
            text = index.library.text(source_id)
        except KeyError:
            continue
        first = max(0, start - CONTEXT)
        found.append(Excerpt(source_id, first, text[first : max(first, end) + CONTEXT]))
    return tuple(found)


def overlaps(places: Iterable[Spot], spots: Iterable[Spot]) -> bool:
    """Whether any of the places shares a character with any of the spots."""
    spots = list(spots)
    return any(
        source == other and start < until and since < end
        for source, since, until in places
        for other, start, end in spots
    )
