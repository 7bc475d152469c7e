"""What the page's script asks the server for: documents, conversations, the library.

Each is a function of one JSON object that gives one, run for the reader who is signed in. What
fails on purpose comes back as ``{"error": sentence}``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from rag.errors import BadInput, FootnoteError
from rag.types import Span
from ui.web import library_panel, viewer
from ui.web.access import Access
from ui.web.conversations import PAGE, Conversations
from ui.web.export import MEDIA_TYPES, export, export_name
from ui.web.feedback import add_case
from ui.web.guard import name_of
from ui.web.suggest import first_questions
from ui.web.uploads import Uploads

FAILED = "Something failed; the terminal that runs Footnote says what."
MOST_MARKS = 100

log = logging.getLogger(__name__)

Row = Mapping[str, Any]


class Desk:
    """The functions behind the page, over what each reader sees of one index."""

    def __init__(
        self,
        access: Access,
        store: Conversations,
        uploads: Uploads,
        more: Sequence[Callable[[Row, str], dict[str, Any]]] = (),
    ) -> None:
        """``more`` are further functions that the page may call."""
        self._more = more
        self._access = access
        self._store = store
        self._uploads = uploads

    def functions(self) -> list[Callable[..., dict[str, Any]]]:
        """What the page may call, by name."""
        named = (
            self.view, self.more, self.conversations, self.rename, self.delete, self.export,
            self.vote, self.library, self.jobs, self.add, self.remove, self.dismiss, self.suggest,
            *self._more,
        )  # fmt: skip
        return [served(function) for function in named]

    def view(self, row: Row, owner: str) -> dict[str, Any]:
        """A document at a passage: ``source``, ``start``, ``end``, ``also``, ``quote``."""
        also = [_span(start, end) for start, end in list(row.get("also", ()))[:MOST_MARKS]]
        try:
            span = _span(row["start"], row["end"])
            return {
                "html": viewer.view(self._access.seen_by(owner), str(row["source"]), span, also)
            }
        except KeyError:
            return {"html": viewer.gone(str(row.get("quote", "")))}

    def more(self, row: Row, owner: str) -> dict[str, Any]:
        """What comes before or after: as ``view``, with ``at`` and ``back``."""
        span, at = _span(row["start"], row["end"]), int(row["at"])
        index = self._access.seen_by(owner)
        try:
            page = viewer.more(index, str(row["source"]), at, bool(row["back"]), span)
        except KeyError as error:
            raise BadInput("there is no more of this document") from error
        return {"html": page}

    def conversations(self, row: Row, owner: str) -> dict[str, Any]:
        """The list, with ``words`` and from ``start``."""
        start = int(row.get("start", 0))
        found = self._store.found(owner, str(row.get("words", "")), start)
        rows = "".join(
            f'<li data-id="{escape(entry.id)}"><button type="button" class="fn-open" dir="auto">'
            f"{escape(entry.title)}</button></li>"
            for entry in found
        )
        if len(found) == PAGE:
            rows += (
                f'<li><button type="button" class="fn-rest" data-start="{start + PAGE}">'
                "Earlier</button></li>"
            )
        return {"html": rows}

    def rename(self, row: Row, owner: str) -> dict[str, Any]:
        """Give the conversation ``id`` the name ``title``."""
        self._store.rename(owner, str(row["id"]), str(row["title"]))
        return {}

    def delete(self, row: Row, owner: str) -> dict[str, Any]:
        """Delete the conversation ``id``."""
        self._store.delete(owner, str(row["id"]))
        return {}

    def export(self, row: Row, owner: str) -> dict[str, Any]:
        """The conversation ``id`` as a file in a ``form``: md, json or html."""
        form = row["form"]
        if form not in MEDIA_TYPES:
            raise BadInput(f"conversations are exported as {', '.join(MEDIA_TYPES)}")
        kept = self._store.load(owner, str(row["id"]))
        return {
            "text": export(kept, form, self._access.seen_by(owner)),
            "name": export_name(kept, form),
            "type": MEDIA_TYPES[form],
        }

    def vote(self, row: Row, owner: str) -> dict[str, Any]:
        """What the reader thinks of answer ``number`` of ``id``; with ``case``, keep it as one.

        ``vote`` is 1, -1 or 0, ``reason`` in words. A case is answered by the words ``quote`` of
        ``source``, or by nothing in the library.
        """
        conversation, number = str(row["id"]), int(row["number"])
        reason = str(row.get("reason", ""))
        self._store.vote(owner, conversation, number, int(row["vote"]), reason)
        if not row.get("case"):
            return {"said": "Thank you."}
        kept = self._store.load(owner, conversation)
        if not 1 <= number <= len(kept.exchanges):
            raise BadInput("this answer is not there any more")
        quote, source = str(row.get("quote", "")), str(row.get("source", ""))
        path = add_case(self._access.seen_by(owner), kept, number, quote, source, reason)
        return {"said": f"Kept as a case: footnote eval run {path}"}

    def library(self, row: Row, owner: str) -> dict[str, Any]:
        """The sources with ``words``, from ``start``, how much there is, and what may be done.

        Of the ``chosen`` ids, those that are still there come back.
        """
        index = self._access.seen_by(owner)
        counts = index.library.counts()
        start = int(row.get("start", 0))
        chosen = [str(source) for source in row.get("chosen", ())]
        return {
            "chosen": sorted(index.library.sources(chosen)) if chosen else [],
            "collections": index.library.collection_names(),
            "into": self._access.collection_of(owner) or "",
            "whole": self._access.manages(owner),
            "html": library_panel.sources(index, str(row.get("words", "")), start),
            "count": f"{counts.sources:,}",
            "foot": library_panel.footer(counts),
            "reader": owner,
        }

    def jobs(self, row: Row, owner: str) -> dict[str, Any]:
        """What is being added or removed, and whether anything still is."""
        jobs = self._uploads.jobs(owner)
        running = sum(not job.is_over for job in jobs)
        return {"html": library_panel.jobs(jobs), "running": running}

    def add(self, row: Row, owner: str) -> dict[str, Any]:
        """Add the ``addresses``, one a line, or the file uploaded to ``path`` as ``name``.

        They go into the ``collection``, where one is given.
        """
        collection = str(row["collection"]).strip() if row.get("collection") else None
        if row.get("addresses"):
            self._uploads.add_addresses(str(row["addresses"]), owner, collection)
        if row.get("path"):
            path, name = _uploaded(str(row["path"])), str(row["name"])
            self._uploads.add_file(path, name, owner, collection)
        return {}

    def remove(self, row: Row, owner: str) -> dict[str, Any]:
        """Drop the ``source`` from the library, wherever it lies."""
        seen = self._access.seen_by(owner).library
        source = seen.sources([str(row["source"])]).get(str(row["source"]))
        if source is None:
            raise BadInput("this document is not in the library any more")
        self._uploads.remove(source, owner)
        return {}

    def dismiss(self, row: Row, owner: str) -> dict[str, Any]:
        """Forget what was added or removed."""
        self._uploads.dismiss(owner)
        return {}

    def suggest(self, row: Row, owner: str) -> dict[str, Any]:
        """Questions to begin with."""
        return {"questions": first_questions(self._access.seen_by(owner))}


def served(function: Callable[[Row, str], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A function as Gradio serves it: with the reader's name, and failures as a sentence."""

    def call(row: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        try:
            return function(row, owner_of(request))
        except FootnoteError as error:
            return {"error": str(error)}
        except Exception:
            log.exception("%s of %s failed", function.__name__, json.dumps(row)[:200])
            return {"error": FAILED}

    call.__name__ = function.__name__
    return call


def owner_of(request: gr.Request) -> str:
    """Who is signed in; "" where nobody needs to.

    Gradio tells events, but not the functions of a component, so the cookie is looked up again.
    """
    name = getattr(request, "username", None)
    app: Any = getattr(request, "app", None)
    if not name and hasattr(app, "tokens"):
        name = name_of(app, request.cookies)
    return str(name or "")


def _span(start: Any, end: Any) -> Span:  # noqa: ANN401 - from JSON
    return Span(max(0, int(start)), max(0, int(end)))


def _uploaded(path: str) -> Path:
    """A file that was uploaded to this server; no other path is ever touched."""
    found = Path(path).resolve()
    if not found.is_relative_to(Path(get_upload_folder()).resolve()) or not found.is_file():
        raise BadInput("the upload did not arrive: add the file again")
    return found
