"""Two runs over the same cases: what changed, and whether that is worse than luck explains."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eval.figures import BY_NAME, Measure
from eval.folder import HEADER, SCORES
from eval.header import SAME, SEED, differences
from eval.metrics import shown
from eval.output import aligned
from eval.stats import Change, paired_change
from rag.errors import BadInput

# One of each kind of failure; more of them would make each harder to tell from luck.
GATED = (
    "right",
    "right_and_cited",
    "recall@10",
    "citation_recall",
    "citation_precision",
    "exact_quotes",
    "refusal_recall",
    "verifier_probes",
)
ALPHA = 0.05  # chance of a false alarm, over all of them together
USEFUL = 0.10  # a gate that could not see a loss of ten points says nothing by passing
MANY_FAILED = 0.05

Verdict = Literal["pass", "regression", "could not measure", "too few cases"]
EXIT: dict[Verdict, int] = {
    "pass": 0,
    "regression": 1,
    "could not measure": 3,
    "too few cases": 4,
}


@dataclass(frozen=True, slots=True)
class Scores:
    """A scored run as it is stored: its header, and per case id its cluster, status and parts."""

    header: Mapping[str, Any]
    clusters: Mapping[str, str]
    status: Mapping[str, str]
    parts: Mapping[str, Mapping[str, tuple[float, float]]]

    @property
    def failed(self) -> int:
        """How many questions failed."""
        return sum(status == "failed" for status in self.status.values())


@dataclass(frozen=True, slots=True)
class Compared:
    """How one figure changed. ``worse`` when that is a regression, ``better`` the other way."""

    measure: Measure
    change: Change
    worse: bool
    better: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate says and why; ``EXIT`` has the exit code of each verdict."""

    verdict: Verdict
    message: str
    figures: tuple[Compared, ...]


def read_scores(path: str | Path) -> Scores:
    """The scores of a run's folder, or those that ``footnote eval run --json`` wrote.

    Raises ``BadInput`` for anything else.
    """
    path = Path(path)
    if path.is_dir():
        if (path / HEADER).is_file() and not (path / SCORES).is_file():
            raise BadInput(f"{str(path)!r} has no scores: `footnote eval score {path}` makes them")
        path = path / SCORES
    try:
        return scores_of(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadInput(
            f"{str(path)!r} cannot be read ({error.strerror}): give a run's folder or its JSON"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{str(path)!r} holds no scores of a run: `footnote eval run` makes them anew"
        ) from error


def scores_of(run: Mapping[str, Any]) -> Scores:
    """The scores in ``Run.to_dict()``. Raises ``KeyError`` for another value."""
    rows = run["cases"]
    return Scores(
        run["header"],
        {row["id"]: row["cluster"] for row in rows},
        {row["id"]: row["status"] for row in rows},
        {row["id"]: {name: (a, b) for name, (a, b) in row["parts"].items()} for row in rows},
    )


def compare(
    before: Scores,
    after: Scores,
    names: Iterable[str] = tuple(BY_NAME),
    margin: float = 0.0,
    alpha: float = ALPHA / 2,
    *,
    anyway: bool = False,
) -> tuple[Compared, ...]:
    """How each figure changed from one run to the other, over the cases of both.

    A change is worse when the whole interval is beyond ``margin`` on the worse side and swapping
    the runs at random seldom does the same: both at ``alpha``, by default that of a 95% interval.
    That is for each figure by itself: of many, one or two may look changed by luck.

    Raises ``BadInput`` when the runs are over other documents or cases, unless told ``anyway``.
    """
    if not anyway and (changed := differences(before.header, after.header, SAME)):
        what = " and ".join(SAME[name] for name in changed)
        raise BadInput(
            f"the runs are over other {what}, so that their difference says nothing of the answers:"
            " ask the same cases of the same documents, or use `footnote eval compare --anyway`"
        )
    shared = [i for i in before.parts if i in after.parts]
    if not shared:
        raise BadInput("the runs have no case in common")
    clusters = [before.clusters[i] for i in shared]
    seed = int(before.header.get("seed", SEED))
    compared = []
    for measure in (BY_NAME[name] for name in names):
        a, b = (
            [scores.parts[i].get(measure.name, (0.0, 0.0)) for i in shared]
            for scores in (before, after)
        )
        change = paired_change(a, b, clusters, seed, alpha, measure.better)
        compared.append(_judged(measure, change, margin, alpha))
    return tuple(compared)


def gate(run: Scores, baseline: Scores, margin: float = 0.0, *, anyway: bool = False) -> Gate:
    """Whether a run is worse than the baseline.

    ``margin`` is the loss that is put up with, as a share. It is a regression when some figure of
    ``GATED`` is worse by ``compare`` at ``ALPHA`` over their number (Bonferroni), which bounds the
    false alarms of all of them together. Without one, the cases are too few when "right", over all
    of them, could not have shown a loss of ten points, or of the margin if that is more. Nothing is
    measured when the runs cannot be compared, or more than one question in twenty failed.
    """
    if run.failed > MANY_FAILED * len(run.status):
        return Gate(
            "could not measure",
            f"{run.failed} of {len(run.status)} questions failed: see them in the run's table",
            (),
        )
    try:
        figures = compare(baseline, run, GATED, margin, ALPHA / len(GATED), anyway=anyway)
    except BadInput as error:
        return Gate("could not measure", str(error), ())
    worse = [one.measure.title for one in figures if one.worse]
    if worse:
        return Gate("regression", f"worse: {', '.join(worse)}", figures)
    if figures[0].change.change is None:
        return Gate("could not measure", "no case was scored in both runs", figures)
    visible = figures[0].change.visible or 0.0
    if visible > max(margin, USEFUL):
        return Gate(
            "too few cases",
            f"these cases would not show a loss below {visible:.0%} of {figures[0].measure.title!r}"
            ": ask more of them",
            figures,
        )
    return Gate(
        "pass",
        f"nothing is worse; a loss of {visible:.1%} of {figures[0].measure.title!r} would show",
        figures,
    )


def format_changes(figures: Sequence[Compared]) -> str:
    """The changes as a table in plain text."""
    rows = [["figure", "before", "after", "change", "interval", "p", "visible", ""]]
    for one in figures:
        c = one.change
        bounds = "-" if c.low is None else f"{c.low:+.3f} to {c.high:+.3f}"
        change = "-" if c.change is None else f"{c.change:+.3f}"
        mark = "WORSE" if one.worse else "better" if one.better else ""
        rows.append(
            [
                *(one.measure.title, shown(c.before), shown(c.after), change, bounds),
                *(shown(c.p, 4), shown(c.visible), mark),
            ]
        )
    return aligned(rows, left=(0, 7))


def _judged(measure: Measure, change: Change, margin: float, alpha: float) -> Compared:
    if change.low is None or change.high is None or change.p is None:
        return Compared(measure, change, False, False)
    worst_end = change.high if measure.better > 0 else -change.low
    best_end = change.low if measure.better > 0 else -change.high
    return Compared(
        measure,
        change,
        worse=worst_end < -margin and change.p <= alpha,
        better=best_end > 0,
    )
