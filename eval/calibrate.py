"""Where an index should decline, found by asking it questions made from itself and from elsewhere.

The made questions are not those of people, so they are not trusted far: the shipped threshold
stands unless they contradict it, and then goes half the way to where they do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import comb
from typing import Any

from eval.made import Made, far_questions, near_questions, own_questions
from eval.measure import HALVES, Half, Progress, half_of, quiet
from eval.metrics import Refusal, mean, refusal, shown
from rag.confidence import THRESHOLD
from rag.errors import BadIndex
from rag.index import Index
from rag.manifest import Calibration
from rag.settings import Settings

QUESTIONS = 200
# Of the questions that the index answers, at most this share may be declined.
OVER_REFUSAL = 0.05
# How sure the questions must be: the chance that a count of declined ones is no accident.
SURE = 0.95
FEWEST = 20  # answerable questions in each half; fewer say nothing
DOCUMENTS = 10  # with fewer of them the halves are of questions, not of documents


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, the half it is in, and the confidence of the index's answer."""

    made: Made
    half: Half
    confidence: float


def calibrate(
    index: Index,
    n: int = QUESTIONS,
    store: bool = True,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """Ask ``n`` questions made from the index and as many others, and choose the threshold.

    Half of the others are near misses, half are general questions. The choice is made on one half
    of the documents, by ``choose``; what it is expected to do is measured on the other half.
    Returns both with every question as JSON; ``store`` records the calibration in the index.
    Raises ``BadIndex`` for an index that is too small.
    """
    questions = make_questions(index, n)
    revision = index.library.revision()
    asked = []
    for done, (made, half) in enumerate(questions, 1):
        answer = index.ask(made.question, settings=Settings(threshold=0.0, engine="extractive"))
        asked.append(Answered(made, half, answer.confidence))
        progress(done, len(questions))
    tune, report = ([a for a in asked if a.half == half] for half in HALVES)
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


def make_questions(index: Index, n: int) -> list[tuple[Made, Half]]:
    """At most ``n`` answerable and ``n`` other questions, each with its half.

    Raises ``BadIndex`` when they are too few to choose by.
    """
    library = index.library
    own = own_questions(library, n)
    near = near_questions(library, own, n // 2)
    made = [*own, *near, *far_questions(library, n - len(near))]
    whole = library.counts().sources >= DOCUMENTS
    halves = [(m, half_of(m.cluster if whole else m.question, byte=0)) for m in made]
    for half in HALVES:
        found = sum(m.answerable and h == half for m, h in halves)
        if found < FEWEST:
            raise BadIndex(
                f"{str(index.folder)!r} gives {found} questions to the {half} half, {FEWEST} are "
                "needed: ingest more documents, or raise --n; until then the shipped threshold "
                f"{THRESHOLD} holds"
            )
    return halves


def choose(answerable: Sequence[float]) -> float:
    """The threshold half way from the shipped one to the nearest that these do not contradict.

    The confidences of answerable questions contradict a threshold that is too high: it declines
    more of them than ``OVER_REFUSAL`` explains, and one that is too low: it declines fewer, so that
    there is room to decline more.
    """
    ordered = sorted(answerable)
    # What lies below is declined: the threshold at place k declines k.
    low, high = (ordered[_by_chance(len(ordered), sure)] for sure in (1 - SURE, SURE))
    return (THRESHOLD + min(max(THRESHOLD, low), high)) / 2


def _by_chance(n: int, sure: float) -> int:
    """How many of ``n`` are declined at most, ``sure`` of the time, when ``OVER_REFUSAL`` are."""
    chance, k = 0.0, -1
    while chance < sure:
        k += 1
        chance += comb(n, k) * OVER_REFUSAL**k * (1 - OVER_REFUSAL) ** (n - k)
    return k


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
    figures = f"{shown(row['precision']):>9}  {shown(row['recall']):>6}"
    return f"{row['threshold']:9.3f}  {figures}  {shown(row['over_refusal']):>12}"


def _refusal(rows: Sequence[Answered], threshold: float) -> Refusal:
    return refusal(
        [a.confidence < threshold for a in rows],
        [a.made.answerable for a in rows],
        [a.confidence for a in rows],
    )


def _declined(rows: Sequence[Answered], kind: str, threshold: float) -> float | None:
    return mean(float(a.confidence < threshold) for a in rows if a.made.kind == kind)
