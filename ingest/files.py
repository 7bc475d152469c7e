"""Which files the user means: paths, folders and patterns to a list of files."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.containers import CONTAINER_SUFFIXES, Document
from ingest.parse import SUPPORTED
from rag.errors import BadInput
from rag.files import MEMBER, absolute

_READABLE = SUPPORTED | CONTAINER_SUFFIXES


def find_documents(paths: Iterable[str | Path], known: Iterable[str] = ()) -> list[Document]:
    """Every file meant by paths, folders (searched to any depth) and glob patterns, sorted.

    In folders and patterns, hidden files and formats that are not supported are passed over; a file
    named outright is always listed. A link in a folder that leads out of it is not followed but
    listed with this ``problem``. A path that is gone but among the ``known`` uris (or holds some)
    is passed over too. Raises ``BadInput`` for any other path that matches nothing.
    """
    uris = list(known)
    places: set[str] | None = None
    found: dict[Path, str] = {}
    for given in paths:
        path = absolute(given)
        matches: dict[Path, str] = {}
        if _exists(path) and path.is_dir():
            matches = _within(path, _real(path))
        elif _exists(path):
            matches = {path: ""}
        elif glob.has_magic(str(given)):
            root = _real(_before_magic(path))
            for match in _matching(str(path)):
                matches |= _each(Path(match), root)
            if not matches and known_to_match(uris, path):
                continue
        else:
            places = places or places_of(uris)
            if str(path) in places:
                continue
        if not matches and not _exists(path):
            raise BadInput(f"nothing found at {str(given)!r}: check the path, or quote the pattern")
        # A link that is also named outright is read.
        found |= {m: problem for m, problem in matches.items() if not problem or m not in found}
    return [Document(str(path), path, problem) for path, problem in found.items()]


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """The paths of ``find_documents``, without those that have a problem."""
    return [found.path for found in find_documents(paths) if not found.problem]


def vanished(paths: Iterable[str | Path], known: Iterable[str]) -> list[str]:
    """Those known uris at or under the given paths that are no longer there.

    Whether a member is still in its container, only reading that tells: it is gone for sure when
    the container is.
    """
    given = [absolute(p) for p in paths]
    roots = set(map(str, given))
    patterns = [path for path in given if glob.has_magic(str(path)) and not _exists(path)]
    return [
        uri
        for uri in known
        if (not roots.isdisjoint(_ways(uri)) or any(known_to_match([uri], p) for p in patterns))
        and all(map(_is_gone, _files_of(uri)))
    ]


def places_of(uris: Iterable[str]) -> set[str]:
    """The documents, and all folders and containers that they lie in."""
    return {way for uri in uris for way in _ways(uri)}


def known_to_match(uris: Iterable[str], pattern: Path) -> bool:
    """Whether a pattern would match the file of any of these documents, were it there."""
    expression = re.compile(_translated(str(pattern)))
    return any(expression.fullmatch(str(path)) for uri in uris for path in _files_of(uri))


def _translated(pattern: str) -> str:
    """A glob pattern as a regular expression over whole paths."""
    parts = []
    for part in pattern.split("/"):
        # fnmatch's own "*" goes over slashes, which a path's part does not hold.
        inner = fnmatch.translate(part).removesuffix(r"\Z").replace(".*", "[^/]*")
        parts.append("(?:[^/]+/)*" if part == "**" else f"{inner}/")
    return "".join(parts).removesuffix("/")


def _ways(uri: str) -> Iterator[str]:
    """A document's place, and every container and folder above it."""
    for path in _files_of(uri):
        yield str(path)
    yield from map(str, path.parents)


def is_under(uri: str, root: Path) -> bool:
    """Whether a document is ``root``, or in that folder or container."""
    path = Path(uri)
    return path == root or root in path.parents or uri.startswith(f"{root}{MEMBER}")


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - of a name too long, Path.exists fails


def _files_of(uri: str) -> Iterator[Path]:
    """The files that a uri may stand for: itself, or the container that it is a member of."""
    yield Path(uri)
    at = uri.find(MEMBER)
    while at >= 0:
        yield Path(uri[:at])
        at = uri.find(MEMBER, at + 1)


def _is_gone(path: Path) -> bool:
    """Whether there is surely no such file; one that cannot be looked at may be there."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no path at all
        return True
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG


def _matching(pattern: str) -> list[str]:
    """Paths that match, sorted; of several ways to one file, through links in a circle, one."""
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute one
    ways = {os.path.realpath(path): path for path in sorted(found, key=len, reverse=True)}
    return sorted(ways.values())


def _before_magic(pattern: Path) -> Path:
    """The folder in which a pattern begins to match."""
    plain = [part for part in (pattern, *pattern.parents) if not glob.has_magic(str(part))]
    return plain[0]


def _each(path: Path, root: Path) -> dict[Path, str]:
    """What a pattern's match stands for; a link to a folder may lead round in a circle."""
    if path.is_dir():
        if problem := _leads_out(path, root):
            return {path: problem}
        return {} if path.is_symlink() else _within(path, root)
    return {path: _leads_out(path, root)} if path.suffix.lower() in _READABLE else {}


def _within(folder: Path, root: Path) -> dict[Path, str]:
    """Files of supported formats below a folder, and folders that cannot be looked into.

    With each its problem, where it is a link that leads out of ``root``.
    """
    found: dict[Path, str] = {}

    def refused(error: OSError) -> None:
        # Listed, so that reading it fails and is reported.
        found[Path(str(error.filename))] = ""

    for parent, folders, names in os.walk(folder, onerror=refused):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in folders):
            if problem := path.is_symlink() and _leads_out(path, root):
                found[path] = problem
        for path in (Path(parent, name) for name in names if not name.startswith(".")):
            if path.suffix.lower() in _READABLE and path.is_file():
                found[path] = _leads_out(path, root) if path.is_symlink() else ""
    return dict(sorted(found.items()))


def _leads_out(path: Path, root: Path) -> str:
    """What to tell of a path that links lead out of ``root``; "" for all else."""
    target = _real(path)
    if target == root or root in target.parents:
        return ""
    return (
        f"{path}: is or lies behind a link to {target}, outside of {root}: not followed; "
        "to read it, give that path too"
    )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
