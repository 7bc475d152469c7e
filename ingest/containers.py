"""Stub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.errors import BadDocument


@dataclass(frozen=True)
class Document:
    """Stub."""

    uri: str
    path: Path


def is_container(path: Path) -> bool:
    """Stub."""
    return False


def members(path: Path, into: Path) -> Iterator[Document | BadDocument]:
    """Stub."""
    yield Document(str(path), path)
