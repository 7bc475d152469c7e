"""How far the report's verdicts on sentences can be trusted: verifier, people, judges."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from eval.annotate import Agreement
from eval.judged import Judged, format_judge
from eval.markup import percent, spread, table
from eval.metrics import shown
from eval.ruler import Accuracy
from eval.scored import Run


def ruler(run: Run, agreement: Agreement | None) -> str:
    """The section: what judged the sentences, how far it agrees with people, second opinions."""
    rows = _accuracy_rows(run.verifier)
    people = (
        "<p>No one has judged this run's sentences: <code>footnote eval annotate RUN</code>.</p>"
        if agreement is None
        else f"<h3>People on this run</h3><p>{agreement.n} sentences judged. Both supported: "
        f"{agreement.both}; verifier only: {agreement.verifier_only}; people only: "
        f"{agreement.people_only}; neither: {agreement.neither}. Agreement "
        f"{percent(agreement.agreed.value)} ({spread(agreement.agreed)}), Cohen's kappa "
        f"{shown(agreement.kappa.value)} ({spread(agreement.kappa)}).</p>"
    )
    measured = (
        "This is how it does on sentences that people judged (<code>footnote eval grounding</code>)"
        ", and why the headline is corrected: sentences that are not verbatim quotes, by Rogan and "
        "Gladen's formula with the sensitivity and specificity over all sets."
        f"</p>{rows}"
        if rows
        else f"It was {escape(str(run.header['settings']['verifier']))} here; how often that is "
        "right was not measured, so that nothing can be corrected for it.</p>"
    )
    judges = "".join(_judge(run, judged) for judged in run.judges)
    return (
        "<h2>The ruler: how often the verifier is right</h2><p>Whether sentences are supported is "
        f"judged by the verifier. {measured}{people}{judges}"
    )


def _judge(run: Run, judged: Judged) -> str:
    numbers = {row.id: n for n, row in enumerate(run.cases)}
    links = ", ".join(f'<a href="#q{numbers[i]}">{escape(i)}</a>' for i in judged.differs)
    corrected = (
        "Not all sentences are judged yet: the same command goes on."
        if judged.missing
        else f"That is {percent(judged.share.value)} ({spread(judged.share)}), whatever is not "
        "called supported counted as not; corrected for the judge's errors, verbatim sentences "
        f"aside, {percent(judged.groundedness.value)} ({spread(judged.groundedness)})."
    )
    tokens = ", ".join(f"{n:,} {escape(name)}" for name, n in judged.tokens.items()) or "none told"
    told = format_judge(judged)
    return (
        "<h3>A language model's second opinion</h3>"
        f"<p>{escape(told[0].upper() + told[1:])}. {corrected} It calls "
        f"{judged.verbatim_supported} of {judged.verbatim} verbatim sentences supported. Nothing "
        "else in this report, and no gate, follows from it.</p>"
        f"{_accuracy_rows(judged.accuracy)}"
        f"<p><small>The verifier says otherwise in: {links or 'no question'}. Sentences people "
        f"judged that it was not asked yet: {judged.untried}. Its tokens: {tokens}.</small></p>"
    )


def _accuracy_rows(found: Sequence[Accuracy]) -> str:
    """A table of accuracies, or nothing for none."""
    heads = (
        "judged by people", "rows", "told right", "balanced accuracy", "sensitivity", "specificity",
    )  # fmt: skip
    rows = [
        (
            escape(a.name),
            f"{a.n:,}",
            f"{a.right:,}",
            *(
                f"{shown(share.value)} <small>{spread(share)}</small>"
                for share in (a.balanced, a.sensitivity, a.specificity)
            ),
        )
        for a in found
    ]
    return table(heads, rows) if rows else ""
