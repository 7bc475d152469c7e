"""The chat in a browser: questions in, cited answers out, all on this machine."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import click
import gradio as gr
from anyio import to_thread
from starlette.middleware import Middleware

from rag.errors import FootnoteError
from rag.index import Index
from rag.settings import Settings
from ui.users import Users
from ui.web.access import Access
from ui.web.chat import Chat, Outputs, Talk
from ui.web.conversations import Conversations
from ui.web.desk import Desk, owner_of
from ui.web.eval_desk import EvaluationDesk
from ui.web.eval_panel import PANEL
from ui.web.guard import Policy, SignedIn, check_address, check_open, past_proxies
from ui.web.models_panel import Models
from ui.web.settings import choice_of, controls, read_controls, scope
from ui.web.shelf import Shelf
from ui.web.shell import RAIL, VIEWER, hero, script, theme_script
from ui.web.suggest import first_questions
from ui.web.uploads import LARGEST, Uploads

HERE = Path(__file__).parent
AT_ONCE = 4
# How often to look, and for how long an upload may wait to be added, in seconds.
LEFT_UPLOADS = (600, 3600)
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
QUEUED: dict[str, Any] = {**QUIET, "concurrency_limit": AT_ONCE}

log = logging.getLogger(__name__)


def build(access: Access, store: Conversations, examples: Sequence[str] = ()) -> gr.Blocks:
    """The chat over an index. ``examples`` are questions to start with, or else made from it."""
    settings = access.index.settings
    talk = Talk(access, store)
    uploads, models = Uploads(access), Models(access)
    desk = Desk(access, store, uploads, Shelf(access, uploads, models).functions())
    evaluations = EvaluationDesk(access)
    app = gr.Blocks(
        title="Footnote", analytics_enabled=False, fill_width=True, delete_cache=LEFT_UPLOADS
    )
    with app:
        chat = gr.State(Chat())
        with gr.Row(elem_id="fn-page"):
            with gr.Column(elem_id="fn-side", min_width=200):
                page = gr.HTML(
                    RAIL,
                    apply_default_css=False,
                    js_on_load=script(),
                    server_functions=[*desk.functions(), *evaluations.functions()],
                )
                chosen = controls(settings, models)
                collections = chosen[-1]
            with gr.Column(elem_id="fn-chat", min_width=300):
                top = _html(hero(examples), elem_id="fn-hero")
                past = _html(elem_id="fn-past")
                live = _html(elem_id="fn-live", template='<div role="log">${value}</div>')
                with gr.Row(elem_id="fn-ask"):
                    chosen.append(scope())
                    box = _question_box()
            with gr.Column(elem_id="fn-evaluation", min_width=300):
                _html(PANEL)
                told = _html(elem_id="fn-told", template="<p hidden>${value}</p>")
            with gr.Column(elem_id="fn-document", min_width=200):
                _html(VIEWER)
        _events(talk, settings, page, chat, [chat, past, live, box], box, chosen)
        # Always the last: what changes while the choice is on its way must not be missed.
        page.models(
            models.refresh,
            None,
            chosen[1],
            queue=False,
            trigger_mode="always_last",
            **QUIET,
        )

        def offer(request: gr.Request) -> Any:  # noqa: ANN401 - a change of a component
            return choice_of(access.seen_by(owner_of(request)).library.collection_names())

        def evaluate(event: gr.EventData, request: gr.Request, *values: Any) -> str:  # noqa: ANN401
            wanted = read_controls(settings, *values)
            return evaluations.start(owner_of(request), str(event.cases), str(event.limit), wanted)

        page.evaluate(evaluate, chosen, told, queue=False, **QUIET)

        def greet(request: gr.Request) -> tuple[Any, Any]:
            seen = access.seen_by(owner_of(request))
            return gr.skip() if examples else hero(first_questions(seen)), offer(request)

        app.load(greet, outputs=[top, collections], queue=False, **QUIET)
        page.collections(offer, outputs=collections, queue=False, **QUIET)
    return app


def _events(
    talk: Talk,
    settings: Settings,
    page: gr.HTML,
    chat: gr.State,
    outputs: list[Any],
    box: gr.Textbox,
    chosen: list[Any],
) -> None:
    """What the reader does, in the question box or by way of the page's script."""

    def submit(
        question: str,
        state: Chat,
        request: gr.Request,
        *values: Any,  # noqa: ANN401
    ) -> Iterator[Outputs]:
        wanted = read_controls(settings, *values)
        yield from talk.ask(owner_of(request), question, state, wanted)

    def ask(
        state: Chat,
        event: gr.EventData,
        request: gr.Request,
        *values: Any,  # noqa: ANN401
    ) -> Iterator[Outputs]:
        wanted = read_controls(settings, *values)
        yield from talk.ask(owner_of(request), str(event.question), state, wanted)

    def again(
        state: Chat,
        event: gr.EventData,
        request: gr.Request,
        *values: Any,  # noqa: ANN401
    ) -> Iterator[Outputs]:
        wanted = read_controls(settings, *values)
        yield from talk.again(owner_of(request), str(event.question), state, wanted)

    def open_one(state: Chat, event: gr.EventData, request: gr.Request) -> Outputs:
        return talk.open(owner_of(request), str(event.id), state)

    box.submit(submit, [box, chat, *chosen], outputs, concurrency_id="ask", **QUEUED)
    page.ask(ask, [chat, *chosen], outputs, concurrency_id="ask", **QUEUED)
    page.again(again, [chat, *chosen], outputs, concurrency_id="ask", **QUEUED)
    # The run itself ends its turn on the page: nothing can come after the last word.
    box.stop(talk.stop, chat, queue=False, **QUIET)
    page.begin(talk.begin, chat, outputs, concurrency_id="open", **QUEUED)
    page.open(open_one, chat, outputs, concurrency_id="open", **QUEUED)


def launch(
    index: Index,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = False,
    examples: Sequence[str] = (),
    users: Users | None = None,
    collections: tuple[str, ...] | None = None,
) -> None:
    """Serve the chat until it is interrupted, and say where it is.

    ``users`` are who may sign in; ``collections`` are the only ones that are shown.

    Raises ``BadInput`` when the address cannot be used, or everyone could without ``users``.
    """
    app, address = start(index, host, port, open_browser, examples, users, collections)
    click.echo(f"Footnote is at {address} (Ctrl+C stops it)")
    app.block_thread()


def start(
    index: Index,
    host: str,
    port: int,
    open_browser: bool = False,
    examples: Sequence[str] = (),
    users: Users | None = None,
    collections: tuple[str, ...] | None = None,
) -> tuple[gr.Blocks, str]:
    """Serve the chat in the background: what to ``close()``, and the address.

    As ``launch``.
    Raises ``BadInput`` when the address cannot be used, or everyone could without ``users``.
    """
    check_open(host, users is not None)
    check_address(host, port)
    past_proxies()
    guards = [Middleware(Policy, host=host, largest=LARGEST)]
    if users is not None:
        guards.append(Middleware(SignedIn, knows=users.knows))
    app = build(Access(index, users, collections), Conversations(index.folder), examples)
    _, address, _ = app.queue(max_size=64).launch(
        server_name=f"[{host}]" if ":" in host else host,
        server_port=port,
        inbrowser=open_browser,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        auth=_gate(users) if users is not None else None,
        auth_message="Sign in to Footnote",
        show_error=True,
        allowed_paths=[],
        max_file_size=LARGEST,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        app_kwargs={"middleware": guards, "docs_url": None, "redoc_url": None},
        theme=_theme(),
        head=theme_script(),
        css_paths=[HERE / "style.css", HERE / "evaluation.css"],
    )
    threading.Thread(target=_warm, args=(index,), daemon=True).start()
    return app, address


def _gate(users: Users) -> Callable[[str, str], Awaitable[bool]]:
    """The check of a password as Gradio asks for it; hashing must not hold up the others."""

    async def check(name: str, password: str) -> bool:
        return await to_thread.run_sync(users.check, name, password)

    return check


def _question_box() -> gr.Textbox:
    return gr.Textbox(
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


def _html(value: str = "", elem_id: str | None = None, template: str = "${value}") -> gr.HTML:
    return gr.HTML(
        value, elem_id=elem_id, html_template=template, apply_default_css=False, js_on_load=None
    )


def _warm(index: Index) -> None:
    """Do what the first reader would wait for."""
    try:
        index.warm()
        first_questions(index)
    except FootnoteError as error:
        log.warning("%s", error)


def _theme() -> gr.themes.Base:
    theme: gr.themes.Base = gr.themes.Base(font=SANS, font_mono=MONO)
    return theme.set(
        body_background_fill="#faf9f6",
        body_background_fill_dark="#17191c",
        body_text_color="#22262b",
        body_text_color_dark="#e7e6e2",
        background_fill_primary="#faf9f6",
        background_fill_primary_dark="#17191c",
        background_fill_secondary="#faf9f6",
        background_fill_secondary_dark="#17191c",
        button_primary_background_fill="#0b5f73",
        button_primary_background_fill_dark="#86cbdb",
        button_primary_background_fill_hover="#084a5a",
        button_primary_background_fill_hover_dark="#a9dbe7",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#10272d",
    )
