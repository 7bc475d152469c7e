"""The commands that say who may sign in to ``footnote serve``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rag.errors import BadInput

file_option = click.option(
    "--auth-file",
    required=True,
    envvar="FOOTNOTE_AUTH_FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file of users; made when there is none.",
)


@click.group()
def users() -> None:
    """Say who may sign in to `footnote serve --auth-file FILE`."""


@users.command()
@click.argument("name")
@file_option
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="NAME",
    help="Let the user see this collection, and what is in none; again for more. All by default.",
)
def add(name: str, auth_file: Path, collections: tuple[str, ...]) -> None:
    """Add a user, or change the password of one.

    The password is asked for, or read from standard input when that is no terminal.
    """
    from ui.users import put_user

    is_new = put_user(auth_file, name, _password(), collections or None)
    click.echo(f"{'added' if is_new else 'changed'} {name} in {auth_file}")


@users.command()
@click.argument("name")
@file_option
def remove(name: str, auth_file: Path) -> None:
    """Take a user out; who is signed in under that name is no longer."""
    from ui.users import remove_user

    remove_user(auth_file, name)
    click.echo(f"removed {name} from {auth_file}")


@users.command("list")
@file_option
def list_users(auth_file: Path) -> None:
    """Show who may sign in, and what each may see."""
    from ui.users import read_users

    for user in read_users(auth_file).values():
        seen = "everything"
        if user.collections is not None:
            seen = ", ".join((*user.collections, "what is in no collection"))
        click.echo(f"{user.name}: {seen}")


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    line = sys.stdin.readline()
    if not line:
        raise BadInput("standard input holds no password: write it there, on one line")
    return line.removesuffix("\n").removesuffix("\r")


COMMANDS = (users,)
