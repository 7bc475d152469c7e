"""HTML: what a reader sees of the page's main content."""

from __future__ import annotations

import codecs
import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingest.decode import decode
from ingest.parsed import Block, BlockKind, Builder, Parsed, collapse, iso_date
from ingest.suspicious import flag_instructions
from ingest.visibility import Visibility

_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
# Python's codecs for other things than files.
_NO_CHARSETS = frozenset({"idna", "raw-unicode-escape", "unicode-escape"})
_SPACE = re.compile(r"[ \t\n\r\f]+")
_HEAD_BYTES = 4096
_MAX_SPAN = 1000  # the widest cell a browser allows
_FEW_WORDS = 5  # what is hidden and shorter is a label, a counter, an icon

# fmt: off
_UNSEEN = frozenset((
    "annotation", "audio", "button", "canvas", "datalist", "dialog", "head", "iframe", "input",
    "noscript", "object", "script", "select", "style", "svg", "template", "textarea", "video",
))
_BESIDE = frozenset({"nav", "footer", "header", "aside", "form"})
_CONTENT = "p, h1, h2, h3, article, main, table"
_BLOCKS: dict[str, BlockKind] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "heading"),
    "li": "list_item",
    "pre": "code",
    **dict.fromkeys((
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
        "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header",
        "hgroup", "hr", "legend", "main", "menu", "nav", "ol", "p", "search", "section",
        "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    ), "paragraph"),
}
# fmt: on
_VOID = "area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr"
_CLOSED = re.compile(rf"<(?!(?:{_VOID})[\s/>])([a-zA-Z][\w:.-]*)(\s[^<>]*)?/>")
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
    page = Visibility.of(tree)
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
        page = Visibility.of(tree)
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


def _add_hidden(builder: Builder, root: LexborNode, page: Visibility) -> None:
    """Append, flagged, what is hidden below ``root`` and should not be."""
    rest = [root]
    while rest:
        node = rest.pop()
        hidden = page.hidden(node)
        if hidden is None:
            inner = list(node.iter())
            rest += [child for child in reversed(inner) if child.tag not in _UNSEEN]
            continue
        text = _flat(node, page)
        block = Block("paragraph", 0, len(text))
        if len(text.split()) >= _FEW_WORDS and (
            not hidden.expected or flag_instructions(text, [block])
        ):
            builder.add("paragraph", text, hidden=f"hidden from readers: {hidden.reason}")


def _add_blocks(
    builder: Builder, root: LexborNode, page: Visibility, *, beside: bool = False
) -> None:
    """Append the blocks below ``root``, with what stands beside the main content or without."""
    kinds: list[tuple[BlockKind, int]] = [("paragraph", 0)]
    numbers: list[int | None] = []  # the next number of each open list; None for bullets
    marker = ""
    lines: list[list[str]] = [[]]  # of the open block, as ``<br>`` breaks it

    def flush() -> None:
        nonlocal marker
        kind, level = kinds[-1]
        if kind == "code":
            text = textwrap.dedent("\n".join(map("".join, lines)))
        else:
            text = "\n".join(_SPACE.sub(" ", "".join(line)).strip(" ") for line in lines)
        if text.strip():
            builder.add(kind, marker + text.strip(), level=level)
            marker = ""
        lines[:] = [[]]

    for node, entering in _walk(root, page, beside=beside):
        tag = node.tag or ""
        if tag == "-text":
            lines[-1].append(_text(node))
        elif tag == "br" and entering:
            lines.append([])
        elif tag in _BLOCKS:
            flush()
            if not entering:
                kinds.pop()
                if tag in ("ol", "ul"):
                    numbers.pop()
            elif tag == "table" and _is_grid(node):
                _add_table(builder, node, page)
            else:
                # A plain block inside a list item or heading is part of it.
                kind = _BLOCKS[tag]
                kinds.append(kinds[-1] if kind == "paragraph" else (kind, _level(tag)))
                if tag in ("ol", "ul"):
                    numbers.append(_start(node) if tag == "ol" else None)
                elif tag == "li":
                    number = numbers[-1] if numbers else None
                    marker = "" if number is None else f"{number}. "
                    if number is not None:
                        numbers[-1] = number + 1
    flush()


def _walk(
    root: LexborNode, page: Visibility, *, beside: bool = False
) -> Iterator[tuple[LexborNode, bool]]:
    """Every visible node below ``root``, once entering and, elements with content, once leaving.

    Stays outside of tables that are grids of data. Not recursive: pages nest without limit.
    """
    node = root.child
    open_nodes: list[LexborNode] = []
    while node is not None or open_nodes:
        if node is None:
            node = open_nodes.pop()
            yield node, False
            node = node.next
            continue
        if _is_unseen(node, page, beside):
            node = node.next
            continue
        yield node, True
        if node.tag in ("-text", "br", "hr", "img") or (node.tag == "table" and _is_grid(node)):
            node = node.next
        else:
            open_nodes.append(node)
            node = node.child


def _is_unseen(node: LexborNode, page: Visibility, beside: bool) -> bool:
    tag = node.tag or ""
    if tag == "-text":
        return False
    if tag in _UNSEEN or not tag[0].isalpha():  # comments and the like
        return True
    if node.attributes.get("aria-hidden") == "true" or page.hidden(node) is not None:
        return True
    if beside or tag not in _BESIDE:
        return False
    if tag == "header":  # that of an article holds its title
        return not _is_inside(node, ("article", "main"))
    if tag == "form":  # some sites wrap the whole page into one
        return node.css_first(_CONTENT) is None
    return True


def _is_inside(node: LexborNode, tags: Sequence[str]) -> bool:
    parent = node.parent
    while parent is not None and parent.tag not in tags:
        parent = parent.parent
    return parent is not None


def _is_grid(table: LexborNode) -> bool:
    """Whether a table holds data: two or more columns and no table inside."""
    if table.attributes.get("role") in ("presentation", "none"):
        return False
    if any(table.mem_id != inner.mem_id for inner in table.css("table")):
        return False
    return any(len(_cells(row)) > 1 for row in table.css("tr"))


def _cells(row: LexborNode) -> list[LexborNode]:
    return [node for node in row.iter() if node.tag in ("td", "th")]


def _add_table(builder: Builder, table: LexborNode, page: Visibility) -> None:
    """Append a table's caption and rows; leading rows of header cells label the columns."""
    if (caption := table.css_first("caption")) is not None:
        builder.add("paragraph", _flat(caption, page))
    header: list[str] = []
    body: list[list[str]] = []
    reaching: dict[int, tuple[int, str]] = {}  # column -> rows a cell above still covers, its text
    for row in table.css("tr"):
        cells = _cells(row)
        heads = all(cell.tag == "th" for cell in cells) or _is_inside(row, ("thead",))
        texts: list[str] = []
        for cell in cells:
            while len(texts) in reaching:
                texts.append(reaching[len(texts)][1])
            text = _flat(cell, page)
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


def _flat(node: LexborNode, page: Visibility) -> str:
    """The visible text of a node on one line."""
    parts = []
    for inner, _ in _walk(node, page, beside=True):
        breaks = inner.tag == "br" or inner.tag in _BLOCKS
        parts.append(_text(inner) if inner.tag == "-text" else " " if breaks else "")
    return collapse("".join(parts))


def _text(node: LexborNode) -> str:
    return (node.text_content or "").replace("\xad", "")  # a soft hyphen shows nothing


def _title(tree: LexborHTMLParser) -> str:
    node = tree.css_first("head title")
    return collapse(node.text()) if node is not None else ""


def _level(tag: str) -> int:
    return int(tag[1]) if tag[1:].isdigit() else 0


def _start(node: LexborNode) -> int:
    start = node.attributes.get("start") or ""
    return int(start) if re.fullmatch(r"-?[0-9]{1,9}", start) else 1


def _span(cell: LexborNode, name: str) -> int:
    span = cell.attributes.get(name) or ""
    return max(1, int(span)) if re.fullmatch(r"[0-9]{1,4}", span) else 1


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return (node.attributes.get(name) or "") if node is not None else ""
