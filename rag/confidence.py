"""Whether passages answer a question at all: the chance by which an answer is given or declined.

Two linear models judge the same evidence, one for questions of few words and one for long ones, and
are mixed by the question's length: the best sentence should hold every word of a short question,
while of a long one no sentence holds all. There is such a pair with the small model
(``rag.reader``) and one without. ``eval.bench.fit_select`` fitted them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from rag.odds import sigmoid
from rag.question import joined_names, read_question
from rag.select import FACTS, SEVERAL, WEIGHTS, Candidate, way_of
from rag.types import Passage

if TYPE_CHECKING:
    from rag.reader import Reader

THRESHOLD: float = WEIGHTS["threshold"]
"""Decline below this confidence; docs/measurements.md says what it costs and saves."""
LONG = 16
RIVALS = 9
USUAL = 0.14
"""By so much of a cosine the nearest passage leads before its rivals in the sets of the fit. Where
there are fewer passages, the missing ones are taken to be as far behind."""


def confidence(
    question: str,
    passages: Sequence[Passage],
    ranked: Sequence[Candidate],
    reader: Reader | None = None,
) -> float:
    """The probability in [0, 1] that the passages answer the question, at even odds beforehand.

    ``ranked`` is what ``rank_sentences`` returned for the question, these passages and the same
    ``reader``.
    """
    if not ranked:
        return 0.0
    evidence = gather(question, passages, [c.facts for c in ranked], ranked[0].rank)
    evidence["intercept"] = 1.0
    pair = WEIGHTS[way_of(reader)]["confidence"]
    length = length_of(question)
    odds = {kind: _odds(pair[kind], evidence) for kind in ("short", "long")}
    return sigmoid((1 - length) * odds["short"] + length * odds["long"])


def gather(
    question: str, passages: Sequence[Passage], facts: Sequence[Sequence[float]], rank: float
) -> dict[str, float]:
    """The evidence by name: the facts of the first sentence, its ``rank``, and four more.

    ``facts`` has a row for each sentence. ``words`` is the question's length, ``any_answers`` the
    best chance that a passage of any of the sentences answers, ``score`` the best fused score,
    ``lead`` how much nearer in meaning the best passage is than the next are in the mean. Of a
    question for several things, what the passage lacks may be in another; where it joins names
    that no passage joins, a passage may answer for one of them only, so that what the small model
    says of it counts as yes.
    """
    elsewhere = ("names_absent", "numbers_absent") if SEVERAL.search(question) else ()
    near = sorted((p.similarity for p in passages if p.similarity is not None), reverse=True)
    leads = [near[0] - other for other in near[1 : RIVALS + 1]]
    answers = max(row[FACTS.index("answers")] for row in facts)
    texts = [text for p in passages for text in (p.source.title, p.chunk.text)]
    joined = any(all(names not in text for text in texts) for names in joined_names(question))
    shared = ("answers", "any_answers") if answers and joined else ()
    return (
        dict(zip(FACTS, facts[0], strict=True))
        | dict.fromkeys(elsewhere, 0.0)
        | {
            "rank": rank,
            "words": length_of(question),
            "any_answers": answers,
            "score": max(p.score for p in passages),
            "lead": fmean([*leads, *[USUAL] * (RIVALS - len(leads))]),
        }
        | dict.fromkeys(shared, 1.0)
    )


def length_of(question: str) -> float:
    """How long a question is by the words it asks by: 1 at ``LONG``, a quarter at half of it."""
    return min(1.0, len(read_question(question, lambda _: 1.0).share) / LONG) ** 2


def _odds(model: Mapping[str, float], evidence: Mapping[str, float]) -> float:
    return sum(weight * evidence[name] for name, weight in model.items())
