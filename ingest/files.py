"""Which files the user means: paths, folders and patterns to a list of files."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from ingest.parse import SUPPORTED
from rag.errors import BadInput


def find_files(paths: Iterable[str | Path], known: Iterable[str] = ()) -> list[Path]:
    """Every file meant by paths, folders (searched to any depth) and glob patterns, sorted.

    In folders and patterns, hidden files and formats that are not supported are passed over; a file
    named outright is always listed. A path that is gone but among the ``known`` uris (or holds
    some) is passed over too. Raises ``BadInput`` for any other path that matches nothing.
    """
    uris = [Path(uri) for uri in known]
    found: dict[Path, None] = {}
    for given in paths:
        path = absolute(given)
        if path.is_dir():
            matches = _within(path)
        elif path.exists():
            matches = [path]
        elif glob.has_magic(str(given)):
            found_by_pattern = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
            matches = [m for p in found_by_pattern for m in _each(p)]
        else:
            matches = []
            if any(uri == path or path in uri.parents for uri in uris):
                continue
        if not matches and not path.is_dir():
            raise BadInput(f"nothing found at {str(given)!r}: check the path, or quote the pattern")
        found.update(dict.fromkeys(matches))
    return list(found)


def vanished(paths: Iterable[str | Path], known: Iterable[str]) -> list[str]:
    """Those known uris at or under the given paths that are no longer there."""
    roots = [absolute(p) for p in paths]
    return [
        uri
        for uri in known
        if not Path(uri).is_file()
        and any(root == Path(uri) or root in Path(uri).parents for root in roots)
    ]


def absolute(path: str | Path) -> Path:
    """The path from the root, without ``..``; links stay links."""
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - resolve() follows links


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _each(match: str) -> list[Path]:
    path = Path(match)
    return _within(path) if path.is_dir() else [path] if path.suffix.lower() in SUPPORTED else []


def _within(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUPPORTED
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
