"""The head of a numbered memo in plain text: who wrote it for whom, and then what it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.parsed import collapse
from ingest.text_headings import Piece

_NUMBER = re.compile(r"(?:^|\n)\s*(?:Request for Comments|RFC): *(\d{1,5})\b", re.IGNORECASE)
_END = re.compile(r"[.:;]$")
_LONGEST = 4  # lines of a title
_HEADINGS = frozenset({"abstract", "introduction", "preface", "status of this memo"})


def memo_title(pieces: Sequence[Piece]) -> tuple[list[Piece], int, str]:
    """The pieces with the title as one, its position among them, and the title with its number.

    0 and "" where the first lines, up to a blank one, have no number: "Request for Comments: 12".
    """
    head = _size(pieces)
    number = next((m[1] for p in pieces[:head] if (m := _NUMBER.search(p.text))), "")
    after = pieces[head:]
    lines = after[: _size(after)]
    text = "\n".join(piece.text for piece in lines)
    fits = text and text.count("\n") < _LONGEST and not _END.search(text)
    if not (number and fits) or collapse(text).casefold() in _HEADINGS:
        return list(pieces), 0, ""
    first, last = lines[0], lines[-1]
    title = first._replace(end=last.end, below=last.below, text=text)
    name = f"RFC {number}: {collapse(text)}"
    return [*pieces[:head], title, *after[len(lines) :]], head, name


def _size(pieces: Sequence[Piece]) -> int:
    """How many pieces stand together at the beginning, without a blank line between them."""
    return next((n for n, piece in enumerate(pieces, 1) if piece.below), 0)
