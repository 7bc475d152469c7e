"""Searching all of an index: nothing that matches is left out, and each match says why it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.intake import record_of
from ingest.parsed import Builder
from ingest.sync import add_texts, sync
from rag import BadQuestion
from rag.embed import Encoder
from rag.find import find_all
from rag.find_words import FEW, NEAR, threshold
from rag.found import Found
from rag.index import Index, create_index

FILLER = (
    "The committee met on Tuesday and adopted the minutes of its last session.",
    "Rain is expected in the north, with strong winds along the coast.",
    "Each participant signs the register before entering the building.",
    "The kitchen serves soup, bread and a choice of two desserts.",
)
PLANTED = "The tenant may terminate the lease with {} days' notice."


def put(index: Index, uri: str, title: str, *paragraphs: str) -> None:
    """Add a document without embedding it."""
    builder = Builder()
    for paragraph in paragraphs:
        builder.add("paragraph", paragraph)
    parsed = builder.build(title=title, media_type="text/plain")
    record = record_of(index, parsed, f"text-{uri}", uri, "0" * 64, title)
    with index.library.writing():
        index.library.put(uri, record)


def exact(index: Index, found: Found) -> None:
    """Every match quotes exactly the characters it names."""
    for match in found.matches:
        text = index.library.text(match.source_id)
        assert text[match.start : match.end] == match.quote
        for span in match.marked:
            assert match.start <= span.start < span.end <= match.end
    assert set(found.sources) == {match.source_id for match in found.matches}


def quotes(found: Found) -> list[str]:
    return [match.quote for match in found.matches]


@pytest.fixture(scope="module")
def leases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Thirty documents without vectors; twelve of their sentences speak of ending a lease."""
    index = create_index(tmp_path_factory.mktemp("leases") / "index")
    for number in range(30):
        paragraphs = [" ".join(FILLER[i:] + FILLER[:i]) for i in range(4)] * 4
        if number % 5 == 0:
            paragraphs[number % 16] += " " + PLANTED.format(number)
            paragraphs.insert(3, PLANTED.format(number + 100))
        put(index, f"{number:02}", f"Document {number}", *paragraphs)
    with index:
        yield index


def test_every_planted_sentence_is_found(leases: Index) -> None:
    steps: list[tuple[int, int]] = []
    found = find_all(leases, "tenant terminates lease", lambda *step: steps.append(step))
    planted = {PLANTED.format(n + more) for n in range(0, 30, 5) for more in (0, 100)}
    assert len(found.matches) == 12
    assert set(quotes(found)) == planted
    chunks = leases.library.counts().chunks
    assert chunks > 60
    assert (found.checked, found.checked_sources) == (chunks, 30)
    assert steps[-1] == (chunks, chunks)
    assert steps == sorted(steps)
    exact(leases, found)
    for match in found.matches:
        assert (match.why, match.scope, match.missing) == (("words",), "sentence", ())


def test_without_vectors_words_are_enough_and_it_is_said(leases: Index) -> None:
    found = find_all(leases, "tenant terminates lease")
    assert found.without_vector == found.checked
    assert any("no vector yet" in note for note in found.notes)
    assert all(match.similarity is None for match in found.matches)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    planted=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 12)), min_size=1, max_size=8, unique=True
    )
)
def test_as_many_are_found_as_were_planted(
    planted: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with create_index(tmp_path_factory.mktemp("planted") / "index") as index:
        for number in range(3):
            lines = list(FILLER * 4)
            for _, place in sorted(p for p in planted if p[0] == number):
                lines[place] = f"Clause {place}: the vendor indemnifies the purchaser."
            put(index, str(number), f"Document {number}", *lines)
        for query in ("indemnify purchaser", '"the vendor indemnifies"'):
            found = find_all(index, query)
            assert len(found.matches) == len(planted)
            assert found.checked == index.library.counts().chunks
            exact(index, found)


def test_words_match_in_any_form_and_request_words_do_not_count(index: Index, docs: Path) -> None:
    sync(index, [docs])
    found = find_all(index, "Find every passage that mentions prizes")
    assert found.words == ("prizes",)
    assert quotes(found) == ["The Conference pear won a prize in London in 1885."]
    asked = find_all(index, "list all documents which mention the prize of a pear")
    assert asked.words == ("prize", "pear")
    assert find_all(index, "find every").words == ("find", "every")


def test_most_of_the_words_are_enough_and_the_missing_ones_are_said(index: Index) -> None:
    put(index, "a", "A", "The auditor reviewed the annual accounts of the foundation.")
    put(index, "b", "B", "The auditor reviewed nothing.")
    for number, text in enumerate(FILLER):
        put(index, str(number), "", text)
    found = find_all(index, "auditor reviews annual accounts carefully")
    (match,) = found.matches
    assert match.quote.startswith("The auditor reviewed the annual")
    assert match.missing == ("carefully",)
    assert "carefully" in " ".join(found.notes)


def test_words_may_be_spread_over_a_passage(index: Index) -> None:
    put(index, "a", "Harbour", "The dredger arrived in May. It left again in June for repairs.")
    (match,) = find_all(index, "dredger repairs").matches
    assert (match.why, match.scope) == (("words",), "passage")
    exact(index, find_all(index, "dredger repairs"))
    assert not find_all(index, "harbour").matches, "a title alone is not in the text"


def test_a_heading_is_found_once_where_it_stands(index: Index, docs: Path) -> None:
    (docs / "deep" / "pears.md").write_text(
        "# Pears\n\n## Winter storage\n\nKeep them cool.\n\n" + "They ripen slowly. " * 200,
        encoding="utf-8",
    )
    sync(index, [docs])
    for query in ("winter storage", '"winter storage"'):
        found = find_all(index, query)
        assert "Winter storage" in quotes(found)
        assert len([m for m in found.matches if "words" in m.why or "phrase" in m.why]) == 1
        exact(index, found)


def test_meaning_is_found_without_a_common_word(index: Index) -> None:
    add_texts(index, [(str(i), "", text) for i, text in enumerate(FILLER)])
    add_texts(index, [("x", "", "Physicians treat illness. They tell their patients to exercise.")])
    found = find_all(index, "health advice of doctors")
    (match,) = found.matches
    assert match.why == ("meaning",)
    assert match.similarity is not None
    assert match.similarity >= NEAR
    assert match.quote in ("Physicians treat illness.", "They tell their patients to exercise.")
    assert found.without_vector == 0
    exact(index, found)


def test_where_all_is_near_only_what_stands_out_is() -> None:
    rng = np.random.default_rng(7)
    about_one_thing = rng.normal(0.6, 0.05, FEW).astype(np.float32)
    assert 0.65 < threshold(about_one_thing) < 0.75
    assert threshold(about_one_thing[:-1]) == NEAR
    assert threshold(about_one_thing - 0.5) == NEAR
    assert threshold(about_one_thing[:0]) == NEAR


@pytest.mark.parametrize(
    "query",
    [
        '"right of first refusal"',
        "“Right of  first\nREFUSAL”",
        'find every "right of first refusal" in it',
    ],
)
def test_a_phrase_across_lines_case_and_spaces(index: Index, query: str) -> None:
    put(
        index,
        "a",
        "A",
        "He has a right of\nfirst   refusal, and that Right of First Refusal is old.",
        "A first right of refusal is not that. Nor is a right of first refusals.",
    )
    found = find_all(index, query)
    (match,) = found.matches
    text = index.library.text(match.source_id)
    assert [" ".join(text[s.start : s.end].lower().split()) for s in match.marked] == [
        "right of first refusal"
    ] * 2
    assert match.why == ("phrase",)
    assert found.words == ()
    exact(index, found)


def test_a_phrase_that_runs_over_sentences(index: Index) -> None:
    put(index, "a", "A", "It rained all day. Nobody came to the fair. It was cancelled.")
    (match,) = find_all(index, '"all day. Nobody came"').matches
    assert match.quote == "It rained all day. Nobody came to the fair."


def test_several_phrases_are_alternatives(index: Index) -> None:
    put(index, "a", "A", "One red fox.", "Two grey wolves.", "Three brown bears.")
    assert len(find_all(index, '"red fox" "brown bears"').matches) == 2


@pytest.mark.parametrize(
    ("phrase", "text", "there"),
    [
        ("art", "The party began.", False),
        ("don't", "They don’t know.", True),
        ("2019-2021", "The years 2019–2021 were dry.", True),
        ("Cafe\u0301", "The café is open.", True),
        ("東京", "私は東京都に住んでいます。", True),
        ("1.5", "It cost 11.50 euros.", False),
        ("(a|b)+", "The pattern (a|b)+ is odd.", True),
    ],
)
def test_what_counts_as_the_same_phrase(index: Index, phrase: str, text: str, there: bool) -> None:
    put(index, "a", "A", text)
    assert bool(find_all(index, f'"{phrase}"').matches) == there


@pytest.mark.parametrize("query", ["", " ?! ", '""', '" - "', 'words and ""'])
def test_queries_that_ask_for_nothing(index: Index, query: str) -> None:
    with pytest.raises(BadQuestion):
        find_all(index, query)


def test_an_empty_index_has_nothing(index: Index) -> None:
    for query in ("anything", '"anything"'):
        found = find_all(index, query)
        assert (found.checked, found.matches, found.sources) == (0, (), {})


def test_what_was_kept_out_is_not_found(index: Index) -> None:
    builder = Builder()
    builder.add("heading", "Visible heading", level=1)
    builder.add("paragraph", "The visible word is sesame.")
    builder.add("paragraph", "The hidden word is tahini.", hidden="white on white")
    builder.add("heading", "Hidden heading of tahini", level=2, hidden="white on white")
    builder.add("paragraph", "The last word is olive.")
    parsed = builder.build(title="Words", media_type="text/html")
    assert parsed.flags
    with index.library.writing():
        index.library.put("a", record_of(index, parsed, "html-a", "a", "0" * 64, "Words"))
    for query in ("tahini", '"tahini"', '"word is tahini"', '"sesame. The hidden"'):
        assert not find_all(index, query).matches
    assert find_all(index, '"sesame"').matches
    assert find_all(index, '"olive"').matches


def test_superseded_versions_are_not_searched(index: Index, docs: Path) -> None:
    sync(index, [docs])
    (docs / "apples.txt").write_text("Apples\n\nThe Cox is eaten raw.\n", encoding="utf-8")
    sync(index, [docs])
    assert not find_all(index, '"Bramley"').matches
    assert find_all(index, '"Cox"').matches


def test_another_embedding_model_searches_by_words_and_says_so(
    index: Index, docs: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(index, [docs])
    own = index.encoder
    monkeypatch.setattr(own, "name", "some-other-model")
    found = find_all(index, "Bramley cooking")
    assert any("by words only" in note for note in found.notes)
    assert all(match.why == ("words",) for match in found.matches)


def test_a_change_meanwhile_is_said(index: Index, docs: Path) -> None:
    sync(index, [docs])
    before = find_all(index, "Bramley")

    def change(done: int, total: int) -> None:
        with index.library.writing():
            pass

    found = find_all(index, "Bramley", change)
    assert any("changed while" in note for note in found.notes)
    assert replace(found, notes=()) == replace(before, notes=())
