"""Words compared by their stems, and those that mean the contrary of each other."""

from __future__ import annotations

from itertools import product
from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.opposites import OPPOSITES, share_opposed
from rag.verify_shorter import is_shortened
from rag.words import STOP, asked_tokens, stems, stems_of, tokens


@pytest.mark.parametrize(
    ("form", "base"),
    [("women", "woman"), ("Children", "child"), ("blown", "blow"), ("withdrew", "withdraw")],
)
def test_an_irregular_form_meets_its_base(form: str, base: str) -> None:
    assert stems(form) == stems(base)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("the CEO", "the chief executive"),
        ("ceo", "chief executive"),
        ("its CFO", "its chief financial officer"),
        ("the US, the U.S. and the USA", "the United States"),
        ("U.K. law", "United Kingdom law"),
        ("an EU rule", "a European Union rule"),
        ("its headquarters", "its head office"),
        ("It is headquartered in Rome", "Its head office is in Rome"),
    ],
)
def test_what_is_cut_short_everywhere_meets_its_words(short: str, full: str) -> None:
    said = [{t.stem for t in tokens(text) if t.lower not in STOP} for text in (short, full)]
    assert said[0] == said[1]


def test_one_chief_is_not_another() -> None:
    assert stems_of("COO").isdisjoint(stems_of("the chief executive"))


def test_small_words_are_no_nations() -> None:
    assert stems_of("CONTACT US") == {"contact", "us"}
    assert stems_of("They told us of un.") == {"they", "told", "us", "of", "un"}


def test_initials_of_a_person_are_no_nation() -> None:
    for a, b in product(ascii_uppercase, repeat=2):
        assert tokens(f"The poet {a}.{b}. Brown wrote it.")
    assert stems_of("E.K. Brown").isdisjoint(stems_of("United Kingdom, European Union"))


_INITIALS = st.lists(st.sampled_from("EKNSUAHQehq"), min_size=1, max_size=4).map(".".join)


@given(st.lists(st.one_of(st.text(), _INITIALS, st.sampled_from((".", " ", "chief", "HQ")))))
def test_any_text_has_words(parts: list[str]) -> None:
    assert all(token.stem for token in tokens("".join(parts)))


def test_words_that_look_like_a_form_of_another_stay_apart() -> None:
    assert stems("employer") != stems("employee")
    assert stems("Fed") != stems("feed")
    assert stems("SAT") != stems("sit")


def test_no_word_is_its_own_contrary() -> None:
    assert [pair for pair in OPPOSITES if stems(pair[0]) == stems(pair[1])] == []


@pytest.mark.parametrize(
    ("word", "sentence", "opposed"),
    [
        ("outer", "A permit for the inner zone costs 240 pounds.", True),
        ("lost", "They won the cup.", True),
        ("first", "It came last.", True),
        ("active", "It has been inactive since May.", True),
        ("leave", "Staff have a right to twelve weeks.", False),
        ("arrival", "The department is on the ground floor.", False),
        ("outer", "A permit costs 240 pounds.", False),
    ],
)
def test_the_contrary_of_a_word_is_known(word: str, sentence: str, opposed: bool) -> None:
    (stem,) = stems(word)
    assert share_opposed(stems_of(sentence), {stem: 0.5}) == 0.5 * opposed


def test_a_plural_is_no_verb() -> None:
    assert is_shortened(
        "The canteen serves soup and bread.", "The canteen serves children soup and bread."
    )


def test_an_identifier_is_asked_for_as_a_whole() -> None:
    (asked,) = (t for t in asked_tokens("the default of work_mem") if t.lower == "work_mem")
    assert asked.whole
    assert asked.stem in stems_of("Set work_mem to 4MB.")
    assert asked.stem not in stems_of("The work of maintenance_work_mem takes mem.")
    assert "work" in stems_of("Set work_mem to 4MB.")
    assert stems_of("Work_Mem") == stems_of("work_mem")
    assert stems_of("%D") != stems_of("%d")
