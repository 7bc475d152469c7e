"""What a run's judges found, and how often each is right on sentences that people judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.annotate import Annotation, read_annotations
from eval.header import SEED
from eval.judge import (
    Labelled,
    Ruling,
    Statement,
    judges_in,
    read_labelled,
    rulings_of,
    statements,
)
from eval.ruler import Accuracy, accuracies, corrected_groundedness
from eval.stats import NOTHING, Interval, interval

if TYPE_CHECKING:
    from eval.scored import Run

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
        _judged(run, name, rulings_of(folder, name), people, rows) for name in judges_in(folder)
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
    asked = {
        (i, n): statement
        for i, detail in run.details.items()
        for n, statement in statements(detail.record)
    }
    grounds = {
        (i, n): one for i, detail in run.details.items() for n, one in enumerate(detail.grounds)
    }
    said = {place: rulings.get(statement) for place, statement in asked.items()}
    verbatim = {place for place, one in grounds.items() if one.verbatim and one.supported}
    yes = {place for place, ruling in said.items() if ruling and ruling.supported}
    cited = [ruling for ruling in said.values() if ruling]
    missing = len(said) - len(cited)
    accuracy, untried = _accuracy(rulings, said, verbatim, people, labelled, seed)
    share, corrected = (
        (NOTHING, NOTHING) if missing else _shares(run, yes, verbatim, accuracy, seed)
    )
    return Judged(
        model=name,
        sentences=len(grounds),
        uncited=len(grounds) - len(asked),
        supported=len(yes),
        unsupported=sum(ruling.supported is False for ruling in cited),
        unscored=sum(ruling.supported is None and not ruling.problem for ruling in cited),
        failed=sum(bool(ruling.problem) for ruling in cited),
        missing=missing,
        verbatim=len(verbatim),
        verbatim_supported=len(verbatim & yes),
        share=share,
        groundedness=corrected,
        accuracy=accuracy,
        untried=untried,
        differs=tuple(
            dict.fromkeys(
                place[0]
                for place, ruling in said.items()
                if ruling and ruling.supported is not None
                if ruling.supported != grounds[place].supported
            )
        ),
        tokens=dict(tokens),
    )


def _shares(
    run: Run,
    yes: set[tuple[str, int]],
    verbatim: set[tuple[str, int]],
    accuracy: Sequence[Accuracy],
    seed: int,
) -> tuple[Interval, Interval]:
    """The share of sentences that were called supported, and that share corrected."""
    parts, exact, judged, failed = [], [], [], []
    for row in run.cases:
        places = {(row.id, n) for n in range(len(run.details[row.id].grounds))}
        rest = places - verbatim
        broken = row.status == "failed"
        parts.append((float(len(places & yes)), float(len(places) + broken)))
        exact.append(len(places & verbatim))
        judged.append((len(rest & yes), len(rest)))
        failed.append(broken)
    clusters = [row.cluster for row in run.cases]
    raw = interval(parts, clusters, seed)
    if not accuracy:
        return raw, NOTHING
    return raw, corrected_groundedness(exact, judged, failed, clusters, accuracy[-1], seed)


def _accuracy(
    rulings: Rulings,
    said: Mapping[tuple[str, int], Ruling | None],
    verbatim: set[tuple[str, int]],
    people: Sequence[Annotation],
    labelled: Sequence[Labelled],
    seed: int,
) -> tuple[tuple[Accuracy, ...], int]:
    """By set and over all, and of how many of the sentences nothing was asked yet."""
    rows: dict[str, list[tuple[bool, Ruling | None]]] = {}
    for one in people:
        place = one.case, one.sentence
        if place in said and place not in verbatim:
            rows.setdefault(PEOPLE, []).append((one.supported, said[place]))
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
