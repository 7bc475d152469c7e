"""Where an index should decline, found by asking it questions made from itself and from elsewhere.

The made questions are easier than those of people, so they are not trusted to move the shipped
threshold far: the choice is drawn back to it, the more the fewer questions there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from eval.made import Made, far_questions, near_questions, own_questions
from eval.metrics import Refusal, refusal
from rag.errors import BadIndex
from rag.index import Index
from rag.manifest import Calibration
from rag.select import THRESHOLD
from rag.settings import Settings

QUESTIONS = 200
# Of the questions that the index answers, at most this share may be declined.
OVER_REFUSAL = 0.05
# The shipped threshold counts as much as this many questions.
PRIOR = 200
FEWEST = 20  # answerable questions in each half; fewer say nothing
DOCUMENTS = 10  # with fewer of them the halves are of questions, not of documents


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the half it is in, and the confidence of the index's answer."""

    made: Made
    half: str
    confidence: float


def calibrate(
    index: Index,
    n: int = QUESTIONS,
    store: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Ask ``n`` questions made from the index and as many others, and choose the threshold.

    Half of the others are near misses, half are general questions. The choice is made on one half
    of the documents: of the thresholds that decline at most ``OVER_REFUSAL`` of the questions made
    from the index the highest, drawn to the shipped one by ``PRIOR``. What it is expected to do is
    measured on the other half. Returns both with every question as JSON; ``store`` records the
    calibration in the index. Raises ``BadIndex`` for one that is too small.
    """
    questions = make_questions(index, n)
    revision = index.library.revision()
    asked = []
    for done, (made, half) in enumerate(questions, 1):
        answer = index.ask(made.question, settings=Settings(threshold=0.0, engine="extractive"))
        asked.append(Asked(made, half, answer.confidence))
        if progress is not None:
            progress(done, len(questions))
    tune, report = ([a for a in asked if a.half == half] for half in ("tune", "report"))
    threshold = choose([a.confidence for a in tune if a.made.answerable])
    expected = _refusal(report, threshold)
    calibration = Calibration(
        threshold=threshold,
        precision=expected.precision,
        recall=expected.recall or 0.0,
        over_refusal=expected.over_refusal or 0.0,
        answerable=sum(a.made.answerable for a in report),
        unanswerable=sum(not a.made.answerable for a in report),
        revision=revision,
    )
    if store:
        with index.lock(), index.library.writing():
            index.library.put_manifest(replace(index.manifest, calibration=calibration))
    return {
        "calibration": asdict(calibration),
        "shipped": {"threshold": THRESHOLD} | asdict(_refusal(report, THRESHOLD)),
        "kinds": {kind: _declined(report, kind, threshold) for kind in ("own", "near", "far")},
        "stored": store,
        "questions": [asdict(a.made) | {"half": a.half, "confidence": a.confidence} for a in asked],
    }


def make_questions(index: Index, n: int) -> list[tuple[Made, str]]:
    """At most ``n`` answerable and ``n`` other questions, each with its half.

    Raises ``BadIndex`` when they are too few to choose by.
    """
    library = index.library
    own = own_questions(library, n)
    near = near_questions(library, own, n // 2)
    made = [*own, *near, *far_questions(library, n - len(near))]
    whole = library.counts().sources >= DOCUMENTS
    halves = [(m, half_of(m.cluster if whole else m.question)) for m in made]
    for half in ("tune", "report"):
        found = sum(m.answerable and h == half for m, h in halves)
        if found < FEWEST:
            raise BadIndex(
                f"{str(index.folder)!r} gives {found} questions to the {half} half, {FEWEST} are "
                "needed: ingest more documents, or raise --n; until then the shipped threshold "
                f"{THRESHOLD} holds"
            )
    return halves


def choose(answerable: Sequence[float]) -> float:
    """The threshold, from the confidences of answerable questions.

    The highest that declines at most ``OVER_REFUSAL`` of them, and the shipped one, averaged by
    their number and ``PRIOR``.
    """
    ordered = sorted(answerable)
    # Declined is what lies below, so the question at this place is the first that is answered.
    own = ordered[int(OVER_REFUSAL * len(ordered))]
    return (len(ordered) * own + PRIOR * THRESHOLD) / (len(ordered) + PRIOR)


def half_of(name: str) -> str:
    """``tune`` or ``report``, by hash."""
    return "tune" if sha256(name.encode()).digest()[0] % 2 == 0 else "report"


def format_calibration(result: Mapping[str, Any]) -> str:
    """The outcome in words and figures."""
    new, old = result["calibration"], result["shipped"]
    lines = [
        "threshold  precision  recall  over-refusal",
        _line(new) + "  this index",
        _line(old) + "  as shipped",
        f"expected on {new['answerable']} questions that the index answers and "
        f"{new['unanswerable']} that it does not; declined: "
        + ", ".join(
            f"{kind} {share:.0%}" for kind, share in result["kinds"].items() if share is not None
        ),
        "stored in the index" if result["stored"] else "not stored",
    ]
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    precision = "-" if row["precision"] is None else f"{row['precision']:.3f}"
    figures = f"{row['recall']:6.3f}  {row['over_refusal']:12.3f}"
    return f"{row['threshold']:9.3f}  {precision:>9}  {figures}"


def _refusal(rows: Sequence[Asked], threshold: float) -> Refusal:
    return refusal(
        [a.confidence < threshold for a in rows],
        [a.made.answerable for a in rows],
        [a.confidence for a in rows],
    )


def _declined(rows: Sequence[Asked], kind: str, threshold: float) -> float | None:
    of_kind = [a.confidence < threshold for a in rows if a.made.kind == kind]
    return sum(of_kind) / len(of_kind) if of_kind else None
