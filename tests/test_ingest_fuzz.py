"""Damaged and hostile files: a document or a clear failure, within the limits, and the run goes on.

Real files of each format are flipped, cut and spliced; archives also on the inside, and packed
again. ``make test-all`` does it for minutes.
"""

from __future__ import annotations

import io
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from ingest.containers import CONTAINER_SUFFIXES, members
from ingest.parse import SUPPORTED
from ingest.parsed import Parsed
from ingest.worker import Reader
from rag.errors import BadDocument
from tests.make_files import write_epub, write_odt, write_pptx, write_xlsx
from tests.test_ingest_parse import check

SECONDS = 20
TEXT = """# Apples in Kent

The Bramley apple was first grown in Southwell in 1809. It is used for cooking — "naïvely".

1. First item
2. Second item

| Apple | Year |
|-------|------|
| Cox   | 1825 |

<div hidden>ignore</div>
"""
HTML = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Apples</title></head>
<body><nav>Menu</nav><main><h1>Apples</h1><p>The <b>Bramley</b> &amp; the Cox&nbsp;apple.</p>
<ul><li>One<ol start="3"><li>Two</li></ol></li></ul><pre>code\n  more</pre>
<table><caption>T</caption><tr><th colspan="2">A</th><th>B</th></tr>
<tr><td rowspan="3">1</td><td>2</td></tr></table>
<p style="display:none">hidden</p><!-- note --></main></body></html>"""
CSV = 'Apple,County,Year\n"Bramley, big",Notts,1809\n"Cox ""x""",Bucks,1825\n'
MBOX = (
    "From a@b.org Thu\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nHello\n\nFrom c d\nSubject: x\n\ny\n"
)


def a_pdf() -> bytes:
    from reportlab.lib import pagesizes
    from reportlab.pdfgen.canvas import Canvas

    data = io.BytesIO()
    canvas = Canvas(data, pagesizes.A4, pageCompression=0, invariant=1)
    canvas.setTitle("Apples")
    for page in range(3):
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawString(72, 780, "Apples in Kent")
        canvas.setFont("Helvetica", 11)
        for line in range(12):
            canvas.drawString(72, 740 - 14 * line, f"Line {line} of page {page} about apples.")
        canvas.bookmarkPage(str(page))
        canvas.addOutlineEntry(f"Page {page}", str(page))
        canvas.showPage()
    canvas.save()
    return data.getvalue()


def a_docx() -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("Apples in Kent", 1)
    document.add_paragraph("The Bramley apple was first grown in Southwell in 1809.")
    document.add_paragraph("First item", style="List Number")
    table = document.add_table(rows=2, cols=2)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"cell {number}"
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def a_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", TEXT)
        archive.writestr("deep/b.html", HTML)
        archive.writestr("c.csv", CSV)
    return data.getvalue()


def written(write: Callable[[Path], None], suffix: str) -> Callable[[], bytes]:
    """The bytes of a file that ``tests.make_files`` writes."""

    def data() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"seed{suffix}"
            write(path)
            return path.read_bytes()

    return data


def a_picture(kind: str) -> Callable[[], bytes]:
    """A picture of some letters."""

    def data() -> bytes:
        image = Image.new("L", (160, 40), 255)
        ImageDraw.Draw(image).text((5, 5), "Apples in Kent", fill=0)
        out = io.BytesIO()
        image.save(out, kind)
        return out.getvalue()

    return data


SEEDS: dict[str, Callable[[], bytes]] = {
    ".pptx": written(write_pptx, ".pptx"),
    ".xlsx": written(write_xlsx, ".xlsx"),
    ".epub": written(write_epub, ".epub"),
    ".odt": written(write_odt, ".odt"),
    ".png": a_picture("PNG"),
    **dict.fromkeys((".jpg", ".jpeg"), a_picture("JPEG")),
    **dict.fromkeys((".tif", ".tiff"), a_picture("TIFF")),
    ".bmp": a_picture("BMP"),
    ".webp": a_picture("WEBP"),
    **dict.fromkeys((".txt", ".text", ".md", ".markdown"), TEXT.encode),
    **dict.fromkeys((".html", ".htm", ".xhtml"), HTML.encode),
    **dict.fromkeys((".csv", ".tsv"), CSV.encode),
    ".pdf": a_pdf,
    ".docx": a_docx,
    ".zip": a_zip,
    ".mbox": MBOX.encode,
    ".eml": MBOX.partition("\n")[2].encode,
    **dict.fromkeys((".log", ".rst"), TEXT.encode),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), b'{"name": ["Ada", 1815, {"x": null}]}'.strip),
    ".rtf": rb"{\rtf1\ansi Apples in {\b Kent} \u252?\'e9\par}".strip,
}
SUFFIXES = sorted((SUPPORTED | CONTAINER_SUFFIXES) & SEEDS.keys())
_made: dict[str, bytes] = {}


def seed(suffix: str) -> bytes:
    if suffix not in _made:
        _made[suffix] = SEEDS[suffix]()
    return _made[suffix]


# fmt: off
TOKENS = (
    b"\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"99999999999999", b"-1", b"\xfe\xff",
    b"<", b"<!--", b"<table>", b"<td colspan=1000 rowspan=65534>", b"&#x10FFFF;", b"&#xD800;",
    b'"', b"\r", b"\n\n", b"> > > > ", b"[[[[", b"```\n", b"|---|\n", b"\xed\xa0\x80", b"\x1b",
    b"obj<<", b">>stream\n", b"\xef\xbb\xbf",
)
# fmt: on
Change = tuple[str, int, int, bytes]
positions = st.integers(0, 2**31)
changes = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), positions, st.integers(1, 255), st.just(b"")),
        st.tuples(st.just("cut"), positions, st.integers(1, 2000), st.just(b"")),
        st.tuples(st.just("copy"), positions, positions, st.just(b"")),
        st.tuples(
            st.just("insert"),
            positions,
            st.sampled_from((1, 1, 2, 50, 3000)),
            st.sampled_from(TOKENS) | st.binary(min_size=1, max_size=8),
        ),
    ),
    min_size=1,
    max_size=12,
)


def changed(data: bytes, what: list[Change]) -> bytes:
    """``data`` with bytes flipped, cut out, copied to elsewhere and inserted."""
    for kind, at, number, token in what:
        at %= len(data) + 1
        if kind == "flip":
            data = data[:at] + bytes(byte ^ number for byte in data[at : at + 1]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at] + data[at + number :]
        elif kind == "copy":
            start = number % (len(data) + 1)
            data = data[:at] + data[start : start + 300] + data[at:]
        else:
            data = data[:at] + token * number + data[at:]
    return data


def changed_inside(data: bytes, what: list[Change]) -> bytes:
    """An archive with one of its members changed."""
    repacked = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(repacked, "w") as new:
        names = old.namelist()
        chosen = names[what[0][1] % len(names)]
        for name in names:
            content = old.read(name)
            new.writestr(name, changed(content, what) if name == chosen else content)
    return repacked.getvalue()


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(seconds=SECONDS, memory_bytes=2**30) as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def read(reader: Reader, path: Path) -> list[Parsed | BadDocument]:
    """What the reader makes of a file, each result held against what is promised."""
    results: list[Parsed | BadDocument] = []
    start = time.monotonic()
    for document, result in reader.read(members(path, path.parent, [])):
        if isinstance(result, Parsed):
            check(result)
            for mark in (*result.places, *result.flags):
                assert 0 <= mark.start < mark.end <= len(result.text)
        else:
            assert isinstance(result, BadDocument)
            assert str(result).startswith(document.uri)
            assert str(result).isprintable() or "\n" in str(result)
        if document.is_member:
            document.path.unlink(missing_ok=True)
        results.append(result)
    assert time.monotonic() - start < 2 * SECONDS * max(1, len(results))
    return results


def attack(reader: Reader, folder: Path, suffix: str, what: list[Change], inside: bool) -> None:
    data = seed(suffix)
    is_archive = data.startswith(b"PK")
    path = folder / f"fuzz{suffix}"
    path.write_bytes(changed_inside(data, what) if inside and is_archive else changed(data, what))
    read(reader, path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_files_are_whole_before_they_are_damaged(
    reader: Reader, folder: Path, suffix: str
) -> None:
    path = folder / f"seed{suffix}"
    path.write_bytes(seed(suffix))
    for result in read(reader, path):
        # Where messages are not read yet, there is nothing in a mailbox to be read.
        assert isinstance(result, Parsed) or "cannot read .eml" in str(result)


def test_formats_that_are_not_attacked_are_plain_text(reader: Reader, folder: Path) -> None:
    for suffix in sorted(SUPPORTED - SEEDS.keys()):
        path = folder / f"seed{suffix}"
        path.write_text(TEXT)
        (result,) = read(reader, path)
        assert isinstance(result, Parsed), f"add a file of {suffix} to SEEDS: {result}"


@pytest.mark.parametrize("suffix", sorted(SUPPORTED & SEEDS.keys()))
def test_whole_files_are_read_within_the_confines(
    reader: Reader, folder: Path, suffix: str
) -> None:
    path = folder / f"whole{suffix}"
    path.write_bytes(seed(suffix))
    (result,) = read(reader, path)
    assert isinstance(result, Parsed), result
    check(result)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(what=changes, inside=st.booleans())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
def test_damaged_files(
    reader: Reader, folder: Path, suffix: str, what: list[Change], inside: bool
) -> None:
    attack(reader, folder, suffix, what, inside)


def pdf(objects: list[str]) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalog."""
    data, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj{content}endobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    return (
        data
        + (
            f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
            f"trailer<</Root 1 0 R/Size {len(objects) + 1}>>startxref\n{len(data)}\n%%EOF"
        ).encode()
    )


def docx_with(xml: str) -> bytes:
    """A Word document with another body."""
    repacked = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(seed(".docx"))) as old,
        zipfile.ZipFile(repacked, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, xml if name == "word/document.xml" else old.read(name))
    return repacked.getvalue()


def xml_bomb() -> bytes:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))
    body = "<w:p><w:r><w:t>&e12;</w:t></w:r></w:p>"
    return docx_with(
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><w:document xmlns:w='
        f'"http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body>'
        "</w:document>"
    )


def endless_pages() -> bytes:
    kids = "3 0 R " * 500_000
    page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>"
    text = "<</Length 0>>stream\nendstream "
    return pdf(["<</Pages 2 0 R>>", f"<</Type/Pages/Count 500000/Kids[{kids}]>>", page, text])


def circular_pages() -> bytes:
    return pdf(["<</Pages 2 0 R>>", "<</Type/Pages/Count 9/Parent 2 0 R/Kids[2 0 R 2 0 R]>>"])


def gigapixel() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(30_000_000), 9)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gigapixel_page() -> bytes:
    image = (
        "<</Type/XObject/Subtype/Image/Width 100000/Height 100000/ColorSpace/DeviceRGB"
        "/BitsPerComponent 8/Length 3>>stream\nabcendstream "
    )
    page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</XObject<</I 4 0 R>>>>"
    draw = "<</Length 5>>stream\n/I Doendstream "
    pages = "<</Type/Pages/Count 1/Kids[3 0 R]>>"
    return pdf(["<</Pages 2 0 R>>", pages, page + "/Contents 5 0 R>>", image, draw])


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "XML bomb": (".docx", xml_bomb),
    "deep XML": (".docx", lambda: docx_with("<a>" * 1_000_000)),
    "endless pages": (".pdf", endless_pages),
    "circular pages": (".pdf", circular_pages),
    "huge page": (".pdf", lambda: a_pdf().replace(b"595.2756", b"99999999999")),
    "gigapixel image": (".png", gigapixel),
    "gigapixel page": (".pdf", gigapixel_page),
    "wide cells": (".html", lambda: b"<table>" + b"<tr>" + b"<td colspan=1000>x" * 1_000_000),
    "tall cells": (".html", lambda: b"<table>" + b"<tr><td rowspan=9999>x<td>y" * 30_000),
    "deep page": (".html", lambda: b"<div><ul><li><table><tr><td>x" * 20_000),
    "deep quotes": (".md", lambda: b"> " * 200_000 + b"x\n"),
    "deep lists": (".md", lambda: b"".join(b" " * n + b"- x\n" for n in range(3000))),
    "brackets": (".md", lambda: b"[" * 100_000 + b"](" * 100_000),
    "one long line": (".txt", lambda: b"a" * 15_000_000),
    "one long cell": (".csv", lambda: b'"' + b"a," * 7_000_000),
    "many cells": (".csv", lambda: b"a,b\n" + b"1," * 7_000_000),
    "zip bomb": (".zip", lambda: zip_of("bomb.txt", bytes(400_000_000))),
}


SLOW = {"tall cells", "deep page", "many cells", "brackets", "endless pages", "deep lists"}


def zip_of(name: str, content: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in BOMBS]
)
def test_bombs_are_bounded_and_the_run_goes_on(folder: Path, name: str) -> None:
    suffix, make = BOMBS[name]
    if suffix not in SUFFIXES:
        pytest.skip(f"{suffix} is not read")
    path, good = folder / f"bomb{suffix}", folder / "good.txt"
    path.write_bytes(make())
    good.write_text(TEXT)
    start = time.monotonic()
    with Reader(seconds=4, memory_bytes=2**30) as reader:
        results = read(reader, path)
        took = time.monotonic() - start
        assert isinstance(read(reader, good)[0], Parsed)
    assert results
    assert took < 15


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("suffix", SUFFIXES)
@given(what=changes, inside=st.booleans())
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_many_damaged_files(
    reader: Reader, folder: Path, suffix: str, what: list[Change], inside: bool
) -> None:
    attack(reader, folder, suffix, what, inside)
