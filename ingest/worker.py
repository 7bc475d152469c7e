"""Stub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ingest.containers import Document
from ingest.parse import parse
from ingest.parsed import Parsed
from rag.errors import BadDocument


class Reader:
    """Stub."""

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def read(
        self, documents: Iterable[Document]
    ) -> Iterator[tuple[Document, Parsed | BadDocument]]:
        """Stub."""
        for document in documents:
            try:
                yield document, parse(document.path)
            except BadDocument as error:
                yield document, error
