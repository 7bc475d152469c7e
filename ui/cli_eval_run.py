"""``footnote eval run`` and what is done with a run: score, compare, gate, report, annotate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ui.files import check_writable
from ui.options import index_option

if TYPE_CHECKING:
    from eval.scored import Run

run_argument = click.argument("run", type=click.Path(file_okay=False))
json_out = click.option(
    "--json", "out", type=click.Path(dir_okay=False), metavar="OUT", help="Write JSON."
)


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
@json_out
def eval_run(
    cases: tuple[str, ...], index_dir: str, folder: str | None, parallel: int, out: str | None
) -> None:
    """Ask the cases (by default those of the sample library) and score the answers."""
    check_writable(out)
    from eval.cases import SAMPLE_CASES, load_cases
    from eval.run import run_cases
    from rag.index import open_index
    from ui.progress import counted

    loaded = [case for path in cases or (str(SAMPLE_CASES),) for case in load_cases(Path(path))]
    with open_index(index_dir) as index, counted("asked") as step:
        run = run_cases(index, loaded, folder, workers=parallel, progress=step)
    _finish(run, folder, out)


@click.command(name="score")
@run_argument
@json_out
def eval_score(run: str, out: str | None) -> None:
    """Score the answers of a run again, without asking."""
    check_writable(out)
    from eval.folder import read_folder
    from eval.score import score

    _finish(score(read_folder(Path(run))), run, out)


def _finish(run: Run, folder: str | None, out: str | None) -> None:
    from eval.folder import SCORES, write_scores
    from eval.table import format_table

    scores = run.to_dict()
    if folder is not None:
        write_scores(Path(folder) / SCORES, scores)
    if out is not None:
        write_scores(Path(out), scores)
    click.echo(format_table(run))


COMMANDS = (eval_run, eval_score)
