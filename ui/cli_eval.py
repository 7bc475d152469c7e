"""``footnote eval``: how well answers are found, cited and declined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval.output import check_writable, write_json
from ui.cli_eval_run import COMMANDS
from ui.options import index_option, json_out, settings_options

if TYPE_CHECKING:
    from rag.settings import Settings


@click.group(name="eval")
def evaluation() -> None:
    """Measure how well answers are found, cited and declined."""


for command in COMMANDS:
    evaluation.add_command(command)


@evaluation.command()
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N queries.")
@json_out
def benchmark(folder: str, limit: int | None, out: str | None) -> None:
    """Measure on a public data set in the BEIR layout."""
    check_writable(out)
    from eval.benchmark import run_benchmark
    from ui.progress import counted

    with counted("asked") as step:
        result = run_benchmark(Path(folder), limit, step)
    write_json(out, result)
    click.echo(json.dumps(result, indent=1))


@evaluation.command()
@click.option(
    "--attacks", required=True, type=click.Path(dir_okay=False), metavar="F", help="What to plant."
)
@click.option(
    "--benign", required=True, type=click.Path(dir_okay=False), metavar="F", help="Harmless text."
)
@click.option(
    "--position",
    "positions",
    multiple=True,
    type=click.Choice(["end", "middle", "paragraph", "sentence"]),
    help="Plant only here in the documents; by default in each of the four places.",
)
@settings_options
@json_out
def injection(
    attacks: str, benign: str, positions: tuple[str, ...], settings: Settings, out: str | None
) -> None:
    """Plant instructions in documents and see whether answers say any of them.

    Both files have a row {"kind", "text"} a line.
    """
    check_writable(out)
    from eval.injection import POSITIONS, run_injection
    from ui.progress import counted

    with counted("asked") as step:
        result = run_injection(
            Path(attacks),
            Path(benign),
            step,
            settings=settings,
            positions=positions or POSITIONS,
        )
    write_json(out, result)
    click.echo(json.dumps(result, ensure_ascii=False, indent=1))


@evaluation.command()
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--compare", is_flag=True, help="Measure other ways to cut documents as well.")
@json_out
def chunking(folder: str, compare: bool, out: str | None) -> None:
    """Measure by characters how well chunks fit what questions need."""
    check_writable(out)
    from eval.chunking import run_chunking
    from ui.progress import counted

    with counted("searched") as step:
        result = run_chunking(Path(folder), compare, step)
    write_json(out, result)
    click.echo(json.dumps(result, indent=1))


@evaluation.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--half", type=click.Choice(["tune", "report"]), help="Only this half, by hash of id."
)
@click.option("--verifier", metavar="NAME_OR_PATH", help="A cross-encoder instead of our own.")
@json_out
def grounding(file: str, half: Any, verifier: str | None, out: str | None) -> None:  # noqa: ANN401
    """Measure the verifier on rows {"id", "context", "response", "label"} judged by people."""
    check_writable(out)
    from eval.grounding import run_grounding
    from rag.verify import load_verifier
    from ui.progress import counted

    with counted("judged") as step:
        result = run_grounding(Path(file), load_verifier(verifier), half, step)
    write_json(out, result)
    click.echo(json.dumps(result, indent=1))


@evaluation.command()
@index_option
@click.option(
    "--n", type=click.IntRange(1), default=200, show_default=True, help="Questions of each sort."
)
@json_out
@click.option("--dry-run", is_flag=True, help="Measure, and leave the index as it is.")
def calibrate(index_dir: str, n: int, out: str | None, dry_run: bool) -> None:
    """Choose when the index declines, by questions made from it and others."""
    check_writable(out)
    from eval.calibrate import calibrate, format_calibration
    from rag.index import open_index
    from ui.progress import counted

    with open_index(index_dir) as index, counted("asked") as step:
        result = calibrate(index, n, not dry_run, step)
    write_json(out, result)
    click.echo(format_calibration(result))
