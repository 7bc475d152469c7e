"""Plain text, Markdown, tables and HTML become the text their reader sees, with its structure."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ingest.parse import parse
from ingest.parsed import Parsed

ARTICLE = (
    Path(__file__).parents[2] / "shared/data/articles/microsoft-openai-partnership-disparity.txt"
)


def read(folder: Path, name: str, content: str | bytes) -> Parsed:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return parse(path)


def outline(parsed: Parsed) -> list[tuple[str, str]]:
    """Kind (with the level of headings) and text of every block."""
    return [
        (
            block.kind + (str(block.level) if block.level else ""),
            parsed.text[block.start : block.end],
        )
        for block in parsed.blocks
    ]


def test_plain_text_is_kept_and_cut_into_paragraphs(tmp_path: Path) -> None:
    text = (
        "A Guide to Tea\n\n  Tea is made from leaves that are\n  dried and sometimes fermented.\n\n"
        "It is drunk hot. All over the world.\n\n"
        "- black tea\n- green tea, which is\n  not fermented\n"
    )
    parsed = read(tmp_path, "tea.txt", text)
    assert parsed.text == text
    assert parsed.title == "A Guide to Tea"
    assert outline(parsed) == [
        ("heading1", "A Guide to Tea"),
        ("paragraph", "Tea is made from leaves that are\n  dried and sometimes fermented."),
        ("paragraph", "It is drunk hot. All over the world."),
        ("list_item", "- black tea"),
        ("list_item", "- green tea, which is\n  not fermented"),
    ]


def test_every_line_may_be_a_paragraph(tmp_path: Path) -> None:
    lines = [
        "The first fact is short.",
        "The second fact is a good deal longer than that.",
        "Third.",
    ]
    parsed = read(tmp_path, "facts.txt", "\n".join(lines))
    assert [text for _, text in outline(parsed)] == lines
    assert parsed.title == "facts"


def test_the_article_has_headings_paragraphs_and_items() -> None:
    if not ARTICLE.exists():
        pytest.skip("the shared article is not here")
    found = outline(parse(ARTICLE))
    assert [text for kind, text in found if kind == "heading2"] == [
        "A Powerful Start to a Strategic Alliance",
        "Signs of Disparity Emerge",
        "The Role of AI Ethics and Safety",
        "What This Means for the Future of the Partnership",
        "In Conclusion",
    ]
    assert sum(kind == "list_item" for kind, _ in found) == 8
    assert sum(kind == "paragraph" for kind, _ in found) == 9


@pytest.mark.parametrize(
    ("encoding", "text", "warnings"),
    [
        ("utf-8", "Der Bär fraß Honig.", ()),
        ("utf-8-sig", "Der Bär fraß Honig.", ()),
        ("utf-16", "Der Bär fraß Honig.", ()),
        ("utf-32", "Der Bär fraß Honig.", ()),
        ("cp1252", "Café “déjà vu” costs 3 €.", ("read as windows-1252, not UTF-8",)),
        ("cp1251", "Это обычный русский текст.", ("read as windows-1251, not UTF-8",)),
    ],
)
def test_encodings_are_found_and_guesses_said(
    tmp_path: Path, encoding: str, text: str, warnings: tuple[str, ...]
) -> None:
    parsed = read(tmp_path, "a.txt", text.encode(encoding))
    assert parsed.text == text
    assert parsed.fidelity.warnings == warnings


def test_line_ends_are_normalised(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", "One.\r\n\r\nTwo.\rThree.").text == "One.\n\nTwo.\nThree."


def test_markdown_reads_as_its_reader_sees_it(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        "a.md",
        '---\ntitle: "Tea: a guide"\ndate: 2024-05-06\nauthor: x\n---\n# Tea & *herbs*\n\n'
        "Some **bold**, [a link](http://x.org) and `code`\non two lines. "
        "![a cup](cup.png)<br>End&amp;\n\n"
        "Second\n------\n\n1. boil\n2. pour\n   - slowly\n\n> Quoted.\n\n"
        "| Kind | Minutes |\n|:-----|--------:|\n| *black* | 3 |\n| green | |\n\n"
        "```python\ndef f():\n    return 1\n```\n\n<!-- not seen -->\n<p>As <b>HTML</b></p>\n",
    )
    assert outline(parsed) == [
        ("heading1", "Tea & herbs"),
        ("paragraph", "Some bold, a link and code on two lines. a cup\nEnd&"),
        ("heading2", "Second"),
        ("list_item", "1. boil"),
        ("list_item", "2. pour"),
        ("list_item", "slowly"),
        ("paragraph", "Quoted."),
        ("table_row", "Kind: black; Minutes: 3"),
        ("table_row", "Kind: green"),
        ("code", "def f():\n    return 1"),
        ("paragraph", "As HTML"),
    ]
    assert (parsed.title, parsed.date) == ("Tea: a guide", "2024-05-06")
    assert read(tmp_path, "b.md", "Text\n\n## Second\n").title == "Second"
    assert read(tmp_path, "c.md", "Text").title == "c"


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nFirst.\n\n---\n\nSecond.\n",
        "---\nFirst.\n\n---\nSecond.\n",
        "---\n# First\n\n---\nSecond.\n",
        "---\nNote: first\n\nFirst.\n\n---\nSecond.\n",
        "---\nhttp://first.example\n\n---\nSecond.\n",
        "---\nfirst: 1\n" + "key: value\n" * 100 + "---\nSecond.\n",
        "---\nfirst: 1\n" + "- key: value\n" * 99 + "\nThe end: none.\n\nSecond.\n",
    ],
)
def test_text_between_two_rules_is_no_front_matter(tmp_path: Path, text: str) -> None:
    parsed = read(tmp_path, "a.md", text)
    assert "first" in parsed.text.lower()
    assert parsed.text.endswith("Second.")


@pytest.mark.parametrize(
    "front",
    [
        "title: Tea",
        "\ntitle: Tea",
        "tags:\n- a\n- b\n\n# a comment\ntitle: Tea",
        "'publish date': x\nsummary: >\n  two\n  lines\nlist: [\n  a\n]\ntitle: Tea",
        "author: x\nog:type: article\ntitle: Tea",
    ],
)
@pytest.mark.parametrize("end", ["---", "..."])
def test_front_matter_is_no_text(tmp_path: Path, front: str, end: str) -> None:
    parsed = read(tmp_path, "a.md", f"---\n{front}\n{end}\nText.\n\n---\n\nMore.\n")
    assert (parsed.title, parsed.text) == ("Tea", "Text.\n\nMore.")


SIGNED = ["Signed for the mill: Ada Holm, miller", "Signed for the baker: Tom Ross, baker"]


@pytest.mark.parametrize("name", ["deed.txt", "deed.md"])
def test_labels_with_their_values_are_lines_of_their_own(tmp_path: Path, name: str) -> None:
    parsed = read(tmp_path, name, "The deed ends here.\n\n" + "\n".join(SIGNED))
    assert [text for _, text in outline(parsed)] == ["The deed ends here.", *SIGNED]
    assert [place.line for place in parsed.places] == [1, 3, 4]


@pytest.mark.parametrize("name", ["deed.txt", "deed.md"])
def test_a_label_within_wrapped_text_divides_nothing(tmp_path: Path, name: str) -> None:
    wrapped = (
        "The miller wrote to the baker one thing that\nAda Holm knew: flour is dear in spring."
    )
    parsed = read(tmp_path, name, wrapped)
    assert [" ".join(text.split()) for _, text in outline(parsed)] == [" ".join(wrapped.split())]


@pytest.mark.parametrize(
    ("first", "title"),
    [
        ("DEED No. 57", "DEED No. 57"),
        ("Looms of the Ambleford mill", "Looms of the Ambleford mill"),
        ("The mill was sold to the baker", "deed"),  # says something
        ("Miller: Ada Holm", "deed"),
        ("Dear Tom,", "deed"),
    ],
)
def test_a_first_line_that_stands_alone_is_the_title(
    tmp_path: Path, first: str, title: str
) -> None:
    parsed = read(tmp_path, "deed.txt", f"{first}\n\nVersion 2 (May)\n- A loom\n- A wheel\n")
    assert parsed.title == title
    assert outline(parsed)[0] == ("heading1" if title == first else "paragraph", first)
    assert read(tmp_path, "deed.txt", f"{first}\nfor all.\n\nMore.\n").title == "deed"


@pytest.mark.parametrize(
    ("first", "title"),
    [
        ("Ambleford Mill Trust - yearly meeting", "Ambleford Mill Trust - yearly meeting"),
        ("AMBLEFORD MILL", "AMBLEFORD MILL"),
        ("AMBLEFORD MILL: NEWS", "AMBLEFORD MILL: NEWS"),  # in capitals, so no label
        ("Present: Ada Holm, Tom Ross", "mill"),
        ("Bread is baked on Mondays", "mill"),  # says something
        ("flour from Ambleford", "mill"),
    ],
)
def test_a_first_line_above_a_letterhead_is_the_title(
    tmp_path: Path, first: str, title: str
) -> None:
    parsed = read(
        tmp_path,
        "mill.txt",
        f"{first}\nMeeting of 11 February 2026, written down by Lotte\n"
        f"Apologies: Eve Moss\n\nThe mill was sold to {'the baker of the town, ' * 6}at last.\n",
    )
    assert parsed.title == title
    assert [kind for kind, _ in outline(parsed)[1:]] == ["paragraph"] * (len(parsed.blocks) - 1)


def test_a_title_in_capitals_may_go_over_lines(tmp_path: Path) -> None:
    text = "AMBLEFORD MILL TRUST\nRULES OF 2019\n\nMade on 4 April. In force at once.\n"
    parsed = read(tmp_path, "rules.txt", text)
    assert parsed.title == "AMBLEFORD MILL TRUST RULES OF 2019"
    assert outline(parsed)[0] == ("heading1", "AMBLEFORD MILL TRUST\nRULES OF 2019")


@pytest.mark.parametrize(
    "text",
    [
        "Ada Holm\nTom Ross\n\nEve Moss\nIda Lund\n",  # names, and no prose
        "Ada Holm\nTom Ross\nEve Moss bakes bread.\n",
        "Ada Holm\nand Tom Ross\n\nThe mill was sold to the baker.\n",  # goes on
    ],
)
def test_the_first_of_several_lines_is_no_title(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, "names.txt", text).title == "names"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Apologies: Eve Moss", "paragraph"),
        ("Step 2: Boil the water", "heading2"),
        ("Chapter IV: The mill", "heading2"),
    ],
)
def test_a_label_with_its_value_is_no_heading(tmp_path: Path, line: str, kind: str) -> None:
    below = "The minutes of the meeting in January went round, and nobody had anything to add."
    parsed = read(tmp_path, "minutes.txt", f"Minutes\n\nSent to all.\n\n{line}\n\n{below}\n")
    assert (kind, line) in outline(parsed)


def test_a_salutation_ends_the_section_above(tmp_path: Path) -> None:
    letter = "Ward 7\n\nFindings\n1. A cough\n\nDear Dr Holm,\n\nThank you for all you did.\n"
    assert outline(read(tmp_path, "letter.txt", letter)) == [
        ("heading1", "Ward 7"),
        ("heading2", "Findings"),
        ("list_item", "1. A cough"),
        ("heading2", "Dear Dr Holm,"),
        ("paragraph", "Thank you for all you did."),
    ]
    plain = read(tmp_path, "plain.txt", "Ward 7\n\nDear Dr Holm,\n\nThank you for all you did.\n")
    assert outline(plain)[1] == ("paragraph", "Dear Dr Holm,")


def test_parts_in_capitals_are_headings_above_the_others(tmp_path: Path) -> None:
    rules = (
        "RULES\n\nPART I - MOORINGS\n\nArticle 1. Dues\n(1) Dues are owed.\n\nPART II\nCONDUCT\n\n"
        "Article 2. Speed\nNo craft shall go faster than six knots.\n\nSchedule 1 is left out.\n"
        "PARTS III AND IV ARE LEFT OUT\n"
    )
    assert outline(read(tmp_path, "rules.txt", rules)) == [
        ("heading1", "RULES"),
        ("heading2", "PART I - MOORINGS"),
        ("heading3", "Article 1. Dues"),
        ("list_item", "(1) Dues are owed."),
        ("heading2", "PART II\nCONDUCT"),
        ("heading3", "Article 2. Speed"),
        ("paragraph", "No craft shall go faster than six knots."),
        ("paragraph", "Schedule 1 is left out."),
        ("paragraph", "PARTS III AND IV ARE LEFT OUT"),
    ]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("The wifi password is Sunflower", "paragraph"),
        ("Each locker costs four euros", "paragraph"),
        ("What is covered", "heading2"),
        ("Goods that are left out", "heading2"),
        ("Opening hours", "heading2"),
    ],
)
def test_a_line_that_says_something_is_no_heading(tmp_path: Path, line: str, kind: str) -> None:
    below = "Ask at the desk if it does not work, and bring the card that came with your key."
    parsed = read(tmp_path, "desk.txt", f"For guests\n\nWelcome to the house.\n\n{line}\n{below}\n")
    assert (kind, line) in outline(parsed)
    assert read(tmp_path, "desk.txt", f"{line}\n\n{below}\n").title == line  # a headline


def test_a_first_line_before_very_many_empty_ones_is_read_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    assert read(tmp_path, "gap.txt", "Title" + "\n" * 100_000 + "End").title == "Title"
    assert time.monotonic() - began < 5


def test_long_markdown_lines_are_paragraphs(tmp_path: Path) -> None:
    lines = ["Heading", "word " * 60, "word " * 50]
    found = outline(read(tmp_path, "a.md", "\n".join(lines)))
    assert [text for _, text in found] == [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "Name,Born\nAda,1815\n\nBob,\n", ["Name: Ada; Born: 1815", "Name: Bob"]),
        ("a.csv", 'Name;Note\n"Ada; L.";"two\nlines"\n', ["Name: Ada; L.; Note: two lines"]),
        ("a.tsv", "Name\tBorn\nAda, L.\t1815\n", ["Name: Ada, L.; Born: 1815"]),
        ("a.csv", "1,2\n3,4\n", ["1 | 2", "3 | 4"]),
        ("a.csv", "Name,Born\n", ["Name | Born"]),
        ("a.csv", "one\ntwo\n", ["one", "two"]),
        ("a.csv", "Corn Wheat\n 19  5 \n7 -2.5\n", ["Corn: 19; Wheat: 5", "Corn: 7; Wheat: -2.5"]),
        ("a.csv", "5 mills\n7 looms\n2 wheels\n", ["5 mills", "7 looms", "2 wheels"]),
    ],
)
def test_tables_are_rows_with_their_labels(
    tmp_path: Path, name: str, content: str, rows: list[str]
) -> None:
    parsed = read(tmp_path, name, content)
    assert outline(parsed) == [("table_row", row) for row in rows]
    assert parsed.title == "a"


PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>The  page</title>
<meta property="article:published_time" content="2024-03-01T08:00:00Z"></head><body>
<header>Site</header><nav>Menu</nav><div style="display:none">secret</div><p hidden>secret</p>
<article><header><h1>Head <em>line</em></h1></header>Bare text
<p>A<b>b</b>c &amp; so&shy;ft<br>new
   line<!-- secret --></p><blockquote>Quoted</blockquote>
<ol start="3"><li>three<li><p>four</p><ul><li>inner</ul></ol>
<dl><dt>Term<dd>Meaning</dl><pre>
  a
    b
</pre><table><caption>Years</caption>
<thead><tr><th rowspan=2>Name<th colspan=2>Year<tr><th>1<th>2</thead>
<tr><td rowspan=2>Ada<td>5<td>6<tr><td colspan=2>7</table>
<table><tr><td>plain</td><td>cells</td></tr><tr><td>1</td><td></td></tr></table>
<table><tr><td><p>layout</p></td></tr></table></article>
<aside>Ads</aside><form>Search <input></form><script>x</script>
<footer>Legal</footer></body></html>"""


def test_html_is_its_main_content_as_shown(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.html", PAGE)
    assert outline(parsed) == [
        ("heading1", "Head line"),
        ("paragraph", "Bare text"),
        ("paragraph", "Abc & soft\nnew line"),
        ("paragraph", "Quoted"),
        ("list_item", "3. three"),
        ("list_item", "4. four"),
        ("list_item", "inner"),
        ("definition", "Term: Meaning"),
        ("code", "a\n  b"),
        ("paragraph", "Years"),
        ("table_row", "Name: Ada; Year 1: 5; Year 2: 6"),
        ("table_row", "Name: Ada; Year 1: 7"),
        ("table_row", "plain | cells"),
        ("table_row", "1"),
        ("paragraph", "layout"),
    ]
    assert (parsed.title, parsed.date) == ("The page", "2024-03-01T08:00:00+00:00")
    assert parsed.fidelity.warnings == ()


def test_html_encoding_is_the_declared_one(tmp_path: Path) -> None:
    page = '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>3 € “quoted”'
    parsed = read(tmp_path, "a.htm", page.encode("cp1252"))
    assert parsed.text == "3 € “quoted”"
    assert parsed.fidelity.warnings == ()
    assert read(tmp_path, "b.htm", b'<meta charset="nonsense"><p>x').text == "x"


@pytest.mark.parametrize(
    "charset",
    [
        *("utf-16", "UTF-16LE", "utf16", "utf-32", "utf_32_be", "cp500", "undefined", "punycode"),
        *("idna", "unicode_escape", "unicode-escape", "raw_unicode_escape"),
        *("base64", "hex", "rot13", "zlib", "uu", "os.path", "aliases"),
    ],
)
@pytest.mark.parametrize("tag", ['<meta charset="{}">', '<?xml version="1.0" encoding="{}"?>'])
def test_html_in_no_such_encoding_is_utf8(tmp_path: Path, tag: str, charset: str) -> None:
    for text in (r"Der Bär fraß C:\new\u0041 Honig", "even", "odd", "xn--a-"):
        parsed = read(tmp_path, "a.html", f"{tag.format(charset)}<p>{text}</p>")
        assert (parsed.text, parsed.fidelity.warnings) == (text, ())


def test_html_in_utf16_is_read_by_its_byte_order_mark(tmp_path: Path) -> None:
    page = '<meta charset="utf-16"><p>Der Bär</p>'
    assert read(tmp_path, "a.html", page.encode("utf-16")).text == "Der Bär"
    page = '<meta charset="utf-16"><p>Der Bär fraß den Honig</p>'
    parsed = read(tmp_path, "b.html", page.encode("cp1252"))
    assert parsed.text == "Der Bär fraß den Honig"
    assert parsed.fidelity.warnings[0].startswith("read as windows-125")


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<body><form id=all><p>Whole page in a form</p></form>", "Whole page in a form"),
        ("<main></main><p>Beside an empty main</p>", "Beside an empty main"),
        ("<div>" * 5000 + "deep", "deep"),
        ("plain words", "plain words"),
    ],
)
def test_html_of_all_kinds_keeps_its_text(tmp_path: Path, page: str, text: str) -> None:
    assert read(tmp_path, "a.html", page).text == text


def test_html_without_main_content_says_so(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.html", "<nav>Only <a href=x>links</a></nav>")
    assert parsed.text == "Only links"
    assert "no main content" in parsed.fidelity.warnings[0]
