"""The command line: ``footnote ingest``, ``ask``, ``chat``, ``serve``, ``eval`` and others.

Heavy libraries are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.errors import FootnoteError
from ui.cli_eval import evaluation
from ui.cli_index import COMMANDS
from ui.cli_models import COMMANDS as MODEL_COMMANDS
from ui.cli_receipt import COMMANDS as RECEIPT_COMMANDS
from ui.cli_users import COMMANDS as USER_COMMANDS
from ui.options import collection_option, index_option, json_option, settings_options

if TYPE_CHECKING:
    from rag.index import Index
    from rag.settings import Settings
    from rag.types import Answer

SAMPLE_QUESTIONS = (
    "How much did Microsoft invest in OpenAI in 2019?",
    "What did OpenAI spend on Azure in 2024?",
    "When was Sam Altman dismissed, and when did he return?",
    "What is a right of first refusal?",
)


class FootnoteCli(click.Group):
    """Failures become one line on standard error and exit code 1, Ctrl-C 130."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command and turn what Footnote raises on purpose into its message."""
        try:
            return super().invoke(ctx)
        except FootnoteError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("stopped; what is done is kept, run it again to go on", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            # The reader, such as `head`, has had enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)


@click.group(cls=FootnoteCli, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="footnote-rag", prog_name="footnote")
def main() -> None:
    """Ask your own documents; every sentence of an answer is bound to what supports it."""


for command in (*COMMANDS, *MODEL_COMMANDS, *RECEIPT_COMMANDS, *USER_COMMANDS, evaluation):
    main.add_command(command)


@main.command()
@click.argument("question", required=False)
@click.option(
    "--from",
    "questions",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help='Ask every row {"id", "question", "history"} of a JSON Lines file; a history is a list of '
    '{"role": "user" or "assistant", "text"}, oldest first.',
)
@click.option(
    "--receipt",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Save the answer as a receipt, for `footnote verify`.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="PATH",
    help="Ask only this source, a path as `footnote library` lists it, its end, or part of its "
    "title; again for more.",
)
@settings_options
@collection_option
@index_option
@json_option
def ask(
    question: str | None,
    questions: str | None,
    receipt: str | None,
    sources: tuple[str, ...],
    settings: Settings,
    index_dir: str,
    as_json: bool,
) -> None:
    """Ask one question, or a file of them."""
    from rag.index import open_index
    from ui.terminal import format_answer, read_questions

    if question is None and questions is None:
        raise click.UsageError('give a question, as in `footnote ask "Who ...?"`, or --from FILE')
    if question is not None and questions is not None:
        raise click.UsageError("a question and --from FILE are both given: leave one out")
    if receipt is not None and question is None:
        raise click.UsageError("--receipt saves one answer: give one question with it")
    if question is not None:
        with open_index(index_dir, settings) as index:
            answer = index.ask(question, settings=_of_sources(index, settings, sources))
            if receipt is not None:
                from rag.receipt import make_receipt, write_receipt

                write_receipt(make_receipt(index, answer), receipt)
            click.echo(_json_line(answer) if as_json else format_answer(answer, index.library))
        return
    assert questions is not None
    failed = 0
    with open_index(index_dir, settings) as index:
        settings = _of_sources(index, settings, sources)
        for row in read_questions(questions):
            try:
                answer = index.ask(row["question"], row["history"], settings)
            except FootnoteError as error:
                failed += 1
                click.echo(_failure_line(row["id"], error) if as_json else f"{row['id']}: {error}")
                continue
            click.echo(
                _json_line(answer, row["id"])
                if as_json
                else f"{row['id']}: {row['question']}\n{format_answer(answer, index.library)}\n"
            )
    if failed:
        raise click.ClickException(f"{failed} of the questions could not be asked")


@main.command()
@settings_options
@collection_option
@index_option
def chat(settings: Settings, index_dir: str) -> None:
    """Ask in the terminal, with follow-ups. An empty line or Ctrl-D ends it."""
    from rag.index import open_index
    from ui.terminal import converse

    with open_index(index_dir, settings) as index:
        converse(index)


@main.command()
@settings_options
@collection_option
@index_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=7860, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--auth-file",
    envvar="FOOTNOTE_AUTH_FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Who may sign in, as `footnote users` writes it; needed with --host.",
)
@click.option(
    "--open/--no-open", "open_browser", default=False, help="Open the page in the browser."
)
def serve(
    settings: Settings,
    index_dir: str,
    host: str,
    port: int,
    auth_file: Path | None,
    open_browser: bool,
) -> None:
    """Open the chat in the browser."""
    from rag.choice import check_collections
    from rag.index import open_index
    from ui.users import Users
    from ui.web.guard import check_open

    check_open(host, auth_file is not None)
    users = Users(auth_file) if auth_file is not None else None
    # Opened whole, as documents can be added to it; the page shows the collections only.
    with open_index(index_dir, replace(settings, collections=None)) as index:
        from ui.web.app import launch

        check_collections(index, settings.collections)
        questions = _first_questions(index)
        launch(index, host, port, open_browser, questions, users, settings.collections)


@main.command()
@index_option
@json_option
def doctor(index_dir: str, as_json: bool) -> None:
    """Check the installation and the index, and say what to do about each problem."""
    from ui.doctor import examine

    findings = examine(Path(index_dir))
    if as_json:
        click.echo(json.dumps([f.to_dict() for f in findings], ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
            if finding.remedy:
                click.echo(f"      -> {finding.remedy}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


def _of_sources(index: Index, settings: Settings, names: tuple[str, ...]) -> Settings:
    """The settings for these sources only; without names, as they are."""
    from ui.library import find_source

    ids = tuple(find_source(index, name).id for name in names)
    return replace(settings, sources=ids or settings.sources)


def _first_questions(index: Index) -> tuple[str, ...]:
    """What a newcomer may ask, if this is the sample library."""
    from eval.cases import SAMPLE_LIBRARY

    sources = index.library.sources().values()
    if all(Path(source.uri).is_relative_to(SAMPLE_LIBRARY) for source in sources):
        return SAMPLE_QUESTIONS
    return ()


def _json_line(answer: Answer, identifier: str | None = None) -> str:
    row = answer.to_dict() if identifier is None else {"id": identifier, **answer.to_dict()}
    return json.dumps(row, ensure_ascii=False)


def _failure_line(identifier: str, error: FootnoteError) -> str:
    return json.dumps({"id": identifier, "status": "failed", "error": str(error)})


if __name__ == "__main__":
    main()
