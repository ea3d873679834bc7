"""The data page: statistics of a data set as one HTML file that opens from disk without a network, wide and narrow, light and dark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from streaming.contracts.statistics import sketches
from streaming.contracts.statistics.anomaly import Anomaly, Report
from streaming.contracts.statistics.dataset import PairSummary, SliceSummary, left_out
from streaming.contracts.statistics.document import Document
from streaming.contracts.statistics.field import FieldStatistics, FieldSummary, NumbersSummary
from streaming.report import svg, wording
from streaming.report.page_file import templates, write_page

TOP = 6
STRONGEST = 12
MOST_COLUMNS = 6
"""Slices that one table shows side by side, the largest."""
QUANTILES = (("1, 5, 25 %", ("0.01", "0.05", "0.25")), ("median", ("0.5",)), ("75, 95, 99 %", ("0.75", "0.95", "0.99")))
"""Quantiles that a card shows: words, and their shares."""
_SHORT = 34  # characters of a value that a card shows


@dataclass(frozen=True)
class FieldCard:
    """One field as the template shows it; texts are ready to print.

    chart: bins of equal width; tenths: bins of equal counts; top: (value, count, width in percent); facts: (name, value).
    """

    name: str
    type: str
    bad: bool
    presence: str
    chart: Markup | None
    tenths: Markup | None
    top: list[tuple[str, str, float]]
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class SliceTable:
    """Means and most frequent values of some slices side by side. rows: field, then a cell for each slice."""

    field: str
    columns: list[tuple[str, str]]
    rows: list[tuple[str, list[str]]]
    more: int


def render_data(document: Document, report: Report | None = None, baseline: Document | None = None) -> str:
    """The page of a document as HTML. report: None if the data were not validated; baseline: drawn as an outline."""
    environment = templates()
    environment.globals.update(number=wording.number, share=wording.share)
    anomalies = None if report is None else report.anomalies
    summary, troubled = document.summary, {anomaly.field for anomaly in anomalies or []}
    before = baseline.state.fields if baseline else {}
    return environment.get_template("data.html.j2").render(
        document=document,
        summary=summary,
        anomalies=anomalies,
        unchecked=[(name or "the event", ", ".join(words)) for name, words in (report.unchecked if report else {}).items()],
        too_few=report.too_few if report else [],
        left_out=left_out(summary),
        verdict=_verdict(anomalies, summary.rows),
        baseline=baseline.source if baseline else "",
        cards=[_card(name, field, name in troubled, before.get(name)) for name, field in summary.fields.items()],
        pairs=[("Correlation of numbers", "Pearson's r", _strongest(summary.correlation)),
               ("Association of categories", "Cramér's V", _strongest(summary.association))],
        slices=[_slice_table(name, parts) for name, parts in summary.slices.items() if parts],
        missing=sum(field.null + field.absent for field in summary.fields.values()),
        cells=sum(field.rows for field in summary.fields.values()) or 1,
    )  # fmt: skip


def write_data(document: Document, out: Path, report: Report | None = None, baseline: Document | None = None) -> None:
    """Write the page to a file; folders on the way are made, and the file appears whole or not at all. Raises SetupError."""
    write_page(render_data(document, report, baseline), out)


def _verdict(anomalies: list[Anomaly] | None, rows: int) -> str:
    if anomalies is None:
        return f"{rows:,} rows"
    return f"{len(anomalies)} anomal{'y' if len(anomalies) == 1 else 'ies'}" if anomalies else "No anomalies"


def _card(name: str, field: FieldSummary, bad: bool, before: FieldStatistics | None) -> FieldCard:
    numbers = field.numbers
    few = len(field.top) <= TOP and field.type in ("integer", "boolean", "string", "mixed") and bool(field.top)
    chart = None if numbers is None or few or not numbers.equal_width.counts else _histogram(name, field.type, numbers, before)
    top = [
        (_short(top.value), wording.share(top.count / (field.present or 1)), top.count / (field.present or 1) * 100) for top in field.top
    ]
    facts = [*_facts(field), *_of_numbers(field, few=few)]
    tenths = None if numbers is None or chart is None else _tenths(name, field.type, numbers)
    return FieldCard(name, field.type, bad, _presence(field), chart, tenths, top[:TOP] if chart is None else [], facts)


def _histogram(name: str, kind: str, numbers: NumbersSummary, before: FieldStatistics | None) -> Markup:
    edges, counts = numbers.equal_width.edges, numbers.equal_width.counts
    now = as_shares(counts)
    then: list[float] = []
    if before is not None and before.numbers is not None and sketches.quantiles(before.numbers.sketch, [0.5]):
        then = as_shares(sketches.counts_between(before.numbers.sketch, edges[1:-1]))
    top = svg.round_up(max([*now, *then, 0.05]))
    labels = [_value(edge, kind) for edge in edges]
    names = [f"{labels[i]} to {labels[i + 1]}: {wording.share(value)}" for i, value in enumerate(now)]
    body = [*svg.bars([value / top for value in now], names), svg.steps([value / top for value in then]) if then else ""]
    ys = [(0.5, wording.share(top / 2)), (1.0, wording.share(top))]
    feet = [(0.0, labels[0]), (1.0, labels[-1])]
    return svg.chart(body, label=f"{name}: {'; '.join(names)}", kind="histogram", ys=ys, xs=feet)


def _tenths(name: str, kind: str, numbers: NumbersSummary) -> Markup | None:
    """Bins of equal counts side by side, the narrower the darker; None where all numbers are the same, or too far apart for a double."""
    edges, counts = numbers.equal_count.edges, numbers.equal_count.counts
    width = edges[-1] - edges[0] if edges else 0.0
    if not 0 < width < math.inf:
        return None
    places = [(edge - edges[0]) / width for edge in edges]
    dense = [count / max(high - low, 1e-9) for count, low, high in zip(counts, places, places[1:], strict=False)]
    told = [
        f"{_value(low, kind)} to {_value(high, kind)}: {wording.number(n)}" for low, high, n in zip(edges, edges[1:], counts, strict=False)
    ]
    body = [
        svg.block(low, high - low, 0.0, 1.0, "tenth", strength=0.15 + 0.85 * math.sqrt(share / max(dense)))
        for low, high, share in zip(places, places[1:], dense, strict=False)
    ]
    return svg.chart(body, label=f"{name}, bins of equal counts: {'; '.join(told)}", kind="tenths")


def as_shares(counts: list[float]) -> list[float]:
    """Counts as shares of their sum.

    >>> as_shares([1.0, 3.0])
    [0.25, 0.75]
    """
    total = sum(counts) or 1
    return [count / total for count in counts]


def _presence(field: FieldSummary) -> str:
    gaps = [f"{wording.share(n / (field.rows or 1))} {name}" for name, n in (("null", field.null), ("absent", field.absent)) if n]
    return ", ".join(gaps) or "in every row"


def _facts(field: FieldSummary) -> list[tuple[str, str]]:
    found = field.distinct
    about = "" if found.most - found.least <= 1 else "about "
    facts = [("different", f"{about}{wording.number(found.estimate)}")]
    if field.type == "mixed":
        facts.append(("types", ", ".join(f"{kind} {wording.number(n)}" for kind, n in field.kinds.items())))
    if field.valency is not None and field.valency.shortest is not None:
        facts.append(("length of lists", f"{field.valency.shortest} to {field.valency.longest}"))
    if field.texts is not None and field.type != "boolean":
        mean = "" if field.texts.mean_length is None else f", mean {wording.number(field.texts.mean_length)}"
        facts.append(("characters", f"{field.texts.shortest} to {field.texts.longest}{mean}"))
        facts += [("empty texts", wording.number(field.texts.empty))] if field.texts.empty else []
    return facts


def _of_numbers(field: FieldSummary, *, few: bool) -> list[tuple[str, str]]:
    numbers = field.numbers
    if numbers is None or numbers.mean is None:
        return []
    facts = [("mean", _value(numbers.mean, field.type))]
    if few:  # each value is shown with its share
        return facts
    if field.type != "timestamp" and numbers.deviation is not None:
        facts.append(("deviation", wording.number(numbers.deviation)))
    if numbers.quantiles:  # personal data have none
        facts += [(words, ", ".join(_value(numbers.quantiles[share], field.type) for share in shares)) for words, shares in QUANTILES]
    odd = (("zeros", numbers.zeros), ("NaN", numbers.nan), ("infinite", numbers.infinite))
    return facts + [(name, wording.number(n)) for name, n in odd if n]


def _value(value: float, kind: str) -> str:
    if kind != "timestamp":
        return wording.number(value)
    try:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return wording.number(value)


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


def _strongest(pairs: list[PairSummary]) -> list[tuple[str, str, str, float]]:
    """(one field, other field, value, width of its bar in percent), the strongest first."""
    told = sorted(((pair, pair.value) for pair in pairs if pair.value is not None), key=lambda item: -abs(item[1]))
    return [(pair.a, pair.b, f"{value:+.2f}" if value < 0 else f"{value:.2f}", abs(value) * 100) for pair, value in told[:STRONGEST]]


def _slice_table(name: str, parts: dict[str, SliceSummary]) -> SliceTable:
    largest = sorted(parts, key=lambda value: (-parts[value].rows, value))[:MOST_COLUMNS]
    fields = dict.fromkeys(field for value in largest for field in parts[value].fields if field != name)
    rows = [(field, [_cell(parts[value].fields.get(field)) for value in largest]) for field in fields]
    columns = [(_short(value), f"{parts[value].rows:,} rows") for value in largest]
    return SliceTable(name, columns, rows, len(parts) - len(largest))


def _cell(field: FieldSummary | None) -> str:
    """What a slice's table says of a field: its mean, or its most frequent value."""
    if field is None:
        return "–"
    if field.numbers is not None and field.numbers.mean is not None:
        return _value(field.numbers.mean, field.type)
    if field.top and field.top[0].count > 1:
        return f"{_short(field.top[0].value)} {wording.share(field.top[0].count / (field.present or 1))}"
    return "–"
