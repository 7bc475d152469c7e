"""Shared by all tests: the real model, a real index over the sample library, no network."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["ANONYMIZED_TELEMETRY"] = "False"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from ingest.sync import sync
from rag.embed import Encoder, load_encoder
from rag.index import Index, create_index, open_index

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "eval" / "library"
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to any other machine is a failure, whichever library tries."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:  # noqa: ANN401
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in ("127.0.0.1", "::1", "localhost", "local"):
            raise AssertionError(f"a test reached for {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The default embedding model."""
    return load_encoder()


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index over the sample library."""
    folder = tmp_path_factory.mktemp("sample") / "index"
    with create_index(folder) as index:
        report = sync(index, [LIBRARY])
    assert not report.count("failed")
    return folder


@pytest.fixture(scope="session")
def sample(sample_folder: Path) -> Iterator[Index]:
    """An index over the sample library; do not write to it."""
    with open_index(sample_folder) as index:
        yield index


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """A new, empty index."""
    with create_index(tmp_path / "index") as made:
        yield made


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with three small documents."""
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "apples.txt").write_text(
        "Apples\n\nThe Bramley apple was first grown in Southwell in 1809. "
        "It is used for cooking.\n",
        encoding="utf-8",
    )
    (folder / "deep" / "pears.md").write_text(
        "# Pears\n\nThe Conference pear won a prize in London in 1885.\n", encoding="utf-8"
    )
    (folder / "plums.csv").write_text(
        "Plum,County,Year\nVictoria,Sussex,1840\nPershore,Worcestershire,1827\n", encoding="utf-8"
    )
    return folder


@pytest.fixture
def shared() -> Path:
    """The development data, where it is there."""
    if not SHARED.is_dir():
        pytest.skip(f"no development data at {SHARED}")
    return SHARED
