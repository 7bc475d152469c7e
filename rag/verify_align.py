"""Where in the evidence a sentence is closest to being said: the best one to three sentences."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rag.verify_facts import Date, Quantity, same_date, same_quantity
from rag.verify_words import Text, Word, other_form, synonyms

LONGEST_WINDOW, LONGER_COSTS = 3, 0.03
NEAREST = 4
OTHER_FORM = 0.7


@dataclass
class Unit:
    """One sentence of what is judged, beside the stretch of the evidence that is nearest to it.

    ``share`` gives each content stem its part of the sentence by rarity, summing to 1, ``found``
    how well the evidence has it (1 itself, less another form). ``near`` is the share that the
    window has. ``window`` are words and ``sentences`` sentences of the evidence, half-open;
    ``here`` are the window's stems, ``nearest`` the best single sentences. ``missing`` are the
    places of words that the evidence lacks, ``unsaid`` of those it has no synonym for either.
    """

    words: Sequence[Word]
    text: str
    share: Mapping[str, float]
    found: Mapping[str, float]
    near: float
    window: tuple[int, int]
    sentences: tuple[int, int]
    nearest: Sequence[int]
    here: frozenset[str]
    missing: list[int] = field(default_factory=list)
    unsaid: list[int] = field(default_factory=list)


def align(claim: Text, source: Text, rarity: Callable[[str], float]) -> list[Unit]:
    """Each sentence of what is judged beside its evidence; neither text may be without words."""
    figures = _same_figures(claim, source)
    return [_unit(claim, source, k, rarity, figures) for k in range(len(claim.bounds))]


def inside(start: int, units: Sequence[Unit], source: Text) -> bool:
    """Whether a character of the evidence is in the window of any sentence."""
    return any(
        source.sentences[u.sentences[0]].start <= start < source.sentences[u.sentences[1] - 1].end
        for u in units
    )


def _unit(
    claim: Text,
    source: Text,
    k: int,
    rarity: Callable[[str], float],
    figures: Mapping[str, set[int]],
) -> Unit:
    words = claim.words[slice(*claim.bounds[k])]
    content = {w.stem: w for w in words if w.content} or {w.stem: w for w in words}
    weights = {stem: rarity(stem) for stem in content}
    total = sum(weights.values())
    share = {stem: weight / total for stem, weight in weights.items()}
    found: dict[str, float] = {}
    held: dict[int, dict[str, float]] = {}  # by sentence of the evidence
    for stem, word in content.items():
        found_in, value = _look_up(word, source, figures)
        if value:
            found[stem] = value
        for n in found_in:
            held.setdefault(n, {})[stem] = value

    def worth(stems: Mapping[str, float]) -> float:
        return sum(share[s] * value for s, value in stems.items())

    best, near, sentences = -1.0, 0.0, (0, 1)
    for n in held:
        stems: dict[str, float] = {}
        for size in range(1, min(LONGEST_WINDOW, len(source.bounds) - n) + 1):
            stems = stems | held.get(n + size - 1, {})
            value = worth(stems)
            if value - LONGER_COSTS * size > best:
                best, near, sentences = value - LONGER_COSTS * size, value, (n, n + size)
    window = (source.bounds[sentences[0]][0], source.bounds[sentences[1] - 1][1])
    ranked = sorted(held, key=lambda n: (-worth(held[n]), n)) or range(len(source.sentences))
    span = claim.sentences[k]
    unit = Unit(
        words=words,
        text=claim.text[span.start : span.end],
        share=share,
        found=found,
        near=near,
        window=window,
        sentences=sentences,
        nearest=list(ranked)[:NEAREST],
        here=frozenset(w.stem for w in source.words[slice(*window)]),
        missing=[i for i, w in enumerate(words) if w.content and w.stem not in found],
    )
    unit.unsaid = [
        i for i in unit.missing if not (synonyms(words[i].stem) or set()) & source.places.keys()
    ]
    return unit


def _look_up(
    word: Word, source: Text, figures: Mapping[str, set[int]]
) -> tuple[set[int] | frozenset[int], float]:
    """The sentences of the evidence that have a word, and how well: 0 not at all."""
    if word.stem in figures:
        return figures[word.stem], 1.0
    if word.stem in source.places:
        return {source.sentence_of[p] for p in source.places[word.stem]}, 1.0
    if other := other_form(word.stem, source):
        return {source.sentence_of[p] for p in source.places[other]}, OTHER_FORM
    if (word.capital and word.lower in source.joined) or _in_two(word.stem, source):
        return frozenset(), 1.0
    return frozenset(), 0.0


def _in_two(stem: str, source: Text) -> bool:
    """Whether the evidence writes a word as two."""
    return any(
        p + 1 < len(source.words) and source.words[p + 1].stem == stem[i:]
        for i in range(2, len(stem) - 1)
        for p in source.places.get(stem[:i], ())
    )


def _same_figures(claim: Text, source: Text) -> dict[str, set[int]]:
    """The words that numbers and dates consist of, and the sentences that state the same ones."""
    pairs: list[tuple[Quantity | Date, list[int]]] = [
        (q, [o.start for o in source.quantities if same_quantity(q, o)]) for q in claim.quantities
    ]
    pairs += [(d, [o.start for o in source.dates if same_date(d, [o])]) for d in claim.dates]
    starts = [s.start for s in source.sentences]
    found: dict[str, set[int]] = {}
    for figure, places in pairs:
        sentences = {max(0, bisect_right(starts, p) - 1) for p in places}
        for word in claim.words:
            if sentences and figure.start <= word.start < figure.end:
                found[word.stem] = found.get(word.stem, set()) | sentences
    return found
