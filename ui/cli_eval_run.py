"""``footnote eval run`` and what is done with a run: score, compare, gate, report, annotate."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval.output import check_writable
from rag.errors import BadInput
from ui.options import index_option, json_out, settings_options

if TYPE_CHECKING:
    from eval.operations import Prices
    from eval.scored import Run
    from rag.settings import Settings

run_argument = click.argument("run", type=click.Path(file_okay=False))
anyway_option = click.option(
    "--anyway", is_flag=True, help="Even if they are over other documents or cases."
)


def price_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Prices of a language model's tokens; the command gets them as one ``prices``, or None."""

    @wraps(command)
    def with_prices(price_in: float | None, price_out: float | None, **values: Any) -> Any:  # noqa: ANN401
        from eval.operations import Prices

        given = price_in is not None or price_out is not None
        prices = Prices(price_in or 0.0, price_out or 0.0) if given else None
        return command(prices=prices, **values)

    for way, what in (("out", "written"), ("in", "read")):
        with_prices = click.option(
            f"--price-{way}",
            type=click.FloatRange(0),
            metavar="MONEY",
            help=f"Of a million tokens {what}, to say what a right answer costs.",
        )(with_prices)
    return with_prices


@click.command(name="run")
@click.argument("cases", nargs=-1, type=click.Path(dir_okay=False), metavar="[CASES]...")
@index_option
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False),
    metavar="RUN",
    help="Keep the answers in this folder; the same command goes on where it stopped.",
)
@click.option(
    "--parallel",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    metavar="N",
    help="Questions at a time.",
)
@click.option(
    "--without-cited",
    is_flag=True,
    help="Ask what a language model wrote once more without the passages it cites, and flag "
    "sentences that stay the same.",
)
@settings_options
@json_out
def eval_run(
    cases: tuple[str, ...],
    index_dir: str,
    folder: str | None,
    parallel: int,
    without_cited: bool,
    settings: Settings,
    out: str | None,
) -> None:
    """Ask the cases (by default those of the sample library) and score the answers."""
    check_writable(out)
    from eval.cases import SAMPLE_CASES, load_cases
    from eval.judged import with_judges
    from eval.run import run_cases
    from rag.index import open_index
    from ui.progress import counted

    loaded = [case for path in cases or (str(SAMPLE_CASES),) for case in load_cases(Path(path))]
    with open_index(index_dir) as index, counted("asked") as step:
        run = run_cases(
            index,
            loaded,
            folder,
            settings,
            workers=parallel,
            without_cited=without_cited,
            progress=step,
        )
    _finish(run if folder is None else with_judges(run, Path(folder)), folder, out)


@click.command(name="score")
@run_argument
@click.option(
    "--judge",
    default="",
    metavar="PROVIDER:MODEL",
    help="Ask a language model for a second opinion on every sentence; the gate never sees it.",
)
@click.option(
    "--llm-base-url",
    "base_url",
    default="",
    metavar="URL",
    help="An OpenAI-compatible server, for --judge openai:MODEL.",
)
@click.option(
    "--labelled",
    multiple=True,
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Rows people judged, as `eval grounding` reads them, to see how often the judge is right.",
)
@price_options
@json_out
def eval_score(
    run: str,
    judge: str,
    base_url: str,
    labelled: tuple[str, ...],
    prices: Prices | None,
    out: str | None,
) -> None:
    """Score the answers of a run again, without asking."""
    if not judge and (labelled or base_url):
        raise click.UsageError("--labelled and --llm-base-url need --judge PROVIDER:MODEL")
    check_writable(out)
    from eval.folder import read_folder
    from eval.judge import judge_run
    from eval.judged import with_judges
    from eval.score import score
    from ui.progress import counted

    folder = Path(run)
    if judge:
        with counted("judged") as step:
            judge_run(folder, judge, base_url, [Path(path) for path in labelled], step)
    _finish(with_judges(score(read_folder(folder), prices=prices), folder), run, out)


@click.command(name="compare")
@click.argument("before", type=click.Path())
@click.argument("after", type=click.Path())
@anyway_option
def eval_compare(before: str, after: str, anyway: bool) -> None:
    """Compare two runs over the same cases (folders, or what --json wrote)."""
    from eval.gate import compare, format_changes, read_scores
    from eval.header import differences

    a, b = read_scores(before), read_scores(after)
    figures = compare(a, b, anyway=anyway)
    for name in differences(a.header, b.header):
        click.echo(f"{name}: {a.header.get(name)} -> {b.header.get(name)}")
    click.echo(format_changes(figures))
    click.echo("intervals are 95%, of each figure by itself: of many, one may look changed by luck")


@click.command(name="gate")
@click.argument("run", type=click.Path())
@click.option(
    "--baseline", required=True, type=click.Path(), metavar="RUN", help="What it is held against."
)
@click.option(
    "--margin",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    metavar="M",
    help="Loss that is put up with, as a share.",
)
@click.option("--junit", type=click.Path(dir_okay=False), metavar="F", help="Write JUnit XML.")
@anyway_option
@click.pass_context
def eval_gate(
    ctx: click.Context, run: str, baseline: str, margin: float, junit: str | None, anyway: bool
) -> None:
    """Fail if a run is worse than a baseline beyond what luck explains.

    Exit codes: 0 pass, 1 regression, 2 wrong usage, 3 could not measure, 4 too few cases to tell.
    """
    try:
        check_writable(junit)
    except BadInput as error:  # exit code 1 would be a regression
        raise click.UsageError(str(error)) from error
    from eval.gate import EXIT, Gate, format_changes, gate, read_scores
    from eval.junit import write_gate_junit

    try:
        result = gate(read_scores(run), read_scores(baseline), margin, anyway=anyway)
    except BadInput as error:
        result = Gate("could not measure", str(error), ())
    if junit is not None:
        write_gate_junit(junit, result)
    if result.figures:
        click.echo(format_changes(result.figures))
    click.echo(f"{result.verdict}: {result.message}", err=result.verdict != "pass")
    ctx.exit(EXIT[result.verdict])


@click.command(name="report")
@run_argument
@click.option(
    "--with",
    "others",
    multiple=True,
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Show what another measurement wrote with --json: benchmark, grounding, chunking, "
    "injection, calibrate.",
)
@price_options
@click.option("--html", type=click.Path(dir_okay=False), metavar="F", help="Write one HTML file.")
@click.option("--junit", type=click.Path(dir_okay=False), metavar="F", help="Write JUnit XML.")
@json_out
def eval_report(
    run: str,
    others: tuple[str, ...],
    prices: Prices | None,
    html: str | None,
    junit: str | None,
    out: str | None,
) -> None:
    """Report a run as HTML for people, JUnit XML for CI, JSON for programs."""
    if not (html or junit or out):
        raise click.UsageError("say what to write: --html F, --junit F or --json F")
    for path in (html, junit, out):
        check_writable(path)
    from eval.report import read_run, report

    measured = {Path(path).stem: _read_json(path) for path in others}
    if len(measured) < len(others):
        raise click.UsageError("two files of --with have the same name: rename one")
    scored, people = read_run(Path(run), prices)
    report(scored, html=html, junit=junit, json=out, agreement=people, others=measured)


@click.command(name="annotate")
@run_argument
def eval_annotate(run: str) -> None:
    """Judge the sentences of a run, for the report to say how far the verifier agrees."""
    from eval.annotate import annotate, items, read_annotations
    from eval.folder import read_folder

    folder = Path(run)
    left = items(read_folder(folder), read_annotations(folder))
    for n, item in enumerate(left, 1):
        click.echo(f"\n{n} of {len(left)}. {item.question}\n")
        click.echo(f"  sentence: {item.sentence.text}")
        for citation in item.sentence.citations:
            click.echo(f"  [{citation.number}] {citation.title}: {citation.quote}")
        choice = click.prompt(
            "does it follow from what it cites? (y)es, (n)o, (s)kip, (q)uit",
            type=click.Choice(["y", "n", "s", "q"]),
            show_choices=False,
        )
        if choice == "q":
            break
        if choice != "s":
            annotate(folder, item, choice == "y")
    click.echo(f"{len(read_annotations(folder))} sentences are judged")


@click.command(name="generate")
@click.option("--n", type=click.IntRange(1), default=100, show_default=True, help="Cases.")
@index_option
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False), metavar="FILE", help="Where to."
)
def eval_generate(n: int, index_dir: str, out: str) -> None:
    """Make cases from the index's documents, to be looked through and asked by `eval run`."""
    check_writable(out)
    from eval.generate import generate, write_cases
    from rag.index import open_index

    with open_index(index_dir) as index:
        cases = generate(index, n)
    write_cases(out, cases)
    click.echo(
        f"{sum(case.answerable for case in cases)} cases with an answer and "
        f"{sum(not case.answerable for case in cases)} without: look them through in {out!r}, then "
        f"`footnote eval run {out}`"
    )


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _read_json(path: str) -> dict[str, Any]:
    """What another measurement wrote. Raises ``BadInput``."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_no_number)
    except OSError as error:
        raise BadInput(f"{path!r} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{path!r} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path!r} holds no measurement: give what one wrote with --json")
    return value


def _finish(run: Run, folder: str | None, out: str | None) -> None:
    from eval.folder import SCORES, write_scores
    from eval.table import format_table

    scores = run.to_dict()
    if folder is not None:
        write_scores(Path(folder) / SCORES, scores)
    if out is not None:
        write_scores(out, scores)
    click.echo(format_table(run))


COMMANDS = (
    eval_run,
    eval_score,
    eval_report,
    eval_compare,
    eval_gate,
    eval_generate,
    eval_annotate,
)
