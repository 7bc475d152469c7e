"""How questions are to be answered."""

from __future__ import annotations

from dataclasses import dataclass

from rag.types import Engine, Policy


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices a user makes; every default works offline.

    ``llm`` is ``provider:model`` or ``local[:name-or-path]``; ``base_url`` is the address of an
    OpenAI-compatible server. ``policy`` says what becomes of sentences that their evidence does not
    support: ``strict`` withholds them, ``mark`` shows them marked, ``off`` does not check.
    ``verifier`` names a cross-encoder to check with instead of the one that ships. ``threshold``
    is the confidence in [0, 1] below which a question is declined; None takes the index's own.
    """

    engine: Engine = "extractive"
    llm: str = ""
    base_url: str = ""
    policy: Policy = "strict"
    verifier: str = ""
    threshold: float | None = None
