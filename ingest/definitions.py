"""Lists of definitions: options, parameters and glossaries, each term with what it means.

What is said of a term says it seldom once more ("The default is 64 MB."), so the two must stay
together. A short definition becomes one block, ``term: what it means``, quoted whole and beside its
neighbours in a chunk. Of a longer one the first paragraph begins with the term, which also stands
over all of it as a heading does, until the next term or the end of the list.

Levels of blocks (``ingest.parsed.Block``) below those of headings keep apart lists that are in one
another: 7 for the terms of the outer one, 8 for headings and all else below them, 9 and 10 within.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ingest.parsed import BlockKind, Builder, collapse

SHORT = 300
"""The most characters of a definition that is quoted whole, without its term."""
_LONGEST_TERM = 400
_FIRST_LEVEL = 7
_END = re.compile(r"(?:[:：?？!]|[^.]\.)$")


@dataclass
class _List:
    """An open list: the terms that wait for their definition, its first paragraphs, their lines."""

    terms: list[tuple[str, int | None]] = field(default_factory=list)
    held: list[tuple[str, int | None]] = field(default_factory=list)
    in_term: bool = False
    is_defined: bool = False
    is_open: bool = False


class Definitions:
    """Takes the blocks of a document in reading order, and the tags of lists of definitions.

    They are called as in HTML: ``dl`` is a list, ``dt`` a term and ``dd`` what it means. Outside of
    those, blocks go to the builder as they are.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._lists: list[_List] = []

    def enter(self, tag: str) -> None:
        """A ``dl``, ``dt`` or ``dd`` begins."""
        if tag == "dl":
            self.settle()
            self._lists.append(_List())
        elif self._lists:
            last = self._lists[-1]
            if tag == "dt" and last.is_defined:
                self._close()
                last = self._lists[-1]
            last.in_term = tag == "dt"
            last.is_defined |= tag == "dd"

    def leave(self, tag: str) -> None:
        """A ``dl``, ``dt`` or ``dd`` ends."""
        if tag == "dl" and self._lists:
            self._close()
            self._lists.pop()
        elif self._lists:
            self._lists[-1].in_term = False

    def add(self, kind: BlockKind, text: str, level: int = 0, line: int | None = None) -> None:
        """Append a block, or keep it until it is known what follows."""
        last = self._lists[-1] if self._lists else None
        if last is not None and last.in_term:
            last.terms.append((collapse(text), line))
        elif last is not None and last.terms and not last.is_open and kind == "paragraph":
            last.held.append((text, line))
            if sum(len(held) for held, _ in last.held) > SHORT:
                self.settle()
        else:
            self.settle()
            self._builder.add(kind, text, level=self._builder.below or level, line=line)

    def settle(self) -> None:
        """Put the term that waits over all that follows in its definition."""
        last = self._lists[-1] if self._lists else None
        if last is None or last.is_open or not last.terms:
            return
        last.is_open = True
        term, line = self._term(last)
        (first, _), *more = last.held or [("", None)]
        level = _FIRST_LEVEL + 2 * (len(self._lists) - 1)
        self._builder.add(
            "paragraph", _joined(term, first), level=level, line=line, term=_bare(term)
        )
        self._builder.below = level + 1
        for text, place in more:
            self._builder.add("paragraph", text, line=place)

    def _close(self) -> None:
        """End a definition: what it is, is known now."""
        last = self._lists[-1]
        if last.held and not last.is_open:
            term, line = self._term(last)
            text = _joined(term, " ".join(collapse(held) for held, _ in last.held))
            self._builder.add("definition", text, line=line)
        elif not last.is_open:
            for term, line in last.terms:  # of a list without definitions
                self._builder.add("paragraph", term, line=line)
        self._builder.below = _FIRST_LEVEL + 2 * len(self._lists) - 3 if self._lists[1:] else 0
        self._lists[-1] = _List()

    def _term(self, last: _List) -> tuple[str, int | None]:
        """The terms of one definition as one; those that are no names of it go by themselves."""
        while len(last.terms) > 1 and sum(len(term) for term, _ in last.terms) > _LONGEST_TERM:
            term, line = last.terms.pop(0)
            self._builder.add("paragraph", term, line=line)
        *others, final = (term for term, _ in last.terms)
        return ", ".join([*map(_bare, others), final]), last.terms[0][1]


def _bare(term: str) -> str:
    return term.rstrip(":： ")


def _joined(term: str, text: str) -> str:
    """``Term: text``, with a colon but where the term ends a sentence."""
    return f"{term}{' ' if _END.search(term) else ': '}{text}".strip()
