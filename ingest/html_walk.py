"""The nodes of an HTML page that its reader sees, in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingest.html_navigation import navigation
from ingest.parsed import BlockKind, collapse
from ingest.visibility import Visibility

# fmt: off
UNSEEN = frozenset((
    "annotation", "audio", "button", "canvas", "datalist", "dialog", "head", "iframe", "input",
    "noscript", "object", "script", "select", "style", "svg", "template", "textarea", "video",
))
_BESIDE = frozenset({"nav", "footer", "header", "aside", "form"})
_CONTENT = "p, h1, h2, h3, article, main, table"
BLOCKS: dict[str, BlockKind] = {
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
_ANCHOR_MARKS = frozenset({"¶", "#", "§", "🔗"})
"""What pages put behind a heading as a link to itself."""
_ADMONITIONS = frozenset({
    "note", "tip", "warning", "caution", "important", "admonition", "admonitionblock",
    "sidebar", "sidebarblock",
})  # fmt: skip
_LABEL = re.compile(r"(?:note|tip|hint|warning|caution|important|attention):?", re.IGNORECASE)


class Page(NamedTuple):
    """What of a page is not seen, and the ``mem_id`` of what stands beside its content."""

    visibility: Visibility
    navigation: frozenset[int]

    @classmethod
    def of(cls, tree: LexborHTMLParser) -> Page:
        """Look through a page once."""
        return cls(Visibility.of(tree), navigation(tree))


def walk(
    root: LexborNode, page: Page, *, beside: bool = False, into_grids: bool = False
) -> Iterator[tuple[LexborNode, bool]]:
    """Every visible node below ``root``, once entering and, elements with content, once leaving.

    Stays outside of tables that are grids of data, unless told. Not recursive: pages nest without
    limit.
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
        is_leaf = node.tag in ("-text", "br", "hr", "img")
        if is_leaf or (node.tag == "table" and not into_grids and is_grid(node)):
            node = node.next
        else:
            open_nodes.append(node)
            node = node.child


def _is_unseen(node: LexborNode, page: Page, beside: bool) -> bool:
    tag = node.tag or ""
    if tag == "-text":
        return False
    if tag in UNSEEN or not tag[0].isalpha():  # comments and the like
        return True
    if node.attributes.get("aria-hidden") == "true" or page.visibility.hidden(node) is not None:
        return True
    if tag == "a" and _is_anchor_mark(node):
        return True
    if beside:
        return False
    if tag not in _BESIDE:
        return node.mem_id in page.navigation
    if tag == "header":  # that of an article holds its title
        return not is_inside(node, ("article", "main"))
    if tag == "form":  # some sites wrap the whole page into one
        return node.css_first(_CONTENT) is None
    return True


def _is_anchor_mark(link: LexborNode) -> bool:
    """Whether a link is but the mark by which a heading links to itself."""
    target = link.attributes.get("href") or ""
    return target.startswith("#") and (link.text() or "").strip() in _ANCHOR_MARKS


def is_inside(node: LexborNode, tags: Sequence[str]) -> bool:
    """Whether one of these elements is around a node."""
    parent = node.parent
    while parent is not None and parent.tag not in tags:
        parent = parent.parent
    return parent is not None


def is_grid(table: LexborNode) -> bool:
    """Whether a table holds data: two or more columns, and no box around a note.

    One with a table inside lays out the page, unless a header names its columns.
    """
    if table.attributes.get("role") in ("presentation", "none"):
        return False
    if table.parent is not None and is_admonition(table.parent):
        first = table.css_first("td, th")
        words = first.text().strip() if first is not None else ""
        if not words or is_label(words):  # beside or above the note
            return False
    rows = rows_of(table)
    if any(table.mem_id != inner.mem_id for inner in table.css("table")):
        return bool(rows) and len(cells_of(rows[0])) > 1 and is_header(rows[0])
    return any(len(cells_of(row)) > 1 for row in rows)


def rows_of(table: LexborNode) -> list[LexborNode]:
    """The rows of a table, without those of tables inside it."""
    return [row for row in table.css("tr") if _is_row_of(row, table)]


def _is_row_of(row: LexborNode, table: LexborNode) -> bool:
    parent = row.parent
    if parent is not None and parent.tag in ("tbody", "tfoot", "thead"):
        parent = parent.parent
    return parent is not None and parent.mem_id == table.mem_id


def is_header(row: LexborNode) -> bool:
    """Whether a row names the columns."""
    return all(cell.tag == "th" for cell in cells_of(row)) or is_inside(row, ("thead",))


def cells_of(row: LexborNode) -> list[LexborNode]:
    """The cells of a table's row."""
    return [node for node in row.iter() if node.tag in ("td", "th")]


def is_admonition(node: LexborNode) -> bool:
    """Whether an element is a box with a note, a tip or a warning, by what it is called."""
    names = (node.attributes.get("class") or "").lower().split()
    return node.tag in ("div", "aside") and not _ADMONITIONS.isdisjoint(names)


def is_label(text: str) -> bool:
    """Whether a text but says that a note or a warning follows."""
    return bool(_LABEL.fullmatch(text.strip()))


def flat(node: LexborNode, page: Page) -> str:
    """The visible text of a node on one line."""
    parts = []
    for inner, _ in walk(node, page, beside=True, into_grids=True):
        breaks = inner.tag == "br" or inner.tag in BLOCKS
        parts.append(text_of(inner) if inner.tag == "-text" else " " if breaks else "")
    return collapse("".join(parts))


def text_of(node: LexborNode) -> str:
    """The characters of a text node."""
    return (node.text_content or "").replace("\xad", "")  # a soft hyphen shows nothing
