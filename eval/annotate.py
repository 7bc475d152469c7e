"""What people say about the sentences of a run, and how far the verifier agrees with them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import NonNegativeInt

from eval.folder import ANNOTATIONS
from eval.grounding_metrics import Grounds
from eval.header import SEED
from eval.metrics import ratio
from eval.record import Asked
from eval.rows import appending, read_rows
from eval.stats import Interval, kappa, statistic_interval
from rag.types import Sentence


@dataclass(frozen=True, slots=True)
class Annotation:
    """Whether a person finds that the ``sentence``-th sentence, from 0, follows from its quotes."""

    case: str
    sentence: NonNegativeInt
    supported: bool
    date: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A sentence to judge."""

    case: str
    number: int
    question: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Agreement:
    """People and verifier on the same ``n`` sentences: the confusion, Cohen's kappa, agreement.

    ``both`` and ``neither`` found a sentence supported; ``verifier_only`` and ``people_only`` are
    where they differ. Intervals are 95%, by question.
    """

    n: int
    both: int
    verifier_only: int
    people_only: int
    neither: int
    kappa: Interval
    agreed: Interval


def items(asked: Asked, done: Sequence[Annotation] = ()) -> list[Item]:
    """The sentences that are still to be judged, in an order that tells nothing of them."""
    known = {(one.case, one.sentence) for one in done}
    found = [
        Item(case.id, n, case.question, sentence)
        for case in asked.cases
        if (record := asked.records.get(case.id)) and record.answer
        for n, sentence in enumerate(record.answer.sentences)
        if (case.id, n) not in known
    ]
    random.Random(SEED).shuffle(found)
    return found


def read_annotations(folder: Path) -> list[Annotation]:
    """What was said so far; the last word on a sentence counts. Raises ``BadInput``."""
    rows = read_rows(folder / ANNOTATIONS, Annotation, "an annotation")
    return list({(one.case, one.sentence): one for one in rows}.values())


def annotate(folder: Path, item: Item, supported: bool) -> None:
    """Write down what a person says."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    row = asdict(Annotation(item.case, item.number, supported, date))
    with appending(folder / ANNOTATIONS) as append:
        append(row)


def agreement(
    annotations: Sequence[Annotation], grounds: Mapping[str, Sequence[Grounds]]
) -> Agreement | None:
    """How far the verifier says the same as people; None without any judged sentence."""
    judged = [
        (one.case, (one.supported, grounds[one.case][one.sentence].supported))
        for one in annotations
        if one.sentence < len(grounds.get(one.case, ()))
    ]
    if not judged:
        return None
    clusters, pairs = zip(*judged, strict=True)
    return Agreement(
        n=len(pairs),
        both=sum(person and verifier for person, verifier in pairs),
        verifier_only=sum(verifier and not person for person, verifier in pairs),
        people_only=sum(person and not verifier for person, verifier in pairs),
        neither=sum(not person and not verifier for person, verifier in pairs),
        kappa=statistic_interval(_kappa, pairs, clusters, SEED),
        agreed=statistic_interval(_agreed, pairs, clusters, SEED),
    )


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    return kappa([person for person, _ in pairs], [verifier for _, verifier in pairs])


def _agreed(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    return ratio(sum(person == verifier for person, verifier in pairs), len(pairs))
