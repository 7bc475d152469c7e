"""Where a text divides into sentences, by a library for many languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import sentencex

from rag.types import Span

_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")
_ONE_NAME = re.compile(r"\w*[.!?](?:[A-Z]{2,}\b|[A-Za-z]*_\w|[A-Za-z]\w*[.(])|(\w+)\.(?i:\1)\b")
"""In what no sentence ends: ``yarl.URL``, ``orjson.OPT_X``, ``path.Path()``, ``table.Table``."""
_LONGEST_NAME = 60
_LAST_WORD = re.compile(r"\w+[.!?]$")


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
    """Whether a place, behind an end mark, is inside a name of a program's."""
    before = _LAST_WORD.search(text, max(0, at - _LONGEST_NAME), at)
    return before is not None and _ONE_NAME.match(text, before.start()) is not None
