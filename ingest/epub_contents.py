"""Lists of contents within the chapters of an EPUB book: nothing but links to its chapters."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode

_LEAST_LINKS = 5  # fewer are a hint at other chapters, as authors give them
_LINKED = 0.9  # so much of a list of contents is text of links
_LISTS = frozenset({"ul", "ol", "li", "dl", "dd", "dt"})


def without_contents(page: str) -> str:
    """A chapter without its lists of contents; "" for a chapter that is nothing else.

    The headings of such a chapter are not counted.
    """
    if page.count("<a") < _LEAST_LINKS:
        return page
    tree = LexborHTMLParser(page)
    if tree.body is None:
        return page
    headings = sum(_length(node) for node in tree.css("h1, h2, h3, h4, h5, h6"))
    if _is_contents(tree.body, headings):
        return ""
    lists = [node for node in tree.css("ul, ol, dl") if not _is_inner(node)]
    contents = [node for node in lists if _is_contents(node)]
    for node in contents:
        node.decompose()
    return tree.html or "" if contents else page


def _is_contents(node: LexborNode, apart: int = 0) -> bool:
    """Whether nearly all text of a node, ``apart`` from so much, is that of links into the book."""
    links = [
        link
        for link in node.css("a[href]")
        if ":" not in (link.attributes.get("href") or ":") and _length(link)
    ]
    if len(links) < _LEAST_LINKS:
        return False
    return sum(map(_length, links)) >= _LINKED * (_length(node) - apart)


def _is_inner(node: LexborNode) -> bool:
    """Whether a list is part of another one."""
    return node.parent is not None and node.parent.tag in _LISTS


def _length(node: LexborNode) -> int:
    """How many characters of text, not counting white space."""
    return sum(map(len, node.text().split()))
