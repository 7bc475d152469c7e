"""What other measurements found, as tables: benchmarks, grounding, chunking, injection and such."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

LONGEST = 20  # rows of a list


def other_measurements(others: Mapping[str, Any]) -> str:
    """The section with what was measured elsewhere, by name; nothing without any."""
    if not others:
        return ""
    parts = [f"<h3>{escape(name)}</h3>{_shown(value)}" for name, value in others.items()]
    return f"<h2>Other measurements</h2>{''.join(parts)}"


def _shown(value: Mapping[str, Any]) -> str:
    """One table for what stands by itself, one for each list or group of like rows."""
    single, tables = {}, []
    for name, item in value.items():
        rows = _rows(item)
        if rows:
            tables.append(f"<h4>{escape(_plain(name))}</h4>{_table(rows)}")
        else:
            single.update(_flat(item, name))
    body = "".join(
        f"<tr><td>{escape(_plain(name))}</td><td class='n'>{escape(_cell(item))}</td></tr>"
        for name, item in single.items()
    )
    top = f"<table class='plain'>{body}</table>" if body else ""
    return top + "".join(tables)


def _rows(item: object) -> list[dict[str, Any]]:
    """What can be read as rows: a list of objects, or an object of objects, by their names."""
    if isinstance(item, list) and item and all(isinstance(row, Mapping) for row in item):
        return [_flat(row) for row in item]
    if isinstance(item, Mapping) and item and all(isinstance(v, Mapping) for v in item.values()):
        return [{"": name, **_flat(row)} for name, row in item.items()]
    return []


def _flat(item: object, name: str = "") -> dict[str, Any]:
    """Nested objects as one, with their names joined."""
    if not isinstance(item, Mapping):
        return {name: item}
    flat: dict[str, Any] = {}
    for key, value in item.items():
        flat |= _flat(value, f"{name} {key}".strip())
    return flat


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    heads = "".join(f"<th>{escape(_plain(name))}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(_td(row.get(name)) for name in names)}</tr>" for row in rows[:LONGEST]
    )
    more = f"<p><small>and {len(rows) - LONGEST} more</small></p>" if len(rows) > LONGEST else ""
    return f"<div class='scroll'><table class='plain'><tr>{heads}</tr>{body}</table></div>{more}"


def _td(value: object) -> str:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return f"<td{' class=' + repr('n') if numeric else ''}>{escape(_cell(value))}</td>"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        return ", ".join(map(_cell, value))
    return str(value)


def _plain(name: str) -> str:
    return name.replace("_", " ")
