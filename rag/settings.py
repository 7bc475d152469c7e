"""How questions are to be answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.errors import BadInput
from rag.types import Engine, Policy

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PASSAGES = 10
MOST_PASSAGES = 50


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
    the index's own. ``passages`` is how many are retrieved for a question, from 1 to
    ``MOST_PASSAGES``. ``reader`` lets the small model read the best of them; without it, words and
    embeddings alone choose what to quote and when to decline. ``collections`` are the only ones
    that are searched, beside what is in none; None searches everything. ``sources`` are the ids of
    the only ones that are searched; of those that other collections hold, nothing is.
    """

    engine: Engine = "auto"
    llm: str | BaseChatModel = ""
    base_url: str = ""
    policy: Policy = "strict"
    verifier: str = ""
    threshold: float | None = None
    passages: int = PASSAGES
    reader: bool = True
    collections: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Raises ``BadInput`` for a number of passages out of range."""
        if not 1 <= self.passages <= MOST_PASSAGES:
            raise BadInput(
                f"{self.passages} passages cannot be asked for: give 1 to {MOST_PASSAGES}"
            )
