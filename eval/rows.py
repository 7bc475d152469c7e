"""Files with a JSON object a line: read by the type of their rows, and grown by a row at a time."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, TypeAdapter, ValidationError

from eval.output import write_text
from rag.errors import BadInput

_T = TypeVar("_T")


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


Text = Annotated[str, AfterValidator(_said)]
"""A string with something in it, in rows that are read."""


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a ``.jsonl`` or ``.jsonl.gz`` file with their line numbers.

    Empty lines are skipped. Raises ``BadInput`` as ``path:line: message``.
    """
    yield from typed_rows(path, dict[str, Any])


def typed_rows(path: Path, kind: type[_T]) -> Iterator[tuple[int, _T]]:
    """The same objects as values of a dataclass or another type that pydantic knows."""
    adapter = TypeAdapter(kind)
    for number, line in _lines(path):
        try:
            yield number, adapter.validate_json(line, strict=True)
        except ValidationError as error:
            raise BadInput(f"{path}:{number}: {_explained(error, kind)}") from error


def read_rows(path: Path, kind: type[_T], what: str) -> list[_T]:
    """The rows of a file that grows by the line; none without the file.

    A last line that was cut off while it was written is left out. Raises ``BadInput`` as
    ``path:line: not WHAT: message``.
    """
    if not path.exists():
        return []
    adapter = TypeAdapter(kind)
    rows = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n") or not line.strip():
                continue
            try:
                rows.append(adapter.validate_json(line, strict=True))
            except ValidationError as error:
                raise BadInput(f"{path}:{number}: not {what}: {_explained(error, kind)}") from error
    return rows


@contextmanager
def appending(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Give what adds a row to a file, so that a crash cannot take it back.

    A last line that was cut off when a process died is dropped first.
    """
    if path.exists() and not (data := path.read_bytes()).endswith(b"\n"):
        path.write_bytes(data[: data.rfind(b"\n") + 1])
    with path.open("a", encoding="utf-8") as file:

        def append(row: Mapping[str, Any]) -> None:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()

        yield append


def write_rows(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a file of rows as a whole or not at all. Raises ``BadInput`` where it cannot be."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file, packed or not, with their numbers, but for empty ones."""
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}:{number + 1}: not UTF-8: {error}") from error


def _explained(error: ValidationError, kind: type) -> str:
    """The first thing that is wrong with a row, in words."""
    first = error.errors(include_url=False)[0]
    place = "".join(f"[{x}]" if isinstance(x, int) else f".{x}" for x in first["loc"])[1:]
    if first["type"] == "json_invalid":
        return f"not JSON: {first['ctx']['error']}"
    if first["type"] == "missing":
        return f"field {place!r} is missing"
    if first["type"] == "unexpected_keyword_argument":
        known = fields(kind) if is_dataclass(kind) and "." not in place else ()
        hint = f": known are {', '.join(field.name for field in known)}" if known else ""
        return f"unknown field {place!r}{hint}"
    if first["type"] == "value_error":
        return f"field {place!r} {first['ctx']['error']}"
    given = json.dumps(first["input"], ensure_ascii=False, default=repr)
    given = given if len(given) <= 80 else given[:77] + "..."
    if not place:
        return f"not a JSON object but {given}"
    return f"field {place!r} {first['msg'].removeprefix('Input ')}, not {given}"
