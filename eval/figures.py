"""What is reported of a run: each figure's name, meaning and direction, its value and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.metrics import auroc, ratio
from eval.refusal_metrics import (
    calibration_error,
    reliability,
    risk_coverage,
    risk_coverage_area,
)
from eval.stats import Interval, interval, statistic_interval

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
    unit: str
    note: str
    better: Literal[1, -1] = 1


MEASURES: tuple[Measure, ...] = (
    Measure("right", "Right", "answer", "all", "questions",
       "answered and holding a gold answer; declined where there is none"),
    Measure("right_and_cited", "Right and cited", "answer", "all", "questions",
       "right, and cites the evidence as the kind of question needs it"),
    Measure("exact_match", "Exact match", "answer", "answerable", "questions",
       "the answer is a gold answer and nothing else (SQuAD)"),
    Measure("token_f1", "Token F1", "answer", "answerable", "questions",
       "words shared with the nearest gold answer (SQuAD)"),
    Measure("sentence_hit", "First sentence hit", "answer", "answerable", "questions",
       "the surest sentence holds a gold answer"),
    Measure("nuggets_strict", "Nugget recall, strict", "answer", "answerable", "questions",
       "vital pieces of evidence fully said (TREC)"),
    Measure("nuggets_weighted", "Nugget recall, weighted", "answer", "answerable", "questions",
       "pieces of evidence said, halves and lesser ones counted by half (TREC)"),
    Measure("relevance", "Relevance, without reference", "answer", "answerable", "questions",
       "cosine of the answer and the question in the embedding model"),
    Measure("recall@1", "Recall@1", "retrieval", "answerable", "questions",
       "share of the evidence in the first passage"),
    Measure("recall@5", "Recall@5", "retrieval", "answerable", "questions",
       "share of the evidence in the first 5 passages"),
    Measure("recall@10", "Recall@10", "retrieval", "answerable", "questions",
       "share of the evidence in the first 10 passages"),
    Measure("ndcg@10", "nDCG@10", "retrieval", "answerable", "questions",
       "evidence found early counts more"),
    Measure("mrr@10", "MRR@10", "retrieval", "answerable", "questions",
       "1 / rank of the first passage with evidence"),
    Measure("all_gold@10", "All gold@10", "retrieval", "answerable", "questions",
       "all of the evidence in the first 10 passages"),
    Measure("context_precision@10", "Context precision@10", "retrieval", "answerable", "questions",
       "how far ahead of the others passages with evidence are (RAGAS)"),
    Measure("character_recall@10", "Character recall@10", "retrieval", "answerable", "questions",
       "characters of the evidence in the first 10 passages"),
    Measure("character_iou@10", "Character IoU@10", "retrieval", "answerable", "questions",
       "the same over all characters of either"),
    Measure("supported_sentences", "Sentences shown as supported", "grounding", "all", "sentences",
       "what the product itself tells the reader"),
    Measure("faithfulness", "Faithfulness", "grounding", "all", "sentences",
       "sentences that something retrieved supports (RAGAS)"),
    Measure("citation_recall", "Citation recall", "grounding", "all", "sentences",
       "sentences that their own citations support (ALCE)"),
    Measure("citation_precision", "Citation precision", "grounding", "all", "citations",
       "citations that their sentence needs (ALCE)"),
    Measure("exact_quotes", "Exact quotes", "grounding", "all", "citations",
       "quotes that are the source's characters at the place they name"),
    Measure("span_f1", "Span F1", "grounding", "all", "characters",
       "characters both cited and evidence (as LettuceDetect counts)"),
    Measure("unused_citations", "Listed but not used", "grounding", "all", "citations",
       "citations listed that no sentence bears", better=-1),
    Measure("cited_but_unused", "Cited but unused", "grounding", "all", "sentences",
       "sentences that are said again without the passages they cite (--without-cited)", better=-1),
    Measure("refusal_precision", "Refusal precision", "refusal", "all", "declined questions",
       "declined questions that have no answer"),
    Measure("refusal_recall", "Refusal recall", "refusal", "unanswerable", "questions",
       "questions without an answer that were declined"),
    Measure("hallucination_rate", "Answered when absent", "refusal", "unanswerable", "questions",
       "questions without an answer that were answered (NoMIRACL)", better=-1),
    Measure("over_refusal", "Declined when present", "refusal", "answerable", "questions",
       "questions with an answer that were declined (NoMIRACL)", better=-1),
    Measure("verifier_probes", "Verifier probes told right", "verifier", "answerable", "probes",
       "evidence against itself (supported) and against another question's (not)"),
)  # fmt: skip
BY_NAME = {measure.name: measure for measure in MEASURES}
Part = tuple[float, float]
"""What a question adds to a figure: to its numerator and its denominator."""

Parts = Mapping[str, Part]


def worst(measure: Measure) -> Part:
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

    @property
    def interval(self) -> Interval:
        """The value with its ends."""
        return Interval(self.value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Scored:
    """What a figure needs to know of a case."""

    parts: Parts
    anchors: Mapping[str, Parts]
    cluster: str
    answerable: bool
    status: str
    unscored: bool


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure a system was of one question, and what was true.

    Whether it can be answered, whether the answer was ``right`` (a rightly declined one is not:
    there was no right answer to give), and whether the evidence was ``found`` in the passages.
    """

    value: float
    answerable: bool
    right: bool
    found: bool


@dataclass(frozen=True, slots=True)
class Curves:
    """What confidence is worth.

    ``risk_coverage`` of ours ("") and of each anchor: (share of the questions answered, share of
    them wrong). ``reliability`` of ours: (mean confidence, share whose evidence was found,
    questions).
    """

    risk_coverage: Mapping[str, Sequence[tuple[float, float]]]
    reliability: Sequence[tuple[float, float, int]]


def _auroc(rows: Sequence[Confidence]) -> float | None:
    return auroc([r.value for r in rows], [r.answerable for r in rows])


def _area(rows: Sequence[Confidence]) -> float | None:
    return risk_coverage_area([r.value for r in rows], [not r.right for r in rows])


def _calibration(rows: Sequence[Confidence]) -> float | None:
    return calibration_error([r.value for r in rows], [r.found for r in rows])


CURVES: dict[Measure, Callable[[Sequence[Confidence]], float | None]] = {
    Measure("confidence_auroc", "Confidence, AUROC", "refusal", "all", "questions",
       "chance that a question with an answer is the surer of two"): _auroc,
    Measure("risk_coverage_area", "Risk-coverage area", "refusal", "all", "questions",
       "mean share of wrong answers when only the surest are given; what has no answer is wrong",
       better=-1): _area,
    Measure("calibration_error", "Calibration error", "refusal", "all", "questions",
       "how far confidence is from the share of questions whose evidence was found",
       better=-1): _calibration,
}  # fmt: skip
"""The figures of confidence, which are no ratios of counts, and how each is computed."""


def make_figure(measure: Measure, rows: Sequence[Scored], seed: int) -> Figure:
    """One figure over the cases it is about."""
    about = [
        row
        for row in rows
        if measure.about in ("all", "answerable" if row.answerable else "unanswerable")
    ]
    parts = [row.parts.get(measure.name, (0.0, 0.0)) for row in about]
    found = interval(parts, [row.cluster for row in about], seed)
    names = dict.fromkeys(name for row in about for name in row.anchors)
    return _figure(
        measure,
        found,
        about,
        whole=sum(den for _, den in parts),
        scored=sum(den > 0 for _, den in parts),
        anchors={name: _ratio(measure, about, name) for name in names},
    )


def confidence_figures(
    surest: Mapping[str, Sequence[Confidence]], rows: Sequence[Scored], seed: int
) -> list[Figure]:
    """Each figure of ours (named "") with those of the anchors beside it."""
    own = surest[""]
    clusters = [row.cluster for row in rows]
    figures = []
    for measure, value in CURVES.items():
        anchors = {name: value(found) for name, found in surest.items() if name}
        figures.append(
            _figure(
                measure,
                statistic_interval(value, own, clusters, seed),
                rows,
                whole=len(own),
                scored=len(own),
                anchors=anchors,
            )
        )
    return figures


def curves_of(surest: Mapping[str, Sequence[Confidence]]) -> Curves:
    """The curves behind the figures."""
    own = surest[""]
    return Curves(
        {
            name: risk_coverage([r.value for r in rows], [not r.right for r in rows])
            for name, rows in surest.items()
        },
        reliability([r.value for r in own], [r.found for r in own]),
    )


def _figure(
    measure: Measure,
    found: Interval,
    rows: Sequence[Scored],
    *,
    whole: float,
    scored: int,
    anchors: Mapping[str, float | None],
) -> Figure:
    return Figure(
        name=measure.name,
        value=found.value,
        low=found.low,
        high=found.high,
        whole=whole,
        asked=len(rows),
        scored=scored,
        unscored=sum(row.unscored for row in rows),
        failed=sum(row.status == "failed" for row in rows),
        declined=sum(row.status == "declined" for row in rows),
        anchors=anchors,
    )


def _ratio(measure: Measure, rows: Sequence[Scored], anchor: str) -> float | None:
    parts = [row.anchors.get(anchor, {}).get(measure.name, (0.0, 0.0)) for row in rows]
    return ratio(sum(num for num, _ in parts), sum(den for _, den in parts))
