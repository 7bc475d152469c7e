"""How well what is sought is found. Pure functions, like ``eval.metrics``.

What is ranked are passages, which find evidence by its characters, or whole documents.

``pieces`` are the pieces of a question's evidence, each with every place it stands at; ``ranked``
are the passages' places, best first. A passage finds a piece when they share a character. All is 0
for a piece that stands nowhere: evidence that is not in the library cannot be found.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Sequence

from eval.locate import overlaps
from eval.metrics import ratio
from eval.record import Spot

Places = Sequence[Spot]


def first_ranks(ranked: Sequence[Spot], pieces: Sequence[Places]) -> list[int | None]:
    """For each piece the rank, from 1, of the first passage that finds it; None if none does."""
    return [
        next((n for n, spot in enumerate(ranked, 1) if overlaps(places, [spot])), None)
        for places in pieces
    ]


def document_ranks(ranked: Sequence[Hashable], gold: Collection[Hashable]) -> list[int | None]:
    """For each gold document its rank, from 1; None if it is not there."""
    ranks: dict[Hashable, int] = {}
    for rank, document in enumerate(ranked, 1):
        ranks.setdefault(document, rank)
    return [ranks.get(document) for document in gold]


def recall(ranks: Sequence[int | None], k: int) -> float | None:
    """|pieces found in the first k passages| / |pieces|. Source: trec_eval's ``recall``.

    None without pieces.
    """
    return ratio(sum(rank is not None and rank <= k for rank in ranks), len(ranks))


def all_gold(ranks: Sequence[int | None], k: int) -> float | None:
    """1 if every piece is found in the first k passages, else 0; None without pieces."""
    return float(recall(ranks, k) == 1.0) if ranks else None


def reciprocal_rank(ranks: Sequence[int | None], k: int) -> float | None:
    """1 / rank of the first passage within the first k that finds any piece, else 0.

    Source: Voorhees 1999 (TREC-8 QA). None without pieces.
    """
    if not ranks:
        return None
    best = min((rank for rank in ranks if rank is not None), default=k + 1)
    return 1 / best if best <= k else 0.0


def ndcg(ranks: Sequence[int | None], k: int) -> float | None:
    """DCG@k / ideal DCG@k, where a passage gains 1 if it is the first to find some piece, else 0.

    DCG = sum over ranks i of gain / log2(i + 1); the ideal has the gaining passages first, and one
    more for every piece that was not found. Source: Järvelin and Kekäläinen 2002, with the novelty
    of α-nDCG at α = 1 (Clarke et al. 2008): the same evidence twice gains nothing. None without
    pieces.
    """
    gaining = {rank for rank in ranks if rank is not None and rank <= k}
    lost = sum(rank is None or rank > k for rank in ranks)
    ideal = min(len(gaining) + lost, k)
    return ratio(
        sum(1 / math.log2(rank + 1) for rank in gaining),
        sum(1 / math.log2(n + 1) for n in range(1, ideal + 1)),
    )


def context_precision(ranked: Sequence[Spot], pieces: Sequence[Places], k: int) -> float | None:
    """Sum over ranks i of P@i * v_i / number of relevant passages in the first k.

    v_i is 1 if passage i finds a piece, P@i the share of such passages among the first i; 0 when
    none does. Source: RAGAS (Es et al. 2023), with evidence instead of a judge. None without
    pieces.
    """
    if not pieces:
        return None
    relevant = [any(overlaps(places, [spot]) for places in pieces) for spot in ranked[:k]]
    precisions = [sum(relevant[:n]) / n for n, v in enumerate(relevant, 1) if v]
    return ratio(sum(precisions), len(precisions)) or 0.0


def shared_characters(spots: Sequence[Spot], pieces: Sequence[Places]) -> tuple[int, int, int]:
    """How many characters are in both, in ``spots`` (each counted once), and in the pieces.

    A piece that stands at several places counts where most of it is covered; one that stands
    nowhere is left out.
    """
    covered = _merged(spots)
    gold = [max(places, key=lambda p: _common([p], covered)) for places in pieces if places]
    merged = _merged(gold)
    return _common(merged, covered), _length(covered), _length(merged)


def character_recall(spots: Sequence[Spot], pieces: Sequence[Places]) -> float | None:
    """|evidence in the passages| / |evidence|, in characters. None without pieces.

    Source, as of the next: "Evaluating Chunking Strategies for Retrieval" (Smith and Troynikov
    2024).
    """
    both, _, gold = shared_characters(spots, pieces)
    return (ratio(both, gold) or 0.0) if pieces else None


def character_iou(spots: Sequence[Spot], pieces: Sequence[Places]) -> float | None:
    """|evidence and passages| / |evidence or passages|, in characters. None without pieces."""
    both, covered, gold = shared_characters(spots, pieces)
    return (ratio(both, covered + gold - both) or 0.0) if pieces else None


def _merged(spots: Iterable[Spot]) -> list[Spot]:
    """The same characters, each once."""
    merged: list[Spot] = []
    for source, start, end in sorted(spots):
        if merged and merged[-1][0] == source and start <= merged[-1][2]:
            merged[-1] = source, merged[-1][1], max(end, merged[-1][2])
        else:
            merged.append((source, start, end))
    return merged


def _common(a: Iterable[Spot], b: Sequence[Spot]) -> int:
    """Shared characters; neither side may hold a character twice."""
    return sum(
        max(0, min(end, until) - max(start, since))
        for source, start, end in a
        for other, since, until in b
        if source == other
    )


def _length(spots: Iterable[Spot]) -> int:
    return sum(end - start for _, start, end in spots)
