"""The evaluation beside the chat as HTML: what can be asked, the runs, two of them compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from eval.charts import interval_bar
from eval.gate import Compared
from eval.stats import Interval
from ui.web.evaluation import Job, Kept
from ui.web.markup import count, facts

SHOWN = 50

PANEL = """
<section id="fn-eval" aria-label="Evaluation">
<button type="button" data-rail aria-label="Conversations and library">☰</button>
<div class="fn-eval-home">
<h1>Evaluation</h1>
<p class="fn-lead">Questions whose answers are known, asked as a reader asks them: how many come
back right, cited and grounded, and where the others go wrong.</p>
<form class="fn-eval-form">
<label>Questions<select name="cases"></select></label>
<label>At most<input name="limit" type="number" min="1" step="1" placeholder="all"></label>
<button class="fn-run">Run</button>
<small>They are answered as the settings below the library say.</small>
<p class="fn-eval-problem" role="alert"></p>
</form>
<div class="fn-eval-job" hidden><p role="status"></p><small></small>
<progress aria-label="Questions asked"></progress>
<button type="button" class="fn-plain" data-stop-run>Stop</button>
<button type="button" class="fn-plain" data-open-run hidden>Open the report</button></div>
<div class="fn-eval-head"><h2>Runs</h2>
<button type="button" class="fn-plain" data-compare disabled>Compare</button>
<small>Choose two to compare them.</small></div>
<ul class="fn-runs"></ul>
</div>
<div class="fn-eval-open" hidden><div class="fn-bar">
<button type="button" class="fn-quiet" data-runs>‹ Runs</button><b tabindex="-1"></b>
<button type="button" class="fn-quiet" data-save-report>Save</button></div>
<p class="fn-eval-wait" role="status"></p>
<div class="fn-compared"></div>
<iframe title="Report of the run" sandbox="allow-scripts" referrerpolicy="no-referrer"></iframe>
</div>
</section>
"""


def options(choices: Mapping[str, str]) -> str:
    """The sets of cases to choose from."""
    return "".join(
        f'<option value="{escape(name)}">{escape(text)}</option>' for name, text in choices.items()
    )


def runs(kept: Sequence[Kept], running: str = "") -> str:
    """The list of runs, of which the one named ``running`` is being asked now."""
    rows = "".join(_row(one, one.name == running) for one in kept[:SHOWN])
    if len(kept) > SHOWN:
        rows += f"<li>{count(len(kept) - SHOWN, 'earlier run')} in the index's folder of runs.</li>"
    return rows or '<li class="fn-none">None yet.</li>'


def job_line(job: Job) -> str:
    """What is going on, or has become of it, in a sentence."""
    if job.state == "failed":
        return f"{job.name}: {job.problem}"
    if job.state == "stopped":
        return f"{job.name} was stopped at {job.done} of {job.total}. It can go on."
    if job.state == "done":
        return f"{job.name} is done."
    if job.state == "scoring":
        return f"Scoring {job.name}"
    if job.is_stopping:
        return f"Stopping {job.name}"
    return f"Asking {job.name}"


def job_count(job: Job) -> str:
    """How far a run is and how long it has taken."""
    minutes, seconds = divmod(int(job.seconds), 60)
    asked = f"{job.done:,} of {job.total:,}" if job.total else "getting ready"
    return f"{asked} · {minutes}:{seconds:02}"


def comparison(before: Kept, after: Kept, figures: Sequence[Compared]) -> str:
    """How each figure changed from one run to the other, those with something to compare."""
    family, rows = "", []
    for one in figures:
        if one.change.change is None:
            continue
        if one.measure.family != family:
            family = one.measure.family
            rows.append(f'<tr><th colspan="5" scope="rowgroup">{escape(family)}</th></tr>')
        rows.append(_change(one))
    better = sum(one.better for one in figures)
    worse = sum(one.worse for one in figures)
    clear = f"{better} clearly better, {worse} clearly worse." if better or worse else ""
    verdict = clear or "No figure is clearly better or worse: luck alone may explain what differs."
    return (
        f'<p class="fn-lead">{escape(verdict)}</p><p>{_run_facts("Before", before)}<br>'
        f"{_run_facts('After', after)}</p><p>{escape(_changed_settings(before, after))}</p>"
        '<div class="fn-scroll" tabindex="0" role="region" aria-label="Figures"><table><thead><tr>'
        '<th scope="col">Figure</th><th scope="col">Before</th><th scope="col">After</th>'
        '<th scope="col">Difference in points</th><th scope="col">Verdict</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div><p><small>Differences have 95% "
        "intervals, of each figure by itself: of many, one may look changed by luck.</small></p>"
    )


def _row(kept: Kept, running: bool) -> str:
    name = escape(kept.name)
    title = f'<span class="fn-title" dir="auto">{name}</span><small>{_about(kept)}</small>'
    if kept.is_whole and not running:
        choose = f'<input type="checkbox" value="{name}" aria-label="Compare {name}">'
        title = f'<button type="button" class="fn-run-open">{title}</button>'
    else:
        choose, title = "", f"<div>{title}</div>"
    return (
        f'<li class="fn-one-run" data-run="{name}"><span>{choose}</span>{title}'
        f"{_right(kept.right)}{_state(kept, running)}</li>"
    )


def _about(kept: Kept) -> str:
    return facts(_when(kept.date), _engine(kept.settings), count(kept.cases, "question"))


def _state(kept: Kept, running: bool) -> str:
    if running:
        return '<p class="fn-run-state">running…</p>'
    if kept.problem:
        return f'<p class="fn-run-state fn-bad">{escape(kept.problem)}</p>'
    if not kept.is_whole:
        at = f"stopped at {kept.asked + kept.failed:,} of {kept.cases:,}"
        return f'<p class="fn-run-state">{at} {_go_on("Go on")}</p>'
    if kept.failed:
        said = count(kept.failed, "question") + " failed"
        return f'<p class="fn-run-state fn-bad">{said} {_go_on("Ask again")}</p>'
    return ""


def _go_on(verb: str) -> str:
    return f'<button type="button" class="fn-plain" data-go-on>{verb}</button>'


def _right(right: Interval | None) -> str:
    if right is None:
        return ""
    spread = "" if right.low is None else f"{_percent(right.low)}–{_percent(right.high)}"
    return (
        f'<span class="fn-share">{interval_bar(right.value, right.low, right.high, {})}</span>'
        f'<span class="fn-share-said"><b>{_percent(right.value)}</b> right'
        f"<small>{spread}</small></span>"
    )


def _change(one: Compared) -> str:
    change = one.change
    known = change.low is not None and change.high is not None
    bounds = f"{_signed(change.low)} to {_signed(change.high)}" if known else "no interval"
    word, kind = ("worse", "bad") if one.worse else ("better", "good") if one.better else ("", "")
    same = "= the same" if change.change == 0 else "≈ no clear change"
    mark = {"worse": "▼ worse", "better": "▲ better"}.get(word, same)
    less = "" if one.measure.better > 0 else " (less is better)"
    return (
        f'<tr><th scope="row">{escape(one.measure.title)}<small>{escape(one.measure.note)}{less}'
        f"</small></th><td>{_percent(change.before)}</td><td>{_percent(change.after)}</td>"
        f"<td>{_signed(change.change)}<small>{bounds}</small></td>"
        f'<td class="fn-{kind or "same"}">{mark}</td></tr>'
    )


def _run_facts(when: str, kept: Kept) -> str:
    return f"<b>{when}:</b> {escape(kept.name)} · {_about(kept)}"


def _changed_settings(before: Kept, after: Kept) -> str:
    names = dict.fromkeys([*before.settings, *after.settings])
    changed = [
        f"{name} {_said(before.settings.get(name))} → {_said(after.settings.get(name))}"
        for name in names
        if before.settings.get(name) != after.settings.get(name)
    ]
    return f"Settings that differ: {'; '.join(changed)}." if changed else "The settings are alike."


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "as the index has it" if value is None else str(value) or "none"


def _engine(settings: Mapping[str, Any]) -> str:
    llm = str(settings.get("llm") or "")
    quotes = settings.get("engine") == "extractive" or not llm
    policy = settings.get("policy")
    return ("quotes" if quotes else llm) + ("" if policy == "strict" else f", policy {policy}")


def _when(date: str) -> str:
    try:
        made = datetime.fromisoformat(date).astimezone()
        return f"{made.day} {made:%b %Y, %H:%M}"
    except ValueError:
        return date


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _signed(change: float | None) -> str:
    return "–" if change is None else f"{100 * change:+.1f}".replace("-", "−")
