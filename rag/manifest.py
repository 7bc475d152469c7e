"""What an index was made with. It lies in the index's own database and changes with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manifest:
    """The embedding model, and the Chroma collection that holds its vectors."""

    embedding_model: str
    embedding_fingerprint: str
    dimension: int
    max_tokens: int
    collection: str
