"""Answers as HTML: what a reader sees, and that no document can add markup of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from rag.types import INVITATION, Answer, Chunk, Citation, Passage, Sentence, Source, Span, Verdict
from ui.web import library_panel, render, viewer
from ui.web.markup import file_name
from ui.web.shell import hero
from ui.web.uploads import Job

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
    "article": {"class", "data-turn", "data-done", "data-said"},
    "section": {"class"},
    "header": {"class"},
    "figure": {"class"},
    "figcaption": set(),
    "h1": set(),
    "h2": {"class", "dir"},
    "h3": {"dir"},
    "h4": set(),
    "div": {"class", "tabindex"},
    "p": {"class", "dir", "role", "title"},
    "span": {"class", "dir", "title", "aria-hidden"},
    "button": {
        "type", "class", "dir", "title", "aria-label", "aria-pressed", "data-act", "data-number",
        "data-source", "data-start", "data-end", "data-at", "data-back", "data-rail",
    },
    "b": {"dir"},
    "i": {"class", "style", "aria-hidden"},
    "q": {"dir"},
    "code": {"dir"},
    "pre": {"class", "dir", "tabindex"},
    "strong": set(), "em": set(),
    "ol": {"class"},
    "ul": {"class", "id"},
    "li": {"class", "dir", "data-source", "value"},
    "details": {"class"},
    "summary": set(),
    "small": {"class", "title"},
    "mark": {"class"},
    "a": {"href", "target", "rel"},
    "table": set(), "caption": set(), "thead": set(), "tbody": set(), "tr": {"class"},
    "th": {"scope", "dir"},
    "td": {"class", "dir"},
}  # fmt: skip


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
    source = Source("s1", uri, title, "00", "text/markdown", 500, 9)
    chunk = Chunk("c1", "s1", text, 100, 100 + len(text), 4, headings)
    start = 100 + len(before)
    end, date = start + len(quote), "2025-11-14T08:30:00Z"
    citation = Citation(1, "s1", uri, title, 4, headings, start, end, quote, date)
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
    assert text_of(tree, ".fn-said") == QUOTE
    chip = tree.css_first("button.fn-chip")
    assert chip is not None
    assert chip.attributes["data-source"] == "s1"
    assert (chip.attributes["data-start"], chip.attributes["data-end"]) == ("111", "139")
    assert chip.attributes["aria-label"] == "Source 1: A title, open the passage"
    assert text_of(tree, ".fn-chip .fn-tip q") == QUOTE
    assert text_of(tree, ".fn-time") == "answered in 84 ms from 1 passage · extractive engine"


def test_the_model_that_wrote_is_named() -> None:
    tree = parse(render.answer(1, make(engine="llm", model="some:model")))
    assert text_of(tree, ".fn-time").endswith("llm engine · some:model")


def test_a_source_is_a_card_that_says_where_the_quote_stands() -> None:
    tree = parse(render.answer(3, make()))
    assert text_of(tree, ".fn-number") == "1"
    assert text_of(tree, ".fn-card .fn-title") == "A title"
    small = [n.text() for n in tree.css(".fn-card small")]
    assert small == ["Part › Chapter · page 4", "2025-11-14 · a.md"]


def test_a_heading_that_repeats_the_title_is_left_out() -> None:
    answer = make(headings=("A title", "Chapter"))
    assert text_of(parse(render.answer(3, answer)), ".fn-card small") == "Chapter · page 4"


def test_citations_of_one_source_share_a_card() -> None:
    answer = make()
    first = answer.citations[0]
    word = Citation(2, "s1", first.uri, first.title, 4, first.headings, 107, 110, "it.")
    lost = Citation(3, "s2", "b.txt", "Another", None, (), 5, 9, "lost")
    tree = parse(render.answer(1, make(citations=(first, word, lost))))
    assert [n.text() for n in tree.css(".fn-number")] == ["12", "3"]


def test_a_card_says_what_has_become_of_its_source() -> None:
    assert not parse(render.answer(1, make(), {1: "current"})).css(".fn-changed")
    changed = parse(render.answer(1, make(), {1: "superseded"}))
    assert "has changed since" in text_of(changed, ".fn-card .fn-changed")
    gone = parse(render.answer(1, make(), {1: "gone"}))
    assert "has been removed since" in text_of(gone, ".fn-card .fn-changed")


def test_a_declined_question_shows_the_nearest_passages_and_no_citation() -> None:
    long = "word " * 200
    answer = make(
        after=long, status="declined", sentences=(), citations=(), notes=("nothing about eggs",)
    )
    tree = parse(render.answer(1, answer))
    assert text_of(tree, "h3") == "No sure answer in the library"
    assert text_of(tree, ".fn-missing li") == "nothing about eggs"
    assert text_of(tree, ".fn-near .fn-title") == "A title"
    assert len(text_of(tree, ".fn-snippet")) <= render.SNIPPET + 2
    assert not tree.css(".fn-chip, .fn-sources, .fn-next")


def test_what_asks_nothing_is_not_said_to_have_no_answer() -> None:
    given = make(
        status="declined", query="", text=INVITATION, sentences=(), citations=(), passages=()
    )
    tree = parse(render.answer(1, given))
    assert text_of(tree, ".fn-declined") == INVITATION
    assert "declined" not in text_of(tree, ".fn-answer")


def test_a_declined_question_shows_the_sentences_that_came_nearest() -> None:
    near = make().citations
    tree = parse(
        render.answer(1, make(status="declined", sentences=(), citations=(), nearest=near))
    )
    assert text_of(tree, ".fn-near .fn-snippet") == " ".join(near[0].quote.split())
    button = tree.css_first(".fn-near")
    assert button is not None
    assert button.attributes["data-start"] == str(near[0].start)
    assert button.attributes["data-end"] == str(near[0].end)


def test_declining_with_nothing_near_says_no_more_than_that() -> None:
    tree = parse(render.answer(1, make(status="declined", sentences=(), citations=(), passages=())))
    assert "earest" not in text_of(tree, ".fn-declined")
    assert not tree.css(".fn-declined li")


def test_the_query_is_shown_only_when_it_differs() -> None:
    assert not parse(render.answer(1, make())).css(".fn-searched")
    tree = parse(render.answer(1, make(query="What stands in the paper?")))
    assert text_of(tree, ".fn-searched") == "Searched for: What stands in the paper?"


@pytest.mark.parametrize(
    ("verdict", "name"),
    [
        ("supported", "Supported by its source"),
        ("partial", "Partly supported by its source: the year differs; so does the name"),
        ("unsupported", "Not supported by its source: the year differs; so does the name"),
    ],
)
def test_every_sentence_says_whether_it_is_supported(verdict: Verdict, name: str) -> None:
    reasons = () if verdict == "supported" else ("the year differs", "so does the name")
    sentence = make().sentences[0]
    judged = Sentence(QUOTE, 0, len(QUOTE), verdict, 0.5, sentence.citations, reasons)
    tree = parse(render.answer(1, make(sentences=(judged,))))
    assert len(tree.css(f".fn-said.fn-{verdict}")) == 1
    button = tree.css_first(f".fn-pill.fn-{verdict} .fn-verdict")
    assert button is not None and button.attributes["aria-label"] == name
    assert [n.text() for n in button.css("q")] == list(reasons)
    assert len(button.css(".fn-shape")) == 1


def test_withheld_sentences_are_counted_and_can_be_opened() -> None:
    assert not parse(render.answer(1, make())).css(".fn-withheld")
    kept = Sentence("Bad <b>claim</b>.", 0, 0, "unsupported", 0.1, (), ("no such number",))
    one = parse(render.answer(1, make(withheld=(kept,))))
    assert text_of(one, ".fn-withheld summary") == (
        "1 sentence was withheld: its sources do not support it"
    )
    two = parse(render.answer(1, make(withheld=(kept, kept))))
    assert text_of(two, ".fn-withheld summary") == (
        "2 sentences were withheld: their sources do not support them"
    )
    assert text_of(two, ".fn-withheld .fn-said") == "Bad <b>claim</b>."
    assert text_of(two, ".fn-withheld small") == "no such number"
    cited = replace(make().citations[0], number=0)
    row = Sentence("| a | **b** |", 0, 0, "unsupported", 0.1, (cited,))
    held = parse(render.answer(1, make(withheld=(row,))))
    assert [n.text() for n in held.css(".fn-withheld .fn-cell")] == ["a", "b"]
    chip = held.css_first(".fn-withheld .fn-chip")
    assert chip is not None and chip.text(deep=False) == "source"
    assert chip.attributes["aria-label"] == "Source: A title, open the passage"


def test_notes_are_shown() -> None:
    tree = parse(render.answer(1, make(notes=("3 passages wait",))))
    assert text_of(tree, ".fn-note") == "3 passages wait"


def test_unread_evidence_gives_follow_ups() -> None:
    answer = make(citations=())
    assert [n.text() for n in parse(render.answer(1, answer)).css(".fn-next button")] == [
        "What does “A title” say about “Chapter”?"
    ]
    assert not parse(render.answer(1, make())).css(".fn-next")


def test_a_blank_line_in_the_answer_starts_a_paragraph() -> None:
    one = Sentence("One.", 0, 4, "supported", 1.0, ())
    two = Sentence("Two.", 5, 9, "supported", 1.0, ())
    three = Sentence("Three.", 11, 17, "supported", 1.0, ())
    told = {"text": "One. Two.\n\nThree.", "sentences": (one, two, three), "engine": "llm"}
    tree = parse(render.answer(1, make(**told)))
    shown = [[s.text() for s in p.css(".fn-said")] for p in tree.css(".fn-text")]
    assert shown == [["One.", "Two."], ["Three."]]


def test_a_turn_waits_grows_stops_and_fails() -> None:
    assert text_of(parse(render.partial(1, "Q", "")), ".fn-wait") == "Searching the library…"
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
    assert file_name(uri) == name


any_text = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    st.text("<>\"'&/=!-` abconimgscript;:"),
)


@given(any_text, any_text, any_text)
def test_the_words_that_answer_are_set_off_and_stay_text(
    before: str, words: str, after: str
) -> None:
    answer = make(quote=before + words + after)
    span = Span(len(before), len(before + words))
    said = replace(answer.sentences[0], answer=span)
    tree = parse(render.answer(1, replace(answer, sentences=(said,))))
    assert text_of(tree, ".fn-said") == before + words + after
    node = tree.css_first(".fn-said b")
    # A line of a table is shown by its cells, without that.
    assert node.text() == words if node is not None else tree.css_first(".fn-row") is not None


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
    assert text_of(tree, ".fn-said") == quote
    assert text_of(tree, ".fn-card .fn-title") == text_of(tree, ".fn-chip .fn-tip b") == title
    assert text_of(tree, ".fn-chip .fn-tip q") == quote
    assert text_of(tree, ".fn-note") == around
    chip = tree.css_first(".fn-chip")
    place = tree.css_first(".fn-card small[title]")
    assert chip is not None and chip.attributes["aria-label"] is not None
    assert title in chip.attributes["aria-label"]
    assert place is None or (place.attributes["title"] or "") == uri
    weak = Sentence(quote, 0, 0, "unsupported", 0.1, answer.citations, (around,))
    parse(render.answer(1, make(**shared, sentences=(weak,), withheld=(weak,)), {1: "gone"}))
    parse(render.answer(1, make(**shared, status="declined", sentences=(), citations=())))
    parse(render.partial(1, question, quote) + render.failed(2, question, around))
    job = Job(title, uri, "failed", around, (quote,))
    parse(library_panel.jobs([job]) + hero([question]) + viewer.gone(quote))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_grows_shows_its_markdown_and_runs_nothing(hostile: str) -> None:
    shown = LexborHTMLParser(render.partial(1, "Why?", f"- It was **1999**.\n\n{hostile} **and"))
    first, *others = shown.css(".fn-growing")
    assert first.text() == "- It was 1999."
    assert [node.text() for node in first.css("strong")] == ["1999"]
    assert others[-1].text().endswith("**and")
    assert {node.tag for node in shown.css(".fn-growing *")} <= {"strong", "em", "code"}
