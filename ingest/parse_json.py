"""JSON and JSON Lines: every value under its path, in the order of the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ingest.decode import decode
from ingest.parsed import Builder, Parsed, row_spans
from rag.errors import BadDocument
from rag.types import Place

# The scalars of a file in their order: every string that is no key, and every other word.
_SCALAR = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[\w.+-]+')
_PROSE = 200  # a longer string is text in its own right
_BLANK_LINE = re.compile(r"\n\s*\n")
_LITERALS = {None: "", True: "true", False: "false"}


class _Leaf(NamedTuple):
    text: str
    line: int


class _Object(list[tuple[str, Any]]):
    """The members of an object; a key may stand there twice. Values are leaves, lists, objects."""


def parse_json(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read a JSON file as rows such as ``name: Ada; born.year: 1815``, one per object.

    An array of objects stands below its key as a heading. Long strings are paragraphs. Numbers are
    kept as they are written. Raises ``BadDocument``, with the line, for text that is not JSON.
    """
    text, warnings = decode(path, data)
    return _read(path, [(1, text)], warnings, media_type)


def parse_jsonl(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read JSON Lines, each line as ``parse_json`` does a file. Blank lines are no records."""
    text, warnings = decode(path, data)
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    return _read(path, lines, warnings, media_type)


def _read(
    path: Path, texts: Sequence[tuple[int, str]], warnings: Sequence[str], media_type: str
) -> Parsed:
    """A document of JSON texts, each with the line it begins on."""
    builder = Builder()
    builder.warnings += warnings
    for line, text in texts:
        try:
            value = json.loads(
                text,
                object_pairs_hook=_Object,
                parse_int=str,
                parse_float=str,
                parse_constant=str,
            )
            value = _with_lines(value, _scalar_lines(text, line))
            records = [value] if isinstance(value, _Object | _Leaf) else value
            for record in records:
                _add(builder, record, 1)
        except json.JSONDecodeError as error:
            raise BadDocument(
                f"{path}:{line + error.lineno - 1}: is not JSON ({error.msg}, column "
                f"{error.colno}): mend that line, or rename the file to .txt"
            ) from error
        except RecursionError as error:
            raise BadDocument(f"{path}:{line}: is nested too deeply: flatten it") from error
    return builder.build(title=path.stem, media_type=media_type)


def _scalar_lines(text: str, line: int) -> Iterator[int]:
    """The line of every scalar of a valid JSON text that begins on ``line``."""
    counted = 0
    for match in _SCALAR.finditer(text):
        if match[1] is None:
            line += text.count("\n", counted, match.start())
            counted = match.start()
            yield line


def _with_lines(value: Any, lines: Iterator[int]) -> Any:  # noqa: ANN401
    """``value`` with every scalar as a ``_Leaf``: both come in the order of the file."""
    if isinstance(value, _Object):
        return _Object((key, _with_lines(member, lines)) for key, member in value)
    if isinstance(value, list):
        return [_with_lines(item, lines) for item in value]
    return _Leaf(value if isinstance(value, str) else _LITERALS[value], next(lines))


def _add(builder: Builder, record: Any, level: int) -> None:  # noqa: ANN401
    """Append a record: what it holds itself, then its arrays below headings of that ``level``."""
    leaves: list[tuple[str, _Leaf]] = []
    arrays: list[tuple[str, list[Any]]] = []
    _collect(record, "", leaves, arrays)
    short = [(name, leaf) for name, leaf in leaves if not _is_prose(leaf)]
    text, spans = row_spans([leaf.text for _, leaf in short], [name for name, _ in short])
    places = [Place(span.start, span.end, line=short[i][1].line) for i, span in spans]
    builder.add("table_row", text, places=places)
    for name, leaf in leaves:
        if _is_prose(leaf):
            label = f"{name}: " if name else ""
            for paragraph in _BLANK_LINE.split(leaf.text.strip()):
                builder.add("paragraph", label + paragraph, line=leaf.line)
                label = ""
    for name, items in arrays:
        if name:
            builder.add("heading", name, level=min(level, 6))
        for item in items:
            _add(builder, item, level + 1)


def _collect(
    value: Any,  # noqa: ANN401
    path: str,
    leaves: list[tuple[str, _Leaf]],
    arrays: list[tuple[str, list[Any]]],
) -> None:
    """Sort what a value holds into leaves with their paths, and arrays of more than leaves."""
    if isinstance(value, _Leaf):
        leaves.append((path, value))
    elif isinstance(value, _Object):
        for key, member in value:
            _collect(member, f"{path}.{key}" if path else key, leaves, arrays)
    elif value and all(isinstance(item, _Leaf) for item in value):
        joined = ", ".join(item.text for item in value if item.text)
        leaves.append((path, _Leaf(joined, value[0].line)))
    elif value:
        arrays.append((path, value))


def _is_prose(leaf: _Leaf) -> bool:
    return len(leaf.text) > _PROSE or "\n" in leaf.text.strip()
