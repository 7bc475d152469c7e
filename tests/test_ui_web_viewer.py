"""A document open at a passage: exactly its characters are marked, in every format."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from ingest.sync import remove, sync
from rag.index import Index, create_index
from rag.types import Place, Source, Span
from ui.web import viewer
from ui.web.pages import boxes, page_image
from ui.web.prose import Text, as_html, window_around

LIBRARY = Path(__file__).parent.parent / "eval" / "library"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("viewer")
    documents = folder / "documents"
    shutil.copytree(LIBRARY, documents)
    (documents / "code.py").write_text(
        "def one():\n    return 1\n\n\ndef two():\n    return '<b>2</b>'\n", encoding="utf-8"
    )
    (documents / "long.txt").write_text(
        "\n\n".join(f"Paragraph {n} says something of its own." for n in range(2000)),
        encoding="utf-8",
    )
    workbook(documents / "prices.xlsx")
    slides(documents / "talk.pptx")
    picture(documents / "scan.png")
    with create_index(folder / "index") as made:
        report = sync(made, [documents])
        assert not [f for f in report.files if f.state == "failed" and "scan" not in f.uri]
        yield made


def workbook(path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Prices")
        for number, row in enumerate((("Fruit", "Price"), ("Apple", 3), ("Pear", 4))):
            sheet.write_row(number, 0, row)


def slides(path: Path) -> None:
    from pptx import Presentation

    deck = Presentation()
    for number in (1, 2):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"The title of slide number {number}"
    deck.save(str(path))


def picture(path: Path) -> None:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (1200, 400), "white")
    font = ImageFont.load_default(48)
    ImageDraw.Draw(image).text((60, 150), "Scanned words in a picture", fill="black", font=font)
    image.save(path)


def named(index: Index, name: str) -> Source:
    found = [s for s in index.library.sources().values() if s.uri.endswith(name)]
    if not found and name == "scan.png":
        pytest.skip("no OCR here: pictures are not read")
    assert len(found) == 1, name
    return found[0]


def parse(markup: str) -> LexborHTMLParser:
    return LexborHTMLParser(f"<!doctype html><body>{markup}")


def opened(index: Index, source: Source, quote: str) -> LexborHTMLParser:
    start = index.library.text(source.id).index(quote)
    return parse(viewer.view(index, source.id, Span(start, start + len(quote))))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(
    ("name", "quote"),
    [
        ("ethics-and-safety.md", "Three practices would lower the risk of open conflict"),
        ("products-built-on-openai-models.html", "Suggests lines and whole functions"),
        ("board-crisis-briefing-memo.docx", "Purpose of this memo"),
        ("corporate-cultures.txt", "2. The laboratory"),
        ("code.py", "return '<b>2</b>'"),
        ("prices.xlsx", "Apple"),
        ("talk.pptx", "The title of slide number 2"),
    ],
)
def test_exactly_the_quoted_characters_are_marked(library: Index, name: str, quote: str) -> None:
    tree = opened(library, named(library, name), quote)
    marks = tree.css("mark.fn-here")
    assert squeezed("".join(m.text() for m in marks)) == squeezed(quote)
    assert not tree.css("b, script, img")


def test_every_chunk_of_the_sample_library_can_be_opened(library: Index) -> None:
    for source in library.library.sources().values():
        for chunk in library.library.chunks_of(source.id)[:3]:
            span = chunk.sentences[0] if chunk.sentences else Span(chunk.start, chunk.end)
            tree = parse(viewer.view(library, source.id, span))
            assert tree.css(".fn-here"), (source.uri, span)


def test_tables_are_shown_by_their_cells(library: Index) -> None:
    tree = opened(library, named(library, "prices.xlsx"), "Pear")
    assert [n.text() for n in tree.css("caption")] == ["Prices"]
    assert [n.text() for n in tree.css("thead th")] == ["Fruit", "Price"]
    assert [n.text() for n in tree.css("tbody tr")] == ["2Apple3", "3Pear4"]
    assert [n.text() for n in tree.css(".fn-hit")] == ["Pear"]


def test_headings_slides_and_lines_of_code_are_named(library: Index) -> None:
    paper = opened(library, named(library, "ethics-and-safety.md"), "Three practices")
    assert "What good governance would look like" in [n.text() for n in paper.css(".fn-paper h3")]
    talk = opened(library, named(library, "talk.pptx"), "slide number 2")
    assert [n.text() for n in talk.css(".fn-part")] == ["Slide 1", "Slide 2"]
    code = opened(library, named(library, "code.py"), "def two")
    hit = next(n for n in code.css(".fn-line") if n.css("mark"))
    assert hit.text() == "5def two():"


def test_a_pdf_is_shown_as_its_page_with_the_words_boxed(library: Index) -> None:
    source = named(library, "regulators-and-court-cases.pdf")
    quote = "A merger must be notified; a partnership usually need not be."
    tree = opened(library, source, quote)
    image = tree.css_first("img")
    assert image is not None
    assert (image.attributes["src"] or "").startswith("data:image/jpeg;base64,")
    assert image.attributes["alt"] == "Page 1 of 3"
    assert [b.text() for b in tree.css(".fn-further")] == ["Page 2"]
    text = library.library.text(source.id)
    start = text.index(quote)
    span = Span(start, start + len(quote))
    path = viewer.original_path(library, source.sha256)
    places = library.library.places(source.id)
    (box,) = boxes(path, source.media_type, 1, places, span, text)
    after = Span(span.end + 1, span.end + 4)
    (follows,) = boxes(path, source.media_type, 1, places, after, text)
    # The quote begins its line and ends before the next sentence does.
    line = next(p.box for p in places if p.start == start)
    assert line is not None
    assert box[0] == pytest.approx(line[0], abs=0.005)
    assert line[0] < box[2] < follows[0] < line[2]
    assert (box[1], box[3]) == (line[1], line[3])


def test_a_page_is_read_once_for_all_its_marks(
    library: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = named(library, "regulators-and-court-cases.pdf")
    marks = [Span(start, start + 9) for start in range(0, 1000, 25)]
    opened_files = []

    class Counted(pypdfium2.PdfDocument):
        def __init__(self, path: Path) -> None:
            opened_files.append(path)
            super().__init__(path)

    monkeypatch.setattr(pypdfium2, "PdfDocument", Counted)
    html = viewer.view(library, source.id, marks[0], marks[1:])
    assert html.count("fn-box") > 20
    assert len(opened_files) < 10


def test_a_picture_is_shown_with_its_words_boxed(library: Index) -> None:
    source = named(library, "scan.png")
    words = library.library.text(source.id).strip()
    tree = opened(library, source, words)
    assert len(tree.css("img")) == 1
    style = (tree.css_first(".fn-box") or image_missing()).attributes["style"] or ""
    left = float(re.findall(r"left:([\d.]+)%", style)[0])
    assert 3 < left < 8


def image_missing() -> object:
    raise AssertionError("no box")


def test_more_pages_and_more_text_come_on_demand(library: Index) -> None:
    pdf = named(library, "regulators-and-court-cases.pdf")
    after = parse(viewer.more(library, pdf.id, 2, False, Span(0, 1)))
    assert [b.text() for b in after.css("figcaption, button")] == ["Page 2 of 3", "Page 3"]
    with pytest.raises(KeyError):
        viewer.more(library, pdf.id, 4, False, Span(0, 1))
    long = named(library, "long.txt")
    text = library.library.text(long.id)
    middle = text.index("Paragraph 1000 ")
    markup = viewer.view(library, long.id, Span(middle, middle + 14))
    assert len(markup) < 40_000
    pieces = [parse(markup)]
    for back in (True, False):
        while button := pieces[-1 if not back else 0].css_first(f"[data-back='{int(back)}']"):
            at = int(button.attributes["data-at"] or "")
            piece = parse(viewer.more(library, long.id, at, back, Span(middle, middle + 14)))
            pieces = [piece, *pieces] if back else [*pieces, piece]
    shown = [p.text() for piece in pieces for p in piece.css("p[dir]")]
    assert shown == text.split("\n\n")


def test_the_version_that_was_quoted_is_shown_after_the_file_has_changed(
    index: Index, docs: Path
) -> None:
    sync(index, [docs])
    source = named(index, "apples.txt")
    quote = "first grown in Southwell in 1809"
    assert not opened(index, source, quote).css(".fn-changed")
    (docs / "apples.txt").write_text("Apples\n\nAll about apples is rewritten.\n", encoding="utf-8")
    on_disk = opened(index, source, quote)
    assert "on disk has changed" in (on_disk.css_first(".fn-changed") or image_missing()).text()
    sync(index, [docs])
    old = opened(index, source, quote)
    assert [m.text() for m in old.css("mark")] == [quote]
    assert "has changed since" in (old.css_first(".fn-changed") or image_missing()).text()
    remove(index, [docs / "apples.txt"])
    with pytest.raises(KeyError):
        viewer.view(index, source.id, Span(0, 1))
    assert "&lt;b&gt;" in viewer.gone("<b>")


def test_pages_that_cannot_be_shown_fall_back_to_text(index: Index, tmp_path: Path) -> None:
    shutil.copy(LIBRARY / "regulators-and-court-cases.pdf", tmp_path / "a.pdf")
    sync(index, [tmp_path / "a.pdf"])
    source = named(index, "a.pdf")
    page_image.cache_clear()
    viewer.original_path(index, source.sha256).write_bytes(b"damaged")
    tree = opened(index, source, "A merger must be notified")
    assert "Shown as text" in tree.css(".fn-changed")[-1].text()
    assert squeezed(tree.css("mark.fn-here")[0].text()) == "Amergermustbenotified"


lines = st.lists(st.text("ab <&>'\"é漢\u0301 ", max_size=12), max_size=12)


@given(lines, st.data())
def test_no_character_is_lost_or_added_and_the_marks_are_exact(
    parts: list[str], data: st.DataObject
) -> None:
    text = "\n".join(parts)
    ends = st.integers(0, len(text))
    start, end = sorted((data.draw(ends), data.draw(ends)))
    other = sorted((data.draw(ends), data.draw(ends)))
    places = tuple(Place(0, len(text), page=1) for _ in range(1) if text)
    markup = as_html(
        Text(text, places, code=data.draw(st.booleans()), part=""),
        Span(0, len(text)),
        [(Span(*other), "fn-also"), (Span(start, end), "fn-here")],
    )
    tree = parse(markup)
    shown = "".join(n.text() for n in tree.css("p, code"))
    assert squeezed(shown) == squeezed(text)
    assert squeezed("".join(m.text() for m in tree.css(".fn-here"))) == squeezed(text[start:end])


@given(st.text("a\n", max_size=80), st.integers(0, 80), st.integers(0, 80), st.integers(1, 30))
def test_a_window_holds_its_passage(text: str, first: int, second: int, around: int) -> None:
    start, end = sorted((min(first, len(text)), min(second, len(text))))
    window = window_around(text, Span(start, end), around, around)
    assert 0 <= window.start <= start <= end <= window.end <= len(text)
    assert window.end - window.start <= end - start + 4 * around
