"""The report's charts: what of the story goes on which axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from streaming.metrics.sketches import Bins, Histogram, latency_quantile
from streaming.report import svg
from streaming.report.story import Point
from streaming.report.timeline import Timeline
from streaming.report.wording import bin_names, clock, duration, number, share, shares

CARD_PX = 300  # a card's plot is about this wide on a phone and on a wide screen
CHARACTER_PX = 6.2
RATE_COLUMNS = 30  # a column should hold several batches, or the rate shows their rhythm instead of the traffic
QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


def distribution(bins: Bins, current: Histogram | None, reference: Histogram | None, label: str) -> Markup:
    """Shares per bin: bars of the current histogram, the reference drawn over them as an outline."""
    now = shares(current) if current and len(current.counts) == bins.size else [0.0] * bins.size
    then = shares(reference) if reference else []
    top = svg.round_up(max([*now, *then, 0.05]))
    names = [_bin_title(name, i, now, then) for i, name in enumerate(bin_names(bins))]
    body = [*svg.bars([value / top for value in now], names), svg.steps([value / top for value in then]) if then else ""]
    ys = [(0.5, share(top / 2)), (1.0, share(top))]
    drawn = svg.chart(body, label=f"{label}: {'; '.join(names)}", kind="histogram", ys=ys, xs=_edge_labels(bins))
    return drawn + _column_labels(bins) if _named(bins) else drawn


def _bin_title(name: str, i: int, now: Sequence[float], then: Sequence[float]) -> str:
    before = f", in training {share(then[i])}" if then else ""
    return f"{name}: {share(now[i])}{before}"


def _edge_labels(bins: Bins) -> list[svg.Label]:
    if _named(bins):
        return []
    texts = [number(edge) for edge in bins.edges]
    room = max((len(text) for text in texts), default=0) * CHARACTER_PX + 6
    stride = max(1, math.ceil(room / (CARD_PX / bins.size)))
    return [((i + 1) / bins.size, text) for i, text in enumerate(texts) if i % stride == 0]


def _named(bins: Bins) -> bool:
    """Whether each column has its own name below it; edges are shown otherwise. A flag's two columns read better named."""
    return bins.kind == "categorical" or bins.size <= 3


def _column_labels(bins: Bins) -> Markup:
    cells = Markup("").join(Markup("<span>{}</span>").format(value) for value in bin_names(bins))
    return Markup('<div class="categories" aria-hidden="true">{}</div>').format(cells)


def measure_line(points: Sequence[Point], span: tuple[float, float], since: float | None, label: str) -> Markup:
    """A drift measure over time with its threshold as a dashed line, and an upright where the present drift began."""
    threshold = points[-1].threshold
    top = max(threshold * 1.5, max(point.value for point in points) * 1.08)
    places = [(_place(point.at, span), point.value / top) for point in points]
    body = [svg.area(places, "measure"), svg.rule(threshold / top), svg.line(places, "measure")]
    if since is not None:
        body.append(svg.mark(_place(since, span)))
    return svg.chart(body, label=label, kind="measure", ys=[(threshold / top, number(threshold))], xs=_times(span, few=True))


def score_heat(timeline: Timeline, key: str, bins: Bins) -> Markup:
    """The score's distribution over time: a column for each stretch, a row for each bin, stronger where more scores fall."""
    rows = [(start, shares(bucket.scores[key])) for start, bucket in timeline.rows() if key in bucket.scores]
    span, top = timeline.span(), max((value for _, column in rows for value in column), default=1.0) or 1.0
    width, height = timeline.width_s / (span[1] - span[0]), 1 / bins.size
    body = [
        svg.block(_place(start, span), width, i * height, height, "heat", strength=round(value / top, 3))
        for start, column in rows
        for i, value in enumerate(column)
        if value
    ]
    ys = [((i + 1) / bins.size, number(edge)) for i, edge in enumerate(bins.edges)]
    return svg.chart(body, label="Share of each score range over time", kind="heatmap", ys=ys[::2], xs=_times(span))


def latency_lines(timeline: Timeline) -> Markup:
    """Latency quantiles over time, on one linear axis in milliseconds."""
    rows = [(start + timeline.width_s / 2, bucket.latency_ms) for start, bucket in timeline.rows() if bucket.latency_ms]
    span = timeline.span()
    lines = {name: [(at, latency_quantile(sketch, q)) for at, sketch in rows] for q, name in QUANTILES}
    top = svg.round_up(max((ms for points in lines.values() for _, ms in points), default=1.0))
    body = [svg.line([(_place(at, span), ms / top) for at, ms in points], name) for name, points in lines.items() if points]
    ys = [(half, duration(top * half)) for half in (0.5, 1.0)]
    return svg.chart(body, label="Latency over time: p50, p95 and p99", kind="wide", ys=ys, xs=_times(span))


def throughput(timeline: Timeline) -> Markup:
    """Events per second over time: what was scored, and on top of it what was rejected."""
    span, coarse = timeline.span(), timeline.coarser(RATE_COLUMNS)
    # The first and the last column may be cut off by the span: their rate is over the part inside it.
    columns = [(max(start, span[0]), min(start + coarse.width_s, span[1]), bucket) for start, bucket in coarse.rows()]
    top = svg.round_up(max((bucket.events / (end - start) for start, end, bucket in columns), default=1.0))
    body: list[str] = []
    for start, end, bucket in columns:
        left, width = _place(start, span), (end - start) / (span[1] - span[0]) * 0.88
        scored, rejected = bucket.scored / (end - start) / top, bucket.rejected / (end - start) / top
        body.append(svg.block(left, width, 0, scored, "scored"))
        body.append(svg.block(left, width, scored, rejected, "rejected"))
    ys = [(half, number(top * half)) for half in (0.5, 1.0)]
    return svg.chart(body, label="Events per second over time, scored and rejected", kind="wide", ys=ys, xs=_times(span))


def _place(at: float, span: tuple[float, float]) -> float:
    return min(max((at - span[0]) / ((span[1] - span[0]) or 1), 0.0), 1.0)


def _times(span: tuple[float, float], *, few: bool = False) -> list[svg.Label]:
    length = span[1] - span[0]
    places = (0.0, 1.0) if few else (0.0, 0.5, 1.0)
    return [(place, clock(span[0] + length * place, span_s=length)) for place in places] if length else []
