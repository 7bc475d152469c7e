"""Small pictures for the report, as inline SVG: no library, no script, styled by the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

from eval.stats import Interval

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 350, 240, 50, 34, 22
WIDE = 620
TICKS = (0, 0.25, 0.5, 0.75, 1)
_STYLE = {
    "svg": "background:#fff;font:11px sans-serif",
    ".line": "fill:none;stroke-width:2",
    ".l0": "stroke:#c2410c",
    ".l1": "stroke:#1d4ed8",
    ".l2": "stroke:#15803d",
    ".l3": "stroke:#999;stroke-dasharray:3 3",
    ".grid": "stroke:#ddd",
}
SHARES = tuple((share, f"{share:g}") for share in TICKS)


def interval_bar(
    value: float | None, low: float | None, high: float | None, anchors: Mapping[str, float | None]
) -> str:
    """A share in [0, 1] with its interval, and the anchors' shares as ticks."""
    width, y = 200, 10

    def x(share: float) -> float:
        return round(4 + share * (width - 8), 1)

    marks = [f'<line class="track" x1="4" x2="{width - 4}" y1="{y}" y2="{y}"/>']
    if value is not None:
        if low is not None and high is not None:
            marks.append(
                f'<rect class="range" x="{x(low)}" width="{max(1, x(high) - x(low)):.1f}" '
                f'y="{y - 4}" height="8" rx="2"/>'
            )
        for n, (name, share) in enumerate(anchors.items()):
            if share is not None:
                marks.append(
                    f'<path class="anchor a{n}" d="{_mark(x(share), y, n)}">'
                    f"<title>{escape(name)}: {share:.3f}</title></path>"
                )
        marks.append(f'<circle class="dot" cx="{x(value)}" cy="{y}" r="4"/>')
    label = "no value" if value is None else f"{value:.3f}"
    return (
        f'<svg class="interval" viewBox="0 0 {width} 20" width="{width}" height="20" role="img" '
        f'aria-label="{label}">{"".join(marks)}</svg>'
    )


def anchor_mark(n: int) -> str:
    """The mark of an anchor, for a legend."""
    return (
        f'<svg class="interval" viewBox="0 0 12 20" width="12" height="20" aria-hidden="true">'
        f'<path class="anchor a{n}" d="{_mark(6, 10, n)}"/></svg>'
    )


def bar(share: float) -> str:
    """A horizontal bar, ``share`` of the longest."""
    return (
        '<svg class="bars" viewBox="0 0 160 14" width="160" height="14" aria-hidden="true">'
        f'<rect class="bar" width="{max(1.5, 160 * share):.1f}" height="14" rx="2"/></svg>'
    )


def grouped_bars(groups: Mapping[str, Sequence[Interval]], names: Sequence[str]) -> str:
    """A group of bars for each row, shares in [0, 1] with their intervals; ``names`` are the bars'.

    What has no value has no bar.
    """
    left, step, gap, top = 130, 11, 9, 22
    tall = step * len(names) + gap
    bottom = top + tall * len(groups)

    def x(share: float) -> float:
        return round(left + share * (WIDE - left - 40), 1)

    parts = [
        f'<line class="grid" x1="{x(share)}" x2="{x(share)}" y1="{top}" y2="{bottom}"/>'
        f'<text class="tick" x="{x(share)}" y="{bottom + 14}" text-anchor="middle">{share:g}</text>'
        for share in TICKS
    ]
    for n, name in enumerate(names):
        at = left + 130 * n
        parts.append(
            f'<rect class="bar b{n}" x="{at}" y="3" width="12" height="9" rx="2"/>'
            f'<text x="{at + 18}" y="12">{escape(name)}</text>'
        )
    for row, (group, shares) in enumerate(groups.items()):
        y = top + row * tall + gap / 2
        parts.append(
            f'<text x="{left - 8}" y="{y + (tall - gap) / 2 + 4}" text-anchor="end">'
            f"{escape(group)}</text>"
        )
        for n, (name, share) in enumerate(zip(names, shares, strict=True)):
            if share.value is not None:
                parts.append(_bar_of(share, f"{group}, {name}", n, y + n * step, x))
    return _svg("plot wide", WIDE, bottom + 20, "".join(parts), ", ".join(names))


def _bar_of(share: Interval, label: str, n: int, y: float, x: Callable[[float], float]) -> str:
    value = share.value or 0.0
    known = share.low is not None and share.high is not None
    spread = f", {share.low:.2f} to {share.high:.2f}" if known else ""
    title = f"<title>{escape(label)}: {value:.2f}{spread}</title>"
    drawn = (
        f'<rect class="bar b{n}" x="{x(0)}" y="{y}" width="{max(1.5, x(value) - x(0)):.1f}" '
        f'height="9" rx="2">{title}</rect>'
    )
    if share.low is not None and share.high is not None:
        drawn += f'<path class="spread" d="M{x(share.low)} {y + 4.5} H{x(share.high)}"/>'
    return drawn


def curves(
    lines: Mapping[str, Points],
    x_name: str,
    y_name: str,
    *,
    steps: bool = False,
    x_ticks: Sequence[tuple[float, str]] = (),
) -> str:
    """Lines over [0, 1] x [0, 1] with axes and a legend; ``steps`` draws them as stairs.

    ``x_ticks`` are places on the first axis and what is written there, by default the shares.
    """
    drawn = []
    for n, (name, points) in enumerate(lines.items()):
        path = " ".join(
            f"{'L' if i else 'M'}{_x(x)} {_y(y)}" for i, (x, y) in enumerate(_stairs(points, steps))
        )
        if path:
            drawn.append(f'<path class="line l{n}" d="{path}"/>')
        x = LEFT + 100 * n
        drawn.append(
            f'<line class="line l{n}" x1="{x}" x2="{x + 18}" y1="8" y2="8"/>'
            f'<text x="{x + 23}" y="12">{escape(name)}</text>'
        )
    axes = _axes(x_name, y_name, x_ticks or SHARES)
    return _svg("plot", WIDTH, HEIGHT, axes + "".join(drawn), y_name)


def alone(drawn: str) -> str:
    """A picture as a file of its own, with the style that a page would give it."""
    style = "".join(f"{name}{{{rule}}}" for name, rule in _STYLE.items())
    named = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return named.replace(">", f"><style>{style}</style>", 1) + "\n"


def dots(points: Sequence[tuple[float, float, int]], x_name: str, y_name: str) -> str:
    """Points over [0, 1] x [0, 1] against the diagonal; a point's area follows its number."""
    most = max((size for _, _, size in points), default=1)
    drawn = [f'<path class="diagonal" d="M{_x(0)} {_y(0)} L{_x(1)} {_y(1)}"/>']
    for x, y, size in points:
        radius = round(3 + 5 * (size / most) ** 0.5, 1)
        drawn.append(
            f'<circle class="dot" cx="{_x(x)}" cy="{_y(y)}" r="{radius}">'
            f"<title>{size} questions: {x:.2f}, {y:.2f}</title></circle>"
        )
    return _svg("plot", WIDTH, HEIGHT, _axes(x_name, y_name, SHARES) + "".join(drawn), y_name)


def _axes(x_name: str, y_name: str, x_ticks: Sequence[tuple[float, str]]) -> str:
    parts = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 8}" y1="{_y(share)}" y2="{_y(share)}"/>'
        f'<text class="tick" x="{LEFT - 5}" y="{_y(share) + 4}" text-anchor="end">{share:g}</text>'
        for share in TICKS
    ]
    parts += [
        f'<text class="tick" x="{_x(share)}" y="{HEIGHT - BOTTOM + 13}" text-anchor="middle">'
        f"{escape(label)}</text>"
        for share, label in x_ticks
    ]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_name)}'
        f'</text><text x="10" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 10 {middle})">{escape(y_name)}</text>'
    )
    return "".join(parts)


def _stairs(points: Points, steps: bool) -> Points:
    if not steps:
        return points
    stairs: list[tuple[float, float]] = []
    before = 0.0
    for x, y in points:
        stairs += [(before, y), (x, y)]
        before = x
    return stairs


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - 8), 1)


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)


def _mark(x: float, y: float, n: int) -> str:
    """A triangle below the line for the first anchor, a diamond for the second."""
    if n == 0:
        return f"M{x} {y + 1} l4 7 h-8 z"
    return f"M{x} {y - 8} l4 4 l-4 4 l-4 -4 z"


def _svg(kind: str, width: float, height: float, content: str, label: str) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(label)}">{content}</svg>'
    )
