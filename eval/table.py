"""A scored run as plain text."""

from __future__ import annotations

from eval.figures import Figure
from eval.judged import format_judge
from eval.metrics import shown
from eval.operations import format_cost
from eval.output import aligned
from eval.scored import Run
from eval.stats import Interval

K = 10
HEADLINE = ("right", "right_and_cited", "citation_recall", "hallucination_rate")


def format_table(run: Run) -> str:
    """A run as plain text: a row per kind, the headline figures, and what went wrong by name."""
    head = (
        "kind n failed unscored answered declined right right+cited all_cited "
        f"recall@{K} all_gold@{K} exact_quotes p50_s p95_s"
    ).split()
    rows = [head]
    for t in run.totals:
        counts = [t.n, t.failed, t.unscored, t.answered, t.declined]
        counts += [t.right, t.right_and_cited, t.cited_all]
        recalls = shown(t.recall_at_10), shown(t.all_gold_at_10)
        seconds = shown(t.p50), shown(t.p95)
        rows.append([t.kind, *map(str, counts), *recalls, f"{t.exact}/{t.citations}", *seconds])
    lines = [aligned(rows)]
    r = run.refusal
    lines.append("")
    lines.append(
        f"refusal: precision {shown(r.precision)}, recall {shown(r.recall)}, "
        f"over-refusal {shown(r.over_refusal)}, AUROC of the confidence {shown(r.auroc)}"
    )
    for figure in run.figures:
        if figure.name in HEADLINE:
            lines.append(f"{figure.name}: {_with_interval(figure.interval)}{_anchors(figure)}")
    lines.append(f"sentences truly supported: {_with_interval(run.groundedness)}")
    for judged in run.judges:
        lines.append(f"{format_judge(judged)}: {_with_interval(judged.share)}")
        lines.append(f"  corrected for its errors: {_with_interval(judged.groundedness)}")
    lines.append(f"each right and grounded answer cost: {format_cost(run.operations)}")
    lines.append("causes: " + ", ".join(f"{name} {n}" for name, n in run.causes.items() if n))
    lines += [f"failed: {row.id}: {row.problem}" for row in run.cases if row.problem]
    lines += [f"unscored: {row.id}: {row.case_error}" for row in run.cases if row.case_error]
    return "\n".join(lines)


def _with_interval(found: Interval) -> str:
    if found.low is None:
        return shown(found.value)
    return f"{shown(found.value)} (95%: {shown(found.low)} to {shown(found.high)})"


def _anchors(figure: Figure) -> str:
    said = ", ".join(f"{name} {shown(value)}" for name, value in figure.anchors.items())
    return f"; {said}" if said else ""
