"""The shape of a scored run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from eval.cases import Case
from eval.causes import Cause
from eval.figures import Curves, Figure, Part
from eval.grounding_metrics import Grounds
from eval.judged import Judged
from eval.metrics import Refusal, mean, percentile
from eval.operations import Operations
from eval.record import Piece, Record
from eval.ruler import Accuracy
from eval.stats import Interval

ALL = "all"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case.

    ``right``: answered and holding one of the answers; for what cannot be answered, declined.
    ``cited``: some citation overlaps a piece of the evidence; ``cited_all``: every piece is
    overlapped. ``right_and_cited``: right, and cited as the kind needs it (all of the evidence for
    ``NEEDS_ALL``); for what cannot be answered the same as right. ``recall`` and ``all_gold``: the
    share of the evidence that the first 10 passages overlap, and whether it is all of it; None
    without evidence. ``exact`` of the ``citations`` quote their source to the character.
    ``case_error`` says which evidence is not in the library, ``problem`` why the question failed.
    ``cluster`` names what cases share that are not independent, ``parts`` what this one adds to
    each figure, ``cause`` why it came out so.
    """

    id: str
    kind: str
    question: str
    answerable: bool
    status: Literal["answered", "declined", "failed"]
    right: bool
    right_and_cited: bool
    cited: bool
    cited_all: bool
    recall: float | None
    all_gold: float | None
    citations: int
    exact: int
    confidence: float
    seconds: float
    query: str
    answer: str
    cause: Cause
    cluster: str
    parts: Mapping[str, Part]
    problem: str = ""
    case_error: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """The cases of one kind, or all: counts, means over the cases, seconds per question."""

    kind: str
    n: int
    asked: int
    failed: int
    unscored: int
    answered: int
    declined: int
    right: int
    right_and_cited: int
    cited: int
    cited_all: int
    recall_at_10: float | None
    all_gold_at_10: float | None
    citations: int
    exact: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Detail:
    """What the report shows of a case beyond its result: see ``Grounds`` of each sentence."""

    case: Case
    pieces: tuple[Piece, ...]
    record: Record
    grounds: tuple[Grounds, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation: what was measured (``header``), per kind and all, and case by case.

    ``causes`` sum to the number of cases. ``groundedness`` is the share of sentences that are truly
    supported, corrected for the ``verifier``'s own accuracy. ``details`` are by case id. ``judges``
    are language models that were asked for a second opinion; nothing else follows from it.
    """

    header: Mapping[str, Any]
    totals: tuple[Total, ...]
    refusal: Refusal
    figures: tuple[Figure, ...]
    groundedness: Interval
    causes: Mapping[Cause, int]
    operations: Operations
    verifier: tuple[Accuracy, ...]
    cases: tuple[CaseResult, ...]
    curves: Curves
    details: Mapping[str, Detail]
    judges: tuple[Judged, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The run as JSON, without curves and details, which the answers hold."""
        shown = asdict(replace(self, curves=Curves({}, ()), details={}))
        return {name: value for name, value in shown.items() if name not in ("curves", "details")}


def total_of(kind: str, rows: Sequence[CaseResult]) -> Total:
    """The counts of some cases."""
    seconds = [row.seconds for row in rows]
    return Total(
        kind=kind,
        n=len(rows),
        asked=len(rows),
        failed=sum(row.status == "failed" for row in rows),
        unscored=sum(bool(row.case_error) for row in rows),
        answered=sum(row.status == "answered" for row in rows),
        declined=sum(row.status == "declined" for row in rows),
        right=sum(row.right for row in rows),
        right_and_cited=sum(row.right_and_cited for row in rows),
        cited=sum(row.cited for row in rows),
        cited_all=sum(row.cited_all for row in rows),
        recall_at_10=mean(row.recall for row in rows),
        all_gold_at_10=mean(row.all_gold for row in rows),
        citations=sum(row.citations for row in rows),
        exact=sum(row.exact for row in rows),
        p50=percentile(seconds, 50),
        p95=percentile(seconds, 95),
    )
