"""What a sentence shows, in numbers and in words, of being supported by a text.

Nothing here is learned. ``examine`` compares a sentence with its evidence; what it finds becomes
both features, weighed by ``rag.verify``, and reasons for the reader.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rag.types import Span
from rag.verify_align import Unit, align
from rag.verify_compare import compare
from rag.verify_words import Text, read, synonyms

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
NEAR = 8  # words between two that belong together
ALIKE = 0.5  # cosine of two words from which on one may stand for the other
OTHER_WORDS = 24
LONGEST = 1000  # characters of evidence to embed at once
_FIRST_PERSON = frozenset(("i", "my", "me", "mine", "we", "our", "us", "myself"))
_SECOND_PERSON = frozenset(("you", "your", "yours"))

FEATURES = (
    "covered_near",  # share of the words, by rarity, that the best one to three sentences have
    "covered_least",  # the same, the worst of several sentences judged at once
    "plain_share",  # share of content words that the evidence has, each counting the same
    "missing_most",  # rarity of the rarest word that the evidence lacks
    "missing",  # how many content words it lacks, 1 at 6
    "synonyms",  # how many of them have a synonym in the best window, 1 at 4
    "synonyms_far",  # how many only elsewhere in the evidence, 1 at 4
    "unsaid",  # how many have none, 1 at 4
    "unsaid_odd",  # how many of those are names or rare terms, 1 at 4
    "unsaid_inflected",  # how many of those end as verbs and plurals do, 1 at 4
    "unsaid_unlike",  # how many of those are like no word of the window, by their vectors, 1 at 4
    "unsaid_similarity",  # the lowest cosine of one of those to a word of the window
    "pairs",  # share of neighbouring words that are neighbours in the evidence
    "triples",  # share of three words in a row that are in a row there
    "bonds",  # share, by rarity, of neighbouring content words that stand near each other there
    "run",  # longest row of words copied, as a share of all
    "numbers",  # 1: states a number or date
    "numbers_lost",  # how many numbers the evidence does not bear out, 1 at 2
    "numbers_far",  # how many only away from the best window, 1 at 2
    "numbers_loose",  # how many have no word of the sentence near them there, 1 at 2
    "dates_lost",  # as of numbers
    "dates_far",
    "names_lost",  # how many words of names the evidence has not, 1 at 3
    "negation_added",  # how many words it denies that the evidence does not, 1 at 2
    "negation_lost",  # how many it says that the evidence denies, 1 at 2
    "hedge_added",  # the same of "may", "plans to" and the like
    "hedge_lost",
    "contrasts",  # words such as but, only, not, fails that the best window has not, 1 at 3
    "opposed",  # has the opposite of a word of the best window, 1 at 2
    "antonym",  # a word that is missing there has an antonym there, 1 at 2
    "rival",  # has another weekday, colour, nationality, relative, 1 at 2
    "quantifier",  # all, most, none, only differ, 1 at 2
    "swapped",  # who does it and to whom it is done are exchanged
    "first_person",  # speaks of its own speaker, as the evidence does not
    "second_person",  # speaks to its reader, as the evidence does not
    "asks",  # has a question mark
    "length",  # grows with the number of words, 1 at about 60
    "several",  # more than one sentence
    "similarity",  # cosine with the nearest sentence of the evidence, the mean of the sentences
    "similarity_least",  # the worst of the sentences
    "similarity_window",  # cosine with the whole best window
)
LOST = ("numbers_lost", "dates_lost", "names_lost")
"""With one of these a sentence is never supported."""
BROKEN = {
    "negation_added": 0.9, "negation_lost": 0.9, "opposed": 0.9, "antonym": 0.75, "rival": 0.75,
    "quantifier": 0.75, "swapped": 0.75,
}  # fmt: skip
"""With one of these it is not either, if at least so much of it is otherwise in one place."""


@dataclass
class Finding:
    """What comparing found: features by name, reasons for the reader, the best place."""

    facts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FEATURES, 0.0))
    reasons: list[str] = field(default_factory=list)
    best: Span | None = None

    def row(self) -> list[float]:
        """The features in the order of ``FEATURES``."""
        return [self.facts[name] for name in FEATURES]

    def contradicted(self) -> bool:
        """Whether a detail is wrong, whatever else agrees."""
        return any(self.facts[name] for name in LOST) or any(
            self.facts[name] and self.facts["covered_near"] >= near for name, near in BROKEN.items()
        )


def examine(
    sentence: str, evidence: str, rarity: Callable[[str], float], embed: Embed | None
) -> Finding:
    """Compare a sentence with its evidence.

    ``rarity`` gives a stem's weight in (0, 1]. ``embed`` turns n texts into n unit vectors; without
    it the similarities stay 0.
    """
    claim, source = read(sentence), read(evidence)
    finding = Finding()
    if not claim.words or not source.words:
        return finding
    units = align(claim, source, rarity)
    first, last = max(units, key=lambda u: u.near * len(u.words)).sentences
    finding.best = Span(source.sentences[first].start, source.sentences[last - 1].end)
    facts = finding.facts
    _coverage(units, rarity, facts)
    _phrases(units, source, facts)
    compare(claim, source, units, facts, finding.reasons)
    _manner(claim, source, units, facts)
    if embed is not None:
        _similarities(units, source, embed, facts)
    for name in FEATURES:
        facts[name] = min(1.0, facts[name])
    return finding


def rarity_from(common: Mapping[str, float]) -> Callable[[str], float]:
    """A stem's rarity in (0, 1] from a table of the common ones; what is not there is rare."""
    return lambda stem: common.get(stem, 1.0)


def _coverage(
    units: Sequence[Unit], rarity: Callable[[str], float], facts: dict[str, float]
) -> None:
    facts["covered_near"] = _mean([u.near for u in units], units)
    facts["covered_least"] = min(u.near for u in units)
    content = sum(w.content for u in units for w in u.words)
    lost = [u.words[i] for u in units for i in u.missing]
    facts["plain_share"] = 1 - len(lost) / max(1, content)
    facts["missing_most"] = max((rarity(w.stem) for w in lost), default=0.0)
    facts["missing"] = len(lost) / 6
    for unit in units:
        for i in unit.missing:
            known = synonyms(unit.words[i].stem)
            if i in unit.unsaid:
                facts["unsaid"] += 1 / 4
                facts["unsaid_odd"] += (known is None) / 4
                facts["unsaid_inflected"] += unit.words[i].lower.endswith(("ed", "ing", "s")) / 4
            elif known and known & (unit.here - unit.share.keys()):
                facts["synonyms"] += 1 / 4
            else:
                facts["synonyms_far"] += 1 / 4


def _phrases(units: Sequence[Unit], source: Text, facts: dict[str, float]) -> None:
    there = [w.stem for w in source.words]
    pairs_there = set(pairwise(there))
    triples_there = set(zip(there, there[1:], there[2:], strict=False))
    pairs: list[bool] = []
    triples: list[bool] = []
    bonds = weights = 0.0
    longest = 0
    for unit in units:
        own = [w.stem for w in unit.words]
        pairs += [pair in pairs_there for pair in pairwise(own)]
        row = 0
        for three in zip(own, own[1:], own[2:], strict=False):
            triples.append(three in triples_there)
            row = row + 1 if triples[-1] else 0
            longest = max(longest, row + 2 if row else 0)
        for a, b in pairwise(w.stem for w in unit.words if w.content):
            weight = unit.share[a] + unit.share[b]
            weights += weight
            bonds += weight * _together(a, b, source)
    facts["pairs"] = sum(pairs) / max(1, len(pairs))
    facts["triples"] = sum(triples) / max(1, len(triples))
    facts["bonds"] = bonds / weights if weights else 0.0
    facts["run"] = longest / sum(len(u.words) for u in units)


def _together(a: str, b: str, source: Text) -> bool:
    """Whether two words stand near each other in the evidence."""
    there = source.places.get(b, ())
    return any(abs(p - q) <= NEAR for p in source.places.get(a, ()) for q in there)


def _manner(claim: Text, source: Text, units: Sequence[Unit], facts: dict[str, float]) -> None:
    """Whether it talks as a document does or as a person in a chat."""
    own = {w.lower for w in claim.words} - {w.lower for w in source.words}
    facts["first_person"] = float(bool(own & _FIRST_PERSON))
    facts["second_person"] = float(bool(own & _SECOND_PERSON))
    facts["asks"] = float("?" in claim.text)
    facts["length"] = math.log1p(len(claim.words)) / 4.1
    facts["several"] = float(len(units) > 1)


def _similarities(
    units: Sequence[Unit], source: Text, embed: Embed, facts: dict[str, float]
) -> None:
    """Embed the sentences, the nearest evidence, and the words that nothing there says."""
    wanted: dict[str, None] = {}
    for unit in units:
        wanted.update(dict.fromkeys([unit.text, *_evidence(unit, source)]))
        if unit.unsaid:
            wanted.update(dict.fromkeys(_other_words(unit, source)))
            wanted.update(dict.fromkeys(unit.words[i].lower for i in unit.unsaid))
    vectors = dict(zip(wanted, embed(list(wanted)), strict=True))
    best, windows = [], []
    lowest = 1.0
    for unit in units:
        cosines = [float(vectors[t] @ vectors[unit.text]) for t in _evidence(unit, source)]
        best.append(max(cosines))
        windows.append(cosines[-1])
        for i in unit.unsaid:
            own = vectors[unit.words[i].lower]
            others = _other_words(unit, source)
            cosine = max((float(vectors[o] @ own) for o in others), default=0.0)
            facts["unsaid_unlike"] += (cosine < ALIKE) / 4
            lowest = min(lowest, cosine)
    facts["unsaid_similarity"] = lowest
    facts["similarity"] = _mean(best, units)
    facts["similarity_least"] = min(best)
    facts["similarity_window"] = _mean(windows, units)


def _evidence(unit: Unit, source: Text) -> list[str]:
    """The nearest single sentences, and last the best window."""
    ranges = [(n, n + 1) for n in unit.nearest] + [unit.sentences]
    return [
        source.text[source.sentences[a].start : source.sentences[b - 1].end][:LONGEST]
        for a, b in ranges
    ]


def _other_words(unit: Unit, source: Text) -> list[str]:
    """Words of the window that the sentence has not, any of which a missing one may stand for."""
    words = (
        w.lower
        for w in source.words[slice(*unit.window)]
        if w.content and not w.number and w.stem not in unit.share
    )
    return list(dict.fromkeys(words))[:OTHER_WORDS]


def _mean(values: Sequence[float], units: Sequence[Unit]) -> float:
    """The mean over the sentences, by their length."""
    return float(np.average(values, weights=[len(u.words) for u in units]))
