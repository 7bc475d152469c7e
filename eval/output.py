"""What the evaluation writes: files where it is told to, and tables as plain text."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import BadInput


def check_writable(path: str | Path | None) -> None:
    """Fail before the work rather than after it; leaves everything as it was.

    Raises ``BadInput`` for a path that ``write_text`` could not write to.
    """
    if path is None or Path(path).is_fifo():  # to open one waits for who reads it
        return
    place = _written_first(Path(path))
    was_there = place.exists()
    try:
        place.open("a").close()
        if not was_there:
            place.resolve().unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write_text(path: str | Path, text: str) -> None:
    """Write a file as a whole or not at all.

    A link and what is no plain file, such as ``/dev/stdout``, is written into. Raises ``BadInput``
    where that cannot be done.
    """
    first = _written_first(Path(path))
    try:
        first.write_text(text, encoding="utf-8")
        if first != Path(path):
            first.replace(path)
    except (OSError, UnicodeError) as error:
        raise _unwritable(path, error) from error


def write_json(path: str | Path | None, value: Mapping[str, Any]) -> None:
    """Write JSON as a whole or not at all, if a file is asked for.

    Raises ``BadInput`` where that cannot be done.
    """
    if path is not None:
        write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Rows of cells as plain text, to the right but for the columns to the ``left``."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n in left else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _written_first(path: Path) -> Path:
    """The file beside a path that takes its place once it is whole, or the path itself."""
    into = path.is_symlink() or (path.exists() and not path.is_file())
    return path if into else path.with_name(f"{path.name}.part")


def _unwritable(path: str | Path, error: OSError | UnicodeError) -> BadInput:
    reason = error.strerror if isinstance(error, OSError) else error
    return BadInput(
        f"{str(path)!r} cannot be written ({reason}): give another file, in a folder that is there"
    )
