"""What each reader sees of the library, and where goes what they add."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rag.errors import BadInput
from rag.index import Index
from rag.types import Source
from ui.users import Users
from ui.web.markup import is_web

UPLOADS = "uploads"


@dataclass(frozen=True, slots=True)
class Access:
    """The whole index, and who may see which collections of it.

    ``users`` is None where nobody signs in; ``collections`` are the only ones that are served.
    A reader is known by the name signed in under, "" where there is none.
    """

    index: Index
    users: Users | None = None
    collections: tuple[str, ...] | None = None

    def seen_by(self, reader: str) -> Index:
        """The index as this reader has it. Raises ``BadInput`` for who is no user any more."""
        return self.index.within(self.collections).within(self._shared_with(reader))

    def collection_of(self, reader: str) -> str | None:
        """Where goes what the reader adds: into the first collection that is shared with them."""
        shared, served = self._shared_with(reader), self.collections
        if shared is None or served is None:
            return next(iter(shared or served or ()), None)
        return next((name for name in shared if name in served), None)

    def folder_of(self, reader: str) -> Path:
        """Where the files lie that the reader adds: nobody replaces those of another."""
        return self.index.folder / UPLOADS / reader

    def sees_everything(self, reader: str) -> bool:
        """Whether nothing of the index is kept from this reader, as evaluations need it."""
        return self.collections is None and self._shared_with(reader) is None

    def check_everything(self, reader: str) -> None:
        """Raise ``BadInput`` for who does not see the whole library.

        Runs of the evaluation quote all of it, and questions of all readers.
        """
        if not self.sees_everything(reader):
            raise BadInput("evaluations are for who sees the whole library: ask them")

    def check_address(self, reader: str) -> None:
        """Raise ``BadInput`` for who may not add web pages.

        A page has one place, so whoever adds it again would move it out of another collection.
        """
        if self._shared_with(reader) is not None:
            raise BadInput(
                "web pages are added by who sees the whole library: save the page and add the file"
            )

    def check_removal(self, reader: str, source: Source) -> None:
        """Raise ``BadInput`` for who may not take a document out of the library."""
        if self._shared_with(reader) is None:
            return
        own = self.folder_of(reader)
        for uri in (source.uri, *source.also_at):
            if is_web(uri) or not Path(uri).is_relative_to(own):
                raise BadInput(
                    "only who sees the whole library removes what others have added: ask them"
                )

    def _shared_with(self, reader: str) -> tuple[str, ...] | None:
        return None if self.users is None else self.users.collections(reader)
