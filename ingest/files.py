"""Which files the user means: paths, folders and patterns to a list of files."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
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
            matches = [m for p in _matching(str(path)) for m in _each(Path(p))]
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
        if _is_gone(Path(uri))
        and any(root == Path(uri) or root in Path(uri).parents for root in roots)
    ]


def absolute(path: str | Path) -> Path:
    """The path from the root, without ``..``; links stay links."""
    # A name such as "~$draft.docx" is no user's home and stays as it is.
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111


def _is_gone(path: Path) -> bool:
    """Whether there is surely no such file; one that cannot be looked at may be there."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _matching(pattern: str) -> list[str]:
    """Paths that match, sorted; of several ways to one file, through links in a circle, one."""
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute one
    ways = {os.path.realpath(path): path for path in sorted(found, key=len, reverse=True)}
    return sorted(ways.values())


def _each(path: Path) -> list[Path]:
    """What a pattern's match stands for; a link to a folder may lead round in a circle."""
    if path.is_dir():
        return [] if path.is_symlink() else _within(path)
    return [path] if path.suffix.lower() in SUPPORTED else []


def _within(folder: Path) -> list[Path]:
    """Files of supported formats below a folder, and folders that cannot be looked into."""
    found: list[Path] = []

    def refused(error: OSError) -> None:
        # Listed, so that reading it fails and is reported.
        found.append(Path(str(error.filename)))

    for parent, folders, names in os.walk(folder, onerror=refused):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(parent, name) for name in names if not name.startswith(".")]
        found += [p for p in paths if p.suffix.lower() in SUPPORTED and p.is_file()]
    return sorted(found)
