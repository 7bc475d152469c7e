"""Which sentences answer a question, and whether any does.

Two linear models over ``rag.features``: one orders the sentences, one judges from the best of them
whether the passages answer at all. Their weights were fitted by ``eval.bench.fit_select`` and are
read from ``select_weights.json``, which also holds the data, the date and the figures of the fit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.features import FEATURES, Query, passage_features, read_question, tokens
from rag.types import Passage, Span

SHORTLIST = 5
LONG = 12
ALIKE = 0.6

_MODEL: Mapping[str, Any] = json.loads(
    files("rag").joinpath("select_weights.json").read_text(encoding="utf-8")
)
THRESHOLD: float = _MODEL["threshold"]
"""Decline below this confidence; ``select_weights.json`` says what it costs and saves."""

_RANK = np.array([_MODEL["rank"].get(name, 0.0) for name in FEATURES])
_SIMILARITY = FEATURES.index("similarity")
_PASSAGE_SIMILARITY = FEATURES.index("passage_similarity")
_SEVERAL = re.compile(
    r"\b(?:both|compare[ds]?|comparison|differ\w*|versus|vs|respectively|while|whereas|similar\w*"
    r"|advantages|disadvantages|reasons|ways|same|consisten\w+|contrast\w*)\b"
    r"|[,;] (?:and|or) |^(?:who|which|what)\b.* or "
    r"|^(?:is|are|was|were|do|does|did|ha[sd]|have)\b.* (?:and|or) ",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be quoted.

    ``score`` in [0, 1] is the probability that it answers the question. ``facts`` are its features
    in the order of ``FEATURES``.
    """

    passage: Passage
    span: Span
    text: str
    score: float
    facts: tuple[float, ...]

    @property
    def rank(self) -> float:
        """The linear score, in log-odds, that orders the sentences of one question."""
        return float(_RANK @ np.array(self.facts))


def rank_sentences(
    question: str,
    passages: Sequence[Passage],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
    idf: Callable[[str], float],
) -> list[Candidate]:
    """The sentences most likely to answer, best first, at most ``SHORTLIST``.

    ``passages`` come best first. ``embed`` turns n texts into n unit vectors, ``idf`` a stem into
    its inverse document frequency in the index, on any scale. Words choose the shortlist and only
    that is embedded: embedding costs more than all the rest.
    """
    query = read_question(question, idf)
    found = _distinct(query, passages)
    if not found:
        return []
    rows = np.array([row for _, _, _, row in found])
    order = np.argsort(-(rows @ _RANK), kind="stable")[:SHORTLIST]
    texts = [found[i][2] for i in order]
    vectors = embed([question, *texts])
    rows = rows[order]
    rows[:, _SIMILARITY] = vectors[1:] @ vectors[0]
    for row, i in zip(rows, order, strict=True):
        if found[i][0].similarity is None:
            row[_PASSAGE_SIMILARITY] = row[_SIMILARITY]
    scores = rows @ _RANK
    chance = _MODEL["chance"]
    return [
        Candidate(
            passage=found[order[k]][0],
            span=found[order[k]][1],
            text=texts[k],
            score=_sigmoid(chance["slope"] * scores[k] + chance["intercept"]),
            facts=tuple(rows[k].tolist()),
        )
        for k in np.argsort(-scores, kind="stable")
    ]


def confidence(question: str, passages: Sequence[Passage], ranked: Sequence[Candidate]) -> float:
    """The probability in [0, 1] that the passages answer the question, at even odds beforehand.

    ``ranked`` is what ``rank_sentences`` returned for the question and the passages.
    """
    if not ranked:
        return 0.0
    model = _MODEL["confidence"]
    evidence = judged(question, ranked)
    return _sigmoid(
        model["intercept"] + sum(w * evidence[name] for name, w in model["weights"].items())
    )


def judged(question: str, ranked: Sequence[Candidate]) -> dict[str, float]:
    """What the confidence is judged by: the best sentence's features and two more.

    ``rank`` is its linear score. ``words`` is how many words the question asks by, 1 at ``LONG``:
    of a long question one sentence says a smaller part.
    """
    words = len(read_question(question, lambda _: 1.0).share)
    facts = dict(zip(FEATURES, ranked[0].facts, strict=True))
    return facts | {"rank": ranked[0].rank, "words": min(1.0, words / LONG)}


def choose(question: str, ranked: Sequence[Candidate]) -> list[Candidate]:
    """The one to three sentences to quote, best first.

    A further one is quoted when it is nearly as likely as the first. A question that asks for
    several things also gets the best sentence of a second source, and so does one on whose figures
    the sources disagree: neither may stand alone.
    """
    if not ranked:
        return []
    best = ranked[0]
    rule = _MODEL["quote"]
    chosen = [c for c in ranked[:3] if best.rank - c.rank <= rule["within"]]
    if _SEVERAL.search(question):
        other = next((c for c in ranked if c.passage.source.id != best.passage.source.id), None)
        if other is not None and best.rank - other.rank <= rule["within_other_source"]:
            chosen = [best, other, *(c for c in chosen[1:] if c is not other)][:3]
    dissent = next((c for c in ranked if _disagrees(best, c)), None)
    if dissent is not None and dissent not in chosen[:2]:
        chosen = [best, dissent, *(c for c in chosen[1:] if c is not dissent)][:3]
    return chosen


def _disagrees(a: Candidate, b: Candidate) -> bool:
    """Whether two sources say the same in all but the figures."""
    return a.passage.source.id != b.passage.source.id and disagree(a.text, b.text)


def disagree(first: str, second: str) -> bool:
    """Whether two sentences say the same in all but the figures."""
    words = [{t.stem for t in tokens(text) if not t.digit} for text in (first, second)]
    figures = [{t.stem for t in tokens(text) if t.digit} for text in (first, second)]
    shared = len(words[0] & words[1]) / max(1, len(words[0] | words[1]))
    return shared >= ALIKE and all(figures) and figures[0] != figures[1]


def _distinct(
    query: Query, passages: Sequence[Passage]
) -> list[tuple[Passage, Span, str, list[float]]]:
    """Every sentence once with its features; chunks overlap and documents repeat each other."""
    found = []
    seen: set[str] = set()
    top = max((p.score for p in passages), default=0.0)
    for passage in passages:
        chunk = passage.chunk
        rows = passage_features(query, passage, passage.score / top if top > 0 else 1.0)
        for span, row in zip(chunk.sentences, rows, strict=True):
            text = chunk.text[span.start - chunk.start : span.end - chunk.start]
            key = " ".join(text.split())
            # What ends with a colon announces an answer and holds none.
            if key and key not in seen and key[-1] not in ":：":
                seen.add(key)
                found.append((passage, span, text, row))
    return found


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, x))))
