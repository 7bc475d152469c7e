"""Ask documents questions; every sentence of an answer is bound to the characters it stands on.

>>> from rag import open_index
>>> index = open_index("my-index")
>>> answer = index.ask("How much did Microsoft invest in 2019?")
>>> for sentence in answer.sentences:
...     print(sentence.text, [c.quote for c in sentence.citations])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag.errors import (
    BadDocument,
    BadIndex,
    BadInput,
    BadQuestion,
    FootnoteError,
    IndexBusy,
    ModelError,
)
from rag.settings import Settings
from rag.types import Answer, Chunk, Citation, Passage, Sentence, Source, Span, Turn

if TYPE_CHECKING:
    from rag.index import Index, create_index, open_index

__all__ = [
    "Answer",
    "BadDocument",
    "BadIndex",
    "BadInput",
    "BadQuestion",
    "Chunk",
    "Citation",
    "FootnoteError",
    "Index",
    "IndexBusy",
    "ModelError",
    "Passage",
    "Sentence",
    "Settings",
    "Source",
    "Span",
    "Turn",
    "create_index",
    "open_index",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol
    """Import the index, and with it the heavy libraries, when it is first asked for."""
    if name in {"Index", "create_index", "open_index"}:
        import rag.index

        return getattr(rag.index, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
