"""The explicit comparisons: what word overlap is blind to, fact by fact, each with its reason.

Every function adds to the features by name and to the reasons for the reader.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from rag.verify_align import Unit, inside
from rag.verify_facts import Date, Quantity, same_date, same_quantity
from rag.verify_words import (
    CONTRASTS,
    HEDGES,
    NEGATIONS,
    OPPOSITES,
    QUANTIFIERS,
    RIVALS,
    Text,
    Word,
    bare,
    opposites,
)

SCOPE = 4  # words that a denial reaches
BESIDE, AROUND = 4, 12  # words near a number in the sentence, and in the evidence
LABELS = frozenset(["ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"])
SMALL = 13  # numbers below are often written in words, and in many ways

Facts = dict[str, float]


def compare(
    claim: Text, source: Text, units: Sequence[Unit], facts: Facts, reasons: list[str]
) -> None:
    """All comparisons, the most telling first."""
    _numbers(claim, source, units, facts, reasons)
    _dates(claim, source, units, facts, reasons)
    for unit in units:
        _names(unit, claim, source, facts, reasons)
        _labels(unit, claim, source, facts, reasons)
        there = source.words[slice(*unit.window)]
        _denials(unit, there, facts, reasons)
        _opposites(unit, there, facts, reasons)
        _quantifiers(unit, there, facts, reasons)
        if _swapped(unit.words, there):
            facts["swapped"] = 1.0
            reasons.append("the passage has who did it to whom the other way round")


def _numbers(
    claim: Text, source: Text, units: Sequence[Unit], facts: Facts, reasons: list[str]
) -> None:
    used: list[Quantity] = []
    lost: list[Quantity] = []
    for number in claim.quantities:
        facts["numbers"] = 1.0
        same = [q for q in source.quantities if same_quantity(number, q)]
        used += same
        if same:
            facts["numbers_loose"] += 0.5 * _loose(number, same, claim, source)
            if not any(inside(q.start, units, source) for q in same):
                facts["numbers_far"] += 0.5
        elif not _said_otherwise(number, source):
            facts["numbers_lost"] += 0.5
            lost.append(number)
    for number in lost:
        rivals = [
            q
            for q in source.quantities
            if q.ordinal == number.ordinal
            and q not in used
            and inside(q.start, units, source)
            and (q.unit == number.unit or not (q.hard or number.hard or number.ordinal))
        ]
        alike = [q for q in rivals if q.unit == number.unit] or rivals
        if alike:
            other = min(alike, key=lambda q: abs(_log(q) - _log(number)))
            reasons.append(f"the passage says {other.text}, the sentence says {number.text}")
        else:
            reasons.append(f"the passage does not say {number.text}")


def _log(quantity: Quantity) -> float:
    return math.log(abs(quantity.value) + 1e-9)


def _said_otherwise(number: Quantity, source: Text) -> bool:
    """Whether a number is in a range, a year or a small word of the evidence."""
    if _in_a_range(number, source.quantities, source.text):
        return True
    if not number.hard and any(number.value in (d.first, d.day) for d in source.dates):
        return True
    small = number.ordinal or number.value < SMALL
    return small and bool(re.search(rf"(?<!\W-)\b{re.escape(number.text)}\b", source.text, re.I))


def _in_a_range(stated: Quantity, evidence: Sequence[Quantity], text: str) -> bool:
    """Whether the stated number is an end of a range that the evidence gives.

    What stands behind the upper end goes for the lower one too: "5 to 10 million".
    """
    for low, high in pairwise(evidence):
        between = text[low.end : high.start]
        if (
            re.fullmatch(r"\s*(?:%|percent)?\s*(?:-|to|and)\s*", between)
            and stated.value in (low.value, low.value / low.step * high.step, high.value)
            and (high.unit == stated.unit or not (high.hard and stated.hard))
            and not stated.ordinal
        ):
            return True
    return False


def _loose(number: Quantity, same: Sequence[Quantity], claim: Text, source: Text) -> bool:
    """Whether no word beside a number in the sentence stands near it in the evidence."""
    beside = {w.stem for w in _around(number, claim, BESIDE) if w.content}
    return bool(beside) and not any(
        w.stem in beside for q in same for w in _around(q, source, AROUND)
    )


def _around(number: Quantity, text: Text, reach: int) -> list[Word]:
    """The words within reach of a number, itself left out."""
    starts = [w.start for w in text.words]
    first, last = bisect_left(starts, number.start), bisect_left(starts, number.end)
    return text.words[max(0, first - reach) : first] + text.words[last : last + reach]


def _dates(
    claim: Text, source: Text, units: Sequence[Unit], facts: Facts, reasons: list[str]
) -> None:
    near = [d for d in source.dates if inside(d.start, units, source)]
    own = {d.text for d in claim.dates}
    for date in claim.dates:
        facts["numbers"] = 1.0
        if same_date(date, near):
            continue
        if same_date(date, source.dates):
            facts["dates_far"] += 0.5
        elif date.month or not any(q.value == date.first for q in source.quantities):
            facts["dates_lost"] += 0.5
            rivals = [d for d in near if _same_shape(d, date) and d.text not in own]
            reasons.append(
                f"the passage says {rivals[0].said}, the sentence says {date.said}"
                if rivals
                else f"the passage does not say {date.said}"
            )


def _same_shape(a: Date, b: Date) -> bool:
    return (a.first is None) == (b.first is None) and (a.month is None) == (b.month is None)


def _names(unit: Unit, claim: Text, source: Text, facts: Facts, reasons: list[str]) -> None:
    row: list[Word] = []
    for i, word in enumerate(unit.words):
        # The first word of a sentence has a capital whatever it is.
        named = (
            word.capital
            and word.content
            and (i > 0 or _is_name(word, claim, source))
            and not any(d.start <= word.start < d.end for d in claim.dates)
            and not any(q.start <= word.start < q.end for q in claim.quantities)
        )
        if named:
            row.append(word)
        if row and (not named or i == len(unit.words) - 1):
            lost = [w for w in row if w.stem not in unit.found]
            if lost and not _short_for(row, source):
                facts["names_lost"] += len(lost) / 3
                said = claim.text[row[0].start : row[-1].end]
                reasons.append(f"the passage does not name {said}")
            row = []


def _labels(unit: Unit, claim: Text, source: Text, facts: Facts, reasons: list[str]) -> None:
    """Whether a word with a letter or a Roman numeral after it has only other ones there."""
    for word, label in pairwise(unit.words):
        if not (word.content and _labelled(word, label, claim)):
            continue
        others = [
            source.words[p + 1]
            for p in source.places.get(word.stem, ())
            if p + 1 < len(source.words) and _labelled(source.words[p], source.words[p + 1], source)
        ]
        if others and label.lower not in {other.lower for other in others}:
            facts["names_lost"] += 1 / 3
            theirs = source.text[others[0].start : others[0].end]
            own = claim.text[label.start : label.end]
            reasons.append(
                f"the passage says '{word.lower} {theirs}', the sentence '{word.lower} {own}'"
            )


def _labelled(word: Word, label: Word, text: Text) -> bool:
    """Whether the second word is the letter or the numeral of the first, as in ``Type B``."""
    alone = len(label.lower) == 1 and label.lower.isalpha() and label.lower != "i"
    beside = text.text[word.end : label.start]
    return label.capital and (alone or label.lower in LABELS) and beside in (" ", "-")


def _is_name(word: Word, claim: Text, source: Text) -> bool:
    """Whether a text writes a word with a capital inside it, or the evidence inside a sentence."""
    if any(c.isupper() for c in claim.text[word.start + 1 : word.end]):
        return True
    starts = {first for first, _ in source.bounds}
    places = source.places.get(word.stem, ())
    return any(source.words[p].capital and p not in starts for p in places)


def _short_for(row: Sequence[Word], source: Text) -> bool:
    """Whether the evidence has a name by its initials, or written as one word."""
    initials, squeezed = "".join(w.lower[0] for w in row), "".join(w.lower for w in row)
    return (len(row) > 1 and initials in source.places) or squeezed in source.places


def _denials(unit: Unit, there: Sequence[Word], facts: Facts, reasons: list[str]) -> None:
    """Whether a word that both have is denied, or doubted, in one of them only."""
    for kind, cues in (("negation", NEGATIONS), ("hedge", HEDGES)):
        for i, word in enumerate(unit.words):
            if not word.content or word.stem not in unit.here or word.lower in cues:
                continue
            own = _cue(unit.words, i, cues)
            theirs = [_cue(there, p, cues) for p, w in enumerate(there) if w.stem == word.stem]
            if bool(own) == any(theirs) or (not own and not all(theirs)):
                continue
            name = f"{kind}_{'added' if own else 'lost'}"
            facts[name] += 0.5
            if facts[name] > 0.5:
                continue  # one reason is enough
            if kind == "negation":
                reasons.append(
                    f"the sentence says '{own}' of '{word.lower}', the passage does not"
                    if own
                    else f"the passage says it did not: it says '{theirs[0]}' of '{word.lower}'"
                )
            elif not own:
                reasons.append(f"the passage is less sure: it says '{theirs[0]}' of '{word.lower}'")


def _cue(words: Sequence[Word], i: int, cues: frozenset[str]) -> str:
    """The cue that stands close enough before a word to concern it, or ""."""
    before = (words[j].lower for j in range(i - 1, max(-1, i - 1 - SCOPE), -1))
    return next((lower for lower in before if lower in cues), "")


def _opposites(unit: Unit, there: Sequence[Word], facts: Facts, reasons: list[str]) -> None:
    own = {w.stem for w in unit.words}
    spoken = {w.stem: w.lower for w in there}
    for word in unit.words:
        if word.stem in unit.here:
            continue
        facts["contrasts"] += (word.lower in CONTRASTS) / 3
        reversed_here = {bare(word.stem)} | {s for s in unit.here if bare(s) == word.stem}
        for others, name in (
            (OPPOSITES.get(word.stem, frozenset()), "opposed"),
            (RIVALS.get(word.stem, frozenset()), "rival"),
            (opposites(word.stem) | reversed_here, "antonym"),
        ):
            rivals = (others & unit.here) - own
            if rivals and not (name == "antonym" and word.stem in unit.found):
                facts[name] += 0.5
                reasons.append(
                    f"the passage says '{spoken[min(rivals)]}', the sentence says '{word.lower}'"
                )


def _quantifiers(unit: Unit, there: Sequence[Word], facts: Facts, reasons: list[str]) -> None:
    own = {QUANTIFIERS[w.lower]: w.lower for w in unit.words if w.lower in QUANTIFIERS}
    theirs = {QUANTIFIERS[w.lower]: w.lower for w in there if w.lower in QUANTIFIERS}
    for kind, said in own.items():
        if kind in theirs or kind == "some":
            continue
        facts["quantifier"] += 0.5
        others = [word for other, word in theirs.items() if other not in own]
        reasons.append(
            f"the passage says '{others[0]}', the sentence says '{said}'"
            if others
            else f"the passage does not say '{said}'"
        )


def _swapped(words: Sequence[Word], there: Sequence[Word]) -> bool:
    """Whether ``A verb B`` is said where the evidence says ``B verb A``, neither in the passive."""
    if {"by", "from"} & ({w.lower for w in words} ^ {w.lower for w in there}):
        return False
    own = _threes(words)
    theirs = _threes(there) - own
    return any((c, b, a) in theirs and a != c for a, b, c in own)


def _threes(words: Sequence[Word]) -> set[tuple[str, str, str]]:
    """A content word that is no name, between its neighbours or the names beside it."""
    content = [w for w in words if w.content]
    return {
        (a.stem, b.stem, c.stem)
        for i, b in enumerate(content)
        if not b.capital
        for j, a in enumerate(content[max(0, i - 2) : i], max(0, i - 2))
        for k, c in enumerate(content[i + 1 : i + 3], i + 1)
        if (j == i - 1 and k == i + 1) or (a.capital and c.capital)
    }
