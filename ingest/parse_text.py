"""Plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from ingest.decode import decode
from ingest.parsed import Block, BlockKind, Parsed, collapse
from ingest.text_lines import ITEM, LABELLED, WRAP_WIDTH, paragraphs
from ingest.text_pages import without_running
from rag.features import CLAUSE
from rag.types import Fidelity, Place

_NUMBERED = re.compile(r"\d+[.)]\s")
# "Step 2: ..." and "Appendix: ..." head all the same.
_COUNTED = re.compile(
    r"[^\n:]* (?:\d+|[IVXLC]+|[A-Z]): "
    r"|(?:Annex|Appendix|Article|Case|Chapter|Lesson|Module|Part|Phase|Section|Unit)\b[^\n:]*: "
)
# "PART III - CONDUCT"; that a line is in capitals is asked apart.
_PART = re.compile(r"(?:PART|CHAPTER|SECTION|TITLE|ANNEX|SCHEDULE) (?:\d+|[IVXLC]+|[A-Z])\b")
_SALUTATION = re.compile(r"Dear [^\n.:;!?]{1,60}[,:]")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
# "The wifi password is Ivy" is a sentence, "What is covered" and "Goods that are out" are not.
_STATES = re.compile(
    r"(?!.*\b(?:that|which|who|what|how|why|when|where|if)\b)"
    r"(?:\S+ ){1,6}(?:is|are|was|were|has|have|must|costs?|will be)\b",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?,;:…。！？：；]$")
_HEADING_LENGTH = 80


def parse_plain(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read plain text, kept character by character: blocks are ranges of the file's own text.

    Only what runs along the tops and bottoms of its pages is left out. Blank lines end paragraphs.
    Between them, lines wrapped by hand are one paragraph, other lines each their own. The title is
    the first line if that is a heading, else the file's name.
    """
    text, warnings = decode(path, data)
    text, lines = without_running(text)
    pieces = paragraphs(text)
    letterhead = _letterhead(text, pieces)
    blocks: list[Block] = []
    above = 0  # the level of the last heading
    divided = False  # into parts, which stand above all other headings
    for position, (start, end) in enumerate(pieces):
        line = text[start:end]
        following = pieces[position + 1] if position + 1 < len(pieces) else (end, end)
        first, part = position == 0, _is_part(line)
        if position < letterhead:
            heads = first
        else:
            heads = part or _is_heading(line, text[slice(*following)], first=first)
            heads = heads or (first and _is_title(line, text[end : following[0]]))
            # What a letter says is not under the list of findings above it.
            heads = heads or (above > 1 and bool(_SALUTATION.fullmatch(line)))
        kind: BlockKind = "paragraph"
        if heads and _NUMBERED.match(line) and not ITEM.match(text, *following):
            kind = "heading"
        elif ITEM.match(line):
            kind = "list_item"
        elif heads:
            kind = "heading"
        level = 0
        if kind == "heading":
            above = level = 1 if first else 3 if divided and not part else 2
        divided = divided or part
        blocks.append(Block(kind, start, end, level))
    titled = bool(blocks) and blocks[0].kind == "heading"
    title = collapse(text[blocks[0].start : blocks[0].end]) if titled else path.stem
    return kept(text, blocks, title, media_type, warnings, lines)


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


def _letterhead(text: str, pieces: Sequence[tuple[int, int]]) -> int:
    """How many pieces are the title and the lines directly below it; 0 without such a title.

    Names of its own tell a title from the first of other lines, and so does prose further down:
    lists of names have none.
    """
    size = 1 + next(
        (n for n, (a, b) in enumerate(pairwise(pieces)) if _parted(text[a[1] : b[0]])),
        len(pieces),
    )
    if not 1 < size < len(pieces):
        return 0
    line, below = (text[slice(*piece)] for piece in pieces[:2])
    words = _LONG_WORD.findall(line)
    named = len(words) > 1 and 2 * sum(word[0].isupper() for word in words) >= len(words)
    prose = any(_is_prose(text[slice(*piece)], line) for piece in pieces[size:])
    title = _says_nothing(line) and not below[0].islower() and not ITEM.match(below)
    return size if named and prose and title else 0


def _is_heading(line: str, following: str, *, first: bool) -> bool:
    """Whether a short line without an end mark stands above a longer paragraph or a list.

    A line amid prose that is a sentence but for its end mark says something, and so does a label
    with its value: both are kept to be quoted. As the ``first`` one it is a headline.
    """
    if not _may_head(line):
        return False
    if not (first or line.isupper()) and LABELLED.match(line) and not _COUNTED.match(line):
        return False
    heads = _is_prose(following, line) and (first or not _STATES.match(line))
    return heads or bool(ITEM.match(following))


def _is_prose(text: str, heading: str) -> bool:
    """Whether a text may stand below a heading, by its length and its end."""
    if len(text) <= len(heading) or _SALUTATION.fullmatch(text):
        return False
    return bool(_END.search(text)) or len(text) > WRAP_WIDTH


def _is_title(line: str, gap: str) -> bool:
    """Whether a text's first line, a ``gap`` below it, stands alone as a title does."""
    return _parted(gap) and _says_nothing(line)


def _says_nothing(line: str) -> bool:
    """Whether a line may be a title: one with a verb or a value is kept to be quoted.

    One in capitals may go over lines and have a colon.
    """
    if line.isupper():
        return _may_head(collapse(line))
    return _may_head(line) and not (LABELLED.match(line) or CLAUSE.search(line))


def _is_part(line: str) -> bool:
    """Whether a line in capitals names a part of the whole."""
    return line.isupper() and len(line) <= _HEADING_LENGTH and bool(_PART.match(line))


def _parted(gap: str) -> bool:
    """Whether what stands between two pieces has a blank line."""
    return gap.count("\n") > 1


def _may_head(line: str) -> bool:
    return (
        "\n" not in line
        and len(line) <= _HEADING_LENGTH
        and not _END.search(line)
        and line[0].isalnum()
        and not line[0].islower()
    )
