"""Questions that ask several things: each part is asked on its own, so each finds its evidence.

No model is asked: only what the wording shows is divided ("When was it founded and who runs it?",
"Compare A with B"). A later part that leans on an earlier one is completed from it.
"""

from __future__ import annotations

import re

from rag.followup import standalone
from rag.types import Turn

MOST = 3
LONGEST = 500  # characters; what is longer is a pasted text rather than a question
_ASKS = (
    r"(?:who|whom|whose|what|when|where|why|which|how|"
    r"(?:in|at|by|for|to|from|on) (?:what|which|whom))"
)
_NEXT = re.compile(rf"[,;]?\s+(?:and|but)\s+(?={_ASKS}\b)|[?]\s+(?={_ASKS}\b)", re.IGNORECASE)
_COMPARE = re.compile(
    r"\W*(?:please )?compare (?P<a>.{4,}?) (?:with|to|and|against) (?P<b>.{4,}?)\W*", re.IGNORECASE
)


def parts(question: str) -> list[str]:
    """The one to three questions that a question consists of, each fit to be searched alone."""
    if len(question) > LONGEST:
        return [question]
    compared = _COMPARE.fullmatch(question)
    pieces = [compared["a"], compared["b"]] if compared else _NEXT.split(question)
    pieces = [piece.strip() for piece in pieces]
    if not 2 <= len(pieces) <= MOST or not all(_stands(p) for p in pieces):
        return [question]
    if compared:
        return pieces
    history: list[Turn] = []
    whole: list[str] = []
    for piece in pieces:
        whole.append(standalone(piece, history))
        history.append(Turn("user", piece))
    return whole


def _stands(piece: str) -> bool:
    """Whether a piece is long enough to ask something."""
    return len(piece.split()) >= 3
