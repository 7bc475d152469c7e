"""Questions said in other words, or misspelt: what they ask stays the same."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from rag.embed import Vectors
from rag.verify_words import synonyms
from rag.words import STOP, stems

MOST_WORDS = 2
NEAR = 0.55
"""From this cosine on two words mean about the same in the sense that is usual of both."""
COMMON = 20
"""Words seen less often are not put in for others: rare senses would come in with them."""
_WORD = re.compile(r"\b[a-z]{4,}\b")
_ENDING = re.compile(r"(?:ing|ed|s)$")
_LONG = re.compile(r"\b[A-Za-z]{5,}\b")


class Rewording:
    """Puts synonyms (WordNet's, near in meaning) for words that a question shares with a passage.

    ``texts`` say which words are common, and how a stem is written; ``embed`` turns n words into n
    unit vectors.
    """

    def __init__(self, texts: Iterable[str], embed: Callable[[Sequence[str]], Vectors]) -> None:
        self._embed = embed
        self._known: dict[str, Sequence[str]] = {}
        self._written: dict[str, Counter[str]] = {}
        for text in texts:
            for word in _WORD.findall(text):
                for stem in stems(word):
                    self._written.setdefault(stem, Counter())[word] += 1

    def __call__(self, question: str, passage: str, rng: random.Random) -> str | None:
        """The question in other words, or None where none of its words can be replaced."""
        held = {stem for word in _WORD.findall(passage.lower()) for stem in stems(word)}
        found = [
            (match, others)
            for match in _WORD.finditer(question)
            if match[0] not in STOP
            and held.issuperset(stems(match[0]))
            and (others := [w for w in self._others(match[0]) if held.isdisjoint(stems(w))])
        ]
        if not found:
            return None
        picked = rng.sample(found, min(len(found), rng.randint(1, MOST_WORDS)))
        for match, others in sorted(picked, key=lambda pair: -pair[0].start()):
            question = question[: match.start()] + rng.choice(others) + question[match.end() :]
        return question

    def _others(self, word: str) -> Sequence[str]:
        """Common words that can stand for one, with its ending if there are such."""
        if word not in self._known:
            ending = _ENDING.search(word)
            others = []
            for stem in sorted({o for own in stems(word) for o in synonyms(own) or ()}):
                written = self._written.get(stem, Counter())
                if written.total() >= COMMON:
                    alike = [w for w in written if ending and w.endswith(ending[0])]
                    others.append(max(alike or written, key=lambda w: written[w]))
            near = self._embed([word, *others])
            self._known[word] = [
                other for other, cosine in zip(others, near[1:] @ near[0], strict=True)
                if cosine >= NEAR
            ]  # fmt: skip
        return self._known[word]


def misspelt(question: str, rng: random.Random) -> str | None:
    """The question with a letter of a long word lost, doubled or in its neighbour's place."""
    words = list(_LONG.finditer(question))
    if not words:
        return None
    found = rng.choice(words)
    word = found[0]
    at = rng.randrange(1, len(word) - 1)
    wrong = rng.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )
    return question[: found.start()] + wrong + question[found.end() :] if wrong != word else None
