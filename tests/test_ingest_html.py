"""How manuals are written: lists of definitions, navigation by name, boxes with notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.chunk import chunk_document
from ingest.definitions import SHORT
from ingest.parse import parse
from ingest.parsed import Parsed
from rag.embed import Encoder

LONG = "It sets how much memory a sort may use before it writes to disk. " * 5


def read(folder: Path, body: str) -> Parsed:
    path = folder / "page.html"
    path.write_text(f"<html><head><title>Manual</title></head><body>{body}", encoding="utf-8")
    return parse(path)


def outline(parsed: Parsed) -> list[tuple[str, str]]:
    return [(b.kind, parsed.text[b.start : b.end]) for b in parsed.blocks]


def texts(parsed: Parsed) -> list[str]:
    return [text for _, text in outline(parsed)]


def above(parsed: Parsed, encoder: Encoder) -> list[tuple[tuple[str, ...], str]]:
    """The headings over each chunk, and how its text begins; every offset is checked."""
    chunks = chunk_document(parsed, "source", parsed.title, encoder)
    assert all(parsed.text[c.start : c.end] == c.text for c in chunks)
    return [(c.headings, c.text[:16]) for c in chunks]


def test_a_table_with_a_header_is_one_though_a_cell_holds_another(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        "<table><tr><th>Format<th>Meaning<tr><td>%D<td>Microseconds"
        "<tr><td>%t<td>A time: <table><tr><td>sec<td>seconds<tr><td>msec<td>milliseconds</table>"
        "</table><table><tr><td><p>Left<td><table><tr><td>a<td>b</table></table>",
    )
    assert outline(parsed) == [
        ("table_row", "Format: %D; Meaning: Microseconds"),
        ("table_row", "Format: %t; Meaning: A time: sec seconds msec milliseconds"),
        ("paragraph", "Left"),
        ("table_row", "a | b"),
    ]


def test_short_definitions_are_quoted_whole_with_their_term(
    tmp_path: Path, encoder: Encoder
) -> None:
    parsed = read(
        tmp_path,
        "<h2>Options</h2><dl><dt class=hdlist1>-n</dt><dt>--dry-run:</dt><dd><p>Removes nothing.\n"
        "Shows what would be done.</p></dd><dt>-q</dt><dd>Be quiet.<p>Report errors.</dd></dl>"
        "<p>After it.",
    )
    assert outline(parsed) == [
        ("heading", "Options"),
        ("definition", "-n, --dry-run: Removes nothing. Shows what would be done."),
        ("definition", "-q: Be quiet. Report errors."),
        ("paragraph", "After it."),
    ]
    chunk, *more = chunk_document(parsed, "source", parsed.title, encoder)
    assert not more
    assert [chunk.cut(span) for span in chunk.sentences] == texts(parsed)[1:]


def test_the_term_stands_over_a_long_definition_and_not_over_what_follows(
    tmp_path: Path, encoder: Encoder
) -> None:
    parsed = read(
        tmp_path,
        f"<h2>Memory</h2><dl><dt>work_mem (e.g. 4MB)</dt><dd><p>{LONG}</p><p>More.</p><table><tr>"
        "<td>a</td><td>b</td></tr></table></dd><dt>port</dt><dd>A number.</dd>"
        f"<dt>last</dt><dd><p>{LONG}</dd></dl><p>After it.</p><h3>Below</h3><p>Text.",
    )
    assert above(parsed, encoder) == [
        (("Memory", "work_mem (e.g. 4MB)"), "work_mem (e.g. 4"),
        (("Memory",), "port: A number."),
        (("Memory", "last"), "last: It sets ho"),
        (("Memory",), "After it."),
        (("Memory", "Below"), "Text."),
    ]
    first = chunk_document(parsed, "source", parsed.title, encoder)[0]
    assert first.cut(first.sentences[0]).startswith("work_mem (e.g. 4MB): It sets")
    assert first.text.endswith("More.\n\na | b")


def test_lists_of_definitions_nest(tmp_path: Path, encoder: Encoder) -> None:
    parsed = read(
        tmp_path,
        "<dl><dt>-F format</dt><dd>Selects the format.<dl><dt>p</dt><dd>Plain.</dd>"
        f"<dt>c</dt><dd>{LONG}</dd></dl><p>It is of the format.</p><h4>Head</h4><p>Below.</p></dd>"
        "<dt>-v</dt><dd>Verbose.</dd></dl><p>After it.",
    )
    assert above(parsed, encoder) == [
        (("-F format",), "-F format: Selec"),
        (("-F format", "c"), "c: It sets how m"),
        (("-F format",), "It is of the for"),
        (("-F format", "Head"), "Below."),
        ((), "-v: Verbose.\n\nAf"),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<dl><dt>One<dt>Two</dl><p>x", ["One", "Two", "x"]),
        ("<dl><dd>Indented.</dl>", ["Indented."]),
        ("<dl><dt>Code<dd><pre>a\nb</pre></dl>", ["Code:", "a\nb"]),
        ("<dl><dt>Items<dd><ul><li>a<li>b</ul></dl>", ["Items:", "a", "b"]),
        ("<dl><dt>What is it?<dd>A tool.</dl>", ["What is it? A tool."]),
        ("<dl><dt>-M id ...<dd>Removes.</dl>", ["-M id ...: Removes."]),
        ("<dl><dt>Cat<dd>One.<dd>Two.<dt>Dog<dd>Barks.</dl>", ["Cat: One. Two.", "Dog: Barks."]),
        ("<dl><div><dt>Cat<dd>Purrs.</div></dl>", ["Cat: Purrs."]),
        ("<dl><dt>a<dd></dl>", ["a"]),
        ("<ol><li><dl><dt>a<dd>b</dl><li>c</ol>", ["1. a: b", "2. c"]),
        (
            "<dl><dt>" + "a b " * 150 + "<dt>Term<dd>Text.</dl>",
            ["a b " * 149 + "a b", "Term: Text."],
        ),
        ("<dt>Alone<dd>Text.", ["Alone", "Text."]),
    ],
)
def test_odd_lists_of_definitions_keep_their_text(
    tmp_path: Path, body: str, expected: list[str]
) -> None:
    assert texts(read(tmp_path, body)) == expected


def test_a_definition_of_the_greatest_length_is_one(tmp_path: Path) -> None:
    for length, kind in ((SHORT, "definition"), (SHORT + 1, "paragraph")):
        parsed = read(tmp_path, f"<dl><dt>a<dd>{'x' * length}</dl>")
        assert outline(parsed) == [(kind, f"a: {'x' * length}")]


@pytest.mark.parametrize(
    "beside",
    [
        "<div class=navheader><table><tr><td><a href=a>Prev</a><td>20. Server</table></div>",
        '<div class="toplang"><p>Languages: <a href=de>de</a> | <a href=en>en</a></p></div>',
        "<div id=path><a href=a>Apache</a> &gt; <a href=b>HTTP Server</a></div>",
        "<a class=previous_page href=a>&lt;-previous</a><a class=next_page href=b>next-&gt;</a>",
        "<div class=toc><p><b>Table of Contents</b></p><dl><dt><a href=#a>1. The first part</a>"
        "<dt><a href=#b>2. The second part</a></dl></div>",
        "<ul id=nav_flow class='nav big'><li><a href=a>Home</a><li><a href=b>Download</a></ul>",
        "<div role=navigation>Anything at all</div>",
        "<div class=indexdiv><h3>Q</h3><dl><dt>queue<dd><a href=a>Command line</a></dl></div>",
        "<div id=page-header><p><a href=a>Modules</a> | <a href=b>Directives</a><p>Server</div>",
        "<ol class=breadcrumb><li>Home<li>Here</ol>",
        '<p>Next: <a href="#b" rel="next">Definitions</a>, Up: <a href="#t" rel=up>Features</a> '
        '[<a href="#c" rel=contents>Contents</a>]</p>',
    ],
)
def test_navigation_is_known_by_its_name_or_its_links(tmp_path: Path, beside: str) -> None:
    assert read(tmp_path, f"{beside}<p>Text.</p>{beside}").text == "Text."


@pytest.mark.parametrize(
    "content",
    [
        "<div class=contents><p>The box holds <a href=a>a pump</a> and two filters.</p></div>",
        "<section id=path><h2>The path</h2><p>It leads uphill.</p></section>",
        "<table class=related><tr><th><a href=a>Module</a><td><a href=b>core</a></table>",
        "<div class=page-header><h1><a href=a>The title</a></h1></div>",
        "<p class=canvas>A word that only begins so.</p>",
        "<p>As the <a rel=next href=b>next chapter</a> says, pumps are to be cleaned daily.</p>",
        "<ul><li><a href=a>The only list</a></ul>",
    ],
)
def test_content_by_the_same_names_stays(tmp_path: Path, content: str) -> None:
    plain = read(tmp_path, content.replace("class=", "data-a=").replace("id=", "data-b="))
    assert read(tmp_path, content).text == plain.text != ""


def test_links_of_headings_to_themselves_are_no_text(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        '<h2 id=a>Start <a class=headerlink href="#a">¶</a></h2><p>See <a href="#b">b</a>.'
        '<h2><a href="#c">#</a> C#</h2><p>Text.',
    )
    assert texts(parsed) == ["Start", "See b.", "C#", "Text."]


def test_a_page_of_navigation_alone_is_read(tmp_path: Path) -> None:
    parsed = read(tmp_path, "<ul class=nav><li><a href=a>Home</a><li><a href=b>Pumps</a></ul>")
    assert texts(parsed) == ["Home", "Pumps"]
    assert "no main content" in parsed.fidelity.warnings[0]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("<div class=note><h3>Note</h3><p>Mind the gap.</div>", ["Note: Mind the gap."]),
        ("<div class='x warning'><h3>On security</h3><p>Lock it.</div>", ["On security: Lock it."]),
        ("<h4>Caution:</h4><ul><li>Hot.</ul>", ["Caution: Hot."]),
        ("<div class=tip><h3>Tip</h3><table><tr><td>a<td>b</table></div>", ["Tip", "a | b"]),
        (
            "<div class=admonitionblock><table><tr><td class=icon><div class=title>Note</div>"
            "<td class=content>Mind the gap.</table></div>",
            ["Note: Mind the gap."],
        ),
    ],
)
def test_titles_of_notes_are_no_headings(
    tmp_path: Path, encoder: Encoder, box: str, expected: list[str]
) -> None:
    parsed = read(tmp_path, f"<h2>Doors</h2>{box}<p>After it.")
    assert texts(parsed) == ["Doors", *expected, "After it."]
    assert {headings for headings, _ in above(parsed, encoder)} == {("Doors",)}


def test_headings_called_notes_or_in_the_body_stay(tmp_path: Path) -> None:
    parsed = read(tmp_path, "<h2>Notes</h2><p>One.<h2>Important dates</h2><p>Two.")
    assert [kind for kind, _ in outline(parsed)] == ["heading", "paragraph"] * 2


def test_definitions_in_restructuredtext_keep_their_terms_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "manual.rst"
    path.write_text(
        "work_mem : integer\n  Sets the memory.\n\n  The default is 4MB.\n\nport\n  A number.\n\n"
        "After it.\n\n-n, --dry-run   Removes nothing.\n-q              Be quiet.\n\n"
        "list\n  It has\n\n  - an item\n\nThe end.\n"
    )
    parsed = parse(path)
    assert outline(parsed) == [
        ("definition", "work_mem (integer): Sets the memory. The default is 4MB."),
        ("definition", "port: A number."),
        ("paragraph", "After it."),
        ("definition", "-n, --dry-run: Removes nothing."),
        ("definition", "-q: Be quiet."),
        ("paragraph", "list: It has"),
        ("list_item", "an item"),
        ("paragraph", "The end."),
    ]
    assert [place.line for place in parsed.places] == [1, 6, 9, 11, 12, 14, 17, 19]
