"""Values of one field against its choices, bounds and lengths."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from streaming.contracts.fields import Field
from streaming.contracts.reasons import clip, shorten
from streaming.contracts.statistics import sketches
from streaming.contracts.statistics.anomaly import Anomaly, Change
from streaming.contracts.statistics.extremes import INT64, extremes
from streaming.contracts.statistics.field import FieldStatistics, Numbers
from streaming.contracts.validator import compiled

_SHOWN = 5
_MOST_PROPOSED = 50  # new values that a proposal takes up: more of them are no list of choices

_TOGETHER = frozenset({"if", "then", "else"})


def unseen(
    name: str, choices: Sequence[Any], seen: FieldStatistics, *, personal: bool, limits: Mapping[str, Any] | None = None
) -> Iterator[Anomaly]:
    """Values that are none of the choices. Where values were hidden (personal data) nothing can be told.

    limits: keywords of the field; None for `x-target`, whose values are changed by hand. Of a text its first SHOWN_TEXT
    characters count.
    """
    known = {_as_text(choice)[: sketches.SHOWN_TEXT] for choice in choices}
    tops = sketches.top_values(seen.top)
    strange = [top for top in tops if top.value not in known]
    if personal or not strange:
        return
    exact = all(top.least == top.most for top in tops)
    rows = sum(top.count for top in strange)
    shown = ", ".join(f"{shorten(top.value)} {top.count:,}×" for top in strange[:_SHOWN])
    more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
    texts = all(isinstance(choice, str) for choice in choices)
    values = _new_values([top.value for top in strange], seen, texts_only=texts) if limits is not None and exact else None
    nothing = [None] if limits is not None and None in limits.get("enum", []) else []
    schema = f"replace enum by {'the keywords of a text' if texts else 'minimum and maximum'}"
    if values or limits is None:
        schema = f"add {'it' if len(strange) == 1 else 'them'} to {'x-target' if limits is None else 'enum'}"
    yield Anomaly(
        name, "unseen_value", shown + more, f"one of {clip(', '.join(map(str, choices)), 120)}", min(rows, seen.rows),
        min(1.0, rows / seen.rows), exact, f"send {name} as one of its choices", schema,
        Change(put=dict.fromkeys(_in_the_way(limits or {}, values)) | {"enum": [*choices, *nothing, *values]}) if values else None,
    )  # fmt: skip


def ranges(field: Field, seen: FieldStatistics) -> Iterator[Anomaly]:
    """Numbers beyond minimum, maximum and their exclusive kin: whether is exact, how many is read from the sketch."""
    numbers, limits = seen.numbers, field.limits
    ends = extremes(numbers.moments, numbers.whole) if numbers is not None and field.kind in ("integer", "number") else None
    if numbers is None or ends is None:
        return
    low, high = ends
    if low < limits.get("minimum", low) or ("exclusiveMinimum" in limits and low <= limits["exclusiveMinimum"]):
        yield _beyond(field, seen, numbers, "low", low)
    if high > limits.get("maximum", high) or ("exclusiveMaximum" in limits and high >= limits["exclusiveMaximum"]):
        yield _beyond(field, seen, numbers, "high", high)


def lengths(field: Field, seen: FieldStatistics) -> Iterator[Anomaly]:
    """Texts shorter than minLength or longer than maxLength, in characters; how many is not known."""
    if seen.texts is None or field.kind != "string":
        return
    found = seen.texts.lengths
    for keyword, extreme, wrong in (
        ("minLength", found.low, (found.low or 0) < field.limits.get("minLength", 0)),
        ("maxLength", found.high, (found.high or 0) > field.limits.get("maxLength", float("inf"))),
    ):
        if wrong and extreme is not None:
            word = "shortest" if keyword == "minLength" else "longest"
            yield Anomaly(
                field.name, "length", f"the {word} has {extreme:g} characters", f"{keyword} {field.limits[keyword]}", None, None, True,
                f"send {field.name} within its length", f"make {keyword} {extreme:g}", Change(put={keyword: int(extreme)}),
            )  # fmt: skip


def _beyond(field: Field, seen: FieldStatistics, numbers: Numbers, side: Literal["low", "high"], extreme: float) -> Anomaly:
    plain, exclusive = ("minimum", "exclusiveMinimum") if side == "low" else ("maximum", "exclusiveMaximum")
    keyword = exclusive if exclusive in field.limits else plain
    limit = field.limits[keyword]
    unit = f", in {field.words.unit}" if field.words.unit else ""
    # A personal field has no sketch, so how many there are is not known.
    rows = max(1, round(_outside(numbers, limit, keyword))) if sketches.quantiles(numbers.sketch, [0.5]) else None
    # The new limit allows the extreme itself, so it is a plain one, whatever stood there.
    put: dict[str, Any] = {plain: extreme} | ({exclusive: None} if exclusive in field.limits else {})
    fits = field.kind != "integer" or INT64[0] <= extreme <= INT64[1]
    return Anomaly(
        field.name, "range", f"{'lowest' if side == 'low' else 'highest'} {extreme if isinstance(extreme, int) else f'{extreme:.12g}'}",
        f"{keyword} {limit}", rows, None if rows is None else min(1.0, rows / seen.rows), False,
        f"send {field.name} within its range{unit}",
        f"make {plain} {extreme}" if fits else "make it a new field of type number: an integer is within 64 bits",
        Change(put=put) if fits else None,
    )  # fmt: skip


def _outside(numbers: Numbers, limit: float, keyword: str) -> float:
    """About how many numbers break a bound. A bin holds its upper edge, so the limit itself has to lie on the right side of one."""
    inside_above = keyword in ("minimum", "exclusiveMaximum")
    below, above = sketches.counts_between(numbers.sketch, [float(np.nextafter(limit, -np.inf)) if inside_above else float(limit)])
    return below if keyword in ("minimum", "exclusiveMinimum") else above


def _as_text(choice: Any) -> str:
    """A choice as the statistics write it: 3.0 is 3."""
    return str(int(choice)) if isinstance(choice, float) and choice.is_integer() else str(choice)


def _in_the_way(limits: Mapping[str, Any], values: Sequence[Any]) -> set[str]:
    """Keywords beside the choices that do not allow new ones."""
    groups = [{keyword} for keyword in limits.keys() - _TOGETHER - {"type", "enum"}] + [_TOGETHER & limits.keys()]
    return {
        keyword
        for group in groups
        for allows in [compiled({keyword: limits[keyword] for keyword in group}).is_valid]
        for keyword in group
        if not all(map(allows, values))
    }


def _new_values(texts: Sequence[str], seen: FieldStatistics, *, texts_only: bool) -> list[Any] | None:
    """Values as the other choices are written; None where they cannot be, or are too many for a list of choices."""
    kinds = set(seen.kinds)
    if len(texts) > _MOST_PROPOSED or not kinds <= ({"string"} if texts_only else {"integer", "number"}):
        return None
    if texts_only:  # a longer text was cut
        return None if any(len(text) >= sketches.SHOWN_TEXT for text in texts) else list(texts)
    values = [int(text) if text.lstrip("-").isdigit() else float(text) for text in texts]
    allowed = all(math.isfinite(value) and (not float(value).is_integer() or INT64[0] <= value <= INT64[1]) for value in values)
    return values if allowed else None
