"""Plain text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingest.decode import decode
from ingest.parsed import Block, BlockKind, Parsed, collapse
from ingest.text_contents import without_boxes, without_contents, without_rules
from ingest.text_front import memo_title
from ingest.text_headings import Outline, pieces_of
from ingest.text_lines import ITEM, paragraphs
from ingest.text_pages import without_running
from rag.types import Fidelity, Place


def parse_plain(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read plain text, kept character by character: blocks are ranges of the file's own text.

    Left out are only running lines, tables of contents, rules under headings and boxes drawn with
    asterisks. Blank lines end paragraphs. Between them, lines wrapped by hand are one paragraph,
    other lines each their own. The title is the first line if that is a heading, else the file's
    name.
    """
    text, warnings = decode(path, data)
    lines, rules = without_rules(without_boxes(without_contents(without_running(text))))
    text = "\n".join(line.text for line in lines)
    ranges, width = paragraphs(text)
    signs: dict[int, str] = {}
    start = 0
    for line in lines if rules else ():
        if line.number in rules:
            signs[start] = rules[line.number]
        start += len(line.text) + 1
    pieces, top, title = memo_title(pieces_of(text, ranges, signs))
    outline = Outline(pieces, wrapped=width > 0, title=top)
    blocks: list[Block] = []
    for position, piece in enumerate(pieces):
        level = outline.level(position)
        below: BlockKind = "list_item" if ITEM.match(piece.text) else "paragraph"
        blocks.append(Block("heading" if level else below, piece.start, piece.end, level))
    if not title and blocks and blocks[0].kind == "heading":
        title = collapse(pieces[0].text)
    return kept(
        text, blocks, title or path.stem, media_type, warnings, [line.number for line in lines]
    )


def kept(
    text: str,
    blocks: Sequence[Block],
    title: str,
    media_type: str,
    warnings: tuple[str, ...],
    lines: Sequence[int] | None = None,
) -> Parsed:
    """A document whose blocks are ranges of the file's own ``text``, each placed by its line.

    Where some lines of the file were left out, ``lines`` has the number of each that is there.
    """
    places: list[Place] = []
    line, counted = 1, 0
    for block in blocks:
        line += text.count("\n", counted, block.start)
        counted = block.start
        number = lines[line - 1] if lines else line
        places.append(Place(block.start, block.end, line=number))
    return Parsed(
        text,
        tuple(blocks),
        title,
        "",
        media_type,
        None,
        places=tuple(places),
        fidelity=Fidelity(warnings=warnings),
    )
