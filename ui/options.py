"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, get_args

import click

from rag.files import DEFAULT_INDEX
from rag.settings import MOST_PASSAGES, PASSAGES, Settings
from rag.types import Engine, Policy

# What is chosen about answering, but for where to look.
HOW = ("engine", "llm", "base_url", "policy", "verifier", "threshold", "passages", "reader")

index_option = click.option(
    "--index",
    "index_dir",
    default=DEFAULT_INDEX,
    envvar="FOOTNOTE_INDEX",
    show_default=True,
    metavar="DIR",
    help="The index's folder.",
)
verifier_option = click.option(
    "--verifier",
    default="",
    metavar="NAME_OR_PATH",
    help="A cross-encoder to check sentences with instead of our own.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
json_out = click.option(
    "--json", "out", type=click.Path(dir_okay=False), metavar="OUT", help="Write JSON."
)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how to answer; the command gets them as one ``settings``."""

    @wraps(command)
    def with_settings(**values: Any) -> Any:  # noqa: ANN401 - whatever the command takes
        return command(settings=_settings({n: values.pop(n) for n in HOW}), **values)

    for option in reversed(
        [
            click.option(
                "--engine",
                type=click.Choice(get_args(Engine)),
                default="auto",
                show_default=True,
                help="Quote, let a language model write, or (auto) write what cannot be quoted.",
            ),
            click.option(
                "--llm",
                default="",
                envvar="FOOTNOTE_LLM",
                metavar="PROVIDER:MODEL",
                help="The language model, such as openai:gpt-5-mini, or local[:NAME_OR_PATH].",
            ),
            click.option(
                "--llm-base-url",
                "base_url",
                default="",
                envvar="FOOTNOTE_LLM_BASE_URL",
                metavar="URL",
                help="An OpenAI-compatible server, for --llm openai:MODEL.",
            ),
            click.option(
                "--policy",
                type=click.Choice(get_args(Policy)),
                default="strict",
                show_default=True,
                help="Withhold what is not supported, mark it, or show all unmarked.",
            ),
            verifier_option,
            click.option(
                "--threshold",
                type=click.FloatRange(0, 1),
                help="Decline below this confidence; by default the index's own.",
            ),
            click.option(
                "--passages",
                type=click.IntRange(1, MOST_PASSAGES),
                default=PASSAGES,
                show_default=True,
                help="How many to retrieve for a question.",
            ),
            click.option(
                "--reader/--no-reader",
                default=True,
                show_default=True,
                help="Let the small model read the best passages.",
            ),
        ]
    ):
        with_settings = option(with_settings)
    return with_settings


def collection_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Narrow the ``settings`` that ``settings_options`` makes to some collections."""

    @wraps(command)
    def narrowed(settings: Settings, collections: tuple[str, ...], **values: Any) -> Any:  # noqa: ANN401
        return command(settings=replace(settings, collections=collections or None), **values)

    return click.option(
        "--collection",
        "collections",
        multiple=True,
        metavar="NAME",
        help="Ask only this collection, and what is in none; again for more.",
    )(narrowed)


def _settings(values: dict[str, Any]) -> Settings:
    if values["base_url"] and not values["llm"]:
        raise click.UsageError("--llm-base-url needs --llm openai:MODEL")
    return Settings(**values)
