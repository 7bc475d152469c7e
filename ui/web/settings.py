"""How the next question is answered, chosen on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import gradio as gr

from rag.select import THRESHOLD
from rag.settings import MOST_PASSAGES, Settings
from rag.types import Engine, Policy

ENGINES = [
    ("Quote the documents", "extractive"),
    ("Let a model write", "llm"),
    ("A model, quotes where it fails", "auto"),
]
POLICIES = [
    ("Withhold what is not supported", "strict"),
    ("Show it, marked", "mark"),
    ("Do not check", "off"),
]


def controls(settings: Settings) -> list[Any]:
    """How to answer and from what, each explained in a sentence; last, the collections."""
    with gr.Accordion("Settings", open=False, elem_id="fn-settings"):
        engine = gr.Radio(
            ENGINES,
            value=settings.engine,
            label="Engine",
            info="Quotes need no model; a model writes in its own words, and each is checked.",
        )
        llm = gr.Textbox(
            _model(settings),
            label="Model",
            info="As provider:model, or local:name for one on this machine.",
            placeholder="provider:model",
            max_lines=1,
        )
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
        collections = gr.Dropdown(
            [],
            value=[],
            multiselect=True,
            label="Collections",
            info="Ask only these, and what is in none; empty asks everything.",
            visible=False,
        )
    return [engine, llm, policy, threshold, passages, collections]


def choice_of(names: Sequence[str]) -> Any:  # noqa: ANN401 - a change of a component
    """The choice of collections for a reader who sees these; of one there is none to make."""
    return gr.update(choices=list(names), visible=len(names) > 1)


def read_controls(
    settings: Settings,
    engine: str,
    llm: str,
    policy: str,
    threshold: float,
    passages: int,
    collections: Sequence[str] | None,
) -> Settings:
    """The settings of the next question; what is as it was stays exactly so."""
    moved = threshold != _threshold(settings)
    return replace(
        settings,
        engine=cast(Engine, engine),
        llm=settings.llm if llm.strip() == _model(settings) else llm.strip(),
        policy=cast(Policy, policy),
        threshold=threshold if moved else settings.threshold,
        passages=int(passages),
        collections=tuple(collections) if collections else settings.collections,
    )


def _model(settings: Settings) -> str:
    """The name in the box; a model that Python code brought along has none."""
    return settings.llm if isinstance(settings.llm, str) else ""


def _threshold(settings: Settings) -> float:
    """The step of the slider nearest to what holds now."""
    now = THRESHOLD if settings.threshold is None else settings.threshold
    return round(now * 20) / 20
