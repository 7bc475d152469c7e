"""The small model that reads: what it gives for any text, and that its file is the one measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import reader
from rag.errors import ModelError
from rag.reader import Reader, load_reader
from rag.types import Span

QUESTION = "When did Nikola Tesla move to Colorado Springs?"
MOVED = "In 1899, Nikola Tesla moved to Colorado Springs, where Leonard Curtis helped him."
BUILT = "Workers built a tower of wood there. It stood for many years."


def test_it_tells_what_answers_from_what_does_not_and_where() -> None:
    moved, built = load_reader().read(QUESTION, [MOVED + " " + BUILT, BUILT])
    assert moved.answers > 0.8 > 0.2 > built.answers
    assert moved.share(Span(0, len(MOVED))) > 0.9
    assert moved.share(Span(0, len("In 1899,"))) > 0.5
    assert moved.share(Span(len(MOVED), len(MOVED) + len(BUILT))) < 0.1


def test_each_passage_is_read_by_itself() -> None:
    passages = [MOVED, BUILT, MOVED * 40, "", "x"]
    together = load_reader().read(QUESTION, passages)
    for passage, reading in zip(passages, together, strict=True):
        (alone,) = load_reader().read(QUESTION, [passage])
        assert reading.answers == alone.answers
        assert reading.begins.tolist() == alone.begins.tolist()
    assert load_reader().read(QUESTION, []) == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=1500), st.text(max_size=1500))
def test_any_text_can_be_read(question: str, passage: str) -> None:
    (reading,) = load_reader().read(question, [passage])
    assert 0 <= reading.answers <= 1
    assert len(reading.begins) == len(reading.ends) == len(reading.offsets)
    everything = reading.share(Span(0, len(passage)))
    assert everything == pytest.approx(1.0 if len(reading.offsets) else 0.0, abs=1e-4)
    assert all(0 <= start <= end <= len(passage) for start, end in reading.offsets.tolist())


def test_the_file_is_the_one_that_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.SHA256 in reader.PATH.with_suffix(".md").read_text(encoding="utf-8")
    assert reader.PATH.stat().st_size < 30_000_000
    damaged = tmp_path / "reader.onnx"
    damaged.write_bytes(reader.PATH.read_bytes()[:-1])
    monkeypatch.setattr(reader, "PATH", damaged)
    load_reader.cache_clear()
    try:
        with pytest.raises(ModelError, match="damaged"):
            load_reader()
        damaged.unlink()
        with pytest.raises(ModelError, match="missing"):
            load_reader()
    finally:
        load_reader.cache_clear()


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be loaded"):
        Reader(broken)
