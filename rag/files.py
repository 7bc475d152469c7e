"""Files on disk: where they are, and what they hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

DEFAULT_INDEX = ".footnote"
# Between an archive's own place and the name of a member in it: "mail.zip!/notes.txt".
MEMBER = "!/"


def absolute(path: str | Path) -> Path:
    """The path from the root, without ``..``; links stay links.

    A later change of the working directory does not move it.
    """
    # A name such as "~$draft.docx" is no user's home and stays as it is.
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111


def sha256_of(path: Path, progress: Callable[[int, int], object] | None = None) -> str:
    """SHA-256 of a file's bytes, in hexadecimal, however large it is.

    ``progress`` gets how many bytes are done, and of how many. Raises ``OSError``.
    """
    digest = hashlib.sha256()
    done, total = 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
            done += len(block)
            if progress:
                progress(done, total)
    return digest.hexdigest()
