"""What the halves of retrieval find by themselves, to see what their fusion is worth."""

from __future__ import annotations

from collections.abc import Iterable

from rag.index import Index

NAMES = ("bm25", "dense", "rrf")
RRF = 60


def rankings(index: Index, query: str, passages: int) -> dict[str, tuple[str, ...]]:
    """The documents of the first ``passages`` chunks by words alone, by vectors alone, and by both.

    ``bm25`` is the lexical index, ``dense`` the cosine, ``rrf`` reciprocal rank fusion of the two:
    the sum of 1 / (60 + rank) (Cormack, Clarke and Buettcher 2009). Documents are named by their
    place, best first.
    """
    library = index.library
    with library.reading():
        vector = index.encoder.encode_queries([query])[0]
        near = index.nearest(vector, passages)
        dense = sorted(near, key=lambda n: -near[n])
        bm25 = [number for number, _ in library.lexical.search(query, passages)]
        chunks = library.chunks([*dense, *bm25])
        sources = library.sources({chunk.source_id for chunk in chunks.values()})
    fused: dict[int, float] = {}
    for ranked in (dense, bm25):
        for rank, number in enumerate(ranked, 1):
            fused[number] = fused.get(number, 0.0) + 1 / (RRF + rank)
    rrf = sorted(fused, key=lambda n: -fused[n])[:passages]

    def documents(numbers: Iterable[int]) -> tuple[str, ...]:
        found = (sources[chunks[n].source_id] for n in numbers if n in chunks)
        return tuple(dict.fromkeys(uri for s in found for uri in (s.uri, *s.also_at)))

    return {name: documents(n) for name, n in zip(NAMES, (bm25, dense, rrf), strict=True)}
