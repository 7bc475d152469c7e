"""A run as one HTML file that needs nothing else: no network, no server, no viewer."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from eval.annotate import Agreement, agreement, read_annotations
from eval.causes import CAUSES
from eval.charts import anchor_mark, bar, interval_bar
from eval.figures import CURVES, MEASURES, Figure, Measure
from eval.folder import read_folder, write_scores
from eval.judged import with_judges
from eval.junit import write_run_junit
from eval.markup import percent, spread, table
from eval.metrics import shown
from eval.operations import Prices, format_cost
from eval.output import write_text
from eval.report_others import other_measurements
from eval.report_plots import chain_plot, confidence_plots, latency_plot
from eval.report_questions import questions
from eval.report_ruler import ruler
from eval.score import score
from eval.scored import Run

ANCHORS = {"bm25": "BM25 alone, best sentence", "overlap": "shared words, first sentence"}


def report(
    run: Run,
    *,
    html: str | Path | None = None,
    junit: str | Path | None = None,
    json: str | Path | None = None,
    agreement: Agreement | None = None,
    others: Mapping[str, Any] | None = None,
) -> None:
    """Write a scored run as HTML for people, JUnit XML for CI, JSON for programs.

    ``agreement`` is that of people with the verifier, ``others`` what other measurements wrote as
    JSON, by name; JUnit has neither. Raises ``BadInput`` for a file that cannot be written.
    """
    if html is not None:
        write_text(html, page(run, agreement, others))
    if junit is not None:
        write_run_junit(junit, run)
    if json is not None:
        people = None if agreement is None else asdict(agreement)
        whole = {**run.to_dict(), "agreement": people, "others": dict(others or {})}
        write_scores(json, whole)


def read_run(folder: Path, prices: Prices | None = None) -> tuple[Run, Agreement | None]:
    """A run's folder as it is reported: scored, with its judges, and the agreement of people.

    Raises ``BadInput`` for a folder without a whole run.
    """
    run = with_judges(score(read_folder(folder), prices=prices), folder)
    grounds = {i: detail.grounds for i, detail in run.details.items()}
    return run, agreement(read_annotations(folder), grounds)


def page(
    run: Run, agreement: Agreement | None = None, others: Mapping[str, Any] | None = None
) -> str:
    """The HTML, with all text of documents, questions and answers escaped.

    Its own policy lets no script but the page's run, and nothing be fetched.
    """
    style, script = _asset("report.css"), _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    figures = {figure.name: figure for figure in run.figures}
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Footnote: evaluation of {len(run.cases)} questions</title>"
        f"<style>{style}</style></head><body>"
        + "".join(
            (
                _head(run, figures),
                _causes(run),
                _scorecard(figures),
                chain_plot(run),
                confidence_plots(run),
                _kinds(run),
                ruler(run, agreement),
                _operations(run),
                other_measurements(others or {}),
                questions(run),
                _made_with(run.header),
            )
        )
        + f"<script>{script}</script></body></html>\n"
    )


def _head(run: Run, figures: Mapping[str, Figure]) -> str:
    header, total = run.header, run.totals[-1]
    grounds = [found for detail in run.details.values() for found in detail.grounds]
    verbatim = sum(found.quoted for found in grounds)
    asked = f"{total.n} questions over {header['sources']} documents, {header['date'][:10]}"
    tiles = [
        (
            "Right and cited",
            figures["right_and_cited"].interval,
            f"{total.right_and_cited} of {total.n}",
        ),
        (
            "Sentences truly supported",
            run.groundedness,
            f"{verbatim} of {len(grounds)} are verbatim; the others are corrected for the "
            "verifier's errors",
        ),
        ("Answered when absent", figures["hallucination_rate"].interval, "less is better"),
        ("Declined when present", figures["over_refusal"].interval, "less is better"),
    ]
    cells = "".join(
        f'<div class="tile">{escape(name)}<b>{percent(value.value)}</b>'
        f"<small>{spread(value)}<br>{escape(note)}</small></div>"
        for name, value, note in tiles
    )
    counts = (
        f"{total.asked} asked, {total.answered} answered, {total.declined} declined, "
        f"{total.failed} failed, {total.unscored} without their evidence in the library. Failed "
        "ones count as wrong everywhere; no question is left out of a figure it belongs to."
    )
    return (
        f'<h1>Evaluation</h1><p class="soft">{escape(asked)}</p>'
        f'<div class="tiles">{cells}</div><p>{counts}</p>'
    )


def _causes(run: Run) -> str:
    most = max(run.causes.values(), default=0) or 1
    rows = "".join(
        f'<tr><td><button data-cause="{escape(name)}">{escape(name)}</button></td>'
        f'<td class="n">{n}</td><td>{bar(n / most)}</td><td>{escape(CAUSES[name])}</td>'
        f"<td>{_examples(run, name)}</td></tr>"
        for name, n in run.causes.items()
        if n
    )
    return (
        "<h2>Why: one cause a question</h2><div class='scroll'><table class='causes'>"
        "<tr><th>cause</th><th class='n'>questions</th><th></th><th>meaning</th>"
        f"<th>for example</th></tr>{rows}<tr><th>all</th>"
        f"<th class='n'>{sum(run.causes.values())}</th><th colspan='3'></th></tr></table></div>"
    )


def _examples(run: Run, cause: str) -> str:
    named = [(n, row.id) for n, row in enumerate(run.cases) if row.cause == cause][:3]
    return ", ".join(f'<a href="#q{n}">{escape(name)}</a>' for n, name in named)


def _scorecard(figures: Mapping[str, Figure]) -> str:
    rows = []
    family = ""
    for measure in sorted([*MEASURES, *CURVES], key=lambda m: _FAMILIES.index(m.family)):
        if measure.family != family:
            family = measure.family
            rows.append(f'<tr class="family"><th colspan="10">{escape(family)}</th></tr>')
        rows.append(_score_row(measure, figures[measure.name]))
    marks = "".join(
        f"<span>{anchor_mark(n)} {escape(name)}: {escape(text)}</span>"
        for n, (name, text) in enumerate(ANCHORS.items())
    )
    heads = ("", *ANCHORS, "asked", "scored", "unscored", "failed", "declined")
    cells = "".join(f'<th class="n">{escape(head)}</th>' for head in heads[1:])
    return (
        "<h2>Scorecard</h2><p>With 95% intervals, questions about one document or from one "
        "conversation resampled together. Two trivial systems that know words only were asked the "
        f'same questions, to show what is trivial.</p><div class="legend">{marks}</div>'
        "<div class='scroll'><table class='scorecard'><tr><th>figure</th><th class='n'>value</th>"
        f"<th></th>{cells}</tr>{''.join(rows)}</table></div>"
        "<p><small>asked: the questions it is about. scored: "
        "those with something to score, failed ones included. unscored: their evidence is not in "
        "the library, and they count as 0 where it is needed.</small></p>"
    )


_FAMILIES = ("answer", "retrieval", "grounding", "refusal", "verifier")


def _score_row(measure: Measure, figure: Figure) -> str:
    picture = interval_bar(figure.value, figure.low, figure.high, figure.anchors)
    less = "" if measure.better > 0 else " (less is better)"
    counts = (figure.asked, figure.scored, figure.unscored, figure.failed, figure.declined)
    numbers = "".join(f'<td class="n">{n:,}</td>' for n in counts)
    anchors = "".join(f'<td class="n">{shown(figure.anchors.get(a))}</td>' for a in ANCHORS)
    return (
        f"<tr><td>{escape(measure.title)}<small>{escape(measure.note)}{less}</small></td>"
        f'<td class="n"><b>{shown(figure.value)}</b><small>{spread(figure.interval)}</small>'
        f"<small>over {figure.whole:,.0f} {escape(measure.unit)}</small></td>"
        f"<td>{picture}</td>{anchors}{numbers}</tr>"
    )


def _kinds(run: Run) -> str:
    heads = ("kind", "cases", "failed", "unscored", "answered", "declined", "right",
             "right and cited", "recall@10", "exact quotes", "p50 s", "p95 s")  # fmt: skip
    rows = (
        (
            escape(t.kind.replace("_", " ")), t.n, t.failed, t.unscored, t.answered, t.declined,
            t.right, t.right_and_cited, shown(t.recall_at_10), f"{t.exact}/{t.citations}",
            shown(t.p50), shown(t.p95),
        )
        for t in run.totals
    )  # fmt: skip
    return f"<h2>By kind of question</h2>{table(heads, rows)}"


def _operations(run: Run) -> str:
    o = run.operations
    heads = ("stage", "questions", "p50 s", "p95 s")
    rows = ((escape(t.stage), t.n, shown(t.p50), shown(t.p95)) for t in o.timings)
    tokens = ", ".join(f"{n:,} {escape(name)}" for name, n in o.tokens.items()) or "none"
    memory = "not known" if o.peak_mb is None else f"{o.peak_mb:,.0f} MB"
    return (
        f"<h2>Operations</h2>{table(heads, rows)}{latency_plot(run)}"
        f"<p>Tokens of a language model: {tokens}. Peak memory: {memory}. Right and grounded "
        f"answers: {o.good}; the cost of each, wrong ones included: {escape(format_cost(o))}.</p>"
    )


def _made_with(header: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td><code>{escape(_plain(value))}</code></td></tr>"
        for name, value in header.items()
    )
    return f'<h2>Made with</h2><div class="scroll"><table class="header">{rows}</table></div>'


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {v}" for k, v in value.items() if v not in ("", None))
    return str(value)


def _asset(name: str) -> str:
    return files("eval").joinpath(name).read_text(encoding="utf-8")
