"""What measurements have in common: an index for as long as one takes, and how far it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.index import Index, create_index

Progress = Callable[[int, int], None]
"""Is told how many of all are done."""


def quiet(done: int, total: int) -> None:
    """The progress that nobody wants to know of."""


@contextmanager
def scratch_index() -> Iterator[Index]:
    """A new index that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="footnote-", ignore_cleanup_errors=True) as folder,
        create_index(Path(folder) / "index") as index,
    ):
        yield index
