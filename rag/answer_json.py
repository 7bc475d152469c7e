"""Answers read back from their one JSON shape, ``Answer.to_dict()``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from rag.errors import BadInput
from rag.types import Answer

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def answer_from_dict(row: Mapping[str, Any]) -> Answer:
    """The answer that ``to_dict`` made this of; fields it did not know yet have their defaults.

    Raises ``BadInput`` for what is no such answer.
    """
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(row)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"this is not an answer as `footnote ask --json` prints it: {place}: {first['msg']}"
        ) from error


@cache
def _adapter() -> TypeAdapter[Answer]:
    from pydantic import TypeAdapter

    return TypeAdapter(Answer)
