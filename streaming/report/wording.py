"""Numbers, times, bins and reasons in words that a person reads."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from itertools import pairwise

from streaming.metrics.sketches import Bins, Histogram
from streaming.report.timeline import epoch

REASONS = {
    "type": "A field has the wrong JSON type, such as a number written as a text",
    "enum": "A category that the schema does not list",
    "const": "A field that must have one fixed value has another",
    "required": "A field that the schema requires is missing",
    "minimum": "A number is below the smallest allowed",
    "exclusiveMinimum": "A number is below the smallest allowed",
    "maximum": "A number is above the largest allowed",
    "exclusiveMaximum": "A number is above the largest allowed",
    "minLength": "A text is too short",
    "maxLength": "A text is too long",
    "pattern": "A text does not have the form that the schema asks for",
    "format": "A text is not a valid value of its format, such as a date",
    "multipleOf": "A number is not a multiple of the one that the schema names",
    "additionalProperties": "A field that the schema does not know",
    "propertyNames": "A field's name does not have the form that the schema asks for",
    "minProperties": "The event has too few fields",
    "maxProperties": "The event has too many fields",
    "dependentRequired": "A field is missing that another field of the event requires",
    "anyOf": "None of the alternatives that the schema allows together is met",
    "oneOf": "Not exactly one of the alternatives that the schema allows is met",
    "not": "The event is what the schema rules out",
    "falseSchema": "A value stands where the schema allows none",
    "minItems": "A list is too short",
    "maxItems": "A list is too long",
    "uniqueItems": "A list holds the same value twice",
    "contains": "A list does not hold what the schema asks for",
    "empty_value": "The message has no content",
    "null_value": "The message has no value (a tombstone)",
    "encoding": "The bytes are not valid UTF-8",
    "json": "The bytes are not one complete JSON document",
    "duplicate_key": "A field is given twice in one object",
    "depth": "The document is nested too deeply",
    "too_large": "The message is larger than allowed and was not read",
    "number_range": "A number is not finite (NaN, infinity) or too large to be kept exactly",
    "nul_character": "A text holds the character U+0000, which the store cannot keep",
    "future_time": "The event's time lies too far in the future",
    "event_conflict": "An event with the same id came before with other content",
    "unknown_schema_id": "The schema registry does not know the event's schema id",
    "wire_format": "The message is not what its frame or headers say",
    "unknown_schema_version": "The event names a schema version that does not exist",
    "schema_version": "The event's version lacks what the model's version needs, or holds what it refuses",
    "scoring": "The model failed on this event",
}


def explain(reason: str) -> str:
    """A rejection's reason in plain words; an unknown one is spelled out from its name.

    >>> explain("brand_new_rule")
    'Brand new rule'
    """
    return REASONS.get(reason) or reason.replace("_", " ").capitalize()


def number(value: float) -> str:
    """A number for a label: grouped thousands, no more than three significant decimals, a dash for NaN.

    >>> [number(v) for v in (1234567, 0.03456, 0.2, 19.85, 12.0, float("nan"))]
    ['1,234,567', '0.035', '0.2', '19.9', '12', '–']
    """
    if math.isnan(value):
        return "–"
    size = abs(value)
    if value == int(value) or size >= 1000:
        return f"{value:,.0f}"
    text = f"{value:,.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(value: float) -> str:
    """A share in percent, two significant digits where it is small.

    >>> [share(v) for v in (0, 0.00042, 0.0312, 0.5)]
    ['0 %', '0.04 %', '3.1 %', '50 %']
    """
    percent = value * 100
    digits = 0 if percent >= 10 or percent == 0 else 1 if percent >= 1 else 2
    return f"{percent:.{digits}f} %"


def duration(ms: float) -> str:
    """Milliseconds as a text with a unit; a dash for NaN.

    >>> [duration(v) for v in (0.4, 418, 2248, 95000, 7_300_000)]
    ['0 ms', '418 ms', '2.2 s', '95 s', '122 min']
    """
    if math.isnan(ms):
        return "–"
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def clock(moment: float, *, span_s: float = 0.0) -> str:
    """A moment (seconds since 1970) in UTC, as exact as a span of `span_s` seconds needs.

    >>> clock(3723), clock(3723, span_s=86400), clock(3723, span_s=1e7)
    ('01:02:03', '1 Jan 01:02', '1 Jan')
    """
    at = datetime.fromtimestamp(moment, UTC)
    if span_s < 43_200:
        return f"{at:%H:%M:%S}"
    return f"{at.day} {at:%b %H:%M}" if span_s < 500_000 else f"{at.day} {at:%b}"


def since(at: str) -> str:
    """The time of day of an RFC 3339 text."""
    return clock(epoch(at))


def title(feature: str) -> str:
    """A feature's name for a heading.

    >>> title("monthly_charges")
    'monthly charges'
    """
    return feature.replace("_", " ")


def bin_names(bins: Bins) -> list[str]:
    """What each bin holds, in words.

    >>> bin_names(Bins("numeric", edges=[1, 29]))
    ['up to 1', '1 to 29', 'above 29']
    """
    if bins.kind == "categorical":
        return list(bins.values)
    if not bins.edges:
        return ["every value"]
    edges = [number(edge) for edge in bins.edges]
    inner = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"up to {edges[0]}", *inner, f"above {edges[-1]}"]


def shares(histogram: Histogram) -> list[float]:
    """Share of each bin among everything counted, missing and unseen values included.

    >>> shares(Histogram([1, 2], missing=1))
    [0.25, 0.5]
    """
    total = histogram.total or 1
    return [count / total for count in histogram.counts]
