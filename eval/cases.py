"""Questions with known answers, one JSON object a line, checked as they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, with_config

from eval.metrics import normalize_answer
from eval.rows import Text, typed_rows
from rag.errors import BadInput
from rag.types import Span, Turn

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


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Evidence:
    """A quotation that answers the question: its words in a file, by path within the library."""

    source: Text
    quote: Text


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Case:
    """One question and what is known about its answer.

    ``answers`` are short strings of which a right answer holds at least one; ``reference`` is the
    full answer, for people. What cannot be answered has neither answers nor evidence; it may be
    so because it is asked ``without`` what would answer it, which is then kept from the question.
    """

    id: Text
    kind: str
    question: Text
    history: Annotated[tuple[Turn, ...], Field(default=())]  # in files; code always gives it
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
    for number, case in typed_rows(path, Case):
        problem = _problem(case)
        if case.id in lines:
            problem = f"id {case.id!r} is taken by line {lines[case.id]}"
        if problem:
            raise BadInput(f"{path}:{number}: {problem}")
        lines[case.id] = number
        cases.append(case)
    if not cases:
        raise BadInput(f"{path}: holds no cases")
    return cases


def find_quote(text: str, quote: str) -> list[Span]:
    """Where the words of ``quote`` stand in ``text``, whatever white space is between them."""
    pattern = r"\s+".join(map(re.escape, quote.split()))
    return [Span(*match.span()) for match in re.finditer(pattern, text)] if pattern else []


def _problem(case: Case) -> str:
    """What is wrong with a case whose fields have the right types; "" for nothing."""
    if case.kind not in KINDS:
        return f"unknown kind {case.kind!r}: known are {', '.join(KINDS)}"
    for answer in case.answers:
        if not normalize_answer(answer):
            return f"answer {answer!r} is empty once articles and punctuation are left out"
    if case.answerable and case.without:
        return "a case that is asked 'without' its evidence is not answerable"
    for name, known in (("answers", case.answers), ("evidence", case.evidence)):
        if case.answerable and not known:
            return f"an answerable case needs {name!r}"
        if not case.answerable and known:
            return f"a case that is not answerable has no {name!r}"
    return ""
