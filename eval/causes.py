"""One cause per question: the first link of the chain that broke."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from eval.cases import NEEDS_ALL, Case
from eval.record import Piece, Record

Cause = Literal[
    "correct",
    "failed",
    "not in corpus",
    "parsed away",
    "chunked away",
    "retrieval miss",
    "ranked out of context",
    "wrong decline",
    "reader miss",
    "ungrounded",
    "wrong or missing citation",
    "answered anyway",
]
CAUSES: dict[Cause, str] = {
    "correct": "right, grounded and cited; or rightly declined",
    "failed": "the question could not be asked at all",
    "not in corpus": "the file with the evidence is not in the library",
    "parsed away": "the file is there, the words of the evidence are not in its text",
    "chunked away": "the words are in the text, but no chunk holds them whole",
    "retrieval miss": "even a search for 100 passages does not find the evidence",
    "ranked out of context": "a deeper search finds the evidence, but it was not handed on",
    "wrong decline": "the evidence was handed on, and the question declined",
    "reader miss": "the evidence was handed on, and the answer does not say what it should",
    "ungrounded": "a right answer with a sentence that its citations do not support",
    "wrong or missing citation": "a right answer that does not cite the evidence",
    "answered anyway": "answered, though the library has no answer",
}


def cause_of(
    case: Case,
    pieces: Sequence[Piece],
    record: Record,
    found: Sequence[bool],
    *,
    right: bool,
    grounded: bool,
    cited: bool,
) -> Cause:
    """Why a question came out as it did.

    ``found`` says of each piece whether a passage of the answer has it. Where the answer stands on
    all of the evidence, the first piece that is lost is the cause; else the piece that got
    furthest.
    """
    if record.answer is None:
        return "failed"
    if not case.answerable:
        return "correct" if right else "answered anyway"
    if right:
        return "ungrounded" if not grounded else "correct" if cited else "wrong or missing citation"
    lost = [
        _lost(piece, is_found, rank)
        for piece, is_found, rank in zip(pieces, found, record.deep, strict=True)
    ]
    order = list(CAUSES)
    steps = [order.index(step) if step else len(order) for step in lost]
    furthest = min(steps) if case.kind in NEEDS_ALL else max(steps)
    if furthest < len(order):
        return order[furthest]
    return "wrong decline" if record.answer.status == "declined" else "reader miss"


def _lost(piece: Piece, found: bool, rank: int | None) -> Cause | None:
    """Where a piece of evidence was lost on its way to the reader; None if it got there."""
    if piece.standing == "no_source":
        return "not in corpus"
    if piece.standing == "no_text":
        return "parsed away"
    if found:
        return None
    if not piece.held:
        return "chunked away"
    return "retrieval miss" if rank is None else "ranked out of context"
