"""HTML: what a reader sees of the page's main content."""

from __future__ import annotations

import codecs
import re
import textwrap
from itertools import zip_longest
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingest.decode import decode
from ingest.definitions import Definitions
from ingest.html_walk import (
    BLOCKS,
    UNSEEN,
    Page,
    cells_of,
    flat,
    is_admonition,
    is_grid,
    is_header,
    is_label,
    rows_of,
    text_of,
    walk,
)
from ingest.parsed import Block, BlockKind, Builder, Parsed, collapse, iso_date
from ingest.suspicious import flag_instructions

_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
# Python's codecs for other things than files.
_NO_CHARSETS = frozenset({"idna", "raw-unicode-escape", "unicode-escape"})
_SPACE = re.compile(r"[ \t\n\r\f]+")
_HEAD_BYTES = 4096
_MAX_SPAN = 1000  # the widest cell a browser allows
_FEW_WORDS = 5  # what is hidden and shorter is a label, a counter, an icon

_VOID = "area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr"
_CLOSED = re.compile(rf"<(?!(?:{_VOID})[\s/>])([a-zA-Z][\w:.-]*)(\s[^<>]*)?/>")
_LONGEST_LABEL = 60
_AROUND_HEADING = 4  # elements, such as those of a title page, between a heading and its note
_DATES = (
    ('meta[property="article:published_time"]', "content"),
    ('meta[name="date" i]', "content"),
    ('meta[name="dc.date" i]', "content"),
    ('meta[itemprop="datePublished"]', "content"),
    ("time[datetime]", "datetime"),
)


def parse_html(path: Path, data: bytes, media_type: str) -> Parsed:
    """Read the main content of a page: no navigation, page header or footer.

    Text that is hidden from its reader stands, flagged, behind all else; left out are parts that
    pages hide every day, unless they talk to a language model. Whitespace is what a browser shows.
    Raises ``BadDocument`` for data that is not text.
    """
    text, warnings = decode(path, data, declared_encoding(data))
    tree = LexborHTMLParser(open_tags(text) if media_type == "application/xhtml+xml" else text)
    builder = Builder()
    builder.warnings += warnings
    body = tree.body
    page = Page.of(tree)
    main = tree.css('main, [role="main"]') or tree.css("article")
    if len(main) == 1:
        _add_blocks(builder, main[0], page)
    if body is not None and not builder.blocks:
        _add_blocks(builder, body, page)
    if body is not None and not builder.blocks:
        _add_blocks(builder, body, page, beside=True)
        if builder.blocks:
            builder.warnings.append("no main content: read from navigation, header, footer or form")
    builder.images = len(tree.css("body img"))
    if body is not None and builder.blocks:
        _add_hidden(builder, body, page)
    return builder.build(
        title=builder.title_or(
            path.stem, _title(tree), _attribute(tree, 'meta[property="og:title"]', "content")
        ),
        media_type=media_type,
        date=next(filter(None, (iso_date(_attribute(tree, *place)) for place in _DATES)), ""),
        author=_attribute(tree, 'meta[name="author" i]', "content"),
        language=collapse(_attribute(tree, "html[lang]", "lang")),
    )


def add_html(builder: Builder, html: str, *, beside: bool = False) -> None:
    """Append the blocks of a piece of HTML, such as Markdown holds.

    ``beside`` takes in what on a web page stands beside the content: a book's header is its own.
    """
    tree = LexborHTMLParser(html)
    if tree.body is not None:
        page = Page.of(tree)
        _add_blocks(builder, tree.body, page, beside=beside)
        _add_hidden(builder, tree.body, page)
        builder.images += len(tree.body.css("img"))


def open_tags(xhtml: str) -> str:
    """``xhtml`` for an HTML parser, which takes ``<title/>`` for a tag that is never closed."""
    return _CLOSED.sub(r"<\1\2></\1>", xhtml)


def declared_encoding(data: bytes) -> str:
    """The encoding that a page states for itself, or "" where it cannot be in that."""
    if (declared := _DECLARED.search(data[:_HEAD_BYTES])) is None:
        return ""
    encoding = declared[1].decode("ascii").lower()
    # As the web does: pages that say Latin-1 or ASCII mean Western Windows.
    if encoding in ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"):
        return "cp1252"
    try:
        name = codecs.lookup(encoding).name.replace("_", "-")
        # Its name was found as ASCII: a page that says UTF-16, UTF-32 or EBCDIC is in none of them.
        readable = declared[1].decode(encoding).lower() == encoding
    except (UnicodeError, LookupError):  # LookupError: no such encoding, or none of text
        return ""
    return encoding if readable and name not in _NO_CHARSETS else ""


def _add_hidden(builder: Builder, root: LexborNode, page: Page) -> None:
    """Append, flagged, what is hidden below ``root`` and should not be."""
    rest = [root]
    while rest:
        node = rest.pop()
        hidden = page.visibility.hidden(node)
        if hidden is None:
            inner = list(node.iter())
            rest += [child for child in reversed(inner) if child.tag not in UNSEEN]
            continue
        text = flat(node, page)
        block = Block("paragraph", 0, len(text))
        if len(text.split()) >= _FEW_WORDS and (
            not hidden.expected or flag_instructions(text, [block])
        ):
            builder.add("paragraph", text, hidden=f"hidden from readers: {hidden.reason}")


def _add_blocks(builder: Builder, root: LexborNode, page: Page, *, beside: bool = False) -> None:
    """Append the blocks below ``root``, with what stands beside the main content or without."""
    blocks = _Blocks(builder)
    for node, entering in walk(root, page, beside=beside):
        tag = node.tag or ""
        if tag == "-text":
            blocks.lines[-1].append(text_of(node))
        elif tag == "br" and entering:
            blocks.lines.append([])
        elif tag in BLOCKS:
            blocks.flush()
            if not entering:
                blocks.leave(tag)
            elif tag == "table" and is_grid(node):
                blocks.add_label()
                blocks.definitions.settle()
                _add_table(builder, node, page)
            else:
                blocks.enter(node, tag)
    blocks.flush()
    blocks.add_label()


class _Blocks:
    """The open elements of a page, and the block that is being read.

    ``lines`` are that block's, as ``<br>`` breaks it.
    """

    def __init__(self, builder: Builder) -> None:
        self.lines: list[list[str]] = [[]]
        self.definitions = Definitions(builder)
        self._kinds: list[tuple[BlockKind, int]] = [("paragraph", 0)]
        self._numbers: list[int | None] = []  # the next one of each open list; None for bullets
        self._marker = ""
        self._label = ""  # of a note, which stands before what it says
        self._is_labelled = False  # whether the open heading is of a note

    def enter(self, node: LexborNode, tag: str) -> None:
        """An element begins that makes blocks."""
        kind = BLOCKS[tag]
        # A plain block inside a list item or heading is part of it.
        plain: tuple[BlockKind, int] = ("paragraph", 0) if tag == "dl" else self._kinds[-1]
        self._kinds.append(plain if kind == "paragraph" else (kind, _level(tag)))
        if tag in ("ol", "ul"):
            self._numbers.append(_start(node) if tag == "ol" else None)
        elif tag == "li":
            number = self._numbers[-1] if self._numbers else None
            self._marker = "" if number is None else f"{number}. "
            if number is not None:
                self._numbers[-1] = number + 1
        elif tag in ("dl", "dt", "dd"):
            self.definitions.enter(tag)
        elif kind == "heading":
            self._is_labelled = _is_of_admonition(node)

    def leave(self, tag: str) -> None:
        """An element ends that makes blocks."""
        self._kinds.pop()
        if tag in ("ol", "ul"):
            self._numbers.pop()
        elif tag in ("dl", "dt", "dd"):
            self.definitions.leave(tag)
        elif BLOCKS[tag] == "heading":
            self._is_labelled = False

    def flush(self) -> None:
        """End the block that is being read."""
        kind, level = self._kinds[-1]
        if kind == "code":
            text = textwrap.dedent("\n".join(map("".join, self.lines)))
        else:
            text = "\n".join(_SPACE.sub(" ", "".join(line)).strip(" ") for line in self.lines)
        self.lines[:] = [[]]
        text = text.strip()
        if not text:
            return
        if kind in ("heading", "paragraph") and self._labels(text):
            self.add_label()
            self._label = text
            return
        if self._is_labelled:
            kind, level = "paragraph", 0
        label = f"{self._label.rstrip(':')}: " if self._label else ""
        self.definitions.add(kind, label + self._marker + text, level)
        self._label = self._marker = ""

    def add_label(self) -> None:
        """Append a label that has nothing to stand before."""
        label, self._label = self._label, ""
        if label:
            self.definitions.add("paragraph", label, 0)

    def _labels(self, text: str) -> bool:
        """Whether a text but says that a note follows, or what it is about."""
        short = self._is_labelled and len(text) <= _LONGEST_LABEL
        return short or is_label(text)


def _is_of_admonition(heading: LexborNode) -> bool:
    """Whether a heading is that of a note, which stands over nothing behind it."""
    node = heading.parent
    for _ in range(_AROUND_HEADING):
        if node is None:
            return False
        if is_admonition(node):
            return True
        node = node.parent
    return False


def _level(tag: str) -> int:
    return int(tag[1]) if tag[1:].isdigit() else 0


def _add_table(builder: Builder, table: LexborNode, page: Page) -> None:
    """Append a table's caption and rows; leading rows of header cells label the columns."""
    if (caption := table.css_first("caption")) is not None:
        builder.add("paragraph", flat(caption, page))
    header: list[str] = []
    body: list[list[str]] = []
    reaching: dict[int, tuple[int, str]] = {}  # column -> rows a cell above still covers, its text
    for row in rows_of(table):
        cells = cells_of(row)
        heads = is_header(row)
        texts: list[str] = []
        for cell in cells:
            while len(texts) in reaching:
                texts.append(reaching[len(texts)][1])
            text = flat(cell, page)
            width = min(_span(cell, "colspan"), _MAX_SPAN)
            # A header over several columns labels each; a value is said once.
            spread = [text] * width if heads else [text, *[""] * (width - 1)]
            if (height := _span(cell, "rowspan")) > 1:
                reaching |= {len(texts) + i: (height, said) for i, said in enumerate(spread)}
            texts += spread
        reaching = {c: (left - 1, text) for c, (left, text) in reaching.items() if left > 1}
        if heads and not body and cells:
            header = [
                collapse(f"{above} {text}" if text != above else text)
                for above, text in zip_longest(header, texts, fillvalue="")
            ]
        else:
            body.append(texts)
    if body and any(header):
        builder.add_table(body, header)
    else:
        builder.add_table([header, *body] if header else body, None)


def _title(tree: LexborHTMLParser) -> str:
    node = tree.css_first("head title")
    return collapse(node.text()) if node is not None else ""


def _start(node: LexborNode) -> int:
    start = node.attributes.get("start") or ""
    return int(start) if re.fullmatch(r"-?[0-9]{1,9}", start) else 1


def _span(cell: LexborNode, name: str) -> int:
    span = cell.attributes.get(name) or ""
    return max(1, int(span)) if re.fullmatch(r"[0-9]{1,4}", span) else 1


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return (node.attributes.get(name) or "") if node is not None else ""
