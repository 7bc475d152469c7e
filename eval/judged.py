"""What a run's judges found, and how often each is right on sentences that people judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.annotate import Annotation, read_annotations
from eval.grounding_metrics import Grounds
from eval.header import SEED
from eval.judge import (
    Labelled,
    Ruling,
    Statement,
    read_labelled,
    read_rulings,
    statements,
)
from eval.ruler import Accuracy, accuracies, groundedness
from eval.stats import NOTHING, Interval, interval

if TYPE_CHECKING:
    from eval.scored import Detail, Run

PEOPLE = "people on this run"
Rulings = Mapping[Statement, Ruling]


@dataclass(frozen=True, slots=True)
class Judged:
    """What one language model said of a run's sentences.

    Of ``sentences``, ``uncited`` ones count as not supported without asking; the others are
    ``supported``, ``unsupported``, ``unscored`` (its reply was no verdict), ``failed``, or
    ``missing`` (not asked yet; there are then no shares). ``share`` is that of supported ones, all
    others and failed questions counted as not; ``groundedness`` is corrected for the judge's
    accuracy as ``Run.groundedness`` is for the verifier's. Of the ``verbatim`` ones it should call
    all supported, and did ``verbatim_supported``.

    ``accuracy`` is by set of sentences that people judged, "all" last; a reply that is no verdict
    and a failure are wrong. Verbatim ones are no test and left out. ``untried`` such sentences were
    not asked yet. ``differs`` names cases with a sentence of which the verifier says otherwise.
    """

    model: str
    sentences: int
    uncited: int
    supported: int
    unsupported: int
    unscored: int
    failed: int
    missing: int
    verbatim: int
    verbatim_supported: int
    share: Interval
    groundedness: Interval
    accuracy: tuple[Accuracy, ...]
    untried: int
    differs: tuple[str, ...]
    tokens: Mapping[str, int]


def with_judges(run: Run, folder: Path) -> Run:
    """The run with what its folder has of judges. Raises ``BadInput`` for a damaged file."""
    people, rows = read_annotations(folder), read_labelled(folder)
    found = [
        _judged(run, name, rulings, people, rows) for name, rulings in read_rulings(folder).items()
    ]
    return replace(run, judges=tuple(found))


def format_judge(judged: Judged) -> str:
    """In a sentence: by whom, how far to trust it, what it says."""
    right = judged.accuracy[-1] if judged.accuracy else None
    trust = (
        f"right on {right.right} of {right.n} sentences people judged"
        if right
        else "tried on no sentence that people judged, so that nothing is corrected for its errors"
    )
    counts = ", ".join(
        f"{n} {what}"
        for n, what in (
            (judged.unsupported, "unsupported"),
            (judged.uncited, "without a citation"),
            (judged.unscored, "without a verdict"),
            (judged.failed, "failed"),
            (judged.missing, "still to be judged"),
        )
        if n
    )
    return (
        f"by judge {judged.model}, {trust}: {judged.supported} of {judged.sentences} sentences "
        f"supported{f' ({counts})' if counts else ''}"
    )


def _judged(
    run: Run,
    name: str,
    rulings: Rulings,
    people: Sequence[Annotation],
    labelled: Sequence[Labelled],
) -> Judged:
    seed = int(run.header.get("seed", SEED))
    tokens: Counter[str] = Counter()
    for ruling in rulings.values():
        tokens.update(ruling.usage)
    said = [_sentences(row.id, run.details[row.id], rulings) for row in run.cases]
    sentences = [sentence for found in said for sentence in found]
    heard = [sentence.ruling for sentence in sentences if sentence.ruling]
    missing = sum(sentence.cited for sentence in sentences) - len(heard)
    accuracy, untried = _accuracy(rulings, sentences, people, labelled, seed)
    failed = [row.status == "failed" for row in run.cases]
    clusters = [row.cluster for row in run.cases]
    parts = [
        (float(sum(s.supported for s in found)), float(len(found) + broken))
        for found, broken in zip(said, failed, strict=True)
    ]
    answers = [[(s.grounds, s.supported) for s in found] for found in said]
    quoted = [sentence for sentence in sentences if sentence.grounds.quoted]
    return Judged(
        model=name,
        sentences=len(sentences),
        uncited=sum(not sentence.cited for sentence in sentences),
        supported=sum(sentence.supported for sentence in sentences),
        unsupported=sum(ruling.supported is False for ruling in heard),
        unscored=sum(ruling.supported is None and not ruling.problem for ruling in heard),
        failed=sum(bool(ruling.problem) for ruling in heard),
        missing=missing,
        verbatim=len(quoted),
        verbatim_supported=sum(sentence.supported for sentence in quoted),
        share=NOTHING if missing else interval(parts, clusters, seed),
        groundedness=NOTHING
        if missing
        else groundedness(answers, failed, clusters, accuracy, seed),
        accuracy=accuracy,
        untried=untried,
        differs=tuple(dict.fromkeys(s.case for s in sentences if s.differs)),
        tokens=dict(tokens),
    )


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of the run and what the judge said of it; None where it was not asked."""

    case: str
    number: int
    grounds: Grounds
    cited: bool
    ruling: Ruling | None

    @property
    def supported(self) -> bool:
        return bool(self.ruling and self.ruling.supported)

    @property
    def differs(self) -> bool:
        said = self.ruling.supported if self.ruling else None
        return said is not None and said != self.grounds.supported


def _sentences(case: str, detail: Detail, rulings: Rulings) -> list[_Sentence]:
    asked = dict(statements(detail.record))
    return [
        _Sentence(case, n, found, n in asked, rulings.get(asked[n]) if n in asked else None)
        for n, found in enumerate(detail.grounds)
    ]


def _accuracy(
    rulings: Rulings,
    sentences: Sequence[_Sentence],
    people: Sequence[Annotation],
    labelled: Sequence[Labelled],
    seed: int,
) -> tuple[tuple[Accuracy, ...], int]:
    """By set and over all, and of how many of the sentences nothing was asked yet."""
    rows: dict[str, list[tuple[bool, Ruling | None]]] = {}
    tests = {(s.case, s.number): s.ruling for s in sentences if s.cited and not s.grounds.quoted}
    for one in people:
        if (one.case, one.sentence) in tests:
            ruling = tests[one.case, one.sentence]
            rows.setdefault(PEOPLE, []).append((one.supported, ruling))
    for row in labelled:
        ruling = rulings.get((row.sentence, (row.evidence,)))
        rows.setdefault(row.set, []).append((row.supported, ruling))
    counts = {}
    for name, pairs in rows.items():
        tried = [(label, ruling) for label, ruling in pairs if ruling]
        right = [label for label, ruling in tried if ruling.supported is label]
        positives = sum(label for label, _ in tried)
        if tried:
            counts[name] = (positives, len(tried) - positives, sum(right), len(right) - sum(right))
    untried = sum(ruling is None for pairs in rows.values() for _, ruling in pairs)
    return accuracies(counts, seed), untried
