"""What of an HTML page leads to other pages and parts, where no tag of its own says so."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode

# What these are called by the programs that make manuals, as whole names of a class or an id.
_SURELY = frozenset({
    "navheader", "navfooter", "toplang", "bottomlang", "breadcrumb", "breadcrumbs",
    "sphinxsidebar", "sphinxsidebarwrapper", "indexdiv", "chapterindex", "sectionindex",
    "previous_page", "next_page", "toc_page",
})  # fmt: skip
_NAMES = frozenset({
    "nav", "navbar", "navigation", "navlinks", "nav-links", "nav-panel", "navpanel", "navbox",
    "menu", "submenu", "topnav", "sidenav", "pagination", "pager", "path", "quickview", "related",
    "page-header", "page-footer",
    "toc", "toctree-wrapper", "contents", "table-of-contents", "localtoc", "minitoc",
})  # fmt: skip
"""What is called so is left out if it holds little else than links: it may be the content."""
_TAGS = frozenset({"a", "div", "dl", "ol", "p", "section", "span", "ul"})
_LINKS = 0.6
"""So much of the letters of what leads elsewhere is in links."""
_TURNING = (
    'a[rel~="next" i], a[rel~="prev" i], a[rel~="previous" i], a[accesskey="n"], a[accesskey="p"]'
)
"""Links by which a reader turns the pages."""
_LONGEST_TURNING = 400
_READINGS = 30
"""So many times its length is read of a page whose named elements are in one another."""


def navigation(tree: LexborHTMLParser) -> frozenset[int]:
    """The ``mem_id`` of every element that is navigation by its role, its name or its links."""
    found = {node.mem_id for node in tree.css('[role="navigation" i]')}
    perhaps: dict[int, LexborNode] = {}
    for node in tree.css("[class], [id]"):
        names = _names(node) if node.tag in _TAGS else frozenset()
        if not names.isdisjoint(_SURELY):
            found.add(node.mem_id)
        elif not names.isdisjoint(_NAMES):
            perhaps[node.mem_id] = node
    for link in tree.css(_TURNING):
        if (box := _box(link)) is not None:
            perhaps.setdefault(box.mem_id, box)
    left = _READINGS * len(tree.body.text()) if tree.body is not None else 0
    for mem_id, node in perhaps.items():
        text = node.text()
        left -= len(text)
        if left < 0:
            break
        short = len(" ".join(text.split())) <= _LONGEST_TURNING
        if (short or not _names(node).isdisjoint(_NAMES)) and _leads_elsewhere(node, text):
            found.add(mem_id)
    return frozenset(found)


def _names(node: LexborNode) -> frozenset[str]:
    said = " ".join(node.attributes.get(attribute) or "" for attribute in ("class", "id"))
    return frozenset(said.lower().split())


def _box(link: LexborNode) -> LexborNode | None:
    """The line, list or table in which a link stands."""
    box = link.parent
    while box is not None and box.tag not in ("p", "div", "table", "ul", "body"):
        box = box.parent
    return None if box is None or box.tag == "body" else box


def _leads_elsewhere(node: LexborNode, text: str) -> bool:
    """Whether most of an element is links, and it holds no title of the page.

    What is only named so may be a chapter.
    """
    if node.css_first("h1") is not None:
        return False
    return sum(_letters(link.text()) for link in node.css("a[href]")) >= _LINKS * _letters(text)


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
