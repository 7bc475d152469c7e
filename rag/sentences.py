"""Where a text divides into sentences, by a library for many languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import sentencex

from rag.lexical import STOPWORDS
from rag.types import Span

_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")
_GOES_ON = re.compile(r"(?<=\w[.!?])([A-Za-z]\w*)")
"""What begins behind an end mark without a space, and ends no sentence: "yarl.URL"."""


def pieces(text: str) -> Iterator[Span]:
    """The sentences of a text, in order; white space around them may belong to them."""
    # sentencex 1.0 panics on "plan A\u00a0. More", past every except: it is shown plain spaces.
    shown = _WIDE_SPACE.sub(" ", text)
    start = at = 0
    for boundary in sentencex.get_sentence_boundaries("en", shown):
        # Its own indices drift on some scripts, so each piece is looked up behind the one before.
        found = shown.find(boundary["text"], at)
        if found < 0:
            continue
        if found > at or not _is_one_name(shown, at):
            if at > start:
                yield Span(start, at)
            start = found
        at = found + len(boundary["text"])
    if at > start:
        yield Span(start, at)


def _is_one_name(text: str, at: int) -> bool:
    """Whether no sentence ends at a place; where small words follow, but a space is missing."""
    follows = _GOES_ON.match(text, at)
    return follows is not None and follows[1].lower() not in STOPWORDS
