"""What of an HTML page a person does not see, by its own styles: no script is run, none fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_LENGTH = re.compile(r"\s*(-?\d*\.?\d+)\s*(px|pt|r?em|ch|v[wh]|%)?")
_PIXELS = {"px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "ch": 8.0, "vw": 10.0, "vh": 10.0}
_COLOUR = re.compile(
    r"#([0-9a-f]{3,8})\b|rgba?\(([^)]*)\)|\b(white|black|snow|ivory|transparent)\b"
)
_NAMED = {"white": "fff", "black": "000", "snow": "fffafa", "ivory": "fffff0"}
_OFFSETS = ("left", "top", "right", "bottom", "margin-left", "margin-top", "text-indent")
_SEEN_PIXELS = 2.0
_FAR_PIXELS = 500.0
_MOST_DEPTH = 200
_ALIKE = 10  # of 255: no eye tells these colours apart
# Parts that a click, a pointer or a screen reader brings out, by what pages call them.
_ON_DEMAND = re.compile(
    r"accord|collaps|(?<![a-z])tabs?(?![a-z])|tab-?p|panel|menu|drop-?down|modal|dialog|pop-?up|popover|tool-?tip|toggle|slide|"
    r"carousel|drawer|overlay|cookie|consent|lightbox|faq|answer|spoiler|expand|(?<![a-z])more|step|search|"
    r"sr-only|screen-?reader|visually-?hidden|assistive|a11y|skip|print|mobile|desktop|template",
    re.IGNORECASE,
)
_ON_DEMAND_TAGS = frozenset({"nav", "details", "form", "dialog", "menu"})
_CONTROLS = ("aria-controls", "aria-describedby", "data-target", "data-bs-target", "href", "for")


@dataclass(frozen=True, slots=True)
class Hidden:
    """Why a person does not see an element. ``expected``: pages hide such parts every day."""

    reason: str
    expected: bool = False


@dataclass
class Visibility:
    """The styles of one page. ``bare`` pages get none from elsewhere, ``scripted`` ones change."""

    bare: bool = True
    scripted: bool = False
    _styles: dict[int, dict[str, str]] = field(default_factory=dict)
    _controlled: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, tree: LexborHTMLParser) -> Visibility:
        """Read the style sheets in the page and what its controls bring out."""
        page = cls(
            bare=not tree.css('link[rel~="stylesheet" i]'), scripted=bool(tree.css("script"))
        )
        for sheet in tree.css("style"):
            text = _COMMENT.sub("", sheet.text())
            page.bare &= "@import" not in text
            for selector, declarations in _rules(text):
                try:
                    styled = tree.css(selector)
                except SelectolaxError:  # one that no element at rest can match, or a broken one
                    continue
                for node in styled:
                    page._styles.setdefault(node.mem_id, {}).update(_declarations(declarations))
        for name in _CONTROLS:
            for node in tree.css(f"[{name}]"):
                page._controlled.update((node.attributes.get(name) or "").replace("#", "").split())
        return page

    def hidden(self, node: LexborNode) -> Hidden | None:
        """Why an element is not seen, whatever is around it; None for one that is."""
        attributes = node.attributes
        inline = _declarations(attributes.get("style") or "")
        ruled = self._styles.get(node.mem_id, {})
        style = ruled | inline
        if not style and "hidden" not in attributes:
            return None
        if "hidden" in attributes or _undisplayed(style):
            own = "hidden" in attributes or _undisplayed(inline)
            on_demand = self._is_on_demand(node)
            if on_demand and not own:
                return None
            return Hidden("not displayed", expected=on_demand or (own and self.scripted))
        if self.scripted and any(name.startswith(("trans", "anim")) for name in style):
            return None  # it comes in with an effect
        reason = (
            ("transparent" if _is_nothing(style.get("opacity", "1")) else "")
            or ("in tiny letters" if self._is_tiny(node, style) else "")
            or ("off the screen" if _is_off(style) else "")
            or ("in the colour of its background" if self._is_camouflaged(node, style) else "")
        )
        return Hidden(reason, expected=self._is_on_demand(node)) if reason else None

    def _is_on_demand(self, node: LexborNode) -> bool:
        for inner in _outwards(node):
            if inner.tag in ("body", "html"):
                break
            attributes = inner.attributes
            names = " ".join(attributes.get(name) or "" for name in ("class", "id", "role"))
            if inner.tag in _ON_DEMAND_TAGS or _ON_DEMAND.search(names):
                return True
            if (attributes.get("id") or "") in self._controlled:
                return True
        return False

    def _is_tiny(self, node: LexborNode, style: Mapping[str, str]) -> bool:
        size = _pixels(style.get("font-size", ""))
        return size is not None and size < _SEEN_PIXELS and not self._reset(node, "font-size")

    def _is_camouflaged(self, node: LexborNode, style: Mapping[str, str]) -> bool:
        if "color" not in style or self._reset(node, "color"):
            return False
        if style["color"].strip() == "transparent":
            return "background-clip" not in " ".join(style)
        colour, behind = _rgb(style["color"]), self._background(node)
        if colour is None or behind is None:
            return False
        return max(abs(a - b) for a, b in zip(colour, behind, strict=True)) <= _ALIKE

    def _background(self, node: LexborNode) -> tuple[int, ...] | None:
        """The colour behind an element; None where the page itself does not tell."""
        for outer in _outwards(node):
            style = self._style(outer)
            said = style.get("background-color") or style.get("background")
            said = said or outer.attributes.get("bgcolor") or ""
            if "background-image" in style or ("(" in said and "rgb" not in said):
                return None
            if said and said.strip() not in ("transparent", "none", "inherit"):
                return _rgb(said)
        return (255, 255, 255) if self.bare else None

    def _reset(self, node: LexborNode, name: str) -> bool:
        """Whether something inside an element is styled otherwise."""
        styles = (self._style(inner).get(name) for inner in node.css("*"))
        return len({style for style in styles if style is not None} | {self._style(node)[name]}) > 1

    def _style(self, node: LexborNode) -> dict[str, str]:
        inline = _declarations(node.attributes.get("style") or "")
        return self._styles.get(node.mem_id, {}) | inline


def _outwards(node: LexborNode) -> Iterator[LexborNode]:
    """An element and what it stands in, as far as pages nest that people made."""
    outer: LexborNode | None = node
    for _ in range(_MOST_DEPTH):
        if outer is None or outer.tag == "-document":
            return
        yield outer
        outer = outer.parent


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations; without the rules for printing, small screens and the like."""
    open_blocks: list[str] = []
    body = before = ""
    for piece in re.split("([{};])", sheet):
        if piece == "{":
            open_blocks.append(" ".join(before.split()))
            body = before = ""
        elif piece == "}":
            selector = open_blocks.pop() if open_blocks else ""
            if selector and set(open_blocks) <= {"@media all", "@media screen"}:
                yield selector, body + before
            body = before = ""
        elif piece == ";":
            body += before + ";"
        else:
            before = piece
    # A browser closes what is left open.
    if len(open_blocks) == 1:
        yield open_blocks[0], body + before


def _declarations(style: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in style.lower().split(";"))
    return {
        name.strip(): value.replace("!important", "").strip()
        for name, _, value in pairs
        if value.strip()
    }


def _undisplayed(style: Mapping[str, str]) -> bool:
    return style.get("display") == "none" or style.get("visibility") in ("hidden", "collapse")


def _is_off(style: Mapping[str, str]) -> bool:
    """Moved far away, or cut to nothing."""
    if any((_pixels(style.get(name, "")) or 0.0) <= -_FAR_PIXELS for name in _OFFSETS):
        return True
    if re.match(r"rect\(\s*[01]", style.get("clip", "")):
        return True
    if re.match(r"inset\(\s*(?:50|100)%", style.get("clip-path", "")):
        return True
    sizes = [style.get(name, "") for name in ("height", "width", "max-height", "max-width")]
    cut = style.get("overflow", "") in ("hidden", "clip")
    return cut and any(0 <= (_pixels(size) or 0.0) < _SEEN_PIXELS for size in sizes if size)


def _is_nothing(opacity: str) -> bool:
    number = _LENGTH.match(opacity)
    return number is not None and float(number[1]) <= (5 if number[2] == "%" else 0.05)


def _pixels(value: str) -> float | None:
    number = _LENGTH.match(value)
    if number is None:
        return None
    if number[2] == "%":
        return 16 * float(number[1]) / 100
    return float(number[1]) * _PIXELS[number[2] or "px"]


def _rgb(value: str) -> tuple[int, ...] | None:
    found = _COLOUR.search(value)
    if found is None or found[3] == "transparent":
        return None
    if found[2] is not None:
        parts = [int(float(part)) for part in re.findall(r"\d+\.?\d*", found[2])]
        return tuple(parts[:3]) if len(parts) >= 3 else None
    digits = found[1] or _NAMED[found[3]]
    if len(digits) < 6:
        digits = "".join(2 * digit for digit in digits)
    return tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4)) if len(digits) >= 6 else None
