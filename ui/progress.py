"""Progress bars and the report of an ingest run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Never

import click
from tqdm import tqdm

from ingest.sync import FileReport, Progress, Report, State
from rag.index import Index


class BarProgress(Progress):
    """One bar for the files, one for the vectors; a line for each file that is not unchanged."""

    def __init__(self) -> None:
        self._bar: tqdm[Never] | None = None

    def files(self, total: int) -> None:
        """Begin the bar of the files."""
        self._bar = tqdm(total=total, desc="reading", unit=" files", leave=False, disable=None)

    def file(self, row: FileReport) -> None:
        """Move it on by one."""
        assert self._bar is not None
        self._bar.update()
        if row.state != "unchanged":
            with tqdm.external_write_mode():
                click.echo(_line(row))

    def vectors(self, total: int) -> None:
        """Begin the bar of the vectors."""
        assert self._bar is not None
        self._bar.close()
        if total:
            self._bar = tqdm(total=total, desc="embedding", unit=" passages", disable=None)

    def embedded(self, n: int) -> None:
        """Move it on by ``n``."""
        assert self._bar is not None
        self._bar.update(n)
        if self._bar.n == self._bar.total:
            self._bar.close()


def print_report(report: Report, index: Index) -> None:
    """What a run changed and what the index holds now; failures last, where they are seen."""
    for row in report.files:
        if row.state == "removed":
            click.echo(_line(row))
    states: tuple[State, ...] = ("added", "changed", "unchanged", "removed", "failed")
    tally = ", ".join(f"{n} {state}" for state in states if (n := report.count(state)))
    counts = index.library.counts()
    click.echo(
        f"{tally or 'no files'}; {counts.sources:,} sources and {counts.chunks:,} passages "
        f"in {str(index.folder)!r} ({report.seconds:.1f} s)"
    )
    for row in report.files:
        if row.state == "failed":
            click.echo(f"failed: {row.problem}", err=True)


@contextmanager
def counted(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error; call what it gives with how many are done, and of how many."""
    with tqdm(unit=f" {unit}", leave=False, disable=None) as bar:

        def step(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield step


def _line(row: FileReport) -> str:
    if row.state in ("failed", "removed"):
        return f"{row.state} {row.uri}"
    pages = f"{row.pages} pages, " if row.pages else ""
    warnings = "".join(f"\n    warning: {warning}" for warning in row.warnings)
    return f"{row.state} {row.uri} ({pages}{row.characters:,} characters){warnings}"
