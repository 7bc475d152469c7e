"""A GGUF model in this process as a LangChain chat model, run by llama.cpp through xllamacpp.

The library applies the model's own chat template, keeps what prompts share (the system text, the
conversation so far) in its cache and streams. A model is loaded once per process and file; one
generation runs at a time and has all cores.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    convert_to_openai_messages,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from rag.errors import ModelError
from rag.model_store import check_format, find_model, model_id
from rag.onnx_model import CORES
from rag.providers import install

if TYPE_CHECKING:
    import httpx
    import xllamacpp

# Room for a dozen passages and an answer; the cache of it takes 230 MB with a model of 1.5B.
CONTEXT_TOKENS = 8192
# A generation can only be stopped between two batches of the prompt.
BATCH_TOKENS = 256
# Prompts that were left for another are kept in memory up to this, so that two kinds of them
# (finding the question, answering it) do not push each other out.
KEPT_PROMPTS_MIB = 512
DRAFT_TOKENS = 3
STREAMING = {
    "cache_prompt": True,
    "stream": True,
    "stream_options": {"include_usage": True},
    # Without it nothing is heard, and nothing can be stopped, before the whole prompt is read.
    "return_progress": True,
}


class LocalChatModel(BaseChatModel):
    """A chat model over one GGUF file. Made by ``local_chat_model``; safe to share.

    ``max_tokens`` bounds a reply. At ``temperature`` 0 the likeliest token is taken, above it
    ``seed`` fixes the draw.
    """

    path: Path
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0
    _engine: _Engine = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401
        """Load the model, unless this process has it. Raises ``ModelError``."""
        super().model_post_init(context)
        self._engine = load_engine(self.path)

    @property
    def context_window(self) -> int:
        """How many tokens prompt and reply can have together."""
        return self._engine.window

    @property
    def model_id(self) -> str:
        """The file's name, with the first digits of its hash where that was verified."""
        return model_id(self.path)

    def get_num_tokens(self, text: str) -> int:
        """How many tokens the model's own tokenizer makes of a text."""
        return len(self._engine.tokens(text))

    @property
    def _llm_type(self) -> str:
        return "footnote-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {
            "model": self.path.name,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "seed": self.seed,
        }

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        chunks = [chunk.message for chunk in self._stream(messages, stop, **kwargs)]
        text = "".join(chunk.text for chunk in chunks)
        last = chunks[-1]
        assert isinstance(last, AIMessageChunk)
        message = AIMessage(
            text,
            usage_metadata=last.usage_metadata,
            response_metadata=last.response_metadata,
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> Iterator[ChatGenerationChunk]:
        """The reply in pieces and last a chunk with the usage; closing it stops the model."""
        request = {
            "messages": self._engine.harmless(convert_to_openai_messages(messages)),
            "max_tokens": kwargs.get("max_tokens", self.max_tokens),
            "temperature": kwargs.get("temperature", self.temperature),
            "seed": kwargs.get("seed", self.seed),
            "stop": stop or [],
        }
        reason = ""
        for piece in self._engine.stream(request):
            for choice in piece["choices"]:
                reason = choice["finish_reason"] or reason
                if text := choice["delta"].get("content"):
                    yield ChatGenerationChunk(message=AIMessageChunk(content=text))
            if usage := piece.get("usage"):
                yield ChatGenerationChunk(message=self._last(reason, usage, piece["timings"]))

    def _last(self, reason: str, usage: dict[str, Any], timings: dict[str, Any]) -> AIMessageChunk:
        return AIMessageChunk(
            content="",
            usage_metadata=UsageMetadata(
                input_tokens=usage["prompt_tokens"],
                output_tokens=usage["completion_tokens"],
                total_tokens=usage["total_tokens"],
                input_token_details={"cache_read": usage["prompt_tokens_details"]["cached_tokens"]},
            ),
            response_metadata={
                "model_name": self.model_id,
                "finish_reason": reason,
                "timings": timings,
            },
            chunk_position="last",
        )


def local_chat_model(name_or_path: str = "", max_tokens: int = 512) -> LocalChatModel:
    """The local model of this name or path ("": the first that is here), loaded.

    Raises ``ModelError`` saying what to install, to pull or to give instead.
    """
    return LocalChatModel(path=find_model(name_or_path).resolve(), max_tokens=max_tokens)


class _Engine:
    """A loaded model: ``window`` is how many tokens prompt and reply can have together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = secrets.token_hex()
        self._server = _open(path, self._key)
        self._running = threading.Lock()
        self._client = _client(self._server.listening_address, self._key)
        settings = self._ask("GET", "/props")["default_generation_settings"]
        self.window: int = settings["n_ctx"]

    def tokens(self, text: str, special: bool = True) -> list[int]:
        """The model's tokens of a text; ``special`` ones are read as such where they stand."""
        asked = {"content": text, "add_special": False, "parse_special": special}
        tokens: list[int] = self._ask("POST", "/tokenize", asked)["tokens"]
        return tokens

    def harmless(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The messages with the model's control tokens broken up wherever their text has them.

        A document that spells out the end of a turn would otherwise speak as the system.
        """
        return [
            {**message, "content": self._plain(message["content"])}
            if isinstance(message.get("content"), str)
            else message
            for message in messages
        ]

    def _plain(self, text: str) -> str:
        while self.tokens(text) != self.tokens(text, special=False):
            controls = {piece for piece in self._pieces(text) if self._is_control(piece)}
            if not controls:
                break
            for piece in controls:
                text = text.replace(piece, f"{piece[0]} {piece[1:]}" if piece[1:] else " ")
        return text

    def _pieces(self, text: str) -> set[str]:
        asked = {"content": text, "add_special": False, "with_pieces": True}
        tokens = self._ask("POST", "/tokenize", asked)["tokens"]
        # What is not text but bytes is no control token.
        return {token["piece"] for token in tokens if isinstance(token["piece"], str)}

    def _is_control(self, piece: str) -> bool:
        return self.tokens(piece) != self.tokens(piece, special=False)

    def stream(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What the server streams. Closing the iterator ends the generation before it returns."""
        pieces: SimpleQueue[dict[str, Any] | Exception | None] = SimpleQueue()
        stopped = threading.Event()

        def receive(piece: dict[str, Any]) -> bool:
            pieces.put(piece)
            return stopped.is_set()

        def generate() -> None:
            # This thread holds the lock, so that who leaves a stream half read blocks nobody.
            try:
                with self._running:
                    if not stopped.is_set():
                        self._server.handle_chat_completions(request | STREAMING, receive)
            except Exception as error:
                pieces.put(error)
            pieces.put(None)

        thread = threading.Thread(target=generate, name="local model", daemon=True)
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, Exception) or "error" in piece:
                    raise self._failure(piece)
                yield piece
        finally:
            stopped.set()
            thread.join()

    def _failure(self, problem: Exception | dict[str, Any]) -> ModelError:
        if isinstance(problem, dict) and "n_prompt_tokens" in problem["error"]:
            return ModelError(
                f"the prompt has {problem['error']['n_prompt_tokens']:,} tokens, and "
                f"{self._path.name} takes {self.window:,}: give it less"
            )
        said = problem["error"]["message"] if isinstance(problem, dict) else problem
        return ModelError(f"{self._path.name} cannot answer ({said}): try another model")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import httpx

        try:
            reply = self._client.request(method, path, json=body)
            reply.raise_for_status()
        except httpx.HTTPError as error:
            raise ModelError(
                f"{self._path.name} does not answer ({error}): start Footnote again"
            ) from error
        answer: dict[str, Any] = reply.json()
        return answer


_engines: dict[Path, _Engine] = {}
_loading = threading.Lock()


def load_engine(path: Path) -> _Engine:
    """The loaded model of a file, once per process. Raises ``ModelError``."""
    with _loading:
        if path not in _engines:
            _engines[path] = _Engine(path)
        return _engines[path]


def _open(path: Path, key: str) -> xllamacpp.Server:
    """Load a file. ``key`` locks the server's own port, which only the tokenizer is asked by."""
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelError(
            f"a local model needs the package xllamacpp: run `{install('local')}`"
        ) from error

    check_format(path)
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {path.name}
    params.verbosity = -1
    params.warmup = False
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.cache_ram_mib = KEPT_PROMPTS_MIB
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = CORES
    # Answers quote their passages: what followed three words there is tried as the next three. On a
    # processor this brings a tenth at best, since checking four tokens costs almost as much as
    # making them; longer drafts cost more than they bring.
    params.speculative.types = [
        xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE
    ]
    params.speculative.ngram_simple.size_n = params.speculative.ngram_simple.size_m = DRAFT_TOKENS
    params.api_keys = [key]
    params.cors_origins = "http://127.0.0.1"
    params.endpoint_slots = params.ui = False
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ModelError(
            f"cannot load {str(path)!r}: it is cut short or damaged, needs more memory than there "
            "is, or is no language model that this xllamacpp knows. Run `footnote models verify`, "
            "or give another file"
        ) from error


def _client(address: str, key: str) -> httpx.Client:
    import httpx

    # Not through a proxy: it is in this process.
    return httpx.Client(
        base_url=address, headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
