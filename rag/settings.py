"""How questions are to be answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.types import Engine, Policy

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices a user makes; every default works offline.

    ``engine``: ``extractive`` quotes, ``llm`` lets a language model write, ``auto`` lets it write
    where that is better than quotes, and quotes when none is named. ``llm`` is ``provider:model``,
    ``local[:name-or-path]``, or a LangChain chat model; ``base_url`` is the address of an
    OpenAI-compatible server. ``policy`` says what becomes of sentences that their evidence does not
    support: ``strict`` withholds them, ``mark`` shows them marked, ``off`` shows them and warns of
    nothing, for measuring. ``verifier`` names a cross-encoder to check with instead of the one that
    ships. ``threshold`` is the confidence in [0, 1] below which a question is declined; None takes
    the index's own.
    """

    engine: Engine = "auto"
    llm: str | BaseChatModel = ""
    base_url: str = ""
    policy: Policy = "strict"
    verifier: str = ""
    threshold: float | None = None
