"""Ranges of characters: whether two share some, and what a range holds but white space."""

from __future__ import annotations

from typing import Protocol

from rag.types import Span


class Range(Protocol):
    """Whatever stands from ``start`` to before ``end`` of a text: a place, a flag, a citation."""

    @property
    def start(self) -> int:
        """The first character."""

    @property
    def end(self) -> int:
        """The character behind the last."""


def overlap(a: Range, b: Range) -> bool:
    """Whether two ranges of the same text have a character in common."""
    return a.start < b.end and b.start < a.end


def stripped(text: str, span: Span) -> Span:
    """A range of a text without white space around it; an empty one where there is no more."""
    piece = text[span.start : span.end]
    start = span.start + len(piece) - len(piece.lstrip())
    return Span(start, start + len(piece.strip()))
