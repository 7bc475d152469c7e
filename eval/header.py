"""What a run was made with: everything one needs to make it again, or to doubt it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from eval.cases import Case
from rag.files import sha256_of
from rag.index import Index
from rag.settings import Settings

ROOT = Path(__file__).parents[1]
PACKAGES = ("chromadb", "langchain-core", "numpy", "onnxruntime", "sentence-transformers")
SEED = 0
# What may differ between two sittings of one run; ``code_sha256`` says what ``commit`` hints at.
PASSING = ("date", "warm_seconds", "commit", "dirty")
# What two runs must share so that the difference between them is one of answering.
SAME = {"corpus_sha256": "documents", "cases_sha256": "cases"}


def make_header(index: Index, cases: Sequence[Case], settings: Settings) -> dict[str, Any]:
    """The header of a run. All hashes are SHA-256, in hexadecimal.

    ``corpus_sha256`` is that of the documents' own hashes, ``chunks_sha256`` of where every chunk
    starts and ends, ``cases_sha256`` of the cases in their order, ``code_sha256`` of the program
    that answers (``rag`` and ``ingest``) and ``weights`` those of its own models; ``model_files``,
    where there are such, those of a language model or verifier that is a file of this machine.
    ``commit`` and ``dirty`` are of the checkout it runs from, if it does. Raises ``ModelError``
    when such a file is not here.
    """
    sources = index.library.sources()
    manifest = index.manifest
    commit, dirty = _checkout()
    code = sorted(p for f in ("rag", "ingest") for s in ("py", "json") for p in _files(f, s))
    return {
        "package": _version("footnote-rag"),
        "commit": commit,
        "dirty": dirty,
        "code_sha256": _digest(f"{p.relative_to(ROOT)}\0{sha256_of(p)}" for p in code),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "settings": {f.name: _named(getattr(settings, f.name)) for f in fields(settings)}
        | {"base_url": address_of(settings.base_url)},
        "corpus_sha256": _digest(sorted(source.sha256 for source in sources.values())),
        "chunks_sha256": _digest(
            f"{sources[i].sha256} {chunk.start} {chunk.end}"
            for i in sorted(sources, key=lambda i: sources[i].sha256)
            for chunk in index.library.chunks_of(i)
        ),
        "index_revision": index.library.revision(),
        "embedding_model": manifest.embedding_model,
        "embedding_sha256": manifest.embedding_fingerprint,
        "weights": {p.name: sha256_of(p) for s in ("json", "onnx") for p in _files("rag", s)},
        **({"model_files": models} if (models := _model_files(settings)) else {}),
        "calibration": None if manifest.calibration is None else asdict(manifest.calibration),
        "sources": len(sources),
        "chunks": index.library.counts().chunks,
        "cases": len(cases),
        "cases_sha256": _digest(map(_known, cases)),
        "seed": SEED,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def address_of(url: str) -> str:
    """A server's address without what may be secret in it: name, password, query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def settings_of(header: Mapping[str, Any], now: Settings) -> Settings:
    """The settings of a run, to go on with it.

    What a header tells by its name only, such as a model object, is taken from ``now`` where it has
    that name.
    """
    made = dict(header["settings"])
    if made.get("base_url") == address_of(now.base_url):
        made["base_url"] = now.base_url
    changed: dict[str, Any] = {
        f.name: tuple(made[f.name]) if isinstance(made[f.name], list) else made[f.name]
        for f in fields(now)
        if f.name in made and _named(getattr(now, f.name)) != _named(made[f.name])
    }
    return replace(now, **changed)


def differences(
    a: Mapping[str, Any], b: Mapping[str, Any], names: Iterable[str] | None = None
) -> list[str]:
    """The fields in which two headers differ, of those named or of all that do not pass."""
    names = [n for n in {**a, **b} if n not in PASSING] if names is None else names
    return [name for name in names if a.get(name) != b.get(name)]


def _model_files(settings: Settings) -> dict[str, str]:
    """The hashes of the files of this machine that answer and verify, beside our own."""
    from rag.model_store import find_model

    paths = []
    if settings.engine != "extractive" and isinstance(settings.llm, str):
        provider, _, model = settings.llm.partition(":")
        paths += [find_model(model)] if provider == "local" else []
    if settings.verifier and (folder := Path(settings.verifier)).is_dir():
        paths += sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.name: sha256_of(path) for path in paths}


def _named(value: object) -> str | float | list[str] | None:
    """A setting as it is, or the name of the object that was given for it, such as a model."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple | list):
        return list(value)
    model = getattr(value, "model_name", None) or getattr(value, "model", "")
    return f"{type(value).__name__} {model}".strip()


def _known(case: Case) -> str:
    """What a case says, so that a field it does not use changes nothing."""
    said = {name: value for name, value in asdict(case).items() if value not in ("", (), [])}
    return json.dumps(said, sort_keys=True)


def _files(folder: str, suffix: str) -> list[Path]:
    return sorted((ROOT / folder).glob(f"*.{suffix}"))


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def _checkout() -> tuple[str, bool | None]:
    """The commit the program runs from and whether files differ from it; "" outside of git."""
    if not (ROOT / ".git").exists():
        return "", None
    try:
        commit = _git("rev-parse", "HEAD").strip()
        return commit, bool(_git("status", "--porcelain", "--untracked-files=no").strip())
    except (OSError, subprocess.SubprocessError):
        return "", None


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
