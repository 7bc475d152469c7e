"""The library beside the chat as HTML: what is there, and what is being read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rag.standing import changed_files, file_of
from rag.tables import FileStat
from ui.web.markup import count, facts
from ui.web.uploads import Job

if TYPE_CHECKING:
    from rag.index import Index
    from rag.tables import Counts
    from rag.types import Source

PAGE = 50
STATES = {
    "waiting": "waiting",
    "reading": "reading…",
    "embedding": "embedding…",
    "done": "ready",
    "unchanged": "unchanged",
    "failed": "failed",
}
DONE = {"add": "ready", "read again": "read again", "move": "moved", "remove": "removed"}


def sources(index: Index, words: str = "", start: int = 0) -> str:
    """A page of the sources whose title or place has these words, by title."""
    library = index.library
    with library.reading():
        shown, number = library.listed(words, start, PAGE)
        places = [source.uri for source in shown]
        stats, held = library.stats(places), library.collections(places)
        changed = set(changed_files(library, places))
        owed = library.owed_of([source.id for source in shown])
        rows = "".join(
            _row(
                source,
                _state(source, source.uri in changed, owed.get(source.id, 0)),
                stats.get(source.uri, FileStat()),
                held.get(source.uri, ""),
                library.fidelity(source.id).warnings,
            )
            for source in shown
        )
    if start + PAGE < number:
        rows += (
            f'<li><button type="button" class="fn-rest" data-start="{start + PAGE}">'
            f"{number - start - PAGE:,} more</button></li>"
        )
    if not rows:
        rows = f"<li>{'Nothing by that name.' if words.split() else 'Empty: drop files here.'}</li>"
    return rows


def jobs(running: Sequence[Job]) -> str:
    """What is being added or removed, and what became of it."""
    return "".join(
        f'<li class="fn-job fn-job-{job.state}"><span dir="auto" title="{escape(job.uri)}">'
        f"{escape(job.name)}</span><small>{_job_state(job)}</small>{_warned(job.warnings)}</li>"
        for job in running
    )


def footer(counts: Counts) -> str:
    """How much there is to ask, and where it stays."""
    owed = f", {counts.owed:,} still to be embedded" if counts.owed else ""
    held = f"{count(counts.sources, 'source')}, {count(counts.chunks, 'passage')}{owed}"
    return f"{held}. Everything stays on this machine."


def _state(source: Source, changed: bool, owed: int) -> tuple[str, str]:
    """How a source stands: a name for its looks, and words."""
    if changed:
        there = file_of(source.uri).exists()
        return "changed", "changed since it was read" if there else "the file is gone"
    return ("owed", "searchable by words") if owed else ("ready", "ready")


def _row(
    source: Source,
    state: tuple[str, str],
    stat: FileStat,
    collection: str,
    warnings: Sequence[str],
) -> str:
    look, said = state
    title, places = escape(source.title), "\n".join((source.uri, *source.also_at))
    about = facts(said, *_sizes(source, stat), _date(source, stat))
    tag = f'<small class="fn-tag" dir="auto">{escape(collection)}</small>' if collection else ""
    return (
        f'<li data-source="{escape(source.id)}" data-collection="{escape(collection)}">'
        f'<input type="checkbox" name="pick" title="Ask only this" aria-label="Ask only {title}">'
        f'<button type="button" class="fn-src" data-source="{escape(source.id)}" '
        f'title="{escape(places)}"><span dir="auto">{title}</span><small class="fn-is-{look}">'
        f'<i class="fn-dot" aria-hidden="true"></i>{about}</small>{tag}</button>'
        f'<p class="fn-doing">{_button("move", "Collection", title)}'
        f"{_button('again', 'Read again', title)}"
        f'<button type="button" class="fn-drop-src" aria-label="Remove {title} from the library" '
        f'title="Remove">×</button></p>{_warned(warnings)}</li>'
    )


def _button(name: str, verb: str, title: str) -> str:
    return (
        f'<button type="button" class="fn-do-{name}" aria-label="{verb}: {title}" '
        f'title="{verb}"></button>'
    )


def _sizes(source: Source, stat: FileStat) -> tuple[str, str]:
    pages = count(source.pages, "page") if source.pages else ""
    if stat.size is None:
        return pages or count(source.characters, "character"), ""
    return _bytes(stat.size), pages


def _bytes(size: int) -> str:
    if size < 1_000:
        return f"{size} B"
    return f"{size / 1e3:,.0f} KB" if size < 999_500 else f"{size / 1e6:,.1f} MB"


def _date(source: Source, stat: FileStat) -> str:
    """The day that the document gives itself, or else that of its file."""
    if source.date or stat.mtime_ns is None:
        return source.date[:10]
    return time.strftime("%Y-%m-%d", time.localtime(stat.mtime_ns / 1e9))


def _job_state(job: Job) -> str:
    state = DONE[job.task] if job.state == "done" else STATES[job.state]
    return facts(state, job.detail if job.detail not in (state, "") else "")


def _warned(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    rows = "".join(f'<li dir="auto">{escape(warning)}</li>' for warning in warnings)
    return (
        f'<details class="fn-warned"><summary>{count(len(warnings), "warning")}</summary>'
        f"<ul>{rows}</ul></details>"
    )
