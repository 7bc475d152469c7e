"""Replies of language models, read while they arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.reply import Claim, ReplyReader


def read(pieces: list[str]) -> list[Claim]:
    reader = ReplyReader()
    found = [claim for piece in pieces for claim in reader.feed(piece)]
    return [*found, *reader.end()]


REPLIES = st.lists(
    st.sampled_from(
        [
            "The U.S. paid $1 billion",
            "It was Dr. Smith",
            " [1]",
            "[2]",
            "[1, 3-4]",
            "【5†source】",
            ' [2: "in the year 2019"]',
            "[not a number]",
            "[",
            ". ",
            ".",
            "\n",
            "\n- ",
            "\n2. ",
            "**",
            "?! ",
            " 3.5 million",
            "东京是首都。",
            "<think>",
            "</think>",
            "# ",
        ]
    )
    | st.text(max_size=5),
    max_size=12,
).map("".join)


@given(REPLIES, st.lists(st.integers(0, 80), max_size=8))
def test_how_a_reply_is_cut_into_pieces_changes_nothing(reply: str, cuts: list[int]) -> None:
    ends = sorted({min(cut, len(reply)) for cut in cuts} | {0, len(reply)})
    pieces = [reply[a:b] for a, b in pairwise(ends)]
    assert read(pieces) == read([reply]) == read(list(reply))


@given(REPLIES)
def test_a_sentence_holds_no_bracket_with_a_number_and_has_a_word(reply: str) -> None:
    for claim in read([reply]):
        assert any(map(str.isalnum, claim.text))
        assert "[1]" not in claim.text
        assert "[2]" not in claim.text
        assert claim.text == " ".join(claim.text.split())


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("It opened [1]. It closed. [2]", [("It opened.", (1,)), ("It closed.", (2,))]),
        ("It opened [1][2].", [("It opened.", (1, 2))]),
        ("It opened [1, 3–5; 9].", [("It opened.", (1, 3, 4, 5, 9))]),
        ("It opened [passages 2 and 3].", [("It opened.", (2, 3))]),
        ("It opened [^4]. Then【2†source】.", [("It opened.", (4,)), ("Then.", (2,))]),
        ("[3] It opened.", [("It opened.", (3,))]),
        ("It opened.\n[3]", [("It opened.", (3,))]),
        ("It cost 3.5 million U.S. dollars [1].", [("It cost 3.5 million U.S. dollars.", (1,))]),
        ("See [the annex] and [7].", [("See [the annex] and.", (7,))]),
        ("## Answer\n**Two** things.", [("Two things.", ())]),
        ("<think>Is it [2]? Yes.</think>It is [1].", [("It is.", (1,))]),
        ("<think>I never stop", []),
        ("", []),
        ("It opened [1", [("It opened [1", ())]),
    ],
)
def test_brackets_go_to_the_sentence_before_them(
    reply: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert [(claim.text, claim.numbers) for claim in read([reply])] == expected


def test_copied_words_come_with_their_passage() -> None:
    (claim,) = read(['It opened in 1932 [2: "opened to the public\nin 1932"] [4].'])
    assert claim.quotes == ((2, "opened to the public\nin 1932"),)
    assert claim.numbers == (2, 4)


def test_lists_keep_their_marks() -> None:
    claims = read(["Reasons: money.\n\n- One [1].\n- Two.\n1. Three."])
    assert [c.lead for c in claims] == ["", "\n- ", "\n- ", "\n1. "]


def test_a_sentence_is_given_as_soon_as_a_word_follows_it() -> None:
    reader = ReplyReader()
    assert list(reader.feed("It opened in 1932 [2]. ")) == []
    assert list(reader.feed("The")) == []
    assert [c.text for c in reader.feed(" ")] == ["It opened in 1932."]
