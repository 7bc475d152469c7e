"""The exported model is the original; nothing is cut off unseen."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import embed
from rag.embed import (
    DEFAULT_MODEL,
    DEFAULT_MODEL_SHA256,
    LIKENESS,
    MODEL,
    PORTION,
    Encoder,
    OnnxEncoder,
    TorchEncoder,
    Vectors,
    cache_folder,
    load_encoder,
    model_path,
)
from rag.errors import ModelError
from rag.remembered import Remembered
from tests.conftest import ROOT

TEXTS = [
    "Microsoft invested $1 billion in OpenAI in 2019.",
    "A long passage about apples and pears, " * 60,
    "",
    "東京の人口は多い。 Größe, naïve, Ελλάδα 🍎",
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_exported_vectors_are_nearly_those_of_sentence_transformers(encoder: Encoder) -> None:
    from sentence_transformers import SentenceTransformer

    assert isinstance(encoder, OnnxEncoder)
    original = SentenceTransformer(str(model_path(DEFAULT_MODEL)), device="cpu")
    expected = original.encode(TEXTS, normalize_embeddings=True)
    assert (encoder.encode_documents(TEXTS) * expected).sum(axis=1).min() > LIKENESS
    torch_encoder = TorchEncoder("same", "x", original)
    assert np.abs(torch_encoder.encode_queries(TEXTS) - expected).max() < 1e-5
    assert torch_encoder.token_counts(TEXTS) == encoder.token_counts(TEXTS)


def test_vectors_are_unit_and_in_the_order_of_the_texts(encoder: Encoder) -> None:
    vectors = encoder.encode_documents(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_vector_does_not_depend_on_the_texts_beside_it(encoder: Encoder) -> None:
    for text, vector in zip(TEXTS, encoder.encode_documents(TEXTS), strict=True):
        assert np.array_equal(encoder.encode_documents([text])[0], vector)


def test_what_is_past_the_limit_is_not_read(encoder: Encoder) -> None:
    long = "apple " * (encoder.max_tokens - 2)
    same = encoder.encode_documents([long, long + "Microsoft " * 50])
    assert np.allclose(same[0], same[1], atol=1e-5)
    assert encoder.token_counts([long]) == [encoder.max_tokens]


def test_langchain_sees_an_embeddings_object(encoder: Encoder) -> None:
    query = encoder.embed_query("apples")
    (document,) = encoder.embed_documents(["apples"])
    assert query == pytest.approx(document)
    assert all(isinstance(x, float) for x in query)


def test_progress_counts_every_text(encoder: Encoder) -> None:
    seen: list[int] = []
    encoder.encode_documents([f"text {i} " * (i % 40) for i in range(100)], seen.append)
    assert sum(seen) == 100


def test_the_default_model_is_the_published_one() -> None:
    from rag.files import sha256_of

    assert sha256_of(model_path(DEFAULT_MODEL) / "model.safetensors") == DEFAULT_MODEL_SHA256


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/model", "no-such-owner/no-such-model"])
def test_a_model_that_is_not_there_is_a_clear_error(name: str) -> None:
    with pytest.raises(ModelError, match=name):
        load_encoder(name)


def test_a_folder_without_weights_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no model weights"):
        load_encoder(str(tmp_path))


def test_a_broken_model_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="cannot load"):
        load_encoder(str(tmp_path))


def test_export_is_made_once_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_CACHE", str(tmp_path))
    first = load_encoder()
    (folder,) = tmp_path.iterdir()
    written = (folder / "model.onnx").stat().st_mtime_ns
    second = load_encoder()
    assert (folder / "model.onnx").stat().st_mtime_ns == written
    assert first.fingerprint == second.fingerprint


def test_a_damaged_export_is_named_and_made_anew_when_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_CACHE", str(tmp_path))
    load_encoder()
    (folder,) = tmp_path.iterdir()
    with (folder / MODEL).open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(ModelError, match=rf"model.onnx.*cannot be loaded.*delete '{folder}'"):
        load_encoder()
    folder.rename(tmp_path / f"{folder.name.partition('-')[0]}-0")
    other = tmp_path / "0123456789abcdef-0"
    other.mkdir()
    load_encoder()
    assert set(tmp_path.iterdir()) == {folder, other}


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("FOOTNOTE_CACHE", "/dev/null/cache")
    with pytest.raises(ModelError, match=r"'/dev/null/cache' \(Not a directory\).*FOOTNOTE_CACHE"):
        load_encoder()
    monkeypatch.setenv("FOOTNOTE_CACHE", str(tmp_path))
    monkeypatch.setattr(embed, "_write_onnx", full)
    with pytest.raises(ModelError, match="No space left on device"):
        load_encoder()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fails", [True, False])
def test_whole_weights_are_kept_where_eight_bits_do_not_do(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("an operator is not supported")

    monkeypatch.setenv("FOOTNOTE_CACHE", str(tmp_path))
    if fails:
        monkeypatch.setattr(embed, "write_in_eight_bits", refuse)
    else:
        monkeypatch.setattr(embed, "LIKENESS", 1.01)
    whole = load_encoder()
    (folder,) = tmp_path.iterdir()
    assert {p.name for p in folder.iterdir()} == {MODEL, "encoder.json", "tokenizer.json"}
    weights = model_path(DEFAULT_MODEL) / "model.safetensors"
    assert (folder / MODEL).stat().st_size > 0.9 * weights.stat().st_size
    likeness = (whole.encode_documents(TEXTS) * encoder.encode_documents(TEXTS)).sum(axis=1)
    assert likeness.min() > LIKENESS


def test_a_model_that_cannot_be_exported_runs_as_it_was_loaded(
    encoder: Encoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import torch

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("an operator is not supported")

    monkeypatch.setenv("FOOTNOTE_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.onnx, "export", refuse)
    slower = load_encoder()
    assert isinstance(slower, TorchEncoder)
    assert "cannot be exported (an operator is not supported)" in caplog.text
    assert list(tmp_path.iterdir()) == []
    likeness = (slower.encode_documents(TEXTS) * encoder.encode_documents(TEXTS)).sum(axis=1)
    assert likeness.min() > LIKENESS
    vectors = slower._vectors(TEXTS * PORTION)
    next(vectors)
    slower.encode_queries(["It is not kept waiting until all is embedded"])
    assert len(list(vectors)) == len(TEXTS) * PORTION - 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks where libraries keep things on Linux")
def test_nothing_is_kept_to_be_sent_home(encoder: Encoder, tmp_path: Path) -> None:
    models = str(cache_folder())
    code = "from rag.embed import load_encoder; load_encoder().encode_queries(['a question'])"
    # Without the variables by which libraries know a test, as they send nothing then anyway.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "FOOTNOTE_CACHE": models}
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, check=True, timeout=120)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=12))
def test_a_vector_is_remembered_until_too_many_are(asked: list[list[str]]) -> None:
    made: list[str] = []

    def embed(texts: Sequence[str]) -> Vectors:
        made.extend(texts)
        return np.array([[ord(t), 1.0] for t in texts], dtype=np.float32).reshape(-1, 2)

    remembered = Remembered(embed, most=4)
    for texts in asked:
        vectors = remembered(texts)
        assert vectors.shape == (len(texts), 2)
        assert vectors[:, 0].tolist() == [ord(t) for t in texts]
        made.clear()
        remembered(texts[-4:])
        assert not made
        assert len(remembered._known) <= 4


def test_sentences_are_embedded_as_documents_are(encoder: Encoder) -> None:
    texts = ["The bridge opened in 1932.", "It closed.", "The bridge opened in 1932."]
    for _ in range(2):
        assert np.array_equal(encoder.encode_sentences(texts), encoder.encode_documents(texts))
