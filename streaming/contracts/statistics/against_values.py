"""Values of one field against its choices, bounds and lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from streaming.contracts.fields import Field
from streaming.contracts.reasons import clip, shorten
from streaming.contracts.statistics import sketches
from streaming.contracts.statistics.anomaly import Anomaly, Change
from streaming.contracts.statistics.field import FieldStatistics, Numbers

_SHOWN = 5
_MOST_PROPOSED = 50  # new values that a proposal takes up: more of them are no list of choices


def unseen(name: str, choices: Sequence[Any], seen: FieldStatistics, *, personal: bool, key: str = "enum") -> Iterator[Anomaly]:
    """Values that are none of the choices. Where values were hidden (personal data) nothing can be told.

    key: `enum` of the field, or `x-target`, whose values are changed by hand.
    """
    known = {_as_text(choice) for choice in choices}
    tops = sketches.top_values(seen.top)
    strange = [top for top in tops if top.value not in known]
    if personal or not strange:
        return
    exact = all(top.least == top.most for top in tops)
    rows = sum(top.count for top in strange)
    shown = ", ".join(f"{shorten(top.value)} {top.count:,}×" for top in strange[:_SHOWN])
    more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
    values = [_typed(top.value, choices) for top in strange]
    kind = "string" if all(isinstance(choice, str) for choice in choices) else "integer"
    fits = key == "enum" and len(values) <= _MOST_PROPOSED and None not in values and set(seen.kinds) == {kind}
    yield Anomaly(
        name, "unseen_value", shown + more, f"one of {clip(', '.join(map(str, choices)), 120)}", min(rows, seen.rows),
        min(1.0, rows / seen.rows), exact, f"send {name} as one of its choices",
        f"add {'it' if len(strange) == 1 else 'them'} to {key}" if fits or key != "enum" else "replace enum by the keywords of a text",
        Change(put={"enum": [*choices, *values]}) if fits else None,
    )  # fmt: skip


def ranges(field: Field, seen: FieldStatistics) -> Iterator[Anomaly]:
    """Numbers beyond minimum, maximum and their exclusive kin: whether is exact, how many is read from the sketch."""
    numbers = seen.numbers
    if numbers is None or field.kind not in ("integer", "number") or numbers.moments.low is None or numbers.moments.high is None:
        return
    low, high = numbers.moments.low, numbers.moments.high
    limits = field.limits
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
    bound = int(extreme) if float(extreme).is_integer() else extreme
    put: dict[str, Any] = {plain: bound} | ({exclusive: None} if exclusive in field.limits else {})
    return Anomaly(
        field.name, "range", f"{'lowest' if side == 'low' else 'highest'} {extreme:.12g}", f"{keyword} {limit}", rows,
        None if rows is None else min(1.0, rows / seen.rows), False, f"send {field.name} within its range{unit}",
        f"make {plain} {bound}", Change(put=put),
    )  # fmt: skip


def _outside(numbers: Numbers, limit: float, keyword: str) -> float:
    """About how many numbers break a bound. A bin holds its upper edge, so the limit itself has to lie on the right side of one."""
    inside_above = keyword in ("minimum", "exclusiveMaximum")
    below, above = sketches.counts_between(numbers.sketch, [float(np.nextafter(limit, -np.inf)) if inside_above else float(limit)])
    return below if keyword in ("minimum", "exclusiveMinimum") else above


def _as_text(choice: Any) -> str:
    """A choice as the statistics write it: 3.0 is 3."""
    return str(int(choice)) if isinstance(choice, float) and choice.is_integer() else str(choice)


def _typed(text: str, choices: Sequence[Any]) -> Any:
    """A value as the other choices are written; None where it cannot be."""
    if all(isinstance(choice, str) for choice in choices):
        return text
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None
