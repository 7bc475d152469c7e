"""The files as they were when they were read, kept so that a citation can always be opened."""

from __future__ import annotations

from pathlib import Path

from rag.errors import BadIndex
from rag.index import Index


def original_path(index: Index, sha256: str) -> Path:
    """Where the bytes of a source are kept."""
    return index.folder / "originals" / sha256[:2] / sha256


def keep_original(index: Index, copy: Path, sha256: str) -> None:
    """Take the copy of a file into the index. Raises ``BadIndex`` when it cannot be."""
    target = original_path(index, sha256)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        copy.replace(target)
    except OSError as error:
        raise BadIndex(
            f"{str(target)!r} cannot be written ({error.strerror}): make room or check "
            "permissions, then run this again; what is done is kept"
        ) from error


def clean_originals(index: Index) -> None:
    """Delete the bytes of sources that the index does not know any more."""
    kept = index.library.hashes()
    for path in (index.folder / "originals").glob("*/*"):
        if path.name not in kept:
            path.unlink()
