"""Vectors in Chroma, shared by a writing and a reading process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from rag.embed import Vectors
from rag.types import Chunk
from rag.vectors import State, VectorIndex
from tests.conftest import ROOT


def chunk(i: int) -> Chunk:
    return Chunk(f"s-{i}", "s", f"text {i}", i, i + 1)


def at(revision: int, size: int) -> State:
    return State(revision, "chunks-1", size)


def unit(n: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(n, 16)).astype(np.float32)
    normed: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normed


def opened(folder: Path) -> VectorIndex:
    lock = FileLock(folder / "write.lock", timeout=5)
    return VectorIndex(folder / "chroma", lock)


def write(index: VectorIndex, n: int, batch: int = 250) -> None:
    """Write ``n`` vectors as an ingest does, then take away every tenth."""
    with index.writing(at(0, 0)):
        for i in range(0, n, batch):
            chunks = [chunk(j) for j in range(i, i + batch)]
            index.upsert(chunks, unit(batch, i), revision=i)
        index.delete([f"s-{j}" for j in range(0, n, 10)], revision=n)


def test_nearest_is_the_exact_cosine(tmp_path: Path) -> None:
    index, vectors = opened(tmp_path), unit(300, 1)
    with index.writing(at(0, 0)):
        index.upsert([chunk(i) for i in range(300)], vectors, revision=1)
    query = unit(1, 2)[0]
    found = index.nearest(query, 10, at(1, 300))
    cosine = vectors @ query
    best = np.argsort(-cosine)[:10]
    assert found is not None
    assert list(found) == [f"s-{i}" for i in best]
    assert list(found.values()) == pytest.approx(cosine[best], abs=1e-5)
    assert len(index.nearest(query, 1000, at(1, 300)) or ()) == 300
    index.close()


def test_more_than_chromas_batch_at_once(tmp_path: Path) -> None:
    index = opened(tmp_path)
    with index.writing(at(0, 0)):
        index.upsert([chunk(i) for i in range(6000)], unit(6000, 1), revision=1)
        assert index.count() == 6000
        index.delete([f"s-{i}" for i in range(6000)], revision=2)
        assert index.count() == 0
    index.close()


def test_a_reader_waits_with_opening_until_the_writer_is_done(tmp_path: Path) -> None:
    writer, reader = opened(tmp_path), opened(tmp_path)
    query = unit(1, 0)[0]
    with writer.writing(at(0, 0)):
        writer.upsert([chunk(0)], unit(1, 0), revision=1)
        assert not reader.follow(at(1, 1))
        assert reader.nearest(query, 1, at(1, 1)) is None
        assert list(writer.nearest(query, 1, at(1, 1)) or ()) == ["s-0"]
    assert reader.follow(at(1, 1))
    assert list(reader.nearest(query, 1, at(1, 1)) or ()) == ["s-0"]
    writer.close()
    reader.close()


CHILD = """
import sys
from pathlib import Path
from tests.test_rag_vectors import opened, write
folder = Path(sys.argv[1])
write(opened(folder), int(sys.argv[2]))
"""


def test_reading_all_the_time_does_no_harm_to_a_writer(tmp_path: Path) -> None:
    n = 7000
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path), str(n)], cwd=ROOT)
    reader, query, asked = opened(tmp_path), unit(1, 0)[0], 0
    while child.poll() is None:
        asked += 1
        assert len(reader.nearest(query, 10, at(asked, 0)) or ()) in (0, 10)
        files = (tmp_path / "chroma").rglob("*.bin")
        if sum(path.stat().st_size for path in files if path.exists()) > 500_000_000:
            child.kill()
    assert child.returncode == 0
    assert reader.follow(at(n + asked, 0))
    assert reader.count() == n - n // 10
    assert len(reader.nearest(query, 100, at(n + asked, n - n // 10)) or ()) == 100
    reader.close()
