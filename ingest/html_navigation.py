"""What of an HTML page leads to other pages and parts, where no tag of its own says so."""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

# What these are called by the programs that make manuals, as whole names of a class or an id.
_SURELY = frozenset({
    "navheader", "navfooter", "toplang", "bottomlang", "breadcrumb", "breadcrumbs",
    "sphinxsidebar", "sphinxsidebarwrapper", "previous_page", "next_page", "toc_page",
})  # fmt: skip
_NAMES = frozenset({
    "nav", "navbar", "navigation", "navlinks", "nav-links", "nav-panel", "navpanel", "navbox",
    "menu", "submenu", "topnav", "sidenav", "pagination", "pager", "path", "quickview", "related",
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


def navigation(tree: LexborHTMLParser) -> frozenset[int]:
    """The ``mem_id`` of every element that is navigation by its role, its name or its links."""
    found = {node.mem_id for node in tree.css('[role="navigation" i]')}
    found |= {node.mem_id for node in tree.css("[class], [id]") if _is_called_so(node)}
    found |= {box.mem_id for box in map(_box, tree.css(_TURNING)) if box is not None}
    return frozenset(found)


def _is_called_so(node: LexborNode) -> bool:
    if node.tag not in _TAGS:
        return False
    names = {name.lower() for name in _names(node)}
    if not names.isdisjoint(_SURELY):
        return True
    return not names.isdisjoint(_NAMES) and _leads_elsewhere(node)


def _names(node: LexborNode) -> Iterator[str]:
    for attribute in ("class", "id"):
        yield from (node.attributes.get(attribute) or "").split()


def _box(link: LexborNode) -> LexborNode | None:
    """The line or table of links to other pages in which one stands, if it is one."""
    box = link.parent
    while box is not None and box.tag not in ("p", "div", "table", "ul", "body"):
        box = box.parent
    if box is None or box.tag == "body":
        return None
    short = len(" ".join(box.text().split())) <= _LONGEST_TURNING
    return box if short and _leads_elsewhere(box) else None


def _leads_elsewhere(node: LexborNode) -> bool:
    """Whether most of an element is links, and it is not a chapter by that name."""
    linked = sum(_letters(link) for link in node.css("a[href]"))
    return linked >= _LINKS * _letters(node)


def _letters(node: LexborNode) -> int:
    return sum(map(str.isalnum, node.text()))
