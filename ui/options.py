"""Options that several commands share."""

from __future__ import annotations

import click

DEFAULT_INDEX = ".footnote"

index_option = click.option(
    "--index",
    "index_dir",
    default=DEFAULT_INDEX,
    envvar="FOOTNOTE_INDEX",
    show_default=True,
    metavar="DIR",
    help="The index's folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
