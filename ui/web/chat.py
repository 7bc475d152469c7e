"""What happens in the chat: asking, asking again, stopping, opening a conversation."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from rag.errors import BadInput, FootnoteError
from rag.settings import Settings
from rag.standing import standing
from rag.types import Answer, Turn
from ui.web import render
from ui.web.access import Access
from ui.web.conversations import Conversations, Exchange, turns_of
from ui.web.models_panel import OTHERS, may_use
from ui.web.run import Run

FAILED = "Something failed; the terminal that runs Footnote says what."
LEFT = "This question was not answered: Footnote was stopped meanwhile. Ask it again."

log = logging.getLogger(__name__)

Outputs = tuple[Any, ...]


@dataclass(frozen=True)
class Chat:
    """What one visit shows: a conversation, the markup of its earlier turns and of its last one.

    ``id`` is empty until the first question; ``run`` is the question being answered now. Only its
    ``owner`` goes on with it: Gradio finds it again by a name that the browser chooses.
    """

    owner: str = ""
    id: str = ""
    exchanges: tuple[Exchange, ...] = ()
    past: str = ""
    live: str = ""
    run: Run | None = None


class Talk:
    """The events of the chat. Each gives the state, past, last turn and box."""

    def __init__(self, access: Access, store: Conversations) -> None:
        self._access = access
        self._store = store

    def ask(self, owner: str, question: str, chat: Chat, settings: Settings) -> Iterator[Outputs]:
        """Answer a question at the end of the conversation, showing how it grows."""
        chat = _of(owner, chat)
        question = question.encode(errors="replace").decode().strip()
        if not question:
            yield _page(chat)
            return
        history = turns_of(chat.exchanges)
        run = Run(lambda: self._stream(owner, question, history, settings))
        exchange = Exchange(len(chat.exchanges) + 1, question, "asked")
        chat = replace(chat, past=chat.past + chat.live, run=run)
        try:
            chat = self._kept(owner, chat, exchange)
            yield _page(replace(chat, live=_turn(exchange)), busy=True)
            for piece in self._answered(run, exchange):
                if piece.state == "asked":
                    yield gr.skip(), gr.skip(), _live(chat, _turn(piece)), gr.skip()
                exchange = piece
            chat = self._kept(owner, chat, exchange)
            if run.state != "dropped":
                yield _page(replace(chat, live=_turn(exchange), run=None), keep_typed=True)
        except FootnoteError as error:
            live = render.failed(exchange.number, question, str(error))
            yield _page(replace(chat, live=live, run=None), keep_typed=True)
        finally:
            run.close()

    def _stream(
        self, owner: str, question: str, history: Sequence[Turn], settings: Settings
    ) -> Iterator[str | Answer]:
        if not may_use(self._access, owner, settings.llm):
            raise BadInput(OTHERS)
        return self._access.seen_by(owner).stream(question, history, settings)

    def again(self, owner: str, question: str, chat: Chat, settings: Settings) -> Iterator[Outputs]:
        """Answer another question in place of the last one."""
        chat = _of(owner, chat)
        if chat.run:
            chat.run.drop()
        earlier = replace(chat, exchanges=chat.exchanges[:-1], live="", run=None)
        yield from self.ask(owner, question, earlier, settings)

    def stop(self, chat: Chat) -> None:
        """Leave the question that is being answered; what was said stays."""
        if chat.run:
            chat.run.stop()

    def begin(self, chat: Chat) -> Outputs:
        """An empty page for another conversation."""
        if chat.run:
            chat.run.drop()
        return _page(Chat())

    def open(self, owner: str, conversation: str, chat: Chat) -> Outputs:
        """A conversation as it was left. Says of every source whether it has changed since."""
        chat = _of(owner, chat)
        if chat.run:
            chat.run.drop()
        try:
            kept = self._store.load(owner, conversation)
        except FootnoteError as error:
            gr.Warning(escape(str(error)))
            return _page(Chat())
        markup = [self._kept_turn(owner, exchange) for exchange in kept.exchanges]
        return _page(
            Chat(owner, kept.id, kept.exchanges, "".join(markup[:-1]), "".join(markup[-1:])),
            keep_typed=True,
        )

    def _answered(self, run: Run, exchange: Exchange) -> Iterator[Exchange]:
        """How an exchange grows, and last what has become of it."""
        try:
            for piece in run:
                if isinstance(piece, Answer):
                    yield replace(exchange, state="answered", text=piece.text, answer=piece)
                    return
                exchange = replace(exchange, text=exchange.text + piece)
                yield exchange
        except FootnoteError as error:
            yield replace(exchange, state="failed", text=str(error))
        except Exception:
            log.exception("question %r failed", exchange.question)
            yield replace(exchange, state="failed", text=FAILED)
        else:
            yield replace(exchange, state="stopped")

    def _kept(self, owner: str, chat: Chat, exchange: Exchange) -> Chat:
        chat = replace(chat, id=chat.id or self._store.begin(owner, exchange.question))
        self._store.put(owner, chat.id, exchange)
        return replace(chat, exchanges=(*chat.exchanges[: exchange.number - 1], exchange))

    def _kept_turn(self, owner: str, exchange: Exchange) -> str:
        if exchange.answer:
            now = standing(self._access.seen_by(owner).library, exchange.answer)
            return render.answer(exchange.number, exchange.answer, now, exchange.vote)
        if exchange.state == "asked":
            exchange = replace(exchange, state="failed", text=LEFT)
        return _turn(exchange)


def _of(owner: str, chat: Chat) -> Chat:
    """The chat, or an empty one where it is somebody else's."""
    return chat if chat.owner == owner else Chat(owner)


def _turn(exchange: Exchange) -> str:
    number, question = exchange.number, exchange.question
    if exchange.answer:
        return render.answer(number, exchange.answer)
    if exchange.state == "failed":
        return render.failed(number, question, exchange.text)
    return render.partial(number, question, exchange.text, exchange.state == "stopped")


def _page(chat: Chat, busy: bool = False, keep_typed: bool = False) -> Outputs:
    """The outputs of every event: state, earlier turns, the last one, the question box."""
    buttons: dict[str, Any] = {"submit_btn": not busy and "Ask", "stop_btn": busy and "Stop"}
    box = gr.update(**buttons) if keep_typed else gr.update(value="", **buttons)
    return chat, chat.past, _live(chat, chat.live), box


def _live(chat: Chat, turn: str) -> str:
    """The last turn, saying to the page's script which conversation this is."""
    return f'<div data-conversation="{escape(chat.id)}">{turn}</div>'
