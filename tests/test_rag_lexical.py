"""The lexical index: BM25 inside the store's own transactions, safe against any query."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.lexical import MAX_TERMS, WHOLE, LexicalIndex, analyze, query_terms

ROWS = [
    (1, "Oil", "History", "The oil crisis began in October 1973 when OAPEC proclaimed an embargo."),
    (2, "Normans", "", "The Normans gave their name to Normandy, a region in France."),
    (3, "Café", "Menüs", "Crème brûlée and naïve waiters."),
    (4, "映画", "", "東京で映画を見ました。"),
    (7, "Energy", "", "Prices of crude oil quadrupled during the embargo; oil became scarce."),
]


@pytest.fixture(scope="module")
def index() -> LexicalIndex:
    index = LexicalIndex(sqlite3.connect(":memory:"))
    index.create()
    index.add(ROWS)
    return index


def numbers(found: list[tuple[int, float]]) -> list[int]:
    return [number for number, _ in found]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The Embargoes' prices, QUADRUPLING!", ["the", "embargo", "price", "quadrupl"]),
        ("Crème BRÛLÉE", ["crème", "brulee"]),
        ("Straße ﬁx", ["strass", "fix"]),
        ("映画を見", ["映画", "画を", "を見"]),
        ("GPT-4 in 2023", ["gpt", "4", "in", "2023"]),
        ('a;b\x00"c*', ["a", "b", "c"]),
        ("", []),
    ],
)
def test_analysis(text: str, terms: list[str]) -> None:
    assert analyze(text) == [analyze(term)[0] for term in terms]


@pytest.mark.parametrize(
    ("text", "identifiers"),
    [
        ("Set work_mem in postgresql.conf.", ["work_mem", "postgresql.conf"]),
        ("git merge --no-ff, or -n", ["--no-ff", "-n"]),
        ("(maintenance_work_mem)", ["maintenance_work_mem"]),
        ("What does %D mean, at 100%?", ["%D"]),
        ("e.g. at 9 a.m. - the well-known 5-10 of the U.S.", []),
        ("The end.Then -- more.", []),
    ],
)
def test_an_identifier_is_a_term_beside_its_words(text: str, identifiers: list[str]) -> None:
    whole = [term for term in analyze(text) if term.startswith(WHOLE)]
    assert whole == [analyze(name)[-1] for name in identifiers]
    assert all(term.isalnum() for term in whole)
    assert all(set(whole).isdisjoint(analyze(word)) for word in ("work", "mem", "no", "ff", "n"))


def test_stop_words_are_not_searched_unless_nothing_else_is_asked() -> None:
    assert query_terms("When did the oil crisis begin?") == ["oil", "crisi", "begin"]
    assert query_terms("Who is it?") == ["who", "is", "it"]
    assert query_terms("oil, Oil; OIL") == ["oil"]
    assert query_terms("Does John Doe pay?") == ["john", "doe", "pay"]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("When did the oil embargo begin?", {1, 7}),
        ("history", {1}),  # headings
        ("energy", {7}),  # title
        ("norman", {2}),  # stem
        ("creme brulee cafe", {3}),  # accents
        ("東京の映画", {4}),
    ],
)
def test_search_finds_by_title_headings_and_text(
    index: LexicalIndex, query: str, best: set[int]
) -> None:
    assert set(numbers(index.search(query, 10))) == best


def test_search_is_best_first_and_limited(index: LexicalIndex) -> None:
    found = index.search("crude oil embargo", 10)
    assert numbers(found) == [7, 1]
    assert found[0][1] > found[1][1] > 0
    assert index.search("crude oil embargo", 1) == found[:1]


def test_score_agrees_with_search(index: LexicalIndex) -> None:
    found = dict(index.search("crude oil embargo", 10))
    assert index.score("crude oil embargo", [7, 1, 2, 99]) == {**found, 2: 0.0, 99: 0.0}
    assert index.score("crude oil embargo", []) == {}
    assert index.score("?", [1]) == {1: 0.0}


def test_term_statistics(index: LexicalIndex) -> None:
    assert len(index) == 5
    assert index.df("oil") == 2
    assert index.df("absent") == 0
    assert index.idf("absent") > index.idf("franc") > index.idf("oil") > 0


def test_a_deleted_chunk_is_gone_and_its_number_free(index: LexicalIndex) -> None:
    index.add([(50, "", "", "zeppelin over lakehurst")])
    index.delete([50, 51])
    assert index.search("zeppelin", 5) == []
    assert index.df("zeppelin") == 0
    index.add([(50, "", "", "submarine")])
    assert numbers(index.search("submarine", 5)) == [50]
    index.delete([50])
    assert len(index) == len(ROWS)


def test_the_index_lives_in_the_callers_transaction(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    db = sqlite3.connect(path, isolation_level=None)
    index = LexicalIndex(db)
    index.create()
    db.execute("BEGIN")
    index.add(ROWS)
    db.execute("ROLLBACK")
    assert index.search("oil", 5) == []
    db.execute("BEGIN")
    index.add(ROWS)
    db.execute("COMMIT")
    db.close()
    reopened = LexicalIndex(sqlite3.connect(path))
    reopened.create()
    assert numbers(reopened.search("crude oil", 5)) == [7, 1]


@pytest.fixture(scope="module")
def scratch() -> Iterator[LexicalIndex]:
    db = sqlite3.connect(":memory:")
    index = LexicalIndex(db)
    index.create()
    yield index
    db.close()


@given(query=st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_is_read_as_syntax(index: LexicalIndex, query: str) -> None:
    assert len(index.search(query, 3)) <= 3
    assert set(index.score(query, [1, 2])) == {1, 2}
    for term in analyze(query):
        index.df(term)


@given(text=st.text())
def test_every_text_is_found_by_each_of_its_own_terms(scratch: LexicalIndex, text: str) -> None:
    scratch.add([(1, "", "", text)])
    try:
        for term in analyze(text):
            assert scratch.df(term) == 1
        if analyze(text):
            assert numbers(scratch.search(text, 1)) == [1]
    finally:
        scratch.delete([1])


@pytest.mark.parametrize(
    "query", ['oil AND "', "oil* NEAR(x", "terms:oil", "-oil ^oil", "oil' OR 1=1 --"]
)
def test_syntax_of_fts5_and_sql_is_only_words(index: LexicalIndex, query: str) -> None:
    assert {1, 7} <= set(numbers(index.search(query, 5)))


def test_a_pasted_page_is_searched_by_its_rarest_terms(index: LexicalIndex) -> None:
    page = " ".join(f"word{i}" for i in range(10 * MAX_TERMS)) + " oil"
    assert index.search(page, 5) == []
    assert numbers(index.search("oil " * 10_000, 1)) == [7]
