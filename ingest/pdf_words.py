"""Puts the lines of a text together again, without the hyphens that break words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

_HYPHENATED = re.compile(r"([^\W\d_]+)-$")
_LOWER_WORD = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"\w+(?:-\w+)*")


class Words:
    """The words of a document; they tell whether a hyphen at the end of a line breaks one.

    ``texts`` are those of its lines, or of parts of them, in order.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = {word for text in texts for word in _WORD.findall(text.lower())}
        # Does this document break words at the end of lines, or only where they have a hyphen?
        ends = (_broken_word(text, after) for text, after in pairwise(texts))
        votes = Counter(vote for end in ends if end and (vote := self._vote(*end)) is not None)
        self._breaks_words = votes[True] >= votes[False]

    def join(self, text: str, more: str) -> str:
        """``text`` and the next line: with a space, or without where a hyphen ends the line.

        The hyphen itself goes if it only broke a word: the rest of the document tells.
        """
        if not _HYPHENATED.search(text):
            wide = text[-1] >= "\u2e80" and more[0] >= "\u2e80"  # Chinese, Japanese: no spaces
            return text + more if wide else f"{text} {more}"
        halves = _broken_word(text, more)
        vote = self._vote(*halves) if halves else False
        joins = self._breaks_words if vote is None else vote
        return text[:-1] + more if joins else text + more

    def _vote(self, first: str, second: str) -> bool | None:
        """Whether two halves are one word elsewhere in the document; None if they never meet."""
        if first + second in self._words:
            return True
        return False if f"{first}-{second}" in self._words else None


def _broken_word(text: str, more: str) -> tuple[str, str] | None:
    """The halves of a word that a hyphen at the end of a line breaks, in lower case."""
    before, after = _HYPHENATED.search(text), _LOWER_WORD.match(more)
    if not before or not after or not more[0].islower():
        return None
    return before[1].lower(), after[0].lower()
