"""What each reader sees of the library, and where goes what they add."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.containers import is_url
from rag.errors import BadInput
from rag.index import Index
from rag.library import check_name
from rag.types import Source
from ui.users import Users

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

    def check_adds(self, reader: str) -> None:
        """Raise ``BadInput`` where what the reader adds would be in no collection of theirs.

        Everybody would see it then, and they may not even know.
        """
        shared = self._shared_with(reader)
        if shared and self.collection_of(reader) is None:
            raise BadInput(
                f"nothing can be added here: {', '.join(shared)} is shared with you, but only "
                f"{', '.join(self.collections or ())} is served; ask who runs Footnote"
            )

    def folder_of(self, reader: str) -> Path:
        """Where the files lie that the reader adds: nobody replaces those of another."""
        return self.index.folder / UPLOADS / reader

    def sees_everything(self, reader: str) -> bool:
        """Whether nothing of the index is kept from this reader, as evaluations need it."""
        return self.collections is None and self.manages(reader)

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
        if not self.manages(reader):
            raise BadInput(
                "web pages are added by who sees the whole library: save the page and add the file"
            )

    def manages(self, reader: str) -> bool:
        """Whether this is a reader with whom the whole library is shared, to keep it in order."""
        return self._shared_with(reader) is None

    def check_manages(self, reader: str, what: str) -> None:
        """Raise ``BadInput`` for who does not manage the library; ``what`` is what only they do."""
        if not self.manages(reader):
            raise BadInput(f"only who sees the whole library {what}: ask them")

    def check_collection(self, reader: str, name: str) -> None:
        """Raise ``BadInput`` where the reader may not put documents into this collection.

        "" is none. Where only some collections are served, the others would be out of sight.
        """
        self.check_manages(reader, "says which collection a document is in")
        check_name(name)
        if name and self.collections is not None and name not in self.collections:
            served = ", ".join(self.collections)
            raise BadInput(f"only {served} can be seen here: choose one of these, or none")

    def check_removal(self, reader: str, source: Source) -> None:
        """Raise ``BadInput`` for who may not take a document out of the library."""
        self._check_own(reader, source, "removes what others have added")

    def check_again(self, reader: str, source: Source) -> None:
        """Raise ``BadInput`` for who may not have a document read again."""
        self._check_own(reader, source, "has the documents of others read again")

    def _check_own(self, reader: str, source: Source, what: str) -> None:
        own = self.folder_of(reader)
        places = (source.uri, *source.also_at)
        if any(is_url(uri) or not Path(uri).is_relative_to(own) for uri in places):
            self.check_manages(reader, what)

    def _shared_with(self, reader: str) -> tuple[str, ...] | None:
        return None if self.users is None else self.users.collections(reader)
