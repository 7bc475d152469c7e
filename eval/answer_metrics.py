"""How right an answer is, by its words. Pure functions, like ``eval.metrics``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eval.cases import NEEDS_ALL, Case
from eval.metrics import contains_answer, normalize_answer, ratio


def exact_match(text: str, answers: Sequence[str]) -> float:
    """1 if the text is one of the answers, both normalised, else 0.

    Source: SQuAD's evaluation script (Rajpurkar et al. 2016). An answer in whole sentences seldom
    is one: low by design, and shown because it is expected.
    """
    return float(normalize_answer(text) in set(map(normalize_answer, answers)))


def token_f1(text: str, answers: Sequence[str]) -> float:
    """The best, over the answers, of 2PR / (P + R) of the shared words.

    P is their share of the text's words, R of the answer's, each counted as often as it occurs.
    Source: SQuAD's evaluation script (Rajpurkar et al. 2016).
    """
    said = normalize_answer(text).split()

    def f1(answer: str) -> float:
        gold = normalize_answer(answer).split()
        shared = sum((Counter(said) & Counter(gold)).values())
        return ratio(2 * shared, len(said) + len(gold)) or 0.0

    return max(map(f1, answers), default=0.0)


@dataclass(frozen=True, slots=True)
class Nuggets:
    """Shares of the nuggets that were said; see ``nuggets``."""

    strict: float
    weighted: float


def nuggets(case: Case, text: str) -> Nuggets | None:
    """How much of what a right answer should say is said. None without evidence.

    A nugget is a piece of the case's evidence. What is to be said of it are those of the case's
    ``answers`` that stand in its quote, or, where none does, all of them. It is supported 1 if all
    of that is in the text, ½ if some is, else 0. All pieces are vital for kinds that need all of
    the evidence; else the first is, and the others are okay.

    ``strict`` = fully supported vital nuggets / vital nuggets; ``weighted`` = (sum of vital
    supports + ½ sum of okay supports) / (#vital + ½ #okay). Source: TREC 2024 RAG's nugget
    evaluation (Pradeep et al. 2024, "Initial Nugget Evaluation Results").
    """
    if not case.evidence:
        return None
    supports = []
    for piece in case.evidence:
        due = [a for a in case.answers if contains_answer(piece.quote, [a])] or case.answers
        said = sum(contains_answer(text, [answer]) for answer in due)
        supports.append(1.0 if said == len(due) else 0.5 if said else 0.0)
    n = len(supports) if case.kind in NEEDS_ALL else 1
    vital, okay = supports[:n], supports[n:]
    return Nuggets(
        strict=sum(support == 1 for support in vital) / n,
        weighted=(sum(vital) + sum(okay) / 2) / (n + len(okay) / 2),
    )
