"""A first schema from data: types, closed lists, ranges with room, presence; each guess is marked for review.

Data are read once, a block at a time; what is kept of a field is a sketch of fixed size.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import pyarrow.compute as pc

from streaming.contracts.schema import DIALECT
from streaming.contracts.statistics import sketches
from streaming.contracts.statistics.column import Block, Column
from streaming.contracts.statistics.field import FieldStatistics, absent_field, count_field, merge_fields
from streaming.contracts.statistics.source import DataError
from streaming.contracts.validator import compiled

MOST_CHOICES = 20
"""A text with more different values is no closed list; a whole number, with more than MOST_CODES."""
MOST_CODES = 5
_SEEN_EACH = 5  # a value that came less often on average is hardly one of a closed list
_ROOM = 0.2  # of the range seen, on each side
_INT64 = (-(2**63), 2**63 - 1)
_ID_LENGTH = 512  # what an index of the store holds
_FORMATS = {
    "date-time": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "uuid": r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
}
_ENTITY = re.compile(r"customer|account|applicant|client|user|member|device|(^|_)id$", re.IGNORECASE)


Form = Literal["csv", "table", "events"]


class Roles(msgspec.Struct, frozen=True):
    """What only a person knows of the fields. positive: the class of the target that is predicted; metadata: no model reads them."""

    entity: str = ""
    event_time: str = ""
    event_id: str = ""
    target: str = ""
    positive: str = ""
    metadata: tuple[str, ...] = ()

    @property
    def named(self) -> dict[str, str]:
        """Keyword of the event → the field it names."""
        found = {"x-entity": self.entity, "x-event-id": self.event_id, "x-event-time": self.event_time}
        return {keyword: name for keyword, name in found.items() if name}


class Seen(msgspec.Struct):
    """What was seen of a field: its statistics, and the formats that all its texts have."""

    statistics: FieldStatistics
    formats: set[str]


def infer(blocks: Iterable[Block], event: str, roles: Roles, *, form: Form) -> dict[str, Any]:
    """A draft of the schema's document, version 1.

    form: in a table (csv too) an empty cell may stand for null or absent; in csv the texts true and false stand for booleans.
    It is a contract once entity and event_time are named; until then `$comment` lists candidates.
    Raises DataError if there is no row, or a named field is not there.
    """
    rows, fields = _seen(blocks)
    if not rows:
        raise DataError(f"{event}: no row to infer a schema from; name a file with data")
    for name in [*roles.named.values(), *roles.metadata, *filter(None, [roles.target])]:
        if name not in fields:
            raise DataError(f"{event}: there is no field {name!r} in the data; there are {', '.join(fields)}")
    properties = {name: _property(name, seen, roles, form=form) for name, seen in fields.items()}
    required = [name for name, seen in fields.items() if _always(name, seen, roles, form=form)]
    return {
        "$schema": DIALECT,
        "$id": f"urn:streaming-scoring:{event}:1",
        "$comment": f"review: inferred from {rows:,} rows{_candidates(fields, rows, roles)}",
        "title": event,
        **roles.named,
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def _seen(blocks: Iterable[Block]) -> tuple[int, dict[str, Seen]]:
    rows, fields = 0, dict[str, Seen]()
    for block in blocks:
        for name in dict.fromkeys([*fields, *block.columns]):
            column = block.columns.get(name)
            found = Seen(count_field(column), _formats(column)) if column is not None else Seen(absent_field(block.rows), set(_FORMATS))
            before = fields.get(name) or Seen(absent_field(rows), set(_FORMATS))
            fields[name] = Seen(merge_fields([before.statistics, found.statistics]), before.formats & found.formats)
        rows += block.rows
    return rows, fields


def _formats(column: Column) -> set[str]:
    texts = pc.drop_null(column.texts)
    alike = [name for name, pattern in _FORMATS.items() if pc.all(pc.match_substring_regex(texts, pattern), min_count=0).as_py()]
    # A 30th of February looks like a date: what is told is told by what events are held to.
    return {name for name in alike if all(map(compiled({"format": name}).is_valid, pc.unique(texts).to_pylist()))}


def _always(name: str, seen: Seen, roles: Roles, *, form: Form) -> bool:
    return name in roles.named.values() or not (seen.statistics.absent or (form != "events" and seen.statistics.null))


def _property(name: str, seen: Seen, roles: Roles, *, form: Form) -> dict[str, Any]:
    spec = _spec(seen, form=form, is_id=name in (roles.entity, roles.event_id))
    names = set(roles.named.values()) | set(roles.metadata)
    if name == roles.target:
        words: dict[str, Any] = {"x-role": "target", "x-environments": ["training"]}
        positive = next((value for value in spec.get("enum", []) if str(value) == roles.positive), None)
        words |= {"x-positive": positive} if positive is not None else {}
    else:
        words = {"x-role": "metadata" if name in names else spec.get("x-role", "feature")}
    if seen.statistics.null and name not in roles.named.values():
        spec = _nullable(spec)
    return {"$comment": _review(seen.statistics, spec)} | spec | words


def _nullable(spec: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [spec["type"]] if isinstance(spec["type"], str) else spec["type"]
    return {**spec, "type": [*kinds, "null"]} | ({"enum": [*spec["enum"], None]} if "enum" in spec else {})


def _review(seen: FieldStatistics, spec: Mapping[str, Any]) -> str:
    found = [f"{seen.present:,} of {seen.rows:,} rows have a value"]
    if seen.numbers is not None and seen.numbers.moments.count:
        found.append(f"{seen.numbers.moments.low:.6g} to {seen.numbers.moments.high:.6g}")
    if seen.texts is not None and spec["type"] == "string" and "enum" not in spec:
        found.append(f"texts of up to {seen.texts.lengths.high:.0f} characters")
    found.append(f"about {sketches.distinct(seen.distinct).estimate:,.0f} different")
    return "review: " + ", ".join(found)


def _spec(seen: Seen, *, form: Form, is_id: bool) -> dict[str, Any]:
    kinds = set(seen.statistics.kinds)
    if kinds and kinds <= {"integer", "number"}:
        return _number(seen.statistics, whole=kinds == {"integer"}, is_id=is_id)
    if kinds == {"boolean"}:
        return {"type": "boolean"}
    if kinds == {"timestamp"} or (kinds == {"string"} and "date-time" in seen.formats):
        return {"type": "string", "format": "date-time", "maxLength": 64}
    if kinds == {"string"}:
        return _text(seen, form=form, is_id=is_id)
    names = {"timestamp": "string", "binary": "string"}
    types = sorted({names.get(kind, kind) for kind in kinds} - ({"integer"} if "number" in kinds else set())) or ["string"]
    return {"type": types[0] if len(types) == 1 else types, "x-role": "metadata"}


def _text(seen: Seen, *, form: Form, is_id: bool) -> dict[str, Any]:
    choices = [] if is_id else _choices(seen.statistics, MOST_CHOICES)
    if form == "csv" and choices and set(choices) <= {"true", "false"}:
        return {"type": "boolean"}
    for name in ("uuid", "date"):
        if name in seen.formats:
            return {"type": "string", "format": name, "maxLength": 36 if name == "uuid" else 10}
    if choices:
        return {"type": "string", "enum": choices}
    longest = int((seen.statistics.texts.lengths.high if seen.statistics.texts else None) or 1)
    limit = max(16, 2 ** math.ceil(math.log2(2 * longest)))
    return {"type": "string", "minLength": 1, "maxLength": min(limit, _ID_LENGTH)} if is_id else {"type": "string", "maxLength": limit}


def _number(seen: FieldStatistics, *, whole: bool, is_id: bool) -> dict[str, Any]:
    found = seen.numbers.moments if seen.numbers else None
    if found is None or found.low is None or found.high is None:
        return {"type": "number"}
    codes = _choices(seen, MOST_CODES) if whole and not is_id else []
    if codes:
        return {"type": "integer", "enum": sorted(int(float(code)) for code in codes)}
    low, high = _roomy(found.low, found.high)
    if not whole:
        return {"type": "number", "minimum": low, "maximum": high}
    if is_id:
        low, high = (0 if found.low >= 0 else _INT64[0]), _INT64[1]
    return {"type": "integer", "minimum": max(_INT64[0], math.floor(low)), "maximum": min(_INT64[1], math.ceil(high))}


def _roomy(low: float, high: float) -> tuple[float, float]:
    """A range with room on both sides, rounded outwards to two digits; zero is not crossed.

    >>> _roomy(1, 72)
    (0.0, 87.0)
    """
    room = _ROOM * (high - low or abs(high) or 1)
    down, up = _outwards(low - room, math.floor), _outwards(high + room, math.ceil)
    return (0.0 if low >= 0 else down), (0.0 if high <= 0 else up)


def _outwards(value: float, rounded: Any) -> float:
    if not value:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{rounded(round(value / unit, 6)) * unit:.12g}")


def _choices(seen: FieldStatistics, most: int) -> Sequence[str]:
    """All values, sorted, if they are few and each came often; else none."""
    tops = sketches.top_values(seen.top)
    longest = (seen.texts.lengths.high if seen.texts else None) or 0
    known = sketches.is_exact(seen.top) and longest <= sketches.SHOWN_TEXT
    return sorted(top.value for top in tops) if known and len(tops) <= most and seen.present >= _SEEN_EACH * len(tops) else []


def _candidates(fields: Mapping[str, Seen], rows: int, roles: Roles) -> str:
    full = {name: seen.statistics for name, seen in fields.items() if seen.statistics.present == rows}
    names = {name for name, seen in full.items() if set(seen.kinds) in ({"string"}, {"integer"})}
    timed = {name for name, seen in full.items() if set(seen.kinds) == {"string"} and "date-time" in fields[name].formats}
    times = timed | {name for name, seen in full.items() if set(seen.kinds) == {"timestamp"}}
    different = {name: sketches.distinct(full[name].distinct).estimate for name in names if name not in times}
    ids = [name for name, count in different.items() if count >= 0.97 * rows]
    entities = [name for name, count in different.items() if _ENTITY.search(name) and count > MOST_CHOICES]
    found = {"--entity": entities, "--event-time": times, "--event-id": ids}
    given = {"--entity": roles.entity, "--event-time": roles.event_time, "--event-id": roles.event_id}
    asked = [f"{flag}: {', '.join(sorted(names)) or 'none seen'}" for flag, names in found.items() if not given[flag]]
    return f"; candidates for {'; '.join(asked)}" if asked else ""
