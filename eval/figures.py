"""What is reported of a run: each figure's name, meaning and direction, its value and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.stats import Interval, interval

Family = Literal["answer", "retrieval", "grounding", "refusal", "verifier"]
About = Literal["all", "answerable", "unanswerable"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: the questions it is ``about``, and whether more is ``better`` (1) or less (-1).

    ``unit`` is what its ratio counts. Formula and source are in the functions that ``note`` names.
    """

    name: str
    title: str
    family: Family
    about: About
    better: Literal[1, -1]
    unit: str
    note: str


def _m(
    name: str, title: str, family: Family, about: About, unit: str, note: str, better: int = 1
) -> Measure:
    return Measure(name, title, family, about, 1 if better > 0 else -1, unit, note)


MEASURES: tuple[Measure, ...] = (
    _m("right", "Right", "answer", "all", "questions",
       "answered and holding a gold answer; declined where there is none"),
    _m("right_and_cited", "Right and cited", "answer", "all", "questions",
       "right, and cites the evidence as the kind of question needs it"),
    _m("exact_match", "Exact match", "answer", "answerable", "questions",
       "the answer is a gold answer and nothing else (SQuAD)"),
    _m("token_f1", "Token F1", "answer", "answerable", "questions",
       "words shared with the nearest gold answer (SQuAD)"),
    _m("sentence_hit", "First sentence hit", "answer", "answerable", "questions",
       "the surest sentence holds a gold answer"),
    _m("nuggets_strict", "Nugget recall, strict", "answer", "answerable", "questions",
       "vital pieces of evidence fully said (TREC)"),
    _m("nuggets_weighted", "Nugget recall, weighted", "answer", "answerable", "questions",
       "pieces of evidence said, halves and lesser ones counted by half (TREC)"),
    _m("relevance", "Relevance, without reference", "answer", "answerable", "questions",
       "cosine of the answer and the question in the embedding model"),
    _m("recall@1", "Recall@1", "retrieval", "answerable", "questions",
       "share of the evidence in the first passage"),
    _m("recall@5", "Recall@5", "retrieval", "answerable", "questions",
       "share of the evidence in the first 5 passages"),
    _m("recall@10", "Recall@10", "retrieval", "answerable", "questions",
       "share of the evidence in the first 10 passages"),
    _m("ndcg@10", "nDCG@10", "retrieval", "answerable", "questions",
       "evidence found early counts more"),
    _m("mrr@10", "MRR@10", "retrieval", "answerable", "questions",
       "1 / rank of the first passage with evidence"),
    _m("all_gold@10", "All gold@10", "retrieval", "answerable", "questions",
       "all of the evidence in the first 10 passages"),
    _m("context_precision@10", "Context precision@10", "retrieval", "answerable", "questions",
       "how far ahead of the others passages with evidence are (RAGAS)"),
    _m("character_recall@10", "Character recall@10", "retrieval", "answerable", "questions",
       "characters of the evidence in the first 10 passages"),
    _m("character_iou@10", "Character IoU@10", "retrieval", "answerable", "questions",
       "the same over all characters of either"),
    _m("supported_sentences", "Sentences shown as supported", "grounding", "all", "sentences",
       "what the product itself tells the reader"),
    _m("faithfulness", "Faithfulness", "grounding", "all", "sentences",
       "sentences that something retrieved supports (RAGAS)"),
    _m("citation_recall", "Citation recall", "grounding", "all", "sentences",
       "sentences that their own citations support (ALCE)"),
    _m("citation_precision", "Citation precision", "grounding", "all", "citations",
       "citations that their sentence needs (ALCE)"),
    _m("exact_quotes", "Exact quotes", "grounding", "all", "citations",
       "quotes that are the source's characters at the place they name"),
    _m("span_f1", "Span F1", "grounding", "all", "characters",
       "characters both cited and evidence (as LettuceDetect counts)"),
    _m("unused_citations", "Listed but not used", "grounding", "all", "citations",
       "citations listed that no sentence bears", better=-1),
    _m("cited_but_unused", "Cited but unused", "grounding", "all", "sentences",
       "sentences that are said again without the passages they cite (--without-cited)", better=-1),
    _m("refusal_precision", "Refusal precision", "refusal", "all", "declined questions",
       "declined questions that have no answer"),
    _m("refusal_recall", "Refusal recall", "refusal", "unanswerable", "questions",
       "questions without an answer that were declined"),
    _m("hallucination_rate", "Answered when absent", "refusal", "unanswerable", "questions",
       "questions without an answer that were answered (NoMIRACL)", better=-1),
    _m("over_refusal", "Declined when present", "refusal", "answerable", "questions",
       "questions with an answer that were declined (NoMIRACL)", better=-1),
    _m("verifier_probes", "Verifier probes told right", "verifier", "answerable", "probes",
       "evidence against itself (supported) and against another question's (not)"),
)  # fmt: skip
BY_NAME = {measure.name: measure for measure in MEASURES}
Parts = Mapping[str, tuple[float, float]]


def worst(measure: Measure) -> tuple[float, float]:
    """What a question that failed adds to a figure it is one of the questions of."""
    return (0.0, 1.0) if measure.better > 0 else (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95% interval, the anchors' values beside it, and what became of what.

    Of the ``asked`` questions that it is about, ``scored`` have something it can be computed from,
    ``failed`` ones included, which count as the worst; ``unscored`` ones lack their own evidence in
    the library and count as 0 where it is needed; ``declined`` ones count as their figure says.
    ``value`` is the sum of numerators over ``whole``, the sum of denominators.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    whole: float
    asked: int
    scored: int
    unscored: int
    failed: int
    declined: int
    anchors: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a figure needs to know of a case."""

    parts: Parts
    anchors: Mapping[str, Parts]
    cluster: str
    answerable: bool
    status: str
    unscored: bool


def make_figure(measure: Measure, rows: Sequence[Scored], seed: int) -> Figure:
    """One figure over the cases it is about."""
    about = [row for row in rows if measure.about == _about(row) or measure.about == "all"]
    parts = [row.parts.get(measure.name, (0.0, 0.0)) for row in about]
    found: Interval = interval(parts, [row.cluster for row in about], seed)
    names = dict.fromkeys(name for row in about for name in row.anchors)
    return Figure(
        name=measure.name,
        value=found.value,
        low=found.low,
        high=found.high,
        whole=sum(den for _, den in parts),
        asked=len(about),
        scored=sum(den > 0 for _, den in parts),
        unscored=sum(row.unscored for row in about),
        failed=sum(row.status == "failed" for row in about),
        declined=sum(row.status == "declined" for row in about),
        anchors={name: _ratio(measure, about, name) for name in names},
    )


def _about(row: Scored) -> About:
    return "answerable" if row.answerable else "unanswerable"


def _ratio(measure: Measure, rows: Sequence[Scored], anchor: str) -> float | None:
    parts = [row.anchors.get(anchor, {}).get(measure.name, (0.0, 0.0)) for row in rows]
    whole = sum(den for _, den in parts)
    return sum(num for num, _ in parts) / whole if whole else None
