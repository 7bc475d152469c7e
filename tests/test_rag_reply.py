"""Replies of language models, read while they arrive."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import reply
from rag.reply import FENCE, Claim, ReplyReader, unmarked


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
            "`",
            "```\n",
            "\n| a | b |\n",
            "|---|---|\n",
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
        assert any(map(str.isalnum, unmarked(claim.text)))
        if claim.text.startswith(FENCE):
            continue
        prose = re.sub("`.*?`", "", claim.text)
        assert "[1]" not in prose
        assert "[2]" not in prose
        assert claim.text == " ".join(claim.text.split())
        assert not claim.text.count("**") % 2 and not claim.text.count("`") % 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("It opened [1]. It closed. [2]", [("It opened.", (1,)), ("It closed.", (2,))]),
        ("It opened [1][2].", [("It opened.", (1, 2))]),
        ("It opened. ``` [1]", [("It opened.", ())]),
        ("It opened``` [1]", [("It opened", ())]),
        ("It opened [1, 3–5; 9].", [("It opened.", (1, 3, 4, 5, 9))]),
        ("It opened [passages 2 and 3].", [("It opened.", (2, 3))]),
        ("It opened [^4]. Then【2†source】.", [("It opened.", (4,)), ("Then.", (2,))]),
        ("[3] It opened.", [("It opened.", (3,))]),
        ("It opened.\n[3]", [("It opened.", (3,))]),
        ("It cost 3.5 million U.S. dollars [1].", [("It cost 3.5 million U.S. dollars.", (1,))]),
        ("See [the annex] and [7].", [("See [the annex] and.", (7,))]),
        ("## Answer\n**Two** things.", [("**Two** things.", ())]),
        ("**One [1]. Two [2].** Three.", [("One.", (1,)), ("Two.", (2,)), ("Three.", ())]),
        ("It is **`a[1]`** [2].", [("It is **`a[1]`**.", (2,))]),
        ("Use:\n```py\nx[1]\n\ny()\n```\n[3]", [("Use:", ()), ("```py\nx[1]\n\ny()\n```", (3,))]),
        ("```\nopen [2]", [("```\nopen [2]", ())]),
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
    claims = read(["Reasons: money.\n\n- One [1]. And more. \n- Two.\n1. Three."])
    assert [c.lead for c in claims] == ["", "\n- ", " ", "\n- ", "\n1. "]
    assert [c.lead for c in read(["- One.\n- Two."])] == ["- ", "\n- "]


def test_the_rows_of_a_table_are_sentences_below_their_header() -> None:
    header, apple, pear = read(
        ["| Fruit | Price |\n|:--|--:|\n| **Apple** | 3 [1] |\n| Pear | 4 |[2]"]
    )
    assert (header.text, header.lead) == ("| Fruit | Price |", "")
    assert (apple.text, apple.lead, apple.numbers) == ("| **Apple** | 3 |", "\n|:--|--:|\n", (1,))
    assert (pear.text, pear.lead, pear.numbers) == ("| Pear | 4 |", "\n", (2,))
    assert unmarked(apple.text) == "Apple; 3"


def test_a_sentence_is_given_as_soon_as_a_word_follows_it() -> None:
    reader = ReplyReader()
    assert list(reader.feed("It opened in 1932 [2]. ")) == []
    assert list(reader.feed("The")) == []
    assert [c.text for c in reader.feed(" ")] == ["It opened in 1932."]


@pytest.mark.parametrize("begin, line", [("```py\n", "x = f(y) + 1.5\n"), ("So ", "it is, and ")])
def test_a_long_block_or_sentence_is_not_read_anew_at_each_word(
    begin: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = []

    def counted(raw: str, begun: bool) -> list[tuple[Claim, int]]:
        lengths.append(len(raw))
        return real(raw, begun)

    real = reply._read
    monkeypatch.setattr(reply, "_read", counted)
    text = begin + line * 400
    (claim,) = read(list(text))
    assert claim.text == text.strip()
    assert sum(lengths) < 3 * len(text)


def test_a_sentence_before_a_block_does_not_wait_for_its_end() -> None:
    reader = ReplyReader()
    (first,) = (c for piece in ("See this.\n", "```py\n", "x = 1\n") for c in reader.feed(piece))
    assert first.text == "See this."
    assert list(reader.feed("y = 2\n```\n")) == []
    (block,) = reader.feed("Done now.")
    assert block.text == "```py\nx = 1\ny = 2\n```"
