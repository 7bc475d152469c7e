"""Chunks: exact offsets, nothing lost, nothing longer than is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunk import chunk_document, embedded_texts, split_sentences
from ingest.parsed import BlockKind, Builder, Parsed
from rag.embed import Encoder, load_encoder
from rag.types import Chunk

ENCODER = load_encoder()
WORDS = st.sampled_from(
    [
        "Dr. Smith",
        "paid",
        "$1.5",
        "billion",
        "in",
        "Jan. 2019.",
        "U.S.",
        "Why?",
        "東京は大きい。",
        "e.g.",
    ]
)
BODIES = st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=400).map(" ".join))
KINDS: list[BlockKind] = ["heading", "paragraph", "list_item", "table_row", "code", "definition"]


@st.composite
def documents(draw: st.DrawFn) -> Parsed:
    builder = Builder()
    for kind, body, level, page in draw(
        st.lists(
            st.tuples(st.sampled_from(KINDS), BODIES, st.integers(1, 6), st.integers(1, 3)),
            max_size=12,
        )
    ):
        term = " ".join(body.split()[:level]) if kind == "paragraph" and page == 3 else ""
        if term:
            builder.add(kind, f"{term}: {body}", level=6 + level, page=page, term=term)
            builder.below = 6 + level
        else:
            builder.add(kind, body, level=level if kind == "heading" else 0, page=page)
    return builder.build(title=draw(st.text(max_size=400)), media_type="text/plain")


def chunked(parsed: Parsed, encoder: Encoder = ENCODER) -> list[Chunk]:
    return chunk_document(parsed, "source", parsed.title, encoder)


@settings(max_examples=150, deadline=None)
@given(documents())
def test_offsets_are_exact_and_in_order(parsed: Parsed) -> None:
    position = 0
    for chunk in chunked(parsed):
        assert parsed.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        assert chunk.start >= position
        position = chunk.start
        for span in chunk.sentences:
            assert position <= span.start < span.end <= chunk.end
            quoted = parsed.text[span.start : span.end]
            assert quoted == quoted.strip() != ""
            position = span.end
        assert chunk.sentences[0].start == chunk.start
        assert chunk.sentences[-1].end == chunk.end


@settings(max_examples=150, deadline=None)
@given(documents())
def test_every_character_can_be_quoted_or_is_a_heading(parsed: Parsed) -> None:
    covered = [False] * len(parsed.text)
    for chunk in chunked(parsed):
        for span in chunk.sentences:
            covered[span.start : span.end] = [True] * (span.end - span.start)
    for block in parsed.blocks:
        if block.kind != "heading":
            for i in range(block.start, block.end):
                assert covered[i] or parsed.text[i].isspace()


@settings(max_examples=100, deadline=None)
@given(documents())
def test_the_model_reads_all_of_every_chunk(parsed: Parsed) -> None:
    chunks = chunked(parsed)
    texts = embedded_texts(ENCODER, [parsed.title] * len(chunks), chunks)
    assert all(n <= ENCODER.max_tokens for n in ENCODER.token_counts(texts))
    assert all(text.endswith(chunk.text) for text, chunk in zip(texts, chunks, strict=True))


@settings(max_examples=200, deadline=None)
@given(BODIES)
def test_sentences_cover_the_text(text: str) -> None:
    spans = split_sentences(text)
    assert "".join(text[s.start : s.end] for s in spans).split() == text.split() or (
        "".join("".join(text[s.start : s.end] for s in spans).split()) == "".join(text.split())
    )


def test_sentences_end_where_people_end_them() -> None:
    text = (
        "Dr. Smith paid $1.5 billion in Jan. 2019 to OpenAI Inc. of San Francisco. "
        '"Is it so?" he asked. See Fig. 3 for details. It grew 3.2% vs. 2018.'
    )
    assert [text[s.start : s.end] for s in split_sentences(text)] == [
        "Dr. Smith paid $1.5 billion in Jan. 2019 to OpenAI Inc. of San Francisco.",
        '"Is it so?" he asked.',
        "See Fig. 3 for details.",
        "It grew 3.2% vs. 2018.",
    ]


def test_chunks_follow_headings_and_pages() -> None:
    builder = Builder()
    builder.add("heading", "Fruit", level=1, page=1)
    builder.add("paragraph", "Fruit is sweet.", page=1)
    builder.add("heading", "Apples", level=2, page=1)
    builder.add("paragraph", "Apples are round.", page=1)
    builder.add("paragraph", "They keep well.", page=2)
    builder.add("heading", "Roots", level=1, page=2)
    chunks = chunked(builder.build(title="Food", media_type="text/plain"))
    assert [(c.text, c.headings, c.page) for c in chunks] == [
        ("Fruit is sweet.", ("Fruit",), 1),
        ("Apples are round.", ("Fruit", "Apples"), 1),
        ("They keep well.", ("Fruit", "Apples"), 2),
        ("Roots", (), 2),
    ]


def test_no_sentence_ends_within_a_name_that_has_a_full_stop() -> None:
    text = "Nothing calls yarl.URL.build any more. table.Table is gone.The rest is. 終わり。次。"
    assert [text[s.start : s.end] for s in split_sentences(text)] == [
        "Nothing calls yarl.URL.build any more.",
        "table.Table is gone.",
        "The rest is.",
        "終わり。",
        "次。",
    ]


def test_long_text_is_cut_evenly_on_sentences() -> None:
    builder = Builder()
    builder.add("paragraph", " ".join(f"Sentence number {i} speaks of apples." for i in range(60)))
    chunks = chunked(builder.build(title="Long", media_type="text/plain"))
    sizes = ENCODER.token_counts([c.text for c in chunks])
    assert len(chunks) > 2
    assert min(sizes) > max(sizes) / 2
    assert all(c.text.endswith("apples.") for c in chunks)


def test_text_without_spaces_is_cut_into_readable_pieces() -> None:
    builder = Builder()
    builder.add("paragraph", "กรุงเทพมหานคร" * 500)
    builder.add("paragraph", "QUJDREVGRw" * 2000)
    chunks = chunked(builder.build(title="Runs", media_type="text/plain"))
    assert max(len(chunk.text) for chunk in chunks) <= 192 * 20


def test_list_items_are_divided_into_sentences() -> None:
    text = "• Revenue rose by 20%. Costs fell. Profit doubled."
    assert [text[s.start : s.end] for s in split_sentences(text)] == [
        "• Revenue rose by 20%.",
        "Costs fell.",
        "Profit doubled.",
    ]


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u202f", "\u2028", "\u3000"])
def test_a_letter_before_a_wide_space_and_a_full_stop_ends_a_sentence(space: str) -> None:
    text = f"It is plan A{space}. The quince is yellow."
    spans = split_sentences(text)
    assert text[spans[-1].start : spans[-1].end] == "The quince is yellow."
