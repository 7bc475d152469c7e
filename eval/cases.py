"""Questions with known answers, one JSON object a line, checked as they are read."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.metrics import normalize_answer
from rag.errors import BadInput
from rag.types import Span, Turn, turns

SAMPLE_LIBRARY = Path(__file__).parent / "library"
SAMPLE_CASES = Path(__file__).parent / "cases" / "sample.jsonl"
KINDS = (
    "single_fact",
    "two_document",
    "table",
    "follow_up",
    "paraphrase",
    "contradiction",
    "unanswerable_near",
    "unanswerable_far",
)
# An answer of these kinds stands on every piece of the evidence, not on any one.
NEEDS_ALL = frozenset({"two_document", "contradiction"})

_REQUIRED = {
    "id": str,
    "kind": str,
    "question": str,
    "answerable": bool,
    "reference": str,
    "answers": list,
    "evidence": list,
}
_OPTIONAL = {"history": list, "note": str, "without": list}
_JSON_NAMES = {str: "a string", bool: "true or false", list: "a list", dict: "an object"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quotation that answers the question: its words in a file, by path within the library."""

    source: str
    quote: str


@dataclass(frozen=True, slots=True)
class Case:
    """One question and what is known about its answer.

    ``answers`` are short strings of which a right answer holds at least one; ``reference`` is the
    full answer, for people. What cannot be answered has neither answers nor evidence; it may be
    so because it is asked ``without`` what would answer it, which is then kept from the question.
    """

    id: str
    kind: str
    question: str
    history: tuple[Turn, ...]
    answerable: bool
    reference: str
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    note: str = ""
    without: tuple[Evidence, ...] = ()


def load_cases(path: str | Path) -> list[Case]:
    """Read cases, in the file's order.

    Raises ``BadInput`` as ``path:line: message`` for the first line that is not a whole case, and
    for a file that cannot be read or holds none.
    """
    path = Path(path)
    cases: list[Case] = []
    lines: dict[str, int] = {}
    for number, row in json_rows(path):
        try:
            case = _case(row)
            if case.id in lines:
                raise BadInput(f"id {case.id!r} is taken by line {lines[case.id]}")
        except BadInput as error:
            raise BadInput(f"{path}:{number}: {error}") from error
        lines[case.id] = number
        cases.append(case)
    if not cases:
        raise BadInput(f"{path}: holds no cases")
    return cases


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a ``.jsonl`` or ``.jsonl.gz`` file with their line numbers.

    Empty lines are skipped. Raises ``BadInput`` as ``path:line: message``.
    """
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise BadInput(f"{path}:{number}: not JSON: {error}") from error
                if not isinstance(row, dict):
                    raise BadInput(f"{path}:{number}: not a JSON object but {_shown(row)}")
                yield number, row
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}:{number + 1}: not UTF-8: {error}") from error


def find_quote(text: str, quote: str) -> list[Span]:
    """Where the words of ``quote`` stand in ``text``, whatever white space is between them."""
    pattern = r"\s+".join(map(re.escape, quote.split()))
    return [Span(*match.span()) for match in re.finditer(pattern, text)] if pattern else []


def read_turns(rows: object) -> tuple[Turn, ...]:
    """A conversation as JSON has it: a list of ``{"role", "text"}``.

    Raises ``BadInput``, which says what is wrong but not where.
    """
    if not isinstance(rows, list):
        raise BadInput(f"field 'history' must be a list, not {_shown(rows)}")
    for n, row in enumerate(rows, 1):
        if not isinstance(row, dict) or set(row) != {"role", "text"}:
            raise BadInput(
                f"history row {n} is {_shown(row)}: "
                'give {"role": "user" or "assistant", "text": "..."}'
            )
    return turns(rows)


def _case(row: dict[str, Any]) -> Case:
    fields = _REQUIRED | _OPTIONAL
    if unknown := [name for name in row if name not in fields]:
        raise BadInput(f"unknown field {unknown[0]!r}: known are {', '.join(fields)}")
    if missing := [name for name in _REQUIRED if name not in row]:
        raise BadInput(f"field {missing[0]!r} is missing")
    for name, value in row.items():
        _expect(f"field {name!r}", value, fields[name])
    for name in ("id", "question"):
        if not row[name].strip():
            raise BadInput(f"field {name!r} is empty")
    if row["kind"] not in KINDS:
        raise BadInput(f"unknown kind {row['kind']!r}: known are {', '.join(KINDS)}")
    for answer in row["answers"]:
        _expect("each of 'answers'", answer, str)
        if not normalize_answer(answer):
            raise BadInput(f"answer {answer!r} is empty once articles and punctuation are left out")
    evidence = tuple(_evidence(item) for item in row["evidence"])
    without = tuple(_evidence(item) for item in row.get("without", []))
    if row["answerable"] and without:
        raise BadInput("a case that is asked 'without' its evidence is not answerable")
    for name, known in (("answers", row["answers"]), ("evidence", evidence)):
        if row["answerable"] and not known:
            raise BadInput(f"an answerable case needs {name!r}")
        if not row["answerable"] and known:
            raise BadInput(f"a case that is not answerable has no {name!r}")
    return Case(
        id=row["id"],
        kind=row["kind"],
        question=row["question"],
        history=read_turns(row.get("history", [])),
        answerable=row["answerable"],
        reference=row["reference"],
        answers=tuple(row["answers"]),
        evidence=evidence,
        note=row.get("note", ""),
        without=without,
    )


def _evidence(item: object) -> Evidence:
    _expect("each of 'evidence'", item, dict)
    assert isinstance(item, dict)
    if set(item) != {"source", "quote"}:
        raise BadInput(f"evidence has the fields 'source' and 'quote', not {_shown(sorted(item))}")
    for name, value in item.items():
        _expect(f"evidence {name!r}", value, str)
        if not value.strip():
            raise BadInput(f"evidence {name!r} is empty")
    return Evidence(item["source"], item["quote"])


def _expect(what: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise BadInput(f"{what} must be {_JSON_NAMES[kind]}, not {_shown(value)}")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."
