"""Progress bars and the report of an ingest run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Never

import click
from tqdm import tqdm

from ingest.report import FileReport, Progress, Report, State
from rag.index import Index
from rag.types import Fidelity
from ui.printable import visible

STATES: tuple[State, ...] = ("added", "changed", "unchanged", "removed", "skipped", "failed")


class BarProgress(Progress):
    """A bar for the files and one for the vectors; a line for each file that is not unchanged."""

    def __init__(self) -> None:
        self._files = _bar("reading", "files", 0)
        self._vectors = _bar("embedding", "passages", 1)

    def __enter__(self) -> BarProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()
        self._vectors.close()

    def files(self, total: int) -> None:
        """Set how many files there are."""
        self._files.total = total
        self._files.refresh()

    def file(self, row: FileReport) -> None:
        """Move the bar of the files on by one."""
        self._files.update()
        if row.state != "unchanged":
            with tqdm.external_write_mode():
                click.echo(line(row))

    def embedding(self, done: int, total: int) -> None:
        """Move the bar of the vectors to where it stands."""
        self._vectors.total = total
        self._vectors.update(done - self._vectors.n)


def print_report(report: Report, index: Index) -> None:
    """What a run changed and what the index holds now; failures last, where they are seen."""
    for row in report.files:
        if row.state == "removed":
            click.echo(line(row))
    tally = ", ".join(f"{n} {state}" for state in STATES if (n := report.count(state)))
    counts = index.library.counts()
    if report.count("added") + report.count("changed") > 1:
        total = report.total()
        parts = [_count(total["pages"], "page"), f"{total['characters']:,} characters"]
        for key in ("table", "image", "warning"):
            parts.append(_count(total[f"{key}s"], key))
        parts.append(_count(total["blank_pages"], "page", " without text"))
        parts.append(_count(total["ocr_pages"], "page", " read by OCR"))
        parts.append(_count(total["flagged"], "suspicious passage", " kept out"))
        click.echo(f"read {', '.join(filter(None, parts))}")
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


def line(row: FileReport) -> str:
    """What became of one file, with its warnings."""
    if row.state in ("failed", "removed"):
        return visible(f"{row.state} {row.uri}")
    if row.state == "skipped":
        return visible(f"{row.state} {row.problem}")
    read = read_line(row.pages, row.characters, row.fidelity, row.flagged)
    return visible(f"{row.state} {row.uri} ({read})") + warning_lines(row.fidelity)


def read_line(pages: int | None, characters: int, fidelity: Fidelity, flagged: int) -> str:
    """How well a file was read, on one line."""
    parts = [
        _count(pages or 0, "page"),
        f"{characters:,} characters",
        _count(fidelity.tables, "table"),
        _count(fidelity.images, "image"),
        _count(len(fidelity.blank_pages), "page", " without text"),
    ]
    if fidelity.ocr_pages:
        sure = f", {fidelity.ocr_confidence:.0%} sure" if fidelity.ocr_confidence else ""
        parts.append(_count(len(fidelity.ocr_pages), "page", f" read by OCR{sure}"))
    parts.append(_count(flagged, "suspicious passage", " kept out"))
    return ", ".join(filter(None, parts))


def warning_lines(fidelity: Fidelity) -> str:
    """The warnings, one to a line."""
    return "".join(f"\n    warning: {warning}" for warning in fidelity.warnings)


def _count(n: int, noun: str, after: str = "") -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}{after}" if n else ""


def _bar(name: str, unit: str, position: int) -> tqdm[Never]:
    return tqdm(total=0, desc=name, unit=f" {unit}", position=position, leave=False, disable=None)
