"""An index as one file, and back."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from pathlib import Path, PureWindowsPath

from ingest.embedding import publish
from rag.database import copy_database
from rag.errors import BadIndex, BadInput
from rag.files import absolute, sha256_of
from rag.index import LIBRARY, Index, open_index

SUMS = "SHA256SUMS"
DATABASE = ".sqlite3"
_PASSING = re.compile(
    r"(chroma|reading-[^/]*|reindex-[^/]*)/|write\.lock$|watch-[^/]*$|.*-(wal|shm|journal)$"
)
# What a damaged file makes zipfile and its decompressors raise.
BROKEN = (OSError, EOFError, RuntimeError, ValueError, zlib.error)


def backup(index: Index, target: Path) -> int:
    """Write the whole index into one ZIP file, read it back and compare. Returns its bytes.

    What else lies in its folder, such as conversations, comes along. Vectors are in the library, so
    Chroma's files are not needed. The target changes only when all
    is well. Raises ``IndexBusy`` when another process is writing, ``BadInput`` for a target that
    cannot be written, or that lies in the index's folder.
    """
    if target.resolve().is_relative_to(index.folder.resolve()):
        raise BadInput(
            f"{str(target)!r} is in the index's own folder, where it would be saved with it: "
            "give another place"
        )
    part = target.with_name(target.name + ".part")
    try:
        with index.lock(), tempfile.TemporaryDirectory(dir=target.absolute().parent) as scratch:
            sums = {}
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for kept in _kept(index.folder):
                    path, name = kept, kept.relative_to(index.folder).as_posix()
                    if path.suffix == DATABASE:
                        path = Path(scratch) / kept.name
                        copy_database(kept, path)
                    archive.write(path, name)
                    sums[name] = sha256_of(path)
                lines = (f"{digest}  {name}\n" for name, digest in sums.items())
                archive.writestr(SUMS, "".join(lines))
        with zipfile.ZipFile(part) as archive:
            _verify(archive, part)
        part.replace(target)
    except sqlite3.Error as error:
        raise BadIndex(f"{str(index.folder)!r} cannot be copied ({error})") from error
    except OSError as error:
        raise BadInput(
            f"the backup {str(target)!r} cannot be written ({error.strerror}): "
            "give another place, or make room"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def _kept(folder: Path) -> list[Path]:
    """The files of an index that cannot be made again from the others."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if not _PASSING.match(path.relative_to(folder).as_posix())]


def restore(source: Path, folder: str | Path) -> Index:
    """Make an index in a new or empty folder from a backup, verified before it appears there.

    Raises ``BadInput`` for a folder that holds anything, ``BadIndex`` for a damaged backup.
    """
    target = absolute(folder)
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise BadInput(f"{str(target)!r} is no folder of its own: give a new one with --index")
    if target.exists() and any(target.iterdir()):
        raise BadInput(f"{str(target)!r} is not empty: give a new folder with --index")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise BadInput(f"{str(target)!r} cannot be made ({error.strerror})") from error
    try:
        with zipfile.ZipFile(source) as archive:
            for name in _verify(archive, source):
                path = part / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as packed, path.open("wb") as file:
                    shutil.copyfileobj(packed, file)
        open_index(part).close()
        if target.exists():
            target.rmdir()
        part.replace(target)
    except (*BROKEN, zipfile.BadZipFile) as error:
        raise BadIndex(
            f"{str(source)!r} cannot be restored ({error}): take another backup, or make room"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    index = open_index(target)
    with index.lock():
        publish(index)
    return index


def _verify(archive: zipfile.ZipFile, path: Path) -> list[str]:
    """The names in a backup, all of them an index's own and as they were written."""
    names = [name for name in archive.namelist() if name != SUMS]
    try:
        lines = archive.read(SUMS).decode().splitlines()
    except (KeyError, UnicodeDecodeError) as error:
        raise BadIndex(f"{str(path)!r} is no backup of an index: it has no {SUMS}") from error
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if sorted(names) != sorted(sums) or LIBRARY not in sums or not all(map(_stays_inside, names)):
        raise BadIndex(f"{str(path)!r} is damaged: its parts are not those it lists")
    for name, digest in sums.items():
        with archive.open(name) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        if found != digest or (name.startswith("originals/") and not name.endswith(digest)):
            raise BadIndex(f"{str(path)!r} is damaged: {name} is not what was written")
    return names


def _stays_inside(name: str) -> bool:
    """Whether a file of this name lands in the folder it is unpacked to, on any system."""
    path = PureWindowsPath(name)
    return bool(path.parts) and not path.anchor and ".." not in path.parts
