"""Formulas as MathML, which browsers show by themselves: no script, and nothing but letters."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LONGEST = 2000
# What draws; left out is all that leads elsewhere (href) or looks like something else (style, id).
_ELEMENTS = re.compile(
    r"m(?:row|i|n|o|text|space|frac|sqrt|root|sub|sup|subsup|under|over|underover|table|tr|td|style"
    r"|padded|phantom|enclose)"
)
_ATTRIBUTES = re.compile(
    r"accent(?:under)?|column(?:align|spacing|span|lines)|displaystyle|fence|form|linethickness"
    r"|[lr]space|mathvariant|(?:max|min)size|movablelimits|notation|row(?:spacing|lines)"
    r"|scriptlevel|separator|stretchy|symmetric|width"
)
_VALUE = re.compile(r"[\w .%+-]*")


def as_mathml(latex: str, is_block: bool = False) -> str:
    """A formula in LaTeX as a ``math`` element; what cannot be read as one is shown as it is."""
    from latex2mathml.converter import convert_to_element

    display = "block" if is_block else "inline"
    try:
        if len(latex) > LONGEST:
            raise ValueError("too long for a formula")
        shown = "".join(map(_element, convert_to_element(latex, display=display)))
    except Exception:  # what a malformed formula raises is not ours to list
        return f'<code dir="ltr">{escape(latex)}</code>'
    return f'<math display="{display}" alttext="{escape(latex)}">{shown}</math>'


def _element(node: Element) -> str:
    # The library keeps characters as entities, and escapes nothing when it writes them.
    inside = escape(unescape(node.text or "")) + "".join(map(_element, node))
    if not _ELEMENTS.fullmatch(node.tag):
        raise ValueError(f"{node.tag} is no part of a formula")
    kept = "".join(
        f' {name}="{value}"'
        for name, value in node.attrib.items()
        if _ATTRIBUTES.fullmatch(name) and _VALUE.fullmatch(value)
    )
    return f"<{node.tag}{kept}>{inside}</{node.tag}>"
