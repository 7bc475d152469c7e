"""A chat model that says what the test wrote, in the pieces and with the failures it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

Script = Sequence[str | Exception]


class ScriptedModel(BaseChatModel):
    """Replies in turn with ``scripts``: strings are streamed, an exception is raised there.

    ``asked`` keeps the messages of every call. ``profile`` may give ``max_input_tokens``.
    """

    scripts: list[Any]
    asked: list[list[BaseMessage]]
    reason: str = "stop"
    closed: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> Iterator[ChatGenerationChunk]:
        self.asked.append(messages)
        script: Script = self.scripts.pop(0)
        try:
            for piece in script:
                if isinstance(piece, Exception):
                    raise piece
                yield ChatGenerationChunk(message=AIMessageChunk(piece))
            last = AIMessageChunk(
                "",
                response_metadata={"finish_reason": self.reason},
                usage_metadata={"input_tokens": 7, "output_tokens": 5, "total_tokens": 12},
            )
            yield ChatGenerationChunk(message=last)
        finally:
            self.closed += 1

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        text = "".join(str(chunk.message.text) for chunk in self._stream(messages))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


def scripted(*replies: str | Script, **options: Any) -> ScriptedModel:  # noqa: ANN401
    """A model that gives these replies, a string in pieces of seven characters."""
    scripts = [
        [r[i : i + 7] for i in range(0, len(r), 7)] if isinstance(r, str) else list(r)
        for r in replies
    ]
    return ScriptedModel(scripts=scripts, asked=[], **options)
