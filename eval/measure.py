"""What measurements have in common: halves of a set, an index for a while, how far one is."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rag.index import Index, create_index

Half = Literal["tune", "report"]
HALVES: tuple[Half, Half] = ("tune", "report")
"""What is chosen is chosen on one half of a set, and what it does is told of the other."""

Progress = Callable[[int, int], None]
"""Is told how many of all are done."""


def quiet(done: int, total: int) -> None:
    """The progress that nobody wants to know of."""


def half_of(name: str, byte: int = -1) -> Half:
    """Which half a row belongs to, by a byte of the hash of what it is called.

    Chunking and calibration go by the first byte, all else by the last one. What was fitted and
    published stands on these halves, so that they may not be made alike.
    """
    return HALVES[hashlib.sha256(name.encode()).digest()[byte] % 2]


@contextmanager
def scratch_index() -> Iterator[Index]:
    """A new index that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="footnote-", ignore_cleanup_errors=True) as folder,
        create_index(Path(folder) / "index") as index,
    ):
        yield index
