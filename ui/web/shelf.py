"""What the page's script asks for beside documents and conversations: the library's upkeep, models.

As in ``ui.web.desk``: each is a function of one JSON object, for the reader who is signed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from ingest.watched import Watched, forget, state_of, watched
from rag.errors import BadInput
from rag.types import Source
from ui.web.access import Access
from ui.web.models_panel import Models
from ui.web.uploads import Uploads

Row = Mapping[str, Any]


class Shelf:
    """Reading again, moving, folders that are followed, models that are fetched."""

    def __init__(self, access: Access, uploads: Uploads, models: Models) -> None:
        self._access = access
        self._uploads = uploads
        self._models = models

    def functions(self) -> list[Callable[[Row, str], dict[str, Any]]]:
        """What the page may call, by name."""
        return [self.read_again, self.move, self.watched, self.unwatch, self.model, self.pull]

    def read_again(self, row: Row, owner: str) -> dict[str, Any]:
        """Read the ``source`` anew."""
        self._uploads.read_again(self._source(row, owner), owner)
        return {}

    def move(self, row: Row, owner: str) -> dict[str, Any]:
        """Put the ``source`` into a ``collection``, "" for none."""
        self._uploads.move(self._source(row, owner), str(row["collection"]).strip(), owner)
        return {}

    def watched(self, row: Row, owner: str) -> dict[str, Any]:
        """The folders that are followed; only who sees everything sees where they are."""
        access = self._access
        if not access.manages(owner) or access.collections is not None:
            return {"html": "", "synced": 0}
        told = watched(access.index.folder)
        return {
            "html": "".join(map(_watched, told)),
            "synced": max((row.synced for row in told), default=0),
        }

    def unwatch(self, row: Row, owner: str) -> dict[str, Any]:
        """Show no more what is followed no longer, by its ``key``."""
        self._access.check_manages(owner, "says what is shown of folders")
        forget(self._access.index.folder, str(row["key"]))
        return {}

    def model(self, row: Row, owner: str) -> dict[str, Any]:
        """What the model ``value`` takes."""
        return {"html": self._models.need(str(row["value"]), owner)}

    def pull(self, row: Row, owner: str) -> dict[str, Any]:
        """Begin to fetch the model ``name``."""
        self._models.start(str(row["name"]), owner)
        return {}

    def _source(self, row: Row, owner: str) -> Source:
        seen = self._access.seen_by(owner).library
        source = seen.sources([str(row["source"])]).get(str(row["source"]))
        if source is None:
            raise BadInput("this document is not in the library any more")
        return source


def _watched(told: Watched) -> str:
    names = ", ".join(Path(place).name or place for place in told.places)
    state = escape(state_of(told).replace("`", ""))
    button = (
        '<button type="button" class="fn-unwatch" aria-label="Show this no more" '
        'title="Show this no more">×</button>'
        if told.state == "stopped"
        else ""
    )
    return (
        f'<li class="fn-watch fn-watch-{told.state}" data-key="{escape(told.key)}">'
        f'<small title="{escape(", ".join(told.places))}"><i class="fn-dot" aria-hidden="true"></i>'
        f'Watching <b dir="auto">{escape(names)}</b>: {state}</small>{button}</li>'
    )
