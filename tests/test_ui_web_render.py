"""Answers as HTML: what a reader sees, and that no document can add markup of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from rag.types import Answer, Chunk, Citation, Passage, Sentence, Source
from ui.web import render

TEXT = "Before it. The quoted words stand here. After it."
QUOTE = "The quoted words stand here."
HOSTILE = [
    "<script>window.__pwned = 1</script>",
    '<img src=x onerror="window.__pwned = 1">',
    "</mark></blockquote></details><svg onload=alert(1)>",
    '" autofocus onfocus="alert(1)',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "[click](javascript:alert(1)) **bold** <https://example.org>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
    "&lt;script&gt; &amp; <!-- <b> --> <![CDATA[ ]]>",
]
ALLOWED = {
    "article": {"class", "data-turn", "data-done"},
    "section": {"class"},
    "h2": {"class", "dir"},
    "h3": set(),
    "div": {"class"},
    "p": {"class", "dir", "role"},
    "span": {"class", "dir", "title", "aria-hidden"},
    "button": {"type", "class", "data-cite", "aria-label"},
    "b": set(),
    "i": set(),
    "q": set(),
    "ol": set(),
    "ul": set(),
    "li": {"title"},
    "details": {"open", "class"},
    "summary": set(),
    "small": set(),
    "blockquote": {"dir"},
    "mark": {"id", "tabindex"},
    "a": {"href", "target", "rel"},
}


def make(
    title: str = "A title",
    uri: str = "papers/a.md",
    headings: tuple[str, ...] = ("Part", "Chapter"),
    before: str = "Before it. ",
    quote: str = QUOTE,
    after: str = " After it.",
    **changes: object,
) -> Answer:
    text = before + quote + after
    source = Source("s1", uri, title, "00", "text/markdown", 500, 9, "2025-11-14T08:30:00Z")
    chunk = Chunk("c1", "s1", text, 100, 100 + len(text), 4, headings)
    start = 100 + len(before)
    citation = Citation(1, "s1", uri, title, 4, headings, start, start + len(quote), quote)
    sentence = Sentence(quote, 0, len(quote), "supported", 1.0, (citation,))
    values: dict[str, Any] = {
        "question": "What stands here?",
        "query": "What stands here?",
        "status": "answered",
        "text": f"{quote} [1]",
        "sentences": (sentence,),
        "citations": (citation,),
        "passages": (Passage(chunk, source, 0.9, 0.8, 3.0),),
        "confidence": 0.9,
        "engine": "extractive",
        "timings": {"retrieve": 0.05, "select": 0.034},
        "index_revision": 1,
    }
    return Answer(**(values | changes))


def parse(markup: str) -> LexborHTMLParser:
    """The page a browser would make of it, after checking that only our own markup is in it."""
    tree = LexborHTMLParser(f"<!doctype html><html><head></head><body>{markup}</body></html>")
    body = tree.body
    assert body is not None
    for node in body.traverse(include_text=False):
        if node.tag == "body":
            continue
        assert node.tag in ALLOWED, node.tag
        assert set(node.attributes) <= ALLOWED[node.tag], node.attributes
        if node.tag == "a":
            assert (node.attributes["href"] or "").lower().startswith(("http://", "https://"))
    return tree


def text_of(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    assert node is not None, selector
    return node.text(deep=True)


def test_an_answer_shows_its_sentences_with_a_chip_each() -> None:
    tree = parse(render.answer(3, make()))
    assert text_of(tree, "h2") == "What stands here?"
    assert text_of(tree, ".fn-text").startswith(f"{QUOTE}[1]")
    chip = tree.css_first("button.fn-chip")
    assert chip is not None
    assert chip.attributes["data-cite"] == "t3-1"
    assert chip.attributes["aria-label"] == "Source 1: A title, show the passage"
    assert text_of(tree, ".fn-time") == "answered in 84 ms, 1 passage"


def test_a_source_says_where_the_quote_stands_and_highlights_exactly_it() -> None:
    tree = parse(render.answer(3, make()))
    assert text_of(tree, ".fn-number") == "1"
    assert text_of(tree, ".fn-title") == "A title"
    assert text_of(tree, ".fn-head small") == "Part › Chapter · page 4 · 2025-11-14 · a.md"
    assert text_of(tree, "blockquote") == TEXT
    assert text_of(tree, "mark#t3-1") == QUOTE
    assert tree.css_first("details[open]") is not None


def test_a_heading_that_repeats_the_title_and_the_time_of_day_are_left_out() -> None:
    answer = make(headings=("A title", "Chapter"))
    assert text_of(parse(render.answer(3, answer)), ".fn-head small").startswith("Chapter · page 4")


def test_citations_of_one_passage_share_it_and_others_stay_closed() -> None:
    answer = make()
    first = answer.citations[0]
    word = Citation(2, "s1", first.uri, first.title, 4, first.headings, 107, 110, "it.")
    lost = Citation(3, "s2", "b.txt", "Another", None, (), 5, 9, "lost")
    tree = parse(render.answer(1, make(citations=(first, word, lost))))
    assert [n.text() for n in tree.css(".fn-number")] == ["12", "3"]
    assert [n.text() for n in tree.css("mark")] == ["it.", QUOTE, "lost"]
    assert len(tree.css("details")) == 2
    assert len(tree.css("details[open]")) == 1


def test_overlapping_quotes_lose_no_character() -> None:
    first = make().citations[0]
    inside = Citation(2, "s1", "a", "A", 4, (), first.start + 4, first.end + 4, TEXT[15:43])
    tree = parse(render.answer(1, make(citations=(first, inside))))
    assert text_of(tree, "blockquote") == TEXT
    assert len(tree.css("mark")) == 2


def test_a_declined_question_shows_the_nearest_passages_and_no_citation() -> None:
    long = "word " * 200
    tree = parse(render.answer(1, make(after=long, status="declined", sentences=(), citations=())))
    assert text_of(tree, "h3") == "Not in the library"
    assert text_of(tree, ".fn-declined li span") == "A title"
    assert len(text_of(tree, ".fn-declined li p")) <= render.SNIPPET + 2
    assert not tree.css(".fn-chip, mark, .fn-sources")


def test_declining_with_nothing_near_says_no_more_than_that() -> None:
    tree = parse(render.answer(1, make(status="declined", sentences=(), citations=(), passages=())))
    assert "nearest" not in text_of(tree, ".fn-declined")
    assert not tree.css("li")


def test_the_query_is_shown_only_when_it_differs() -> None:
    assert not parse(render.answer(1, make())).css(".fn-searched")
    tree = parse(render.answer(1, make(query="What stands in the paper?")))
    assert text_of(tree, ".fn-searched") == "Searched for: What stands in the paper?"


def test_notes_and_weak_verdicts_are_shown() -> None:
    sentence = make().sentences[0]
    weak = Sentence(QUOTE, 0, len(QUOTE), "partial", 0.5, sentence.citations)
    tree = parse(render.answer(1, make(sentences=(weak,), notes=("3 passages wait",))))
    assert text_of(tree, ".fn-note") == "3 passages wait"
    node = tree.css_first(".fn-partial")
    assert node is not None
    assert node.attributes["title"] == "Partly supported by its source"


def test_a_blank_line_in_the_answer_starts_a_paragraph() -> None:
    one = Sentence("One.", 0, 4, "supported", 1.0, ())
    two = Sentence("Two.", 5, 9, "supported", 1.0, ())
    three = Sentence("Three.", 11, 17, "supported", 1.0, ())
    tree = parse(render.answer(1, make(text="One. Two.\n\nThree.", sentences=(one, two, three))))
    assert [n.text() for n in tree.css(".fn-text")] == ["One. Two.", "Three."]


def test_a_turn_waits_grows_stops_and_fails() -> None:
    assert text_of(parse(render.partial(1, "Q", "")), ".fn-wait") == "Searching…"
    assert text_of(parse(render.partial(1, "Q", "so far")), ".fn-text") == "so far"
    assert text_of(parse(render.partial(1, "Q", "", stopped=True)), ".fn-note") == "Stopped."
    assert text_of(parse(render.failed(1, "Q", "no <index>")), ".fn-failed") == "no <index>"


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("papers/a b.md", "a b.md"),
        ("C:\\papers\\a.md", "a.md"),
        ("https://example.org/docs/a%20b.html?x=1", "a b.html"),
        ("https://example.org", "https://example.org"),
        ("odd%20name.txt", "odd%20name.txt"),
        ("", ""),
    ],
)
def test_file_names(uri: str, name: str) -> None:
    assert render.file_name(uri) == name


def test_only_web_addresses_become_links() -> None:
    assert parse(render.answer(1, make(uri="https://example.org/a.html"))).css("a")
    for uri in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "a.md"):
        assert not parse(render.answer(1, make(uri=uri))).css("a")


def test_the_library_and_the_footer_count() -> None:
    counts: Any = SimpleNamespace(sources=2, chunks=1200, owed=3)
    sources = [Source(i, f"d/{i}.md", i, "", "", 1) for i in ("b <i>", "A")]
    tree = parse(render.library(counts, sources))
    assert [n.text() for n in tree.css("li > span")] == ["A", "b <i>"]
    assert "2 sources, 1,200 passages, 3 still to be embedded" in render.footer(counts)
    empty: Any = SimpleNamespace(sources=0, chunks=0, owed=0)
    assert "footnote ingest" in render.library(empty, [])


any_text = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    st.text("<>\"'&/=!-` abconimgscript;:"),
)


@given(any_text, any_text, any_text, any_text, any_text, any_text)
def test_no_text_becomes_markup(
    question: str, title: str, uri: str, heading: str, quote: str, around: str
) -> None:
    shared: dict[str, Any] = {"title": title, "uri": uri, "headings": (heading, "End")}
    answer = make(
        **shared,
        before=around,
        quote=quote,
        after=around,
        question=question,
        query=f"{question}!",
        notes=(around,),
    )
    tree = parse(render.answer(1, answer))
    assert text_of(tree, "h2") == question
    assert text_of(tree, ".fn-searched") == f"Searched for: {question}!"
    assert text_of(tree, "mark") == quote
    assert text_of(tree, "blockquote") == around + quote + around
    assert text_of(tree, ".fn-title") == text_of(tree, ".fn-tip b") == title
    assert text_of(tree, ".fn-tip q") == quote
    assert text_of(tree, ".fn-note") == around
    chip = tree.css_first(".fn-chip")
    place = tree.css_first(".fn-head small span")
    assert chip is not None and chip.attributes["aria-label"] is not None
    assert title in chip.attributes["aria-label"]
    assert place is not None and (place.attributes["title"] or "") == uri
    parse(render.answer(1, make(**shared, status="declined", sentences=(), citations=())))
    parse(render.partial(1, question, quote) + render.failed(2, question, around))
    counts: Any = SimpleNamespace(sources=1, chunks=1, owed=0)
    parse(render.library(counts, [answer.passages[0].source]))
