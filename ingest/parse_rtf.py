r"""Rich text (RTF): paragraphs and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from striprtf.striprtf import font_table_group, rtf_to_text

from ingest.parsed import Builder, Parsed, collapse, iso_date
from ingest.table_header import take_header
from rag.errors import BadDocument

# Characters that no file has (they come of no byte of Windows-1252) stand for what the library
# would flatten: the start of a row, the end of a cell and of a row.
_START, _CELL, _ROW = "\ue000", "\ue001", "\ue002"
_MARKS = {"trowd": _START, "cell": _CELL, "nestcell": _CELL, "row": _ROW}
_TABLE = re.compile(r"(?<!\\)\\(trowd|cell|nestcell|row)(?![a-zA-Z])-?\d*[ ]?")
# A link's target would be set behind its text, and found in quadratic time.
_FIELD = re.compile(r"\\fldinst(?![a-zA-Z]) ?")
_GROUP = re.compile(r"\{((?:[^{}\\]|\\.)*+)\}", re.DOTALL)  # without groups in it
_HIDING = re.compile(r"\\v(?![a-zA-Z0-9])")
_PICTURE = re.compile(r"\\(nonshppict|pict)(?![a-zA-Z])")
_MAX_FONT_TABLE = 100_000  # characters, which are searched in quadratic time
_FONT = re.compile(r"(?=\\f\d)")
_CODE_PAGE = re.compile(r"\\ansicpg(\d{1,5})")
_CREATED = re.compile(
    r"\{\\creatim\s*\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})(?:\\hr(\d{1,2}))?(?:\\min(\d{1,2}))?"
)


def parse_rtf(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read the body of a rich text file: no page headers or footers, notes or hidden text.

    Raises ``BadDocument`` for data that is not RTF or is broken.
    """
    if not data.startswith(b"{\\rtf"):
        raise BadDocument(
            f"{path}: is not a rich text (RTF) file: give it its proper suffix, or save it as "
            ".rtf again"
        )
    source = data.decode("cp1252", "replace")
    builder = Builder()
    source, hidden = _without_hidden(source)
    if hidden:
        builder.warnings.append(f"hidden text was left out: {hidden} passages")
    pictures = [match[1] for match in _PICTURE.finditer(source)]
    # A picture is there twice where its second form is for old programs.
    builder.images = pictures.count("pict") - pictures.count("nonshppict")
    marked = _TABLE.sub(lambda match: _MARKS[match[1]], _FIELD.sub(r"\\fldinst ", source))
    marked = _FONT.sub("\n", marked)  # no line end counts, but no search goes beyond one
    _add_text(builder, _convert(path, marked))
    return builder.build(
        title=_stated(path, source, "title") or path.stem,
        media_type=media_type,
        date=_created(source),
        author=_stated(path, source, "author"),
    )


def _without_hidden(source: str) -> tuple[str, int]:
    """``source`` without the groups that a reader is not shown, and how many it had."""
    hidden = 0

    def visible(match: re.Match[str]) -> str:
        nonlocal hidden
        if _HIDING.search(match[1]) is None:
            return match[0]
        hidden += 1
        return ""

    return _GROUP.sub(visible, source), hidden


def _convert(path: Path, source: str) -> str:
    try:
        fonts = font_table_group(source)  # type: ignore[no-untyped-call]
        if len(fonts) > _MAX_FONT_TABLE:
            raise ValueError("its font table is too long")
        return str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise BadDocument(
            f"{path}: is a broken rich text file ({error}): open it in a word processor and save "
            "it again"
        ) from error


def _add_text(builder: Builder, text: str) -> None:
    rows: list[list[str]] = []
    *segments, rest = text.split(_ROW)
    for segment in segments:
        before, _, row = segment.partition(_START) if _START in segment else ("", "", segment)
        if before.strip():
            _add_table(builder, rows)
            rows = []
            _add_paragraphs(builder, before)
        # The last cell is closed too; a row may be described a second time at its end.
        rows.append(row.replace(_START, "").split(_CELL)[:-1])
    _add_table(builder, rows)
    _add_paragraphs(builder, rest.replace(_START, "").replace(_CELL, "\n"))


def _add_paragraphs(builder: Builder, text: str) -> None:
    for line in text.split("\n"):
        builder.add("paragraph", line)


def _add_table(builder: Builder, rows: list[list[str]]) -> None:
    if rows:
        builder.add_table(rows, take_header(rows))


def _stated(path: Path, source: str, name: str) -> str:
    """A line of the document's properties."""
    return next(_properties(path, source, name), "")


def _properties(path: Path, source: str, name: str) -> Iterator[str]:
    page = _CODE_PAGE.search(source)
    preamble = f"{{\\rtf1\\ansi{page[0] if page else ''} "
    for match in re.finditer(rf"\{{\\{name}[ \r\n]([^{{}}]*)\}}", source):
        yield collapse(_convert(path, preamble + match[1] + "}"))


def _created(source: str) -> str:
    if (match := _CREATED.search(source)) is None:
        return ""
    year, month, day, hour, minute = (int(part or 0) for part in match.groups())
    return iso_date(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00")
