"""A parsed document to chunks: along its structure, on sentence boundaries, as long as is read.

A chunk never crosses a heading or a page. Its length is counted in the embedding model's own
tokens, with the title and headings that are embedded in front, so nothing of it is cut off unread.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ingest.parsed import Block, Parsed
from rag.embed import Encoder
from rag.sentences import pieces
from rag.spans import stripped
from rag.types import Chunk, Span

# Of 128, 192 and 256 tokens this one retrieved best; docs/measurements.md has the figures.
TARGET_TOKENS = 192
TOKENIZED_AT_ONCE = 2048
LONGEST_TOKEN = 20
_LOWEST_HEADING = 6
_TERM_END = re.compile(r":?\s*")
_MARKER = re.compile(r"\s*(?:[•‣◦▪■●○·*–-]|\(?(?:\d{1,3}|[a-zA-Z])[.)])\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never divided further: a sentence, a table row, a line of code."""

    start: int
    end: int
    tokens: int


@dataclass(frozen=True, slots=True)
class _Section:
    headings: tuple[str, ...]
    page: int | None
    blocks: tuple[Block, ...]


class _Flags:
    """The flagged ranges of a document, those that overlap made one."""

    def __init__(self, parsed: Parsed) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for flag in sorted(parsed.flags, key=lambda flag: flag.start):
            if self._ends and flag.start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], flag.end)
            elif flag.start < flag.end:
                self._starts.append(flag.start)
                self._ends.append(flag.end)

    def before(self, position: int) -> int:
        """How many begin before a position."""
        return bisect.bisect_left(self._starts, position)

    def touch(self, start: int, end: int) -> bool:
        """Whether one overlaps a range that is not empty."""
        last = self.before(end) - 1
        return last >= 0 and self._ends[last] > start

    def silence(self, text: str, block: Block) -> bool:
        """Whether they leave nothing of a block: of a heading nothing once they touch it."""
        return self.touch(block.start, block.end) and (
            block.kind == "heading"
            or all(self.touch(span.start, span.end) for span in quotable(text, block))
        )


def embedded_texts(encoder: Encoder, titles: Sequence[str], chunks: Sequence[Chunk]) -> list[str]:
    """What is embedded for each chunk: where it stands, then what it says. Only that is cited.

    Where title and headings are so long that the model would not read all of the text, they go.
    """
    texts = [_placed(t, c.headings, c.text) for t, c in zip(titles, chunks, strict=True)]
    counts = encoder.token_counts(texts)
    return [
        text if count <= encoder.max_tokens else chunk.text
        for text, count, chunk in zip(texts, counts, chunks, strict=True)
    ]


def chunk_document(parsed: Parsed, source_id: str, title: str, encoder: Encoder) -> list[Chunk]:
    """Cut a document into chunks, in reading order, every block in exactly one place.

    Every chunk satisfies ``parsed.text[c.start:c.end] == c.text``, and the encoder reads all of it.
    No chunk overlaps a flag of the document: sentences that one touches are left out whole.
    """
    chunks: list[Chunk] = []
    flags = _Flags(parsed)
    for section in _sections(parsed, title, flags):
        place = encoder.token_counts([_placed(title, section.headings, ".")])[0]
        room = max(min(TARGET_TOKENS, encoder.max_tokens) - place, encoder.max_tokens // 4)
        units = _units(parsed.text, section.blocks, flags, room, encoder)
        # The text of a chunk is one range, so it cannot reach over a flag either.
        for _, run in groupby(units, key=lambda unit: flags.before(unit.start)):
            for group in _pack(list(run), room):
                chunks.append(_chunk(parsed.text, source_id, section, group))
    return chunks


def quotable(text: str, block: Block) -> list[Span]:
    """What of a block can be quoted on its own: sentences, lines of code, all of another kind."""
    body = text[block.start : block.end]
    if block.kind in ("paragraph", "list_item"):
        inner = split_sentences(body, block.term)
    elif block.kind == "code":
        inner = [Span(m.start(), m.end()) for m in re.finditer(r"\S[^\n]*", body)]
    else:
        inner = [Span(0, len(body))]
    return [Span(block.start + s.start, block.start + s.end) for s in inner]


def split_sentences(text: str, term: int = 0) -> list[Span]:
    """Sentence boundaries of running text, without the white space around them.

    Its first ``term`` characters, which may have full stops, belong to the first sentence.
    """
    # Behind a list marker the library divides nothing, so it is not shown one.
    marker = _TERM_END.match(text, term) if term else _MARKER.match(text)
    first = marker.end() if marker else 0
    ends = [first + piece.end for piece in pieces(text[first:])]
    starts = [0, *ends[:-1]]
    if ends:
        ends[-1] = len(text)
    return [
        span
        for start, end in zip(starts, ends or [len(text)], strict=True)
        for span in _stripped(text, start, end)
    ]


def _sections(parsed: Parsed, title: str, flags: _Flags) -> Iterator[_Section]:
    """Runs of blocks under one heading path, the title left out of it, and on one page.

    A heading with nothing under it is a section of its own, so that no text is lost. Headings that
    a flag touches stand over nothing. A term stands over its own block too, and ends with its list.
    """
    path: list[tuple[int, str]] = []
    blocks = [b for b in parsed.blocks if not flags.silence(parsed.text, b)]
    tagged: list[tuple[tuple[tuple[str, ...], int | None], Block]] = []
    for i, block in enumerate(blocks):
        if block.kind != "heading":
            _leave_terms(path, block)
            if block.term and not flags.touch(block.start, block.start + block.term):
                path.append((block.level, parsed.text[block.start : block.start + block.term]))
            tagged.append(((tuple(name for _, name in path), block.page), block))
            continue
        while path and path[-1][0] >= block.level:
            path.pop()
        following = blocks[i + 1] if i + 1 < len(blocks) else None
        if following is None or (following.kind == "heading" and following.level <= block.level):
            tagged.append(((tuple(name for _, name in path), block.page), block))
        path.append((block.level, " ".join(parsed.text[block.start : block.end].split())))
    for (headings, page), run in groupby(tagged, key=lambda pair: pair[0]):
        path_below = tuple(h for h in headings if h.casefold() != title.casefold())
        yield _Section(path_below, page, tuple(block for _, block in run))


def _leave_terms(path: list[tuple[int, str]], block: Block) -> None:
    """Drop terms, and headings in their definitions, that do not stand over a block."""
    lowest = max(block.level - bool(block.term), _LOWEST_HEADING)
    while path and path[-1][0] > lowest:
        path.pop()


def _units(
    text: str, blocks: Sequence[Block], flags: _Flags, room: int, encoder: Encoder
) -> list[_Unit]:
    spans = [s for b in blocks for s in quotable(text, b) if not flags.touch(s.start, s.end)]
    units: list[_Unit] = []
    for i in range(0, len(spans), TOKENIZED_AT_ONCE):
        some = spans[i : i + TOKENIZED_AT_ONCE]
        encodings = encoder.tokenizer.encode_batch(
            [text[s.start : s.end] for s in some], add_special_tokens=False
        )
        for span, encoding in zip(some, encodings, strict=True):
            units.extend(_divide(text, span, _token_ends(encoding.offsets), room))
    return units


def _token_ends(offsets: Sequence[tuple[int, int]]) -> list[int]:
    """Where each token ends. One of very many characters stands for words the model cannot read.

    Such a run (a script without spaces, an encoded attachment) counts as many tokens, so that it
    is cut into pieces that a person can read.
    """
    ends: list[int] = []
    for start, end in offsets:
        ends.extend(range(start + LONGEST_TOKEN, end, LONGEST_TOKEN))
        ends.append(end)
    return ends


def _divide(text: str, span: Span, ends: Sequence[int], room: int) -> Iterator[_Unit]:
    """A unit, or where it alone is longer than a chunk, its parts, cut between words."""
    start, used = span.start, 0
    while len(ends) - used > room:
        cut = span.start + ends[used + room - 1]
        space = max(text.rfind(" ", start + 1, cut), text.rfind("\n", start + 1, cut))
        if space > start:
            cut = space
        now = bisect.bisect_right(ends, cut - span.start)
        for part in _stripped(text, start, cut):
            yield _Unit(part.start, part.end, now - used)
        start, used = cut, max(now, used + 1)
    for part in _stripped(text, start, span.end):
        yield _Unit(part.start, part.end, max(len(ends) - used, 1))


def _placed(title: str, headings: Sequence[str], text: str) -> str:
    place = " > ".join(part for part in (title, *headings) if part)
    return f"{place}\n{text}" if place else text


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    piece = stripped(text, Span(start, end))
    if piece.start < piece.end:
        yield piece


def _pack(units: Sequence[_Unit], room: int) -> Iterator[list[_Unit]]:
    """Fill chunks evenly: as few as the text needs, none with a mere tail."""
    total = sum(unit.tokens for unit in units)
    target = total / -(-total // room) if total else room
    group: list[_Unit] = []
    size = 0
    for unit in units:
        if group and (size + unit.tokens > room or size + unit.tokens / 2 > target):
            yield group
            group, size = [], 0
        group.append(unit)
        size += unit.tokens
    if group:
        yield group


def _chunk(text: str, source_id: str, section: _Section, units: Sequence[_Unit]) -> Chunk:
    start, end = units[0].start, units[-1].end
    return Chunk(
        id=f"{source_id}-{start}-{end}",
        source_id=source_id,
        text=text[start:end],
        start=start,
        end=end,
        page=section.page,
        headings=section.headings,
        sentences=tuple(Span(u.start, u.end) for u in units),
    )
