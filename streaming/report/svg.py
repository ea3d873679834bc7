"""Charts as inline SVG without words in it: text stands around it as HTML, so that it keeps its size on every screen.

Every drawing uses a box of 100 × 100 units, y downwards, stretched to its place by the style sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

Label = tuple[float, str]  # (share of the way from the origin, 0 to 1; text)


def chart(body: Iterable[str], *, label: str, kind: str, ys: Sequence[Label] = (), xs: Sequence[Label] = ()) -> Markup:
    """A drawing with its axes. label: what a screen reader says; kind: class that gives the height; ys, xs: axis labels."""
    grid = "".join(f'<path class="grid" d="M0 {_y(at)}H100"/>' for at, _ in ys)
    drawing = f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">{grid}{"".join(body)}</svg>'
    scale = "".join(f'<span style="bottom:{at * 100:.4g}%">{escape(text)}</span>' for at, text in ys)
    feet = "".join(f'<span class="{_side(at)}" style="left:{at * 100:.4g}%">{escape(text)}</span>' for at, text in xs)
    foot = f'<div class="xs" aria-hidden="true">{feet}</div>' if xs else ""
    plot = f'<div class="plot">{drawing}<div class="ys" aria-hidden="true">{scale}</div></div>'
    return Markup(f'<div class="chart {kind}">{plot}{foot}</div>')  # noqa: S704  every text in it was escaped above


def bars(heights: Sequence[float], names: Sequence[str], *, gap: float = 0.14) -> list[str]:
    """Bars of equal width. heights: shares of the box, 0 to 1; names: what the pointer shows on each."""
    width = 100 / max(len(heights), 1)
    return [
        f'<rect class="bar" x="{(i + gap / 2) * width:.4g}" y="{_y(height)}" width="{width * (1 - gap):.4g}" height="{height * 100:.4g}">'
        f"<title>{escape(name)}</title></rect>"
        for i, (height, name) in enumerate(zip(heights, names, strict=True))
    ]


def steps(heights: Sequence[float]) -> str:
    """An outline over bars of equal width, from the left edge to the right."""
    width = 100 / max(len(heights), 1)
    path = "".join(f"{'L' if i else 'M'}{i * width:.4g} {_y(height)}H{(i + 1) * width:.4g}" for i, height in enumerate(heights))
    return f'<path class="outline" d="{path}"/>'


def line(points: Sequence[tuple[float, float]], name: str) -> str:
    """A line through (x, y), each 0 to 1 from the origin; a single point becomes a short dash. name: CSS class."""
    if len(points) == 1:
        x, y = points[0]
        points = [(x - 0.01, y), (x + 0.01, y)]
    path = "".join(f"{'L' if i else 'M'}{x * 100:.4g} {_y(y)}" for i, (x, y) in enumerate(points))
    return f'<path class="line {name}" d="{path}"/>'


def area(points: Sequence[tuple[float, float]], name: str) -> str:
    """The area under a line through (x, y), each 0 to 1 from the origin. name: CSS class."""
    if not points:
        return ""
    path = "".join(f"L{x * 100:.4g} {_y(y)}" for x, y in points)
    return f'<path class="area {name}" d="M{points[0][0] * 100:.4g} 100{path}L{points[-1][0] * 100:.4g} 100Z"/>'


def rule(y: float) -> str:
    """The dashed line of a threshold, y 0 to 1 from the origin."""
    return f'<path class="threshold" d="M0 {_y(y)}H100"/>'


def mark(x: float) -> str:
    """An upright line at a moment, x 0 to 1 from the origin."""
    return f'<path class="mark" d="M{x * 100:.4g} 0V100"/>'


def block(x: float, width: float, y: float, height: float, name: str, *, strength: float = 1.0) -> str:
    """A filled rectangle; all 0 to 1, y from the origin upwards to its lower edge. strength: opacity. name: CSS class."""
    opacity = f' opacity="{strength:.3g}"' if strength < 1 else ""
    return (
        f'<rect class="{name}" x="{x * 100:.6g}" y="{_y(y + height)}" width="{width * 100:.6g}" height="{height * 100:.4g}"'
        f' shape-rendering="crispEdges"{opacity}/>'
    )


def round_up(value: float) -> float:
    """The next round number, one whose half is round too: where an axis ends.

    >>> [round_up(v) for v in (0.13, 3, 470, 0)]
    [0.2, 3.0, 500.0, 1.0]
    """
    if value <= 0:
        return 1.0
    power = 10.0 ** (len(f"{value:.0f}") - 1 if value >= 1 else -_zeros(value))
    return next(round(factor * power, 12) for factor in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0) if factor * power >= value)


def _zeros(value: float) -> int:
    """Decimal places to the first significant digit of a value below one."""
    return int(f"{value:e}".split("e-")[1])


def _y(height: float) -> str:
    return f"{100 - height * 100:.4g}"


def _side(at: float) -> str:
    return "first" if at < 0.04 else "last" if at > 0.96 else ""
