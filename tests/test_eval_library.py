"""The sample cases fit the sample library: every quotation is in the text our parser reads."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

from eval.cases import KINDS, Case, find_quote, load_cases
from eval.metrics import contains_answer
from ingest.parse import parse

EVAL = Path(__file__).parents[1] / "eval"
LIBRARY = EVAL / "library"
ARTICLE = (
    Path(__file__).parents[2]
    / "shared"
    / "data"
    / "articles"
    / "microsoft-openai-partnership-disparity.txt"
)
CASES = load_cases(EVAL / "cases" / "sample.jsonl")
PAPERS = {name: load_cases(EVAL / "cases" / f"{name}.jsonl") for name in ("office", "town")}
ANSWERABLE = [
    *((LIBRARY, case) for case in CASES if case.answerable),
    *((EVAL / name, case) for name, cases in PAPERS.items() for case in cases if case.answerable),
]
RUN = 8


@lru_cache
def text_of(source: str, library: Path = LIBRARY) -> str:
    return parse(library / source).text


@pytest.mark.parametrize(("library", "case"), ANSWERABLE, ids=[c.id for _, c in ANSWERABLE])
def test_the_evidence_is_in_the_parsed_source_and_holds_the_answer(
    library: Path, case: Case
) -> None:
    for item in case.evidence:
        assert find_quote(text_of(item.source, library), item.quote), (item.source, item.quote)
    assert any(contains_answer(item.quote, case.answers) for item in case.evidence)


def test_ids_are_unique_and_there_are_enough_of_every_kind() -> None:
    assert len(CASES) >= 80
    assert len({case.id for case in CASES}) == len(CASES)
    kinds = Counter(case.kind for case in CASES)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 5


@pytest.mark.parametrize("name", PAPERS)
def test_other_peoples_papers_are_all_asked_about(name: str) -> None:
    cases = PAPERS[name]
    assert len({case.id for case in cases}) == len(cases) >= 150
    assert sum(not case.answerable for case in cases) >= 40
    files = {path.name for path in (EVAL / name).iterdir()}
    assert files == {item.source for case in cases for item in case.evidence}


def test_kinds_keep_their_promise() -> None:
    for case in (*CASES, *PAPERS["office"], *PAPERS["town"]):
        assert case.answerable == (not case.kind.startswith("unanswerable")), case.id
        assert bool(case.history) == (case.kind == "follow_up"), case.id
        if case.kind in ("two_document", "contradiction"):
            assert len({item.source for item in case.evidence}) >= 2, case.id


def test_the_library_holds_every_format_and_every_document_is_asked_about() -> None:
    files = {path.name for path in LIBRARY.iterdir()}
    assert {Path(name).suffix for name in files} == {
        ".md", ".txt", ".html", ".csv", ".pdf", ".docx",
    }  # fmt: skip
    assert files == {item.source for case in CASES for item in case.evidence}


def test_no_sentence_of_the_article_was_copied() -> None:
    if not ARTICLE.is_file():
        pytest.skip(f"{ARTICLE} is not here")
    taken = runs(ARTICLE.read_text(encoding="utf-8"))
    assert taken
    texts = {path.name: text_of(path.name) for path in LIBRARY.iterdir()}
    texts |= {case.id: f"{case.question} {case.reference}" for case in CASES}
    for name, text in texts.items():
        assert not taken & runs(text), (name, taken & runs(text))


def runs(text: str) -> set[tuple[str, ...]]:
    """Every run of eight words, whatever stands between them."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}
