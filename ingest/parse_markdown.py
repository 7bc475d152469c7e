"""Markdown, as the plain text that its reader sees."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.decode import decode
from ingest.parsed import BlockKind, Builder, Parsed, iso_date
from ingest.rows import add_row
from ingest.table_header import are_pairs
from ingest.text_lines import LABELLED, WRAP_WIDTH

if TYPE_CHECKING:
    from markdown_it.token import Token


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
    if max(map(len, lines)) > 2 * WRAP_WIDTH:
        return [[line] for line in lines]
    found = [[lines[0]]]
    for before, after in pairwise(lines):
        if LABELLED.match(before) and LABELLED.match(after):
            found.append([after])
        else:
            found[-1].append(after)
    return found
