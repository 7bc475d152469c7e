"""Answers read back from their one JSON shape, ``Answer.to_dict()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.errors import BadInput
from rag.types import Answer, Chunk, Citation, Passage, Sentence, Source, Span


def answer_from_dict(row: Mapping[str, Any]) -> Answer:
    """The answer that ``to_dict`` made this of; fields it did not know yet have their defaults.

    Raises ``BadInput`` for what is no such answer.
    """
    try:
        return Answer(
            **{
                **row,
                "sentences": tuple(map(_sentence, row["sentences"])),
                "withheld": tuple(map(_sentence, row.get("withheld", ()))),
                "citations": tuple(map(_citation, row["citations"])),
                "passages": tuple(map(_passage, row["passages"])),
                "notes": tuple(row.get("notes", ())),
                "searched": tuple(row.get("searched", ())),
            }
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise BadInput(f"this is not an answer as `footnote ask --json` prints it: {error}") from (
            error
        )


def _citation(row: Mapping[str, Any]) -> Citation:
    return Citation(**{**row, "headings": tuple(row["headings"])})


def _sentence(row: Mapping[str, Any]) -> Sentence:
    return Sentence(
        **{
            **row,
            "citations": tuple(map(_citation, row["citations"])),
            "reasons": tuple(row.get("reasons", ())),
        }
    )


def _passage(row: Mapping[str, Any]) -> Passage:
    chunk, source = row["chunk"], row["source"]
    return Passage(
        **{
            **row,
            "chunk": Chunk(
                **{
                    **chunk,
                    "headings": tuple(chunk["headings"]),
                    "sentences": tuple(Span(**span) for span in chunk["sentences"]),
                }
            ),
            "source": Source(**{**source, "also_at": tuple(source["also_at"])}),
        }
    )
