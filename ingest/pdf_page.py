"""A PDF's page as cells of text, and the lines that they make.

Lengths are PDF points unless said otherwise; y grows upwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from rag.types import Box

CELL_GAP = 1.0  # a gap this wide separates cells; in character heights
Rect = tuple[float, float, float, float]  # left, bottom, right, top
Point = tuple[float, float]
_MARKS = ("®", "™", "℠")


def hull(rects: Iterable[Rect]) -> Rect:
    """The smallest rectangle around ``rects``, of which there is at least one."""
    lefts, bottoms, rights, tops = zip(*rects, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


class View(NamedTuple):
    """Where a page's upright coordinates stand on the page as displayed, in shares of it."""

    origin: Point
    right: Point
    up: Point

    @classmethod
    def of(cls, show: Callable[[float, float], Point]) -> View:
        """The view that ``show``, a linear function, makes of upright coordinates."""
        (u, v), (ru, rv), (uu, uv) = show(0, 0), show(1, 0), show(0, 1)
        return cls((u, v), (ru - u, rv - v), (uu - u, uv - v))

    def box(self, rect: Rect) -> Box | None:
        """The box of ``rect``, cut at the edges of the page; None outside of them."""
        x0, y0, x1, y1 = rect
        corners = [(x, y) for x in (x0, x1) for y in (y0, y1)]
        us = [self.origin[0] + x * self.right[0] + y * self.up[0] for x, y in corners]
        vs = [self.origin[1] + x * self.right[1] + y * self.up[1] for x, y in corners]
        left, top = max(0.0, min(us)), max(0.0, min(vs))
        right, bottom = min(1.0, max(us)), min(1.0, max(vs))
        if left >= right or top >= bottom:
            return None
        return round(left, 5), round(top, 5), round(right, 5), round(bottom, 5)


@dataclass(slots=True)
class Cell:
    """Characters on one line without a wide gap; ``hidden`` says why no reader sees them."""

    text: str
    x0: float
    x1: float
    bottom: float
    top: float
    bold: bool
    hidden: str = ""

    @property
    def height(self) -> float:
        """The height of its characters, ascender to descender."""
        return self.top - self.bottom

    @property
    def rect(self) -> Rect:
        """Where it stands on the page."""
        return self.x0, self.bottom, self.x1, self.top

    def cover(self, rect: Rect) -> None:
        """Grow to where text joined to this cell stands."""
        self.x0, self.bottom, self.x1, self.top = hull([self.rect, rect])

    def beside(self, bottom: float, top: float) -> bool:
        """Whether a box from ``bottom`` to ``top`` is on the same line, indices included."""
        overlap = min(self.top, top) - max(self.bottom, bottom)
        return overlap > 0.5 * min(self.height, top - bottom)


@dataclass(slots=True)
class Page:
    """The cells of one page in content order, and where its bottom and top edges are.

    ``view`` leads from these coordinates to the page as displayed.
    """

    cells: list[Cell]
    bottom: float
    top: float
    view: View


EMPTY_PAGE = Page([], 0.0, 0.0, View((0, 0), (0, 0), (0, 0)))


@dataclass(slots=True)
class Line:
    """Cells side by side, from left to right; ``height`` is that of the characters."""

    cells: list[Cell]
    x0: float = field(init=False)
    x1: float = field(init=False)
    bottom: float = field(init=False)
    top: float = field(init=False)
    height: float = field(init=False)

    def __post_init__(self) -> None:
        # A trade mark sign drawn later than its word would tear the line it stands in apart.
        self.cells = [
            cell
            for cell in sorted(self.cells, key=lambda cell: cell.x0)
            if cell.text not in _MARKS or not any(o.x0 < cell.x0 < o.x1 for o in self.cells)
        ]
        self.x0 = self.cells[0].x0
        self.x1 = max(cell.x1 for cell in self.cells)
        longest = max(self.cells, key=lambda cell: len(cell.text))
        self.bottom, self.top, self.height = longest.bottom, longest.top, longest.height

    @property
    def text(self) -> str:
        """All of it, cells joined by a space."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def rect(self) -> Rect:
        """Where its cells stand, with what was joined to them."""
        return hull(cell.rect for cell in self.cells)

    @property
    def bold(self) -> bool:
        """Whether nothing in it is light."""
        return all(cell.bold for cell in self.cells)


def lines_of(cells: list[Cell]) -> list[Line]:
    """Gather cells into lines, from top to bottom."""
    groups: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda cell: -(cell.top + cell.bottom)):
        if groups and groups[-1][0].beside(cell.bottom, cell.top):
            groups[-1].append(cell)
        else:
            groups.append([cell])
    return [Line(group) for group in groups]
