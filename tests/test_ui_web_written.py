"""What a model wrote as a reader sees it: Markdown and formulas, and that nothing of it runs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from rag.reply import ReplyReader
from rag.types import Answer, Sentence, Verdict
from tests.test_ui_web_render import HOSTILE, make, parse, text_of
from ui.web import render

MATHML = frozenset(
    """math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover
    mtable mtr mtd mstyle mpadded mphantom menclose""".split()  # noqa: SIM905
)


def parse_written(markup: str) -> LexborHTMLParser:
    """As ``parse``, where there may be formulas."""
    tree = LexborHTMLParser(f"<!doctype html><body>{markup}")
    for node in tree.css(",".join(MATHML)):
        for name, value in node.attributes.items():
            assert name not in ("href", "style", "class", "id", "src") and name[:2] != "on", name
            assert name == "alttext" or re.fullmatch(r"[\w .%+-]*", value or ""), value
        assert not node.css("script, img, svg, a, iframe, style, annotation-xml, mglyph")
    for node in tree.css("math"):
        node.decompose()
    assert tree.body is not None and tree.body.html is not None
    return parse(tree.body.html.removeprefix("<body>").removesuffix("</body>"))


def told(text: str, verdict: Verdict = "supported", **changes: object) -> Answer:
    """An answer that a model wrote so, its sentences as they are read from it."""
    reader, said, sentences = ReplyReader(), "", []
    for claim in [*reader.feed(text), *reader.end()]:
        start = len(said) + len(claim.lead)
        said += claim.lead + claim.text
        cited = make().citations * len(claim.numbers)
        sentences.append(Sentence(claim.text, start, len(said), verdict, 1.0, cited))
        said += " [1]" * len(cited)
    values = {"text": said, "sentences": tuple(sentences), "engine": "llm", "model": "some:model"}
    return make(**(values | changes))  # type: ignore[arg-type]


def written(text: str, **changes: object) -> str:
    """The markup of such an answer."""
    return render.answer(1, told(text, **changes))  # type: ignore[arg-type]


def test_lists_tables_and_code_are_shown_as_such_each_sentence_with_its_own_pill() -> None:
    tree = parse_written(
        written(
            "**Two** reasons, in `code` [1].\n\n- One *thing* [1]. And why.\n- Two.\n1. Three.\n\n"
            "| Fruit | Price |\n|---|---|\n| Apple | **3** [1] |\n\n"
            "```py\ndef f(x):\n    return x[1]\n```\n[1]\nThe end."
        )
    )
    assert text_of(tree, "p.fn-text strong") == "Two" and text_of(tree, "p.fn-text code") == "code"
    assert [[n.text() for n in i.css(".fn-said")] for i in tree.css(".fn-list li")] == [
        ["One thing.", "And why."],
        ["Two."],
        ["Three."],
    ]
    assert text_of(tree, ".fn-list em") == "thing"
    assert [n.text() for n in tree.css("thead th")] == ["Fruit", "Price"]
    assert [n.text() for n in tree.css("tbody tr td")][:2] == ["Apple", "3"]
    assert text_of(tree, "pre code") == "def f(x):\n    return x[1]"
    assert [len(n.css(".fn-chip")) for n in tree.css(".fn-grid .fn-pill, .fn-code .fn-pill")] == [
        0,
        1,
        1,
    ]
    assert len(tree.css(".fn-said")) == len(tree.css(".fn-pill")) == 9
    assert "The end." in tree.css("p.fn-text")[-1].text()


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("$E=mc^2$", "E=mc2"),
        (r"\(a<b\)", "a<b"),
        (r"$$\frac{a}{b}$$", "ab"),
        (r"$\text{<script>alert(1)</script>}$", "<script>alert(1)</script>"),
        (r"$\href{javascript:alert(1)}{x}$", "x"),
        (r"$\color{red\" onload=\"alert(1)}{x}$", "x"),
    ],
)
def test_formulas_are_shown_and_lead_nowhere(formula: str, shown: str) -> None:
    markup = written(f"It is {formula} there [1].")
    parse_written(markup)
    tree = LexborHTMLParser(f"<!doctype html><body>{markup}")
    assert text_of(tree, "math") == shown
    assert text_of(tree, ".fn-said").startswith("It is ")


@pytest.mark.parametrize(
    "text", ["It cost $5 billion and US$6 million.", "From $1-$2 to $3.", "A $ or a \\\\ or 2*3*4."]
)
def test_money_and_stars_are_no_marks(text: str) -> None:
    tree = parse_written(written(text))
    assert text_of(tree, ".fn-said") == text.replace("\\\\", "\\")


def test_a_quotation_is_shown_letter_by_letter_also_where_it_looks_marked() -> None:
    quote = "Use **two** `stars` and $x$ [a](http://b)."
    tree = parse(render.answer(1, make(quote=quote)))
    assert text_of(tree, ".fn-said") == quote


def test_quoted_rows_and_code_look_like_what_they_are() -> None:
    row = "Fruit: Apple; Price: 3; Note: from Kent"
    tree = parse(render.answer(1, make(quote=row)))
    assert text_of(tree, ".fn-said.fn-row") == row
    assert [n.text() for n in tree.css(".fn-cell")] == [
        "Fruit: Apple",
        "Price: 3",
        "Note: from Kent",
    ]
    row = "OpenAI spending; 2024 estimate: 9.4; 2025 forecast: 13.0"
    assert parse(render.answer(1, make(quote=row))).css(".fn-row")
    for said in ("He said: it rains; he left.", "One; two; three.", "A: b."):
        assert not parse(render.answer(1, make(quote=said))).css(".fn-row")
    code = "def f(x):\n    return x"
    answer = make(quote=code)
    source = replace(answer.passages[0].source, media_type="text/x-python")
    passage = replace(answer.passages[0], source=source)
    flat = replace(answer.sentences[0], text=" ".join(code.split()))
    tree = parse(render.answer(1, replace(answer, passages=(passage,), sentences=(flat,))))
    assert text_of(tree, "pre.fn-said code") == code
    assert len(tree.css(".fn-text .fn-chip")) == 1


def test_text_from_right_to_left_says_so_itself() -> None:
    tree = parse(render.answer(1, make(quote="ירושלים היא עיר.", title="القدس", question="ما هي؟")))
    for selector in (".fn-question", "p.fn-text", ".fn-chip q", ".fn-chip b", ".fn-card .fn-title"):
        node = tree.css_first(selector)
        assert node is not None and node.attributes["dir"] == "auto", selector
    # Whoever has a direction of its own would not count for the paragraph's.
    assert all("dir" not in node.attributes for node in tree.css(".fn-said"))


marks = st.lists(
    st.sampled_from(
        [
            *HOSTILE,
            *("**", "*", "_", "`", "```", "\n", "\n- ", "\n1. ", "\n| a | b |\n", "|---|---|\n"),
            *("$", "$$", "\\(", "\\)", "\\[", "\\]", "\\text{", "\\style{", "}", "\\class{x}{"),
            *("\\href{javascript:alert(1)}{", "\\color{", "\\begin{matrix}", "&", "<b>", ". "),
            *("<svg/onload=alert(1)>", " [1]", "x"),
        ]
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    max_size=14,
).map("".join)


@given(marks)
@settings(max_examples=300)
def test_nothing_that_a_model_writes_becomes_markup_of_its_own(text: str) -> None:
    tree = parse_written(written(text, notes=(text,), question=text))
    assert len(tree.css(".fn-said")) == len(tree.css(".fn-pill"))
    parse_written(render.partial(1, text, text))
