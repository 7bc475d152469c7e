"""``footnote models``: the language models that run on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from rag.errors import ModelError
from rag.model_store import MEGABYTE
from ui.options import json_option

if TYPE_CHECKING:
    from rag.model_store import ModelState


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def models(ctx: click.Context, as_json: bool) -> None:
    """List the language models known to run on this machine, and which are here."""
    if ctx.invoked_subcommand is not None:
        return
    from rag.model_store import list_models, models_folder

    states = list_models()
    if as_json:
        click.echo(json.dumps([_row(state) for state in states], indent=1))
        return
    for state in states:
        size = f"{state.model.size / MEGABYTE:,.0f} MB"
        click.echo(f"{state.model.name}  {size}  {state.model.licence}  {_standing(state)}")
    click.echo(f"kept in {str(models_folder())!r}; any other .gguf file can be given by its path")


@models.command()
@click.argument("name", required=False)
def pull(name: str | None) -> None:
    """Fetch a model, the first of the list unless another is named.

    Run it again to go on with a fetch that was broken off.
    """
    from rag.model_pull import pull as fetch
    from rag.model_store import KNOWN, known_model

    model = known_model(name or KNOWN[0].name)
    with _megabytes() as step:
        path = fetch(model, step)
    click.echo(f"{path}: {model.size / MEGABYTE:,.0f} MB, verified")


@models.command()
@click.argument("name", required=False)
@json_option
def verify(name: str | None, as_json: bool) -> None:
    """Hash a model's file, or every one that is here, and say whether it is the published one."""
    from rag.model_store import known_model, list_models
    from rag.model_store import verify as check

    chosen = [known_model(name)] if name else [s.model for s in list_models() if s.path.exists()]
    if not chosen:
        raise ModelError("no model is here to verify: see `footnote models`")
    failed = 0
    for model in chosen:
        try:
            with _megabytes() as step:
                detail = str(check(model, step))
            ok = True
        except ModelError as error:
            failed += 1
            ok, detail = False, str(error)
        row = {"name": model.name, "verified": ok, "detail": detail}
        click.echo(
            json.dumps(row, ensure_ascii=False)
            if as_json
            else f"{'ok  ' if ok else 'FAIL'}  {model.name}: {detail}"
        )
    if failed:
        raise SystemExit(1)


@contextmanager
def _megabytes() -> Iterator[Callable[[int, int], None]]:
    """A bar in megabytes; call what it gives with how many bytes are done, and of how many."""
    from ui.progress import counted

    with counted("MB") as step:
        yield lambda done, total: step(done // MEGABYTE, total // MEGABYTE)


def _row(state: ModelState) -> dict[str, Any]:
    model = state.model
    return {
        "name": model.name,
        "file": str(state.path),
        "bytes": model.size,
        "sha256": model.sha256,
        "licence": model.licence,
        "repository": model.repository,
        "here": state.here,
        "verified": state.verified,
    }


def _standing(state: ModelState) -> str:
    if state.verified:
        return "here, verified"
    if state.here:
        return f"here, not verified: run `footnote models verify {state.model.name}`"
    return f"not here: run `footnote models pull {state.model.name}`"


COMMANDS = (models,)
