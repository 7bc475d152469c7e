"""Language models: any that LangChain knows, a server that speaks OpenAI's protocol, or a file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError, first_line
from rag.providers import PATIENT, install

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk, BaseMessage

ATTEMPTS = 4
FIRST_WAIT = 1.0  # seconds, doubled with each attempt
LONGEST_WAIT = 20.0
TIMEOUT = 60.0  # seconds until a provider must have said something
LONGEST_REPLY = 300.0  # seconds for a whole reply
MOST_CHARACTERS = 12_000  # of a reply; a model that does not end is stopped
LOCAL_REPLY_TOKENS = 320
REPLY_TOKENS = 1_000
UNKNOWN_WINDOW = 8_192
# Tokens are at least this many characters, for windows of models whose tokenizer is not at hand.
CHARACTERS_A_TOKEN = 3
LOCAL_PASSAGES = 4  # a processor reads some 100 tokens a second
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_SECRET = re.compile(r"\b(?:sk|pk|key|AIza|gsk|xai)[-_]?[\w*-]{8,}")


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A chat model and what must be known to use it well.

    ``window`` is how many tokens it can read and write together, ``count`` counts those of a text.
    ``passages`` is how many it is shown. ``small``, as one that runs on this machine: it is not
    asked to copy words as well, nor to judge alone whether the passages answer. ``note`` says so
    when the window is a guess.
    """

    name: str
    chat: BaseChatModel
    window: int
    count: Callable[[str], int]
    reply_tokens: int = REPLY_TOKENS
    passages: int | None = None
    small: bool = False
    note: str = ""

    @property
    def prompt_tokens(self) -> int:
        """How long a prompt may be, so that there is room for the reply."""
        return self.window - self.reply_tokens


class Reply:
    """One reply while it arrives: iterate over its text; then ``usage`` and ``cut`` are known.

    Waits and tries again while the provider is busy, until a first piece has come. Raises
    ``ModelError`` saying what failed, also when the reply breaks off or takes too long.
    """

    def __init__(self, model: LanguageModel, messages: Sequence[BaseMessage]) -> None:
        self._model = model
        self._messages = list(messages)
        self.usage: dict[str, int] = {}
        self.cut = False

    def __iter__(self) -> Iterator[str]:
        """The pieces of text, as they come."""
        from time import monotonic

        start, characters = monotonic(), 0
        name = self._model.name
        try:
            for chunk in self._chunks():
                self._note(chunk)
                text = str(chunk.text)
                characters += len(text)
                yield text
                if monotonic() - start > LONGEST_REPLY:
                    raise TimeoutError(f"no end after {LONGEST_REPLY:.0f} s")
                if characters > MOST_CHARACTERS:
                    self.cut = True
                    return
        except ModelError:
            raise
        except Exception as error:  # providers' errors have no common base
            raise ModelError(f"the language model {name} failed: {_said(error)}") from error

    def _chunks(self) -> Iterator[AIMessageChunk]:
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_after_delay
        from tenacity.wait import wait_random_exponential

        for attempt in Retrying(
            stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(LONGEST_REPLY),
            wait=wait_random_exponential(FIRST_WAIT, LONGEST_WAIT),
            retry=retry_if_exception(_passing),
            reraise=True,
        ):
            with attempt:
                stream = self._model.chat.stream(self._messages)
                first = next(stream, None)
        try:
            if first is not None:
                yield first
            yield from stream
        finally:
            # Whoever stops reading stops the model.
            if close := getattr(stream, "close", None):
                close()

    def _note(self, chunk: AIMessageChunk) -> None:
        for key in ("input_tokens", "output_tokens"):
            if chunk.usage_metadata:
                self.usage[key] = self.usage.get(key, 0) + chunk.usage_metadata[key]
        told = chunk.response_metadata
        reason = told.get("finish_reason") or told.get("stop_reason") or told.get("done_reason")
        self.cut = self.cut or str(reason).lower() in ("length", "max_tokens")


def load_llm(llm: str | BaseChatModel, base_url: str = "") -> LanguageModel:
    """The language model of ``Settings.llm``. Keys are taken from the environment.

    Raises ``ModelError`` with the command to run when a package, a key or a file is missing.
    """
    if not isinstance(llm, str):
        name = f"{type(llm).__name__}:{getattr(llm, 'model_name', getattr(llm, 'model', ''))}"
        return _sized(name.rstrip(":"), llm, "")
    provider, _, model = llm.partition(":")
    if provider == "local":
        return _local(model)
    if not model:
        raise ModelError(
            f"the language model {llm!r} has no provider: give PROVIDER:MODEL, such as "
            "openai:gpt-5-mini, or local"
        )
    return _sized(llm, _provided(provider, model, base_url), base_url)


def _local(name: str) -> LanguageModel:
    from rag.local_model import local_chat_model

    chat = local_chat_model(name, LOCAL_REPLY_TOKENS)
    return LanguageModel(
        name=f"local:{chat.model_id}",
        chat=chat,
        window=chat.context_window,
        count=chat.get_num_tokens,
        reply_tokens=LOCAL_REPLY_TOKENS,
        passages=LOCAL_PASSAGES,
        small=True,
    )


def _provided(provider: str, model: str, base_url: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {}
    if provider in PATIENT:
        options = {"timeout": TIMEOUT, "max_retries": 0}
    elif provider == "ollama":
        options = {"client_kwargs": {"timeout": TIMEOUT}}
    if base_url:
        options["base_url"] = base_url
        if provider == "openai":
            options |= {"stream_usage": True}
            if not os.environ.get("OPENAI_API_KEY"):
                options["api_key"] = "none"  # the client wants one, a server of one's own does not
    try:
        chat: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
    except ImportError as error:
        raise ModelError(
            f"the language model {provider}:{model} needs a package: run `{install(provider)}`"
        ) from error
    except Exception as error:  # every provider checks keys and options in its own way
        raise ModelError(
            f"the language model {provider}:{model} cannot be used: {_said(error)}"
        ) from error
    return chat


def _sized(name: str, chat: BaseChatModel, base_url: str) -> LanguageModel:
    """With the window that the model's own description or its server tells."""
    window = (getattr(chat, "profile", None) or {}).get("max_input_tokens")
    window = window or (_served_window(base_url, name.partition(":")[2]) if base_url else None)
    guess = ", a guess: it does not say how much it can read"
    return LanguageModel(
        name, chat, window or UNKNOWN_WINDOW, _at_most, note="" if window else guess
    )


def _served_window(base_url: str, model: str) -> int | None:
    """What an OpenAI-compatible server says of its model (vLLM, llama.cpp); None if nothing."""
    import httpx

    base = base_url.rstrip("/")
    try:
        rows = httpx.get(f"{base}/models", timeout=5).json().get("data", [])
        row = next((r for r in rows if r.get("id") == model), rows[0] if len(rows) == 1 else {})
        if told := row.get("max_model_len") or (row.get("meta") or {}).get("n_ctx"):
            return int(told)
        told = httpx.get(f"{base.removesuffix('/v1')}/props", timeout=5).json()
        return int(told["default_generation_settings"]["n_ctx"])
    except (httpx.HTTPError, ValueError, TypeError, KeyError, AttributeError):
        # Not every server tells; the window is then a guess, and the answer says so.
        return None


def _at_most(text: str) -> int:
    return len(text.encode()) // CHARACTERS_A_TOKEN + 1


def _passing(error: BaseException) -> bool:
    """Whether a failure may be over in a moment: a busy server, a lost connection."""
    import httpx

    code = getattr(error, "status_code", None) or getattr(
        getattr(error, "response", None), "status_code", getattr(error, "code", None)
    )
    kinds = (TimeoutError, ConnectionError, httpx.TransportError)
    causes = (error, error.__cause__)
    return code in _PASSING or any(isinstance(c, kinds) for c in causes)


def _said(error: BaseException) -> str:
    """What an error says, in short and without keys."""
    text = first_line(error)
    for name, value in os.environ.items():
        if value and len(value) > 7 and name.upper().endswith(("_KEY", "_TOKEN", "_SECRET")):
            text = text.replace(value, "***")
    return _SECRET.sub("***", text)[:300]
