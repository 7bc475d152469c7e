"""PDFs as typesetters make books of them: with ligatures, running lines, contents and notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_ingest_pdf import read

# One printed sign each, which the file says to be several letters: "fi", "ff", "fl", "ffi".
LIGATURES = {"\x01": "fi", "\x02": "ff", "\x03": "fl", "\x04": "ffi"}
FONT = f"""<</Type/Font/Subtype/Type1/BaseFont/Helvetica/FirstChar 1/LastChar 126
/Widths[{"600 " * 126}]/ToUnicode 5 0 R
/Encoding<</Type/Encoding/Differences[1/fi/ff/fl/ffi]>>>>"""


def write_with_ligatures(path: Path, lines: list[tuple[float, float, str]]) -> None:
    """A page with texts at x, y whose font has ligatures; a reader rebuilds its references."""
    drawn = "".join(
        f"BT /F1 11 Tf {x} {y} Td <{text.encode('latin-1').hex()}> Tj ET\n" for x, y, text in lines
    )
    codes = "".join(
        f"<{ord(code):02x}> <{text.encode('utf-16-be').hex()}>\n"
        for code, text in LIGATURES.items()
    )
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"{len(LIGATURES)} beginbfchar\n{codes}endbfchar\n"
        "1 beginbfrange <20> <7e> <0020> endbfrange\nendcmap end end"
    )
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595.27 841.89]/Contents 6 0 R"
        "/Resources<</Font<</F1 4 0 R>>>>>>",
        FONT,
        *(f"<</Length {len(s)}>>stream\n{s}\nendstream" for s in (cmap, drawn)),
    ]
    body = "".join(f"{n} 0 obj\n{text}\nendobj\n" for n, text in enumerate(objects, start=1))
    path.write_bytes(f"%PDF-1.4\n{body}trailer<</Root 1 0 R>>\n%%EOF".encode("latin-1"))


@pytest.mark.parametrize(
    ("drawn", "text"),
    [
        ("The con\x01gure script is run.", "The configure script is run."),
        ("\x01les may con\x03ict", "files may conflict"),
        ("That is di\x02erent and su\x04cient, o\x02", "That is different and sufficient, off"),
        ("both \x02\x01 and \x04 \x03", "both fffi and ffi fl"),
    ],
)
def test_the_letters_of_a_ligature_belong_to_their_word(
    tmp_path: Path, drawn: str, text: str
) -> None:
    write_with_ligatures(tmp_path / "a.pdf", [(72, 700, drawn)])
    parsed = read(tmp_path / "a.pdf")
    assert parsed.text == text
    assert [b.kind for b in parsed.blocks] == ["paragraph"]
    assert [(p.start, p.end) for p in parsed.places] == [(0, len(text))]
