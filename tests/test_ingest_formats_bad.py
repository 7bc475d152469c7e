"""Damaged, protected, mislabelled and hostile files of every format are refused, and soon."""

from __future__ import annotations

import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import parse_xlsx, zipped
from ingest.parse import parse
from rag.errors import BadDocument
from tests.make_files import (
    NAMES,
    WRITERS,
    epub_parts,
    make,
    odt_parts,
    with_part,
    write_zip,
)
from tests.sample_texts import RTF
from tests.test_ingest_parse import check, write

ZIPPED = sorted(name for name in WRITERS if Path(name).suffix in zipped.NAMES)
MAIN = {
    ".docx": "word/document.xml",
    ".epub": "OEBPS/book.opf",
    ".odt": "content.xml",
    ".pptx": "ppt/slides/slide1.xml",
    ".xlsx": "xl/worksheets/sheet1.xml",
}
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a0 "lol"><!ENTITY file SYSTEM "file:///etc/passwd">'
    '<!ENTITY web SYSTEM "http://example.org/x">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)
SHEET = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s</worksheet>'
)


def refused(path: Path, says: str) -> None:
    with pytest.raises(BadDocument, match=says) as caught:
        parse(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("name", ZIPPED)
def test_damaged_archives_are_refused(tmp_path: Path, name: str) -> None:
    source = make(tmp_path, name)
    says = "is not a readable " + zipped.NAMES[source.suffix]
    data = source.read_bytes()
    refused(write(tmp_path, "short" + source.suffix, data[: len(data) // 2]), says)
    refused(write(tmp_path, "text" + source.suffix, "plain text"), says)
    refused(write_zip(tmp_path / f"other{source.suffix}", {"a.txt": "text"}), says)
    main = MAIN[source.suffix]
    cut = with_part(source, tmp_path / f"cut{source.suffix}", main, lambda xml: xml[:-9])
    refused(cut, says)


@pytest.mark.parametrize("name", ZIPPED)
def test_a_flipped_byte_is_found(tmp_path: Path, name: str) -> None:
    source = make(tmp_path, name)
    data = bytearray(source.read_bytes())
    with zipfile.ZipFile(source) as archive:
        entry = archive.getinfo(MAIN[source.suffix])
    data[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 0xFF
    refused(write(tmp_path, "bad" + source.suffix, bytes(data)), "is not a readable")


@pytest.mark.parametrize("name", ZIPPED)
@pytest.mark.parametrize("other", ZIPPED)
def test_an_archive_under_another_name_is_told(tmp_path: Path, name: str, other: str) -> None:
    suffix, wrong = Path(name).suffix, Path(other).suffix
    if suffix == wrong:
        return
    path = make(tmp_path, name).rename(tmp_path / f"wrong{wrong}")
    refused(path, re.escape(f"by its content, not {wrong}: rename it to {suffix}"))


def test_archives_under_the_name_of_text_are_told(tmp_path: Path) -> None:
    path = make(tmp_path, "plums.xlsx").rename(tmp_path / "wrong.csv")
    refused(path, r"is an Excel workbook by its content, not \.csv: rename it to \.xlsx")


@pytest.mark.parametrize("name", ZIPPED)
def test_protected_archives_are_refused(tmp_path: Path, name: str) -> None:
    source = make(tmp_path, name)
    data = source.read_bytes()
    central = data.index(b"PK\x01\x02")
    marked = data[: central + 8] + b"\x01" + data[central + 9 :]
    refused(write(tmp_path, "secret" + source.suffix, marked), "is encrypted: remove its password")


def test_protected_books_and_documents_are_refused(tmp_path: Path) -> None:
    parts = epub_parts()
    parts["META-INF/encryption.xml"] = (
        '<encryption><CipherReference URI="OEBPS/text/one.xhtml"/></encryption>'
    )
    refused(write_zip(tmp_path / "a.epub", parts), "protected against copying")
    parts["META-INF/encryption.xml"] = (
        '<encryption><CipherReference URI="OEBPS/font.ttf"/></encryption>'
    )
    assert parse(write_zip(tmp_path / "b.epub", parts)).blocks
    parts = odt_parts("<text:p>x</text:p>")
    parts["META-INF/manifest.xml"] = "<manifest><encryption-data/></manifest>"
    refused(write_zip(tmp_path / "a.odt", parts), "is encrypted: remove its password")


def test_empty_documents_are_refused(tmp_path: Path) -> None:
    import pptx
    import xlsxwriter

    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        book.add_worksheet()
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    deck.save(str(tmp_path / "a.pptx"))
    write_zip(tmp_path / "a.odt", odt_parts("<text:p/>"))
    parts = epub_parts()
    parts["OEBPS/text/one.xhtml"] = parts["OEBPS/text/two b.xhtml"] = "<html><body/></html>"
    write_zip(tmp_path / "a.epub", parts)
    for name, source in {
        "a.json": "{}",
        "a.jsonl": "[]\n{}\n",
        "a.py": "\n \n",
        "a.rst": ".. comment\n",
        "a.rtf": "{\\rtf1 }",
        "a.eml": "From:\n\n",
    }.items():
        write(tmp_path, name, source)
    for path in tmp_path.iterdir():
        refused(path, "no text could be extracted")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", '{"a": 1,\n "b": }', r"a\.json:2: is not JSON \(Expecting value, column 7\)"),
        ("a.jsonl", '{"a": 1}\n\n{"b"}\n', r"a\.jsonl:3: is not JSON"),
        ("a.json", "[" * 100_000, r"a\.json:1: is nested too deeply"),
        ("a.json", b"\x00\x01", "is binary"),
        ("a.py", b"\x7fELF\x00", "is binary"),
        ("a.eml", "Just text.\n\nNo header.\n", "is not a mail message"),
        ("a.eml", "From: x\nContent-Type: application/pkcs7-mime\n\nx", "is encrypted"),
        ("a.eml", "From: " + "(" * 100_000 + "\n\nHi", "is nested too deeply"),
        ("a.rtf", "Just text.", r"is not a rich text \(RTF\) file"),
        ("a.rtf", "{\\rtf1 \\u99999999 }", "is a broken rich text file"),
        ("a.rtf", "{\\rtf1 {\\fonttbl " + "\\f1 " * 50_000 + "}x}", "font table is too long"),
        ("a.rst", "- " * 500 + "x", "is nested too deeply"),
        ("a.rst", "x\n\n" + "*a " * 20_001, r"a\.rst:3: .* more than 20,000 marks"),
        ("a.txt", RTF, r"is a rich text \(RTF\) file by its content, not \.txt: rename it"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office file .* password"),
        ("a.csv", 'a,b\n1,2\n"' + "x" * 200_000, r"a\.csv:3: cannot be read as a table"),
    ],
)
def test_broken_text_formats_say_where(
    tmp_path: Path, name: str, content: str | bytes, says: str
) -> None:
    refused(write(tmp_path, name, content), says)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ZIPPED)
@pytest.mark.parametrize("entity", ["a9", "file", "web"])
@pytest.mark.parametrize("hidden", ["", f"<!--{'x' * 5000}-->"], ids=["plain", "behind a comment"])
def test_entities_are_neither_expanded_nor_fetched(
    tmp_path: Path, name: str, entity: str, hidden: str
) -> None:
    def laugh(xml: bytes) -> bytes:
        body = re.sub(r"^<\?xml[^>]*\?>", "", xml.decode()).lstrip()
        start = body.index(">", body.index("Plum")) if "Plum" in body else body.index(">")
        end = body.index("<", start)
        return f"{hidden}{LAUGHS}{body[:end]}&{entity};{body[end:]}".encode()

    source = make(tmp_path, name)
    path = with_part(source, tmp_path / f"x{source.suffix}", MAIN[source.suffix], laugh)
    if not hidden:
        refused(path, "declares XML entities")
        return
    try:
        text = parse(path).text
    except BadDocument:
        return
    assert len(text) < 1000
    assert "root:" not in text


@pytest.mark.timeout(20)
@pytest.mark.parametrize("suffix", sorted(zipped.NAMES))
def test_archives_that_unpack_without_end_are_refused(tmp_path: Path, suffix: str) -> None:
    bomb = write_zip(tmp_path / f"bomb{suffix}", {"a.xml": b" " * 20_000_000})
    refused(bomb, "unpacks to 20 MB")
    with zipfile.ZipFile(tmp_path / f"many{suffix}", "w") as archive:
        for number in range(zipped.MAX_ENTRIES + 1):
            archive.writestr(str(number), b"")
    refused(tmp_path / f"many{suffix}", "has 20,001 parts")


def test_much_markup_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path, "plums.docx")
    monkeypatch.setattr(zipped, "MAX_MARKUP_BYTES", 1000)
    refused(path, "of text and markup; at most")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (
            b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>'
            b'<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>',
            "Plums\n\n1",
        ),
        (
            b'<cols><col min="1" max="999999999" hidden="0"/></cols><sheetData><row r="1048576">'
            b'<c r="XFD1048576"><v>1</v></c></row></sheetData>',
            "Plums\n\n1",
        ),
    ],
)
def test_a_sheet_of_any_size_is_as_small_as_its_cells(
    tmp_path: Path, xml: bytes, expected: str
) -> None:
    source = make(tmp_path, "plums.xlsx")
    path = with_part(source, tmp_path / "a.xlsx", MAIN[".xlsx"], lambda _: SHEET % xml)
    assert parse(path).text.startswith(expected)


@pytest.mark.timeout(20)
def test_more_cells_and_text_than_any_use_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path, "plums.xlsx")

    def sheet(xml: bytes) -> Path:
        return with_part(source, tmp_path / "a.xlsx", MAIN[".xlsx"], lambda _: SHEET % xml)

    refused(
        sheet(b'<sheetData><row r="9999999"><c><v>1</v></c></row></sheetData>'), "not a readabl"
    )
    monkeypatch.setattr(parse_xlsx, "MAX_CELLS", 100)
    rows = b"<row><c><v>1</v></c></row>" * 60
    assert parse(sheet(b"<sheetData>%s</sheetData>" % rows)).blocks
    refused(sheet(b"<sheetData>%s</sheetData>" % (2 * rows)), "has more than 100 cells")
    merged = b'<mergeCells><mergeCell ref="A1:A60"/></mergeCells>'
    refused(sheet(b"<sheetData>%s</sheetData>%s" % (rows, merged)), "has more than 100 cells")
    monkeypatch.setattr(parse_xlsx, "MAX_CHARACTERS", 100)
    long = b"<row><c t='str'><v>%s</v></c></row>" % (b"x" * 60)
    refused(sheet(b"<sheetData>%s</sheetData>" % (2 * long)), "or 100 characters")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.rtf", "{\\rtf1 " + "{" * 200_000 + "x" + "}" * 200_000),
        ("a.rtf", "{\\rtf1 {" + "\\v " * 200_000 + "{x}}"),
        ("a.rtf", "{\\rtf1 x" + '{\\field{\\*\\fldinst{HYPERLINK "' * 20_000 + "}"),
        ("a.eml", "From: x\nTo: " + "a@b.c, " * 20_000 + "\n\nHi"),
        ("a.eml", "From: x\nSubject: " + "=?utf-8?q?a?= " * 20_000 + "\n\nHi"),
        ("a.xhtml", "<p>x" + "<a " * 200_000),
        ("a.json", "[" + ",".join(['{"a":1}'] * 20_000) + "]"),
        ("a.py", "x = 1\n\n" * 100_000),
    ],
    ids=lambda value: value[:24],
)
def test_text_made_to_cost_time_does_not(tmp_path: Path, name: str, source: str) -> None:
    check(parse(write(tmp_path, name, source)))


def test_a_deep_open_document_is_read_or_refused(tmp_path: Path) -> None:
    body = "<text:section>" * 200 + "<text:p>deep</text:p>" + "</text:section>" * 200
    assert parse(write_zip(tmp_path / "a.odt", odt_parts(body))).text == "deep"


def test_no_other_file_gets_into_restructured_text(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("SECRET", encoding="utf-8")
    source = (
        f"Text.\n\n.. include:: secret.txt\n\n.. literalinclude:: secret.txt\n\n"
        f".. raw:: html\n   :file: {tmp_path / 'secret.txt'}\n\n"
        ".. csv-table:: x\n   :file: secret.txt\n"
    )
    assert "SECRET" not in parse(write(tmp_path, "a.rst", source)).text


def _changed(data: bytes, chance: random.Random) -> bytes:
    """``data`` with a few bytes lost, doubled or turned into others."""
    changes: list[Callable[[bytes, int], bytes]] = [
        lambda b, i: b[:i] + bytes([chance.randrange(256)]) + b[i + 1 :],
        lambda b, i: b[:i] + b[i + chance.choice([1, 20, 200]) :],
        lambda b, i: b[:i] + b[i // 2 : i // 2 + chance.choice([5, 50])] + b[i:],
        lambda b, i: b[:i] + chance.choice([b"-1", b"99999999999", b'"', b"<", b"&"]) + b[i + 1 :],
        lambda b, i: b[:i],
    ]
    for _ in range(chance.choice([1, 1, 3, 9])):
        data = chance.choice(changes)(data, chance.randrange(max(len(data), 1)))
    return data


@pytest.mark.parametrize("name", NAMES)
def test_any_damage_is_refused_or_parsed_in_order(tmp_path: Path, name: str) -> None:
    source = make(tmp_path, name)
    chance = random.Random(name)
    path = tmp_path / f"changed{source.suffix}"
    for _ in range(40):
        if source.suffix in zipped.NAMES:
            with zipfile.ZipFile(source) as archive:
                parts = sorted(n for n in archive.namelist() if n.endswith((".xml", ".rels")))
            part = chance.choice(parts)
            with_part(source, path, part, lambda data: _changed(data, chance))
        else:
            path.write_bytes(_changed(source.read_bytes(), chance))
        try:
            check(parse(path))
        except BadDocument:
            continue
