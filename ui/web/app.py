"""The chat in a browser: questions in, cited answers out, all on this machine."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import click
import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from rag.errors import FootnoteError
from rag.index import Index
from rag.types import Answer, Turn
from ui.web import render
from ui.web.guard import LOOPBACK, Policy, check_address, past_proxies
from ui.web.run import Run

HERE = Path(__file__).parent
AT_ONCE = 4
HEADER = (
    '<header class="fn-top"><h1>Footnote</h1>'
    "<p>Ask your documents. Every sentence shows the words it stands on.</p></header>"
)
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chat:
    """One reader's conversation: the plain turns to ask with, and the markup on the page."""

    turns: tuple[Turn, ...] = ()
    past: str = ""
    live: str = ""
    number: int = 0
    run: Run | None = None


def build(index: Index, examples: Sequence[str] = ()) -> gr.Blocks:
    """The chat over an index. ``examples`` are questions to start with."""
    app = gr.Blocks(title="Footnote", analytics_enabled=False, fill_width=True)
    with app:
        chat = gr.State(Chat())
        with gr.Row(elem_id="fn-page"):
            with gr.Column(elem_id="fn-chat", scale=3, min_width=300):
                _html(HEADER)
                chips = _examples(examples)
                past = _html(elem_id="fn-past")
                live = _html(elem_id="fn-live", template='<div role="log">${value}</div>')
                with gr.Row(elem_id="fn-ask"):
                    box = gr.Textbox(
                        placeholder="Ask the library…",
                        label="Question",
                        show_label=False,
                        container=False,
                        lines=1,
                        max_lines=6,
                        autofocus=True,
                        submit_btn="Ask",
                        elem_id="fn-box",
                        html_attributes=gr.InputHTMLAttributes(spellcheck=True),
                    )
                    clear = gr.Button("Clear", elem_id="fn-clear", size="sm", min_width=60)
            with gr.Column(elem_id="fn-side", scale=1, min_width=240):
                side = _html(elem_id="fn-library")
                foot = _html(elem_id="fn-foot")

        outputs = [chat, past, live, box]
        options: dict[str, Any] = {
            "outputs": outputs,
            "api_visibility": "private",
            "show_progress": "hidden",
        }

        def ask(question: str, state: Chat) -> Iterator[tuple[Any, ...]]:
            yield from _ask(index, question, state)

        for trigger, source in [(box.submit, box), *((c.click, c) for c in chips)]:
            trigger(ask, [source, chat], concurrency_limit=AT_ONCE, concurrency_id="ask", **options)
        # The run itself ends its turn on the page: nothing can come after the last word.
        box.stop(_stop, chat, queue=False, api_visibility="private", show_progress="hidden")
        clear.click(_clear, chat, concurrency_limit=AT_ONCE, concurrency_id="clear", **options)
        app.load(
            lambda: _library(index),
            outputs=[side, foot],
            api_visibility="private",
            show_progress="hidden",
            queue=False,
        )
    return app


def launch(
    index: Index,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = False,
    examples: Sequence[str] = (),
) -> None:
    """Serve the chat until it is interrupted, and say where it is.

    Raises ``BadInput`` when the address cannot be used.
    """
    app, address = start(index, host, port, open_browser, examples)
    click.echo(f"Footnote is at {address} (Ctrl+C stops it)")
    app.block_thread()


def start(
    index: Index, host: str, port: int, open_browser: bool = False, examples: Sequence[str] = ()
) -> tuple[gr.Blocks, str]:
    """Serve the chat in the background: what to ``close()``, and the address.

    Raises ``BadInput`` when the address cannot be used.
    """
    check_address(host, port)
    past_proxies()
    guards = [Middleware(Policy)]
    if host in LOOPBACK:
        # Another site's page must not reach the documents by pointing its own name here.
        guards.append(Middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK)))
    app = build(index, examples)
    _, address, _ = app.queue(max_size=64).launch(
        server_name=host,
        server_port=port,
        inbrowser=open_browser,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        show_error=True,
        allowed_paths=[],
        max_file_size="1kb",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        app_kwargs={"middleware": guards, "docs_url": None, "redoc_url": None},
        theme=_theme(),
        css_paths=HERE / "style.css",
        js=(HERE / "chat.js").read_text(encoding="utf-8"),
    )
    threading.Thread(target=_warm, args=(index,), daemon=True).start()
    return app, address


def _ask(index: Index, question: str, chat: Chat) -> Iterator[tuple[Any, ...]]:
    question = question.strip()
    if not question:
        yield _page(chat)
        return
    number, text = chat.number + 1, ""
    asked = len(chat.turns)
    run = Run(lambda: index.stream(question, chat.turns))
    live = render.partial(number, question, "")
    chat = replace(chat, past=chat.past + chat.live, live=live, number=number, run=run)
    try:
        yield _page(chat, busy=True)
        try:
            for piece in run:
                if isinstance(piece, Answer):
                    said = (Turn("user", question), Turn("assistant", piece.text))
                    live = render.answer(number, piece)
                    chat = replace(chat, turns=(*chat.turns, *said))
                else:
                    text += piece
                    live = render.partial(number, question, text)
                    yield gr.skip(), gr.skip(), live, gr.skip()
            if len(chat.turns) == asked and run.state == "stopped":
                live = render.partial(number, question, text, stopped=True)
        except FootnoteError as error:
            live = render.failed(number, question, str(error))
        except Exception:
            log.exception("question %r failed", question)
            message = "Something failed; the terminal that runs Footnote says what."
            live = render.failed(number, question, message)
        if run.state != "dropped":
            yield _page(replace(chat, live=live, run=None), keep_typed=True)
    finally:
        run.close()


def _stop(chat: Chat) -> None:
    if chat.run:
        chat.run.stop()


def _clear(chat: Chat) -> tuple[Any, ...]:
    if chat.run:
        chat.run.drop()
    return _page(Chat())


def _page(chat: Chat, busy: bool = False, keep_typed: bool = False) -> tuple[Any, ...]:
    """The outputs of every event: state, earlier turns, the last one, the question box."""
    buttons: dict[str, Any] = {"submit_btn": not busy and "Ask", "stop_btn": busy and "Stop"}
    box = gr.update(**buttons) if keep_typed else gr.update(value="", **buttons)
    return chat, chat.past, chat.live, box


def _library(index: Index) -> tuple[str, str]:
    counts = index.library.counts()
    few = counts.sources <= render.LISTED
    sources = index.library.sources().values() if few else ()
    return render.library(counts, sources), render.footer(counts)


def _examples(questions: Sequence[str]) -> list[gr.Button]:
    if not questions:
        return []
    with gr.Row(elem_id="fn-examples"):
        return [gr.Button(question, size="sm", min_width=120) for question in questions]


def _html(value: str = "", elem_id: str | None = None, template: str = "${value}") -> gr.HTML:
    return gr.HTML(
        value, elem_id=elem_id, html_template=template, apply_default_css=False, js_on_load=None
    )


def _warm(index: Index) -> None:
    try:
        index.warm()
    except FootnoteError as error:
        log.warning("%s", error)


def _theme() -> gr.themes.Base:
    theme: gr.themes.Base = gr.themes.Base(font=SANS, font_mono=MONO)
    return theme.set(
        body_background_fill="#faf9f6",
        body_background_fill_dark="#17191c",
        body_text_color="#22262b",
        body_text_color_dark="#e7e6e2",
    )
