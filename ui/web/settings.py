"""How the next question is answered, chosen on the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import gradio as gr

from rag.confidence import THRESHOLD
from rag.settings import MOST_PASSAGES, Settings
from rag.types import Engine, Policy
from ui.web.models_panel import Models, none, wire

ENGINES = [
    ("Quote the documents", "extractive"),
    ("Let a model write", "llm"),
    ("Quotes, a model where they do not do", "auto"),
]
POLICIES = [
    ("Withhold what is not supported", "strict"),
    ("Show it, marked", "mark"),
    ("Do not check", "off"),
]

THEME = """<fieldset class="fn-theme"><legend>Theme</legend>
<p>How the page looks in this browser; System follows the machine.</p>
<label><input type="radio" name="fn-theme" value="" checked>System</label>
<label><input type="radio" name="fn-theme" value="light">Light</label>
<label><input type="radio" name="fn-theme" value="dark">Dark</label></fieldset>"""


# What the next question asks, where that is not everything; the value is what was chosen, as JSON.
SCOPE = (
    '${value ? `<p class="fn-scope" role="status">Asking only ${JSON.parse(value).length} chosen '
    "source${JSON.parse(value).length === 1 ? '' : 's'}."
    '<button type="button" class="fn-quiet" data-ask-all>Ask all</button></p>` : ""}'
)
SCOPE_SCRIPT = 'document.addEventListener("fn-scope", (event) => { props.value = event.detail; });'


def controls(settings: Settings, models: Models) -> list[Any]:
    """How to answer and from what, each explained in a sentence; last, the collections."""
    with gr.Accordion("Settings", open=False, elem_id="fn-settings") as panel:
        engine = gr.Radio(
            ENGINES,
            value=settings.engine,
            label="Engine",
            info="Quotes need no model; a model writes in its own words, and each is checked.",
        )
        llm = gr.Dropdown(
            [(none(settings), ""), *((name, name) for name in {_model(settings)} if name)],
            value=_model(settings),
            allow_custom_value=True,
            label="Model",
            info="Who writes: choose one, or type any other as provider:model or local:file.",
        )
        need = gr.HTML(apply_default_css=False, js_on_load=None)
        policy = gr.Radio(
            POLICIES,
            value=settings.policy,
            label="Unsupported sentences",
            info="What becomes of a sentence that its sources do not support.",
        )
        threshold = gr.Slider(
            0,
            1,
            value=_threshold(settings),
            step=0.05,
            label="Decline below",
            info="The chance that the passages answer, under which nothing is claimed.",
        )
        passages = gr.Slider(
            1,
            MOST_PASSAGES,
            value=settings.passages,
            step=1,
            label="Passages",
            info="How many are looked at for a question; more find more and take longer.",
        )
        reader = gr.Checkbox(
            value=settings.reader,
            label="Read the best passages",
            info="A small model reads them with the question: better choices, a little slower.",
        )
        collections = gr.Dropdown(
            [],
            value=[],
            multiselect=True,
            label="Collections",
            info="Ask only these, and what is in none; empty asks everything.",
            visible=False,
        )
        gr.HTML(THEME, apply_default_css=False, js_on_load=None)
    wire(models, panel, llm, need)
    return [engine, llm, policy, threshold, passages, reader, collections]


def scope() -> gr.HTML:
    """Which sources are asked, as the page's script says it; the last of what is read."""
    return gr.HTML(
        "",
        elem_id="fn-scope",
        html_template=SCOPE,
        apply_default_css=False,
        js_on_load=SCOPE_SCRIPT,
    )


def choice_of(names: Sequence[str]) -> Any:  # noqa: ANN401 - a change of a component
    """The choice of collections for a reader who sees these; of one there is none to make."""
    return gr.update(choices=list(names), visible=len(names) > 1)


def read_controls(
    settings: Settings,
    engine: str,
    llm: str | None,
    policy: str,
    threshold: float,
    passages: int,
    reader: bool,
    collections: Sequence[str] | None,
    sources: str = "",
) -> Settings:
    """The settings of the next question; what is as it was stays exactly so.

    ``sources`` are the ids of those chosen in the library, as JSON, "" for all.
    """
    llm = (llm or "").strip()
    moved = threshold != _threshold(settings)
    return replace(
        settings,
        engine=cast(Engine, engine),
        llm=settings.llm if llm == _model(settings) else llm,
        policy=cast(Policy, policy),
        threshold=threshold if moved else settings.threshold,
        passages=int(passages),
        reader=reader,
        collections=tuple(collections) if collections else settings.collections,
        sources=tuple(map(str, json.loads(sources))) if sources else settings.sources,
    )


def _model(settings: Settings) -> str:
    """The name in the box; a model that Python code brought along has none."""
    return settings.llm if isinstance(settings.llm, str) else ""


def _threshold(settings: Settings) -> float:
    """The step of the slider nearest to what holds now."""
    now = THRESHOLD if settings.threshold is None else settings.threshold
    return round(now * 20) / 20
