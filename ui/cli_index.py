"""Commands that make, change and show an index."""

from __future__ import annotations

import json
from pathlib import Path

import click

from rag.errors import BadInput
from ui.options import index_option, json_option


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
@index_option
@click.option("--embedding-model", metavar="NAME_OR_PATH", help="For a new index.")
@click.option("--allow-private", is_flag=True, help="Fetch pages of private networks too.")
@click.option(
    "--collection",
    metavar="NAME",
    help='Put all of it, and what comes there later, into this collection; "" takes it out.',
)
@json_option
def ingest(
    paths: tuple[str, ...],
    index_dir: str,
    embedding_model: str | None,
    allow_private: bool,
    collection: str | None,
    as_json: bool,
) -> None:
    """Bring an index up to date with files, folders, patterns, web pages and sitemaps.

    New files are added, changed ones replaced, unchanged ones skipped, vanished ones dropped.
    """
    from ingest.containers import is_url
    from ingest.files import find_files
    from ingest.sync import sync
    from rag.index import create_index
    from ui.progress import BarProgress, print_report

    if not Path(index_dir).exists():
        # A wrong path should not leave an empty index behind.
        find_files([path for path in paths if not is_url(path)])
    with create_index(index_dir, embedding_model) as index:
        if as_json:
            report = sync(index, paths, allow_private=allow_private, collection=collection)
            click.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=1))
        else:
            with BarProgress() as progress:
                report = sync(
                    index, paths, progress, allow_private=allow_private, collection=collection
                )
            print_report(report, index)
    if report.count("failed"):
        raise SystemExit(1)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
@index_option
def remove(paths: tuple[str, ...], index_dir: str) -> None:
    """Drop documents from an index; the files themselves stay."""
    from ingest.sync import remove as drop
    from rag.index import open_index

    with open_index(index_dir) as index:
        report = drop(index, paths)
    if not report.files:
        raise BadInput(
            f"nothing of {', '.join(map(repr, paths))} is in the index: see `footnote library`"
        )
    for row in report.files:
        click.echo(f"removed {row.uri}")


@click.group(invoke_without_command=True)
@index_option
@json_option
@click.pass_context
def library(ctx: click.Context, index_dir: str, as_json: bool) -> None:
    """List what an index holds, and how well it was read."""
    if ctx.invoked_subcommand is not None:
        return
    from rag.index import open_index
    from ui.library import list_sources

    with open_index(index_dir) as index:
        click.echo(list_sources(index, as_json))


@library.command()
@click.argument("source")
@index_option
@json_option
def show(source: str, index_dir: str, as_json: bool) -> None:
    """Print the parsed text of a source with where it stands in the original.

    SOURCE is a path as `footnote library` lists it, the end of one, or part of its title.
    """
    from rag.index import open_index
    from ui.library import show_source

    with open_index(index_dir) as index:
        click.echo(show_source(index, source, as_json))


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
@index_option
def watch(paths: tuple[str, ...], index_dir: str) -> None:
    """Follow files and folders: what changes there is in the index a moment later."""
    from ingest.watch import follow
    from rag.index import create_index
    from ui.progress import BarProgress, print_report

    with create_index(index_dir) as index:
        for report in follow(index, paths, BarProgress):
            print_report(report, index)


@click.command()
@index_option
@click.option("--embedding-model", metavar="NAME_OR_PATH", help="Change to this one.")
def reindex(index_dir: str, embedding_model: str | None) -> None:
    """Read every document again from its kept original; the old index answers meanwhile."""
    from ingest.reindex import reindex as make_anew
    from rag.index import open_index
    from ui.progress import BarProgress, print_report

    with open_index(index_dir) as index:
        with BarProgress() as progress:
            report = make_anew(index, embedding_model, progress)
        print_report(report, index)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@index_option
def backup(file: str, index_dir: str) -> None:
    """Write a whole index into one file."""
    from ingest.backup import backup as write
    from rag.index import open_index

    with open_index(index_dir) as index:
        size = write(index, Path(file))
    click.echo(f"{file}: {size / 1e6:,.1f} MB, verified")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True))
@index_option
def restore(file: str, index_dir: str) -> None:
    """Make an index from a backup, in a new or empty folder."""
    from ingest.backup import restore as read

    with read(Path(file), index_dir) as index:
        counts = index.library.counts()
    click.echo(f"{counts.sources:,} sources and {counts.chunks:,} passages in {index_dir!r}")


COMMANDS = (ingest, remove, library, watch, reindex, backup, restore)
