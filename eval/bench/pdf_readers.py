"""How fast and how completely PDF readers read, and how surely OCR reads pages rendered from them.

Readers: Footnote's parser beside pypdf, pdfminer.six, pdfplumber and markitdown. For each: pages
per second of processor time, the share of the answers' numbers that its text holds, the share of
the words of PDFium's bare text, and the share of the pairs of neighbours in it, which tells of the
reading order. OCR: the character error rate against the text layer.

    python -m eval.bench.pdf_readers FOLDER [--json OUT]

FOLDER holds PDF files and a ``questions.jsonl`` with ``source_docs`` and ``answer``.
"""

from __future__ import annotations

import logging
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from PIL.Image import Image

from eval.bench import script
from eval.output import write_json
from eval.rows import json_rows
from ingest.ocr import DPI, read_image
from ingest.parse_pdf import parse_pdf
from ingest.parsed import Builder, Parsed
from ingest.pdf_layout import lay_out
from ingest.pdf_page import Cell, Page, View

Reader = Callable[[Path], str]
OCR_PAGES = 6
_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+")


def footnote(path: Path) -> str:
    """The text of every block, hidden ones too."""
    return parse_pdf(path, "application/pdf").text


def bare_pdfium(path: Path) -> str:
    """PDFium's own text, as it stands in the file."""
    with pdfium.PdfDocument(path) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def pypdf(path: Path) -> str:
    """The default extraction of pypdf."""
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def pdfminer(path: Path) -> str:
    """pdfminer.six's default layout analysis."""
    from pdfminer.high_level import extract_text

    return str(extract_text(path))


def pdfplumber(path: Path) -> str:
    """The default extraction of pdfplumber."""
    from pdfplumber import open as open_pdf

    with open_pdf(path) as document:
        return "\n".join(page.extract_text() or "" for page in document.pages)


def markitdown(path: Path) -> str:
    """The Markdown of markitdown."""
    from markitdown import MarkItDown

    return str(MarkItDown().convert(path).text_content)


READERS: dict[str, tuple[Reader, str]] = {
    "footnote": (footnote, "pypdfium2"),
    "pdfium, bare": (bare_pdfium, "pypdfium2"),
    "pypdf": (pypdf, "pypdf"),
    "pdfminer.six": (pdfminer, "pdfminer.six"),
    "pdfplumber": (pdfplumber, "pdfplumber"),
    "markitdown": (markitdown, "markitdown"),
}


def gold_numbers(folder: Path) -> set[str]:
    """The numbers of the answers to questions about any of the files."""
    rows = json_rows(folder / "questions.jsonl")
    return {number for _, row in rows for number in _NUMBER.findall(row["answer"])}


def measure_readers(files: list[Path], numbers: set[str]) -> dict[str, dict[str, Any]]:
    """Each reader over all files; numbers are looked for in the text of all files together."""
    pages = 0
    for path in files:
        with pdfium.PdfDocument(path) as document:
            pages += len(document)
    texts: dict[str, list[str]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for name, (reader, package) in READERS.items():
        start = time.process_time()
        failed: list[str] = []
        texts[name] = [_try(reader, path, failed) for path in files]
        seconds = time.process_time() - start
        rows[name] = {
            "package": f"{package} {version(package)}",
            "pages_per_cpu_second": round(pages / seconds, 1),
            "characters": sum(map(len, texts[name])),
            "failed": failed,
        }
        print(f"{name}: {rows[name]['pages_per_cpu_second']} pages a CPU second")
    held = {name: set(_NUMBER.findall("\n".join(parts))) for name, parts in texts.items()}
    # An answer may quote a filing that is not here, or compute: only numbers found by any count.
    known = numbers & set().union(*held.values())
    for name, row in rows.items():
        row["gold_numbers_found"] = round(len(known & held[name]) / len(known), 4)
        # The text without structure is the measure: Footnote repeats the headers of a table.
        row["words_of_pdfium"] = round(_share(texts["pdfium, bare"], texts[name], _words), 4)
        row["neighbours_of_pdfium"] = round(_share(texts["pdfium, bare"], texts[name], _pairs), 4)
    return rows


def _try(reader: Reader, path: Path, failed: list[str]) -> str:
    """The text of ``path``; a reader that gives up on it is named in ``failed``."""
    try:
        return reader(path)
    except Exception as error:  # whatever another library raises is part of the measurement
        failed.append(f"{path.name}: {type(error).__name__}: {error}")
        return ""


def _words(text: str) -> Iterable[object]:
    return _WORD.findall(text.lower())


def _pairs(text: str) -> Iterable[object]:
    return pairwise(_WORD.findall(text.lower()))


def _share(wanted: list[str], found: list[str], parts: Callable[[str], Iterable[object]]) -> float:
    """How many of the parts of ``wanted`` are in ``found``, file by file; in [0, 1]."""
    hits = total = 0
    for one, other in zip(wanted, found, strict=True):
        counts = Counter(parts(one))
        hits += (counts & Counter(parts(other))).total()
        total += counts.total()
    return hits / total


def tesseract(image: Image) -> str:
    """Footnote's OCR and layout."""
    return _laid_out(read_image(image).page)


def rapidocr() -> Callable[[Image], str]:
    """RapidOCR with the models of its wheel, its lines through the same layout."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.use_cls": False, "Global.log_level": "error"})

    def read(image: Image) -> str:
        found: Any = engine(np.asarray(image.convert("RGB"))[:, :, ::-1])
        point = 72 / DPI
        cells = [
            Cell(text, left * point, right * point, -bottom * point, -top * point, bold=False)
            for text, box in zip(found.txts, found.boxes, strict=True)
            for (left, top), (right, bottom) in [(box.min(axis=0), box.max(axis=0))]
        ]
        return _laid_out(Page(cells, -image.height * point, 0, View((0, 0), (0, 0), (0, 0))))

    return read


def _laid_out(page: Page) -> str:
    builder = Builder()
    lay_out([page], builder)
    return _printed(builder.build(title="", media_type=""))


def _printed(parsed: Parsed) -> str:
    """The printed text in reading order, without the labels that rows of tables get."""
    return " ".join(parsed.text[place.start : place.end] for place in parsed.places)


def measure_ocr(files: list[Path]) -> dict[str, dict[str, Any]]:
    """Error rate and seconds of OCR on some pages, spread over the files and their pages."""
    rows: dict[str, dict[str, Any]] = {}
    samples: list[tuple[Image, str]] = []
    for index in range(OCR_PAGES):
        path = files[index * len(files) // OCR_PAGES]
        with pdfium.PdfDocument(path) as document:
            number = 1 + (index * len(document)) // (OCR_PAGES + 1)
            picture = document[number - 1].render(scale=DPI / 72).to_pil()
            single = pdfium.PdfDocument.new()
            single.import_pages(document, [number - 1])
            with tempfile.TemporaryDirectory() as folder:
                single.save(Path(folder) / "page.pdf")
                truth = parse_pdf(Path(folder) / "page.pdf", "application/pdf")
            samples.append((picture, _printed(truth)))
    for name, package, engine in (
        ("tesseract", "tesserocr", tesseract),
        ("rapidocr", "rapidocr", rapidocr()),
    ):
        errors, seconds = [], []
        for picture, printed in samples:
            start = time.process_time()
            read = engine(picture)
            seconds.append(time.process_time() - start)
            errors.append(_distance(read, printed) / len(printed))
        rows[name] = {
            "package": f"{package} {version(package)}",
            "pages": OCR_PAGES,
            "character_error_rate": round(statistics.fmean(errors), 4),
            "worst_page": round(max(errors), 4),
            "cpu_seconds_per_page": round(statistics.fmean(seconds), 2),
        }
        print(f"{name}: {rows[name]}")
    return rows


def _distance(one: str, other: str) -> int:
    """How many characters must be put in, taken out or replaced to get from one to the other."""
    codes = np.array([ord(character) for character in other])
    steps = np.arange(len(other) + 1)
    row = steps.copy()
    for index, character in enumerate(one, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(character)))
        row = np.concatenate(([index], best))
        # What is put in costs one a character: the least of all that come before.
        row = np.minimum.accumulate(row - steps) + steps
    return int(row[-1])


def main() -> None:
    """Measure the readers and OCR on a folder, print a line for each."""
    parser = script.parser(__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # the readers complain about fonts
    files = sorted(options.folder.glob("*.pdf"))
    result = {
        "readers": measure_readers(files, gold_numbers(options.folder)),
        "ocr": measure_ocr(files),
        "files": len(files),
        **script.stamp(),
    }
    write_json(options.json, result)


if __name__ == "__main__":
    main()
