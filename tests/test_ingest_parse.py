"""The door to the parsers: what is refused and how, and what holds of every text it returns."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import parse as door
from ingest.parse import parse
from ingest.parsed import Builder, Parsed, iso_date, row_spans
from rag.errors import BadDocument

DATA = Path(__file__).parents[2] / "shared" / "data"


def check(parsed: Parsed) -> None:
    """Everything ``Parsed`` promises."""
    end = 0
    assert parsed.blocks
    assert parsed.title
    assert "\r" not in parsed.text
    assert "\x00" not in parsed.text
    parsed.text.encode("utf-8")
    for block in parsed.blocks:
        assert end <= block.start < block.end <= len(parsed.text)
        assert not parsed.text[end : block.start].strip()
        text = parsed.text[block.start : block.end]
        assert text == text.strip()
        assert block.level >= 7 or (block.level > 0) == (block.kind == "heading")
        assert not block.term or (block.level >= 7 and text[: block.term].strip())
        assert (block.page is None) == (parsed.pages is None)
        end = block.end
    assert not parsed.text[end:].strip()


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.xyz", "text", r"cannot read \.xyz; supported are .*\.pdf"),
        ("Makefile", "text", "a file without suffix"),
        ("a.txt", "", "the file is empty"),
        ("a.txt", " \n\t\n", "no text could be extracted"),
        ("a.md", "---\ntitle: x\n---\n", "no text could be extracted"),
        ("a.html", "<nav></nav><script>x</script>", "no text could be extracted"),
        ("a.csv", ",,\n,,\n", "no text could be extracted"),
        ("a.txt", b"text\x00\x01\x02", "binary, not text .*NUL"),
        ("a.txt", b"abc\x01\x02\x03", "binary, not text .*10%"),
        ("a.txt", b"%PDF-1.7 ...", r"is a PDF file by its content, not \.txt: rename it to \.pdf"),
        ("a.md", b"\x89PNG\r\n", "is a PNG image"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office file .* password"),
        ("a.pdf", b"PK\x03\x04", r"zip archive .* not \.pdf: unpack it and ingest"),
        ("a.pdf", "<html>Not found</html>", "is a broken PDF"),
        ("a.docx", "plain text", "is not a readable Word document"),
        ("a.csv", 'a,b\n"' + "x" * 200_000, "cannot be read as a table"),
    ],
)
def test_unreadable_files_are_refused_with_advice(
    tmp_path: Path, name: str, content: str | bytes, says: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(BadDocument, match=says) as caught:
        parse(path)
    assert str(caught.value).startswith(str(path))


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDocument, match="cannot be opened: No such file"):
        parse(tmp_path / "none.txt")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(BadDocument, match="is a folder"):
        parse(tmp_path / "folder.txt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(BadDocument, match="is not a regular file"):
        parse(tmp_path / "pipe.txt")


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "a.txt", "text")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BadDocument, match="permission denied: make the file readable"):
        parse(path)


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        ("a.txt", 300_000_000, "is 300 MB; at most 50 MB of text per file: split it"),
        ("a.pdf", 201_000_000, "is 201 MB; at most 200 MB per file"),
    ],
)
def test_large_files_are_refused_unread(tmp_path: Path, name: str, size: int, says: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(size)  # sparse: takes no room
    with pytest.raises(BadDocument, match=re.escape(says)):
        parse(path)


def test_a_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * 20_000_000)
    with pytest.raises(BadDocument, match="unpacks to 20 MB"):
        parse(path)


def test_html_saved_as_text_is_text(tmp_path: Path) -> None:
    assert parse(write(tmp_path, "a.txt", "<p>Hello</p>")).text == "<p>Hello</p>"


def test_suffixes_are_case_blind(tmp_path: Path) -> None:
    assert parse(write(tmp_path, "A.TXT", "Hello.")).media_type == "text/plain"
    assert door.MAX_TEXT_BYTES < door.MAX_BYTES


@pytest.mark.parametrize(
    "suffix",
    [
        ".csv",
        ".eml",
        ".html",
        ".json",
        ".jsonl",
        ".log",
        ".md",
        ".py",
        ".rst",
        ".rtf",
        ".tsv",
        ".txt",
    ],
)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=st.text(max_size=300)
    | st.text("ab1.,;|\t\n\r \"'-*#>`<&=:{}[]\\\x85\u2028\ufeff", max_size=120)
)
def test_any_text_is_refused_or_parsed_in_order(
    text: str, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    head = {".eml": "Subject: x\n", ".rtf": "{\\rtf1 "}.get(suffix, "")
    path.write_bytes((head + text).encode("utf-8", "surrogatepass"))
    try:
        parsed = parse(path)
    except BadDocument:
        return
    check(parsed)


@pytest.mark.parametrize(
    "suffix", [".txt", ".md", ".html", ".csv", ".eml", ".pdf", ".docx", ".epub"]
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.binary(max_size=200), head=st.sampled_from([b"", b"\xff\xfe", b"%PDF-", b"PK\x03\x04"])
)
def test_any_bytes_are_refused_or_parsed_in_order(
    data: bytes, head: bytes, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"bytes{suffix}"
    path.write_bytes(head + data)
    try:
        parsed = parse(path)
    except BadDocument:
        return
    check(parsed)


def test_the_builder_keeps_offsets_and_repairs() -> None:
    builder = Builder()
    builder.add("heading", "  One\r\n", level=1)
    builder.add("paragraph", " \n ")
    builder.add("list_item", "a\x00b")
    builder.add("list_item", "c\ud800")
    parsed = builder.build(title=" My\ntitle ", media_type="text/plain")
    assert parsed.text == "One\n\na\ufffdb\nc\ufffd"
    assert parsed.title == "My title"
    assert parsed.fidelity.warnings == (
        "2 unusable or invisible characters (NUL, lone surrogates, zero-width marks) were replaced "
        "by U+FFFD or removed",
    )
    check(parsed)


@pytest.mark.parametrize(
    ("cells", "header", "row"),
    [
        (["Ada", "1815"], ["Name", "Born:"], "Name: Ada; Born: 1815"),
        (["Ada", "", " x\ny "], ["", "Born", "Note"], "Ada; Note: x y"),
        (["Ada", "1815", "more"], ["Name"], "Name: Ada; 1815; more"),
        (["Ada", "", "1815"], None, "Ada | 1815"),
    ],
)
def test_a_row_reads_on_its_own(cells: list[str], header: list[str] | None, row: str) -> None:
    assert row_spans(cells, header)[0] == row


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-01-31", "2024-01-31"),
        (" 2024-01-31T10:20:30Z ", "2024-01-31T10:20:30+00:00"),
        ("31 January 2024", ""),
        ("2024-13-01", ""),
    ],
)
def test_dates_are_iso_or_nothing(text: str, date: str) -> None:
    assert iso_date(text) == date
