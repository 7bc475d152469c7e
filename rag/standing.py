"""Whether what was quoted is still what the file says."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from rag.files import MEMBER
from rag.library import Library
from rag.tables import FileStat, Standing
from rag.types import Answer


def standing(library: Library, answer: Answer) -> dict[int, Standing]:
    """For every citation of an answer, by number, what has become of the source it quotes.

    ``current``: the index holds the same bytes at some place. ``superseded``: the file was read
    again with another content; the version quoted can still be shown. ``gone``: it was removed.
    """
    return {c.number: library.standing(c.source_id) for c in answer.citations}


def changed_files(library: Library, uris: Iterable[str]) -> list[str]:
    """Those of the places whose file is no longer as it was when it was read, or is gone.

    Judged by size and time of change, without reading the files.
    """
    return sorted(
        uri
        for uri, stat in library.stats(uris).items()
        if stat.size is not None and _moved(uri, stat)
    )


def stat_of(path: Path) -> FileStat:
    """Size and time of change of a file. Raises ``OSError``."""
    found = path.stat()
    return FileStat(found.st_size, found.st_mtime_ns)


def file_of(uri: str) -> Path:
    """The file on disk of a place, which may be a member of an archive."""
    parts = uri.split(MEMBER)
    # The name of a folder may end as that of an archive is marked: "Urgent!/plain.md".
    ways = (MEMBER.join(parts[:n]) for n in range(len(parts), 0, -1))
    return Path(next(filter(os.path.isfile, ways), uri))


def _moved(uri: str, stat: FileStat) -> bool:
    try:
        return stat_of(file_of(uri)) != stat
    except OSError:
        return True
