"""Every format: a real file comes back with its text, structure, places and metadata."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from ingest.parse import FORMATS, parse
from ingest.parsed import Parsed
from tests.make_files import NAMES, epub_parts, make, write_zip
from tests.sample_texts import TEXTS
from tests.test_ingest_parse import check
from tests.test_ingest_parse_text import outline, read


@pytest.fixture(params=NAMES)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Parsed]:
    """A file of each format, and what was read from it."""
    path = make(tmp_path, request.param)
    return path, parse(path)


def places(parsed: Parsed, **known: object) -> list[str]:
    """The texts of the places with these properties."""
    return [
        parsed.text[place.start : place.end]
        for place in parsed.places
        if all(getattr(place, name) == value for name, value in known.items())
    ]


def cells(parsed: Parsed) -> dict[str, str]:
    """The text of every addressed cell."""
    return {p.cell: parsed.text[p.start : p.end] for p in parsed.places if p.cell}


def shown(parsed: Parsed) -> list[str]:
    """The texts of the blocks that are not flagged."""
    flagged = {flag.start for flag in parsed.flags}
    return [parsed.text[b.start : b.end] for b in parsed.blocks if b.start not in flagged]


def test_what_is_promised_of_every_format(made: tuple[Path, Parsed]) -> None:
    path, parsed = made
    check(parsed)
    assert parsed.media_type == FORMATS[path.suffix].media_type
    assert [place.start for place in parsed.places] == sorted(p.start for p in parsed.places)
    for place in parsed.places:
        assert 0 <= place.start < place.end <= len(parsed.text)
        assert place.page or place.cell or place.line
        left, top, right, bottom = place.box or (0, 0, 1, 1)
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
    starts = {block.start: block.end for block in parsed.blocks}
    for flag in parsed.flags:
        assert starts[flag.start] == flag.end
        assert flag.reason
    for block in parsed.blocks:
        if block.page is not None:
            assert any(block.start <= p.start < block.end for p in parsed.places)
    assert parse(path) == parsed


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_place_with_a_line_points_to_that_line(tmp_path: Path, name: str) -> None:
    parsed = parse(make(tmp_path, name))
    lines = TEXTS[name].split("\n")
    placed = [place for place in parsed.places if place.line]
    assert placed or name.endswith((".html", ".xhtml", ".rtf"))
    for place in placed:
        first = parsed.text[place.start : place.end].split("\n")[0]
        word = first.split()[-1 if first.startswith("[") else 0].strip(":,")
        assert word in lines[(place.line or 0) - 1], first


def test_metadata_is_what_the_file_states(made: tuple[Path, Parsed]) -> None:
    path, parsed = made
    stated = (parsed.author, parsed.date[:10], parsed.language)
    person, day, language = "Ada Lovelace", "2024-05-06", "en-GB"
    suffix = path.suffix
    if suffix in (".docx", ".eml", ".html", ".md", ".odt", ".pptx", ".xhtml"):
        assert stated == (person, day, language)
    elif suffix == ".epub":
        assert stated == (f"{person}, Bob", day, language)
    elif suffix in (".rst", ".rtf", ".xlsx"):
        assert stated == (person, day, "")
    else:
        assert stated == ("", "", "")


def test_a_word_document_says_what_it_does_not_show(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.docx"))
    assert parsed.text == "Plums\n\nPlums are stone fruit."
    assert parsed.fidelity.images == 1
    assert parsed.fidelity.warnings == ("hidden text was left out: 1 passages",)


def test_slides_are_pages(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.pptx"))
    assert [(b.page, b.kind, parsed.text[b.start : b.end]) for b in parsed.blocks] == [
        (1, "heading", "Plums"),
        (1, "list_item", "Victoria"),
        (1, "list_item", "Pershore"),
        (1, "paragraph", "Say where they grow."),
        (2, "heading", "Where"),
        (2, "table_row", "Plum: Victoria; County: Sussex"),
        (2, "table_row", "Plum: Pershore; County: Worcestershire"),
        (3, "heading", "Secret"),
        (5, "paragraph", "In a group"),
        (5, "table_row", "2023; Tons: 1.5"),
        (5, "table_row", "2024; Tons: 2"),
    ]
    assert (parsed.title, parsed.pages) == ("Plums", 5)
    assert parsed.fidelity.blank_pages == (4,)
    assert (parsed.fidelity.tables, parsed.fidelity.images) == (2, 1)
    assert "Secret" not in shown(parsed)
    assert [flag.reason for flag in parsed.flags] == ["slide 3 is hidden"]
    assert cells(parsed)["Table 1!B3"] == "Worcestershire"
    box = next(place.box for place in parsed.places if place.cell == "Table 1!A2")
    assert box == pytest.approx((0.1, 2 / 7.5, 0.6, 5 / 7.5))


def test_hidden_shapes_are_flagged(tmp_path: Path) -> None:
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for text in ("seen", "unseen"):
        box = slide.shapes.add_textbox(0, 0, Inches(1), Inches(1))
        box.text_frame.text = text
    table = slide.shapes.add_table(2, 2, 0, 0, 99, 99)
    table.table.cell(0, 0).text, table.table.cell(1, 1).text = "also", "unseen"
    for shape in (box, table):
        next(shape._element.iter("{*}cNvPr")).set("hidden", "1")
    deck.save(str(tmp_path / "a.pptx"))
    parsed = parse(tmp_path / "a.pptx")
    check(parsed)
    assert shown(parsed) == ["seen"]
    assert len(parsed.flags) == 3
    assert parsed.fidelity.warnings == ("a shape on slide 1 is hidden",) * 2


def test_a_book_is_read_along_its_spine(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.epub"))
    assert outline(parsed) == [
        ("heading1", "One"),
        ("paragraph", "The first\xa0chapter."),
        ("table_row", "Plum: Victoria; County: Sussex"),
        ("paragraph", "A note."),
        ("paragraph", "The second chapter."),
    ]
    assert (parsed.title, parsed.fidelity.images) == ("The Plum Book", 1)
    parts = epub_parts()
    del parts["OEBPS/text/two b.xhtml"]
    parsed = parse(write_zip(tmp_path / "short.epub", parts))
    assert parsed.fidelity.warnings == ("1 of its chapters are missing in the file",)


def test_contents_within_a_book_are_left_out(tmp_path: Path) -> None:
    links = "".join(f'<li><a href="c{n}.xhtml#x">{n}. The plum</a></li>' for n in range(1, 7))
    see = '<li><a href="c1.xhtml">The plum</a></li>'
    wide = links.replace("c", "https://plum.example/c")
    parts = epub_parts()
    first, second = "OEBPS/text/one.xhtml", "OEBPS/text/two b.xhtml"
    assert first in parts
    assert second in parts
    parts[first] = f"<html><body><h1>Contents</h1><ol>{links}</ol></body></html>"
    parts[second] = (
        f"<html><body><h1>Plums</h1><p>This book tells of plums.</p><ul>{links}</ul>"
        f"<p>See</p><ul>{see}</ul><ul>{wide}</ul><p>{links}</p></body></html>"
    )
    texts = [text for _, text in outline(parse(write_zip(tmp_path / "a.epub", parts)))]
    assert texts[:4] == ["Plums", "This book tells of plums.", "See", "The plum"]
    assert texts.count("1. The plum") == 2


def test_an_open_document_is_read_in_order(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.odt"))
    assert outline(parsed) == [
        ("heading1", "Plums"),
        ("paragraph", "Two  spaces\na new line, end."),
        ("list_item", "Victoria"),
        ("list_item", "inner"),
        ("table_row", "Plum: Victoria; 2023: 5"),
        ("table_row", "Plum: same; 2023: same"),
        ("paragraph", "Before"),
        ("paragraph", "In a box"),
        ("paragraph", "In a section"),
        ("paragraph", "The note."),
    ]
    assert parsed.title == "Plums and more"
    assert (parsed.fidelity.tables, parsed.fidelity.images) == (1, 1)
    assert parsed.fidelity.warnings == ("hidden text was left out: 1 passages",)


def test_rich_text_keeps_paragraphs_and_tables(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.rtf"))
    assert outline(parsed) == [
        ("paragraph", "Plums are stone fruit: – café."),
        ("paragraph", "A link here."),
        ("table_row", "Plum: Victoria; County: Sussex"),
        ("paragraph", "The end."),
    ]
    assert (parsed.title, parsed.fidelity.images) == ("Plums à la carte", 1)
    assert parsed.fidelity.warnings == ("hidden text was left out: 1 passages",)


def test_restructured_text_reads_as_its_reader_sees_it(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.rst"))
    assert outline(parsed) == [
        ("heading1", "Plums"),
        ("paragraph", "Author: Ada Lovelace"),
        ("paragraph", "Date: 2024-05-06"),
        ("paragraph", "Plums are stone fruit, see pick. [1]"),
        ("heading2", "Kinds"),
        ("list_item", "Victoria"),
        ("list_item", "Pershore"),
        ("list_item", "grows well"),
        ("paragraph", "versionadded: 3.1"),
        ("paragraph", "Unknown text."),
        ("code", "x = 1\n  y = 2"),
        ("table_row", "Plum: Vic; Year: 1840"),
        ("paragraph", "[1] The note."),
    ]
    assert parsed.fidelity.warnings == (
        "directives read as plain text: versionadded",
        "directives left out: include",
    )


def test_a_head_of_restructured_text_may_have_an_empty_first_cell(tmp_path: Path) -> None:
    border = "====== ===== =====\n"
    table = f"{border}       Min   Max\n       grams grams\n{border}Plum   70    162\n{border}"
    rule = "+----+----+\n"
    grid = f"{rule}|    | A  |\n{rule}| x  | B  |\n{rule.replace('-', '=')}| y  | 2  |\n{rule}"
    code = "".join(f"   {line}\n" for line in table.splitlines())
    parsed = read(tmp_path, "a.rst", f"{table}\n{grid}\n::\n\n{code}")
    assert outline(parsed) == [
        ("table_row", "Plum; Min grams: 70; Max grams: 162"),
        ("table_row", "x: y; A B: 2"),
        ("code", table.rstrip()),
    ]
    assert cells(parsed)["Table 2!B3"] == "2"
    askew = table.replace("       Min   Max", "         Min   Max").replace(
        "       grams grams\n", ""
    )
    row = ("table_row", "Plum; Min: 70; Max: 162")
    assert outline(read(tmp_path, "b.rst", askew)) == [row]
    crowded = askew.replace("Min  ", "Minimum")
    assert outline(read(tmp_path, "c.rst", crowded)) == [("table_row", "Plum; 70; 162")]


def test_json_is_rows_under_their_paths(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.json"))
    assert outline(parsed) == [
        ("table_row", "title: Plums; price: 1.10; open: true"),
        ("heading1", "kinds"),
        ("table_row", "name: Victoria; grown.in: Sussex"),
        ("table_row", "name: Pershore; tags: a, b"),
    ]
    assert places(parsed, line=9) == ["true"]
    assert outline(parse(make(tmp_path, "plums.jsonl"))) == [
        ("table_row", "name: Victoria"),
        ("table_row", "Pershore"),
        ("table_row", "1827"),
        ("table_row", "text"),
    ]


def test_long_strings_of_json_are_paragraphs(tmp_path: Path) -> None:
    long = "Plums are stone fruit. " * 12
    source = '[{"id": 7, "text": "One.\\n\\n' + long + '", "by": "Ada"}]'
    assert outline(read(tmp_path, "a.json", source)) == [
        ("table_row", "id: 7; by: Ada"),
        ("paragraph", "text: One."),
        ("paragraph", long.strip()),
    ]


def test_markdown_lines_count_the_front_matter(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.md"))
    assert {p.line: parsed.text[p.start : p.end] for p in parsed.places if not p.cell} == {
        8: "Plums",
        10: "Plums are stone fruit. x",
        18: "x = 1",
    }
    assert places(parsed, line=15, cell="Table 1!B2") == ["1840"]
    assert parsed.fidelity.images == 1


def test_rows_of_a_table_count_like_a_spreadsheet(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.csv"))
    assert cells(parsed) == {
        "A3": "Victoria",
        "B3": "1840",
        "A4": "two lines",
        "B4": "1827",
        "A5": "Last",
        "B5": "1",
    }
    assert places(parsed, line=5) == ["1827"]
    assert places(parsed, line=6) == ["Last", "1"]


def test_code_and_logs_are_kept_character_by_character(tmp_path: Path) -> None:
    for name in ("code.py", "events.log", "plums.yaml"):
        parsed = parse(make(tmp_path, name))
        assert parsed.text == TEXTS[name]
        assert parsed.title == name
        assert {block.kind for block in parsed.blocks} == {"code"}
    code = parse(make(tmp_path, "code.py"))
    assert [place.line for place in code.places] == [1, 4]
    log = parse(make(tmp_path, "events.log"))
    assert [text for _, text in outline(log)] == [
        "10:00 started",
        "10:01 failed\n  at line 3",
        "10:02 ended",
    ]


def test_mail_says_who_wrote_and_what(tmp_path: Path) -> None:
    parsed = parse(make(tmp_path, "plums.eml"))
    assert outline(parsed) == [
        ("heading1", "The plum harvest – überall"),
        (
            "paragraph",
            "From: Ada Lovelace <ada@example.org>\nTo: Bob <bob@example.org>, carol@example.org\n"
            "Date: 2024-05-06 07:08:09+02:00",
        ),
        ("paragraph", "Dear Bob,"),
        ("paragraph", "the harvest was good – très bon."),
    ]
    assert parsed.date == "2024-05-06T07:08:09+02:00"
    assert parsed.fidelity.warnings == ("1 attachment was not read: plüm.png",)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"Subject: =?utf-8?q?caf=C3=A9?=\n\nHi.\n", "café\n\nHi."),
        ("Subject: café\n\nHi.\n".encode(), "café\n\nHi."),
        (b"Subject: =?no-such?q?x?=\nDate: never\n\nHi.", "=?no-such?q?x?=\n\nDate: never\n\nHi."),
        (b"Subject: A\nContent-Type: text/html\n\n<p>B<br>c</p><p>d", "A\n\nB\nc\n\nd"),
        (b"From: x\nContent-Type: text/plain; charset=latin-1\n\ncaf\xe9", "From: x\n\ncafé"),
        (b"From: x\nContent-Transfer-Encoding: base64\n\nSGkh", "From: x\n\nHi!"),
    ],
)
def test_mail_of_all_kinds_is_read(tmp_path: Path, source: bytes, text: str) -> None:
    assert read(tmp_path, "a.eml", source).text == text


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("Re: Re: RE:  The mill", "Re: The mill"),
        ("Fwd: AW: Aw: The mill", "Fwd: AW: The mill"),
        ("Re: Fwd: Re: The mill", "Re: Fwd: Re: The mill"),
        ("The mill, more: more: flour", "The mill, more: more: flour"),
    ],
)
def test_a_subject_says_once_that_it_is_an_answer(tmp_path: Path, given: str, title: str) -> None:
    parsed = read(tmp_path, "a.eml", f"Subject: {given}\n\nHi.\n")
    assert (parsed.title, outline(parsed)[0]) == (title, ("heading1", title))


def test_mail_in_html_alone_is_read_as_html(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "A"
    message.set_content("<header>Head</header><p>Hello <b>you</b></p>", subtype="html")
    assert read(tmp_path, "a.eml", message.as_bytes()).text == "A\n\nHead\n\nHello you"


def test_a_report_of_a_lost_message_is_read(tmp_path: Path) -> None:
    report = (
        "Subject: Returned\nContent-Type: multipart/report; boundary=b\n\n--b\n\nIt was lost.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mill.example\n\n"
        "Final-Recipient: rfc822; ada@mill.example\nStatus: 5.1.1\n (no such user)\n\n"
        "--b\nContent-Type: text/rfc822-headers\n\nSubject: Corn\nTo: ada@mill.example\n\n--b--\n"
    )
    parsed = read(tmp_path, "a.eml", report)
    assert outline(parsed) == [
        ("heading1", "Returned"),
        ("paragraph", "It was lost."),
        ("paragraph", "Reporting-MTA: dns; mill.example"),
        (
            "paragraph",
            "Final-Recipient: rfc822; ada@mill.example\nStatus: 5.1.1 (no such user)",
        ),
        ("paragraph", "Subject: Corn\nTo: ada@mill.example"),
    ]
    assert parsed.fidelity.warnings == ()


def test_a_forwarded_message_is_read_below(tmp_path: Path) -> None:
    inner = EmailMessage()
    inner["Subject"] = "Inner"
    inner["From"] = "carol@example.org"
    inner.set_content("The first words.")
    outer = EmailMessage()
    outer["Subject"] = "Outer"
    outer.set_content("See below.")
    outer.add_attachment(inner)
    parsed = read(tmp_path, "a.eml", outer.as_bytes())
    assert outline(parsed) == [
        ("heading1", "Outer"),
        ("paragraph", "See below."),
        ("heading2", "Inner"),
        ("paragraph", "From: carol@example.org"),
        ("paragraph", "The first words."),
    ]
    assert parsed.fidelity.warnings == ()


def test_what_a_mail_quotes_is_below_who_wrote_it_and_without_marks(tmp_path: Path) -> None:
    text = (
        "Subject: A\n\nOver 20 kg\n> 20 kg: 9 euros\n\nOn Friday we close.\n"
        "On Wed, 5 Nov 2025 at 09:10, Callum Okafor\n<callum@example.org> wrote:\n"
        "> Helena,\n>\n> it takes\n> four days.\n>\n"
        "> On Mon, 3 Nov 2025 at 18:55, Helena <helena@example.org> wrote:\n>> How long?\n"
    )
    assert outline(read(tmp_path, "a.eml", text)) == [
        ("heading1", "A"),
        ("paragraph", "Over 20 kg\n> 20 kg: 9 euros"),
        ("paragraph", "On Friday we close."),
        ("heading2", "On Wed, 5 Nov 2025 at 09:10, Callum Okafor <callum@example.org> wrote:"),
        ("paragraph", "Helena,"),
        ("paragraph", "it takes\nfour days."),
        ("heading3", "On Mon, 3 Nov 2025 at 18:55, Helena <helena@example.org> wrote:"),
        ("paragraph", "How long?"),
    ]
    inline = "Subject: A\n\nOn Sun, 2 Feb 2025, Bob wrote:\n> How much?\n\nIt is 900 euros.\n"
    assert outline(read(tmp_path, "a.eml", inline)) == [
        ("heading1", "A"),
        ("paragraph", "On Sun, 2 Feb 2025, Bob wrote:\n> How much?"),
        ("paragraph", "It is 900 euros."),
    ]


def test_mail_without_text_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, "a.eml", "Subject: A\n\n \n").fidelity.warnings == (
        "the message has no text",
    )
