"""Plain text and Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.parsed import (
    Block,
    BlockKind,
    Builder,
    Parsed,
    collapse,
    iso_date,
    repair,
    repair_warnings,
)
from ingest.rows import add_row
from ingest.table_header import are_pairs
from rag.errors import BadDocument
from rag.features import CLAUSE
from rag.types import Fidelity, Place

if TYPE_CHECKING:
    from markdown_it.token import Token

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_CONTROL = 0.1  # share of control characters above which a file is not text
_DETECT_BYTES = 1_000_000  # enough to tell an encoding by

_ITEM = re.compile(r"\s*(?:[-*+•‣◦▪–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+\S")
_NUMBERED = re.compile(r"\d+[.)]\s")
_LABELLED = re.compile(r"\s*[A-Z][^\n.:;!?]{1,40}: \S")  # "Signed for the tenant: ..."
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
_WRAP_WIDTH = 120  # nobody wraps lines by hand at more columns
_HEADING_LENGTH = 80
# Text between two rules is no front matter: that opens with a key, is short, and all its lines at
# the margin are keys, items, comments or closing brackets.
_FRONT_MATTER = re.compile(
    r"""---[ \t]*\n(?:[ \t]*\n)*
    (?=["']?\w[\w.-]*(?:[ ][\w.-]+)?["']?[ \t]*:\s)
    ((?:(?:[ \t\#\]}-][^\n]*|[^\s\#\]}:-][^\n:]*:[^\n]*)?\n){1,100}?)
    (?:---|\.\.\.)[ \t]*(?:\n|\Z)""",
    re.VERBOSE,
)
_FRONT_FIELD = re.compile(r"(title|date|author|lang|language)\s*:\s*(.+)", re.IGNORECASE)
_SOFT_BREAK = "\r"  # no text has one: ``repair`` was there before


def decode(path: Path, data: bytes, declared: str = "") -> tuple[str, tuple[str, ...]]:
    r"""The text in ``data``, with ``\n`` line ends, and warnings of what was guessed or repaired.

    Tried in this order: byte order mark, the ``declared`` encoding, UTF-8, detection. Raises
    ``BadDocument`` for data that is not text.
    """
    marked = next((name for bom, name in _BOMS if data.startswith(bom)), "")
    if not marked and b"\x00" in data:
        raise BadDocument(
            f"{path}: is binary, not text (it has NUL bytes): give it its proper suffix, or save "
            "it as UTF-8 text"
        )
    warnings: tuple[str, ...] = ()
    text = None
    for encoding in dict.fromkeys(filter(None, (marked, declared, "utf-8"))):
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError):  # LookupError: no such encoding
            continue
        break
    if text is None:
        text, encoding = _detect(path, data)
        warnings = (f"read as {encoding}, not UTF-8",)
    if len(_CONTROL.findall(text)) > _MAX_CONTROL * len(text):
        raise BadDocument(
            f"{path}: is binary, not text (over {_MAX_CONTROL:.0%} control characters): give it "
            "its proper suffix"
        )
    text, repaired = repair(text)
    return text, warnings + repair_warnings(repaired)


def parse_plain(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read plain text, kept character by character: blocks are ranges of the file's own text.

    Blank lines end paragraphs. Between them, lines wrapped by hand are one paragraph, other lines
    each their own. The title is the first line if that is a heading, else the file's name.
    """
    text, warnings = decode(path, data)
    pieces = list(_plain_pieces(text))
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
        if heads and _NUMBERED.match(line) and not _ITEM.match(text, *following):
            kind = "heading"
        elif _ITEM.match(line):
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
    return kept(text, blocks, title, media_type, warnings)


def kept(
    text: str, blocks: Sequence[Block], title: str, media_type: str, warnings: tuple[str, ...]
) -> Parsed:
    """A document whose blocks are ranges of the file's own ``text``, each placed by its line."""
    places: list[Place] = []
    line, counted = 1, 0
    for block in blocks:
        line += text.count("\n", counted, block.start)
        counted = block.start
        places.append(Place(block.start, block.end, line=line))
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


def parse_markdown(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read Markdown (CommonMark with tables) as the plain text that its reader sees.

    Marks and link targets are left out. Front matter gives title, date, author and language, and
    is no text.
    """
    from markdown_it import MarkdownIt

    text, warnings = decode(path, data)
    fields: dict[str, str] = {}
    above = 0  # lines of front matter
    if front := _FRONT_MATTER.match(text):
        for line in front[1].splitlines():
            if field := _FRONT_FIELD.fullmatch(line.strip()):
                fields[field[1].lower()] = field[2].strip().strip("\"'")
        above = text.count("\n", 0, front.end())
        text = text[front.end() :]
    builder = Builder()
    builder.warnings += warnings
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    _add_tokens(builder, tokens, above)
    return builder.build(
        title=builder.title_or(path.stem, fields.get("title", "")),
        media_type=media_type,
        date=iso_date(fields.get("date", "")),
        author=fields.get("author", ""),
        language=fields.get("language") or fields.get("lang", ""),
    )


def _detect(path: Path, data: bytes) -> tuple[str, str]:
    """The text and the name of the most likely encoding."""
    from charset_normalizer import from_bytes

    likely = [match.encoding for match in from_bytes(data[:_DETECT_BYTES])]
    # Where Western Windows is among the candidates it is by far the most common of them.
    for codec in ("cp1252", *likely) if not likely or "cp1252" in likely else likely:
        try:
            return data.decode(codec), re.sub(r"^cp(?=125\d$)", "windows-", codec)
        except UnicodeDecodeError:
            continue
    raise BadDocument(f"{path}: is in no known text encoding: save it as UTF-8 text")


def _add_tokens(builder: Builder, tokens: Sequence[Token], above: int) -> None:
    """Append the blocks of a Markdown document that begins ``above`` lines down its file."""
    kinds: list[BlockKind] = ["paragraph"]
    marker, level = "", 0
    rows: list[tuple[int, list[str]]] = []
    for token in tokens:
        line = token.map[0] + above + 1 if token.map else 0
        if token.type == "list_item_open":
            kinds.append("list_item")
            marker = f"{token.info}{token.markup} " if token.info else ""
        elif token.type == "list_item_close":
            kinds.pop()
        elif token.type == "heading_open":
            kinds.append("heading")
            level = int(token.tag[1])
        elif token.type == "heading_close":
            kinds.pop()
            level = 0
        elif token.type == "tr_open":
            rows.append((line, []))
        elif token.type in ("th_open", "td_open"):
            rows[-1][1].append("")
        elif token.type == "table_close":
            _add_table(builder, rows)
            rows = []
        elif token.type == "inline" and rows:
            rows[-1][1][-1] = _inline_text(token)  # on one line by the standard
            builder.images += _images(token)
        elif token.type == "inline":
            for lines in _paragraphs(_inline_text(token).split(_SOFT_BREAK)):
                builder.add(kinds[-1], marker + " ".join(lines), level=level, line=line)
                line += len(lines) + sum(text.count("\n") for text in lines)
                marker = ""
            builder.images += _images(token)
        elif token.type in ("fence", "code_block"):
            lead = len(token.content) - len(token.content.lstrip())
            line += (token.type == "fence") + token.content.count("\n", 0, lead)
            builder.add("code", textwrap.dedent(token.content), line=line)
        elif token.type == "html_block":
            from ingest.parse_html import add_html

            add_html(builder, token.content)


def _add_table(builder: Builder, rows: Sequence[tuple[int, list[str]]]) -> None:
    """Append the rows of a table, each with its line; the first labels the others.

    Not so in a table of labels and values: Markdown has no other way to write that.
    """
    builder.tables += 1
    pairs = are_pairs([row for _, row in rows])
    header = rows[0][1] if any(rows[0][1]) and len(rows) > 1 and not pairs else ()
    for number, (line, row) in enumerate(rows, 1):
        if number > 1 or not header:
            cells, labels = dict(enumerate(row)), dict(enumerate(header))
            sheet = f"Table {builder.tables}"
            add_row(builder, cells, labels, sheet=sheet, row=number, line=line, pairs=pairs)


def _images(token: Token) -> int:
    return sum(child.type == "image" for child in token.children or ())


def _inline_text(token: Token) -> str:
    """The plain text of a line: marks dropped, an image by its description."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("text", "text_special", "code_inline"):
            parts.append(child.content)
        elif child.type == "image":
            parts.append(_inline_text(child))
        elif child.type == "softbreak":
            parts.append(_SOFT_BREAK)
        elif child.type == "hardbreak" or child.content.lower().startswith("<br"):
            parts.append("\n")
    return "".join(parts)


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    """The lines that belong together, of those that are one paragraph by the standard.

    Lines that are very long were not wrapped by hand, nor were labels with their values.
    """
    if max(map(len, lines)) > 2 * _WRAP_WIDTH:
        return [[line] for line in lines]
    found = [[lines[0]]]
    for before, after in pairwise(lines):
        if _LABELLED.match(before) and _LABELLED.match(after):
            found.append([after])
        else:
            found[-1].append(after)
    return found


def _plain_pieces(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of paragraphs, list items and single lines, without whitespace around them."""
    group: list[tuple[int, int]] = []
    for match in re.finditer(r"[^\n]*\n?", text):
        line = match[0]
        if line.strip():
            start = match.start() + len(line) - len(line.lstrip())
            group.append((start, match.start() + len(line.rstrip())))
        else:
            yield from _unwrap(text, group)
            group = []


def _unwrap(text: str, lines: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join the lines between two blank lines that were wrapped by hand.

    A wrapped line ended for want of room: the first word of the next one did not fit any more.
    """
    # Counted from the margin: continuations may hang under the text of their first line.
    margin = {line: line[0] - (text.rfind("\n", 0, line[0]) + 1) for line in lines}
    ends = {line: line[1] - line[0] + margin[line] for line in lines}
    width = max(ends.values(), default=0)
    items = {line for line in lines if _ITEM.match(text, *line)}
    pairs = list(pairwise(lines))
    joined = [
        after not in items
        and not (_LABELLED.match(text, *before) and _LABELLED.match(text, *after))
        and text[slice(*before)].isupper() == text[slice(*after)].isupper()
        and ends[before] + 1 + len(text[slice(*after)].split(maxsplit=1)[0]) > width
        for before, after in pairs
    ]
    # Lines of a poem or a log end anywhere; that one of them is the longest is no wrapping. Where
    # the margin changes, a term stands above its definition: that tells nothing of the lines below.
    kept = sum(
        not join and after not in items and margin[before] == margin[after]
        for join, (before, after) in zip(joined, pairs, strict=True)
    )
    wrapped = width <= _WRAP_WIDTH and 2 * kept <= sum(joined)
    start = end = -1
    for line, join in zip(lines, [False, *joined], strict=False):
        if join and wrapped:
            end = line[1]
            continue
        if start >= 0:
            yield start, end
        start, end = line
    if start >= 0:
        yield start, end


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
    title = _says_nothing(line) and not below[0].islower() and not _ITEM.match(below)
    return size if named and prose and title else 0


def _is_heading(line: str, following: str, *, first: bool) -> bool:
    """Whether a short line without an end mark stands above a longer paragraph or a list.

    A line amid prose that is a sentence but for its end mark says something, and so does a label
    with its value: both are kept to be quoted. As the ``first`` one it is a headline.
    """
    if not _may_head(line):
        return False
    if not (first or line.isupper()) and _LABELLED.match(line) and not _COUNTED.match(line):
        return False
    heads = _is_prose(following, line) and (first or not _STATES.match(line))
    return heads or bool(_ITEM.match(following))


def _is_prose(text: str, heading: str) -> bool:
    """Whether a text may stand below a heading, by its length and its end."""
    if len(text) <= len(heading) or _SALUTATION.fullmatch(text):
        return False
    return bool(_END.search(text)) or len(text) > _WRAP_WIDTH


def _is_title(line: str, gap: str) -> bool:
    """Whether a text's first line, a ``gap`` below it, stands alone as a title does."""
    return _parted(gap) and _says_nothing(line)


def _says_nothing(line: str) -> bool:
    """Whether a line may be a title: one with a verb or a value is kept to be quoted.

    One in capitals may go over lines and have a colon.
    """
    if line.isupper():
        return _may_head(collapse(line))
    return _may_head(line) and not (_LABELLED.match(line) or CLAUSE.search(line))


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
