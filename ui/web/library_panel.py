"""The library beside the chat as HTML: what is there, and what is being read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rag.standing import changed_files
from ui.web.markup import count, facts, file_name
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


def sources(index: Index, words: str = "", start: int = 0) -> str:
    """A page of the sources whose title or place has these words, by title."""
    library = index.library
    with library.reading():
        every = library.sources().values()
        wanted = words.casefold().split()
        found = [s for s in every if all(w in f"{s.title} {s.uri}".casefold() for w in wanted)]
        found.sort(key=lambda source: (source.title.casefold(), source.uri))
        shown = found[start : start + PAGE]
        changed = set(changed_files(library, [source.uri for source in shown]))
        held = library.collections()
        rows = "".join(
            _row(index, source, source.uri in changed, held.get(source.uri, "")) for source in shown
        )
    if start + PAGE < len(found):
        rows += (
            f'<li><button type="button" class="fn-rest" data-start="{start + PAGE}">'
            f"{len(found) - start - PAGE:,} more</button></li>"
        )
    if not rows:
        rows = f"<li>{'Nothing by that name.' if wanted else 'Empty: drop files here.'}</li>"
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


def _row(index: Index, source: Source, changed: bool, collection: str) -> str:
    fidelity = index.library.fidelity(source.id)
    size = count(source.pages, "page") if source.pages else _characters(source.characters)
    about = facts(collection, source.date[:10], size, file_name(source.uri))
    places = "\n".join((source.uri, *source.also_at))
    notice = ("changed on disk since it was read",) if changed else ()
    return (
        f'<li data-source="{escape(source.id)}"><button type="button" class="fn-src" '
        f'data-source="{escape(source.id)}" title="{escape(places)}">'
        f'<span dir="auto">{escape(source.title)}</span>'
        f"<small>{about}</small></button>"
        f'<button type="button" class="fn-drop-src" aria-label="Remove '
        f'{escape(source.title)} from the library" title="Remove">×</button>'
        f"{_warned((*notice, *fidelity.warnings))}</li>"
    )


def _characters(number: int) -> str:
    return f"{number:,} characters" if number < 10_000 else f"{number / 1000:,.0f}k characters"


def _job_state(job: Job) -> str:
    state = "removed" if job.is_removal and job.state == "done" else STATES[job.state]
    return facts(state, job.detail if job.detail != state else "")


def _warned(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    rows = "".join(f'<li dir="auto">{escape(warning)}</li>' for warning in warnings)
    return (
        f'<details class="fn-warned"><summary>{count(len(warnings), "warning")}</summary>'
        f"<ul>{rows}</ul></details>"
    )
