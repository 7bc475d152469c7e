"""Two trivial systems asked the same questions, so that a score shows what is trivial about it.

Both know words only. ``bm25`` ranks by BM25 alone and quotes, from the best passage, the sentence
that shares the most rare words with the question. ``overlap`` ranks by how many distinct words of
the question a passage has and quotes the best passage's first sentence. Both decline when the best
passage has less than half of the question's words, and that share is their confidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.record import Anchor
from rag.index import PASSAGES, Index
from rag.lexical import analyze, query_terms
from rag.types import Chunk, Span

NAMES = ("bm25", "overlap")
CANDIDATES = 50
ENOUGH = 0.5


def ask_anchors(index: Index, query: str) -> tuple[Anchor, ...]:
    """What the two say to a query as the chain completed it."""
    library = index.library
    with library.reading():
        found = [number for number, _ in library.lexical.search(query, CANDIDATES)]
        chunks = library.chunks(found)
    ranked = [chunks[n] for n in found if n in chunks]
    rarity = {term: library.idf(term) for term in query_terms(query)}
    by_count = sorted(ranked, key=lambda chunk: -len(rarity.keys() & set(analyze(chunk.text))))
    return (
        _say("bm25", ranked, rarity),
        _say("overlap", by_count, dict.fromkeys(rarity, 0.0)),
    )


def _say(name: str, ranked: Sequence[Chunk], worth: Mapping[str, float]) -> Anchor:
    """The sentence of the first chunk that is worth most; the first one on a tie."""
    passages = tuple((c.source_id, c.start, c.end) for c in ranked[:PASSAGES])
    if not ranked:
        return Anchor(name, True, 0.0, ())
    best = ranked[0]
    share = len(worth.keys() & set(analyze(best.text))) / len(worth)

    def value(span: Span) -> float:
        return sum(worth[t] for t in worth.keys() & set(analyze(best.cut(span))))

    if share < ENOUGH or not best.sentences:
        return Anchor(name, True, share, passages)
    span = max(best.sentences, key=value)
    spot = best.source_id, span.start, span.end
    return Anchor(name, False, share, passages, best.cut(span), spot)
