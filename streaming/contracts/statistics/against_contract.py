"""Statistics against a contract: what in the data set the contract does not allow, told with numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from streaming.contracts import Contract
from streaming.contracts.fields import Field
from streaming.contracts.reasons import SHOWN_NAME, clip, printable
from streaming.contracts.statistics.against_values import lengths, ranges, unseen
from streaming.contracts.statistics.anomaly import Anomaly, Change, shown_name
from streaming.contracts.statistics.dataset import Statistics
from streaming.contracts.statistics.field import FieldStatistics
from streaming.contracts.statistics.proposed_field import property_for
from streaming.contracts.validator import compiled

KNOWN = frozenset({"type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"})
"""Keywords of a field of which statistics tell whether they hold."""

_NO_NULL = {True: "no schema helps: no event is without its entity, id and time", False: "loosen by hand what refuses null beside its type"}


def against_contract(statistics: Statistics, contract: Contract, *, metadata: bool = True) -> list[Anomaly]:
    """Every anomaly of the data against the contract, in the order of its fields.

    metadata: whether the data hold the fields with that role (ids, times); a training table often does not. The target
    that x-target names may stand in the data where the contract was loaded for training.
    """
    naming = frozenset({contract.entity, contract.event_id, contract.event_time})
    fields = {field.name: field for field in contract.fields if metadata or field.role != "metadata"}
    every = {field.name for field in contract.fields}
    found = list(_whole(statistics))
    for name, field in fields.items():
        if statistics.rows:
            found += against_field(field, statistics.fields.get(name), statistics.rows, naming=name in naming)
    target = contract.target if contract.environment == "training" else None
    for name, seen in statistics.fields.items():
        if target is not None and name == target["field"] and name not in every:
            found += unseen(name, list(target["enum"]), seen, personal=False)
        elif name not in every:
            found.append(_unknown(name, seen, contract.event))
    return found


def unchecked(contract: Contract, *, metadata: bool = True) -> dict[str, list[str]]:
    """Field → keywords of which statistics tell nothing; "" → rules that tie fields together."""
    fields = [field for field in contract.fields if metadata or field.role != "metadata"]
    found = {field.name: _beyond(field) for field in fields} | {"": _ties(contract.resolved)}
    return {name: keywords for name, keywords in found.items() if keywords}


def against_field(field: Field, seen: FieldStatistics | None, rows: int, *, naming: bool = False) -> Iterator[Anomaly]:
    """Anomalies of one field; seen: None if no row has it; naming: whether it is the event's entity, id or time, which stay required."""
    missing = seen.absent if seen else rows
    if field.required and missing:
        yield _missing(field, missing, rows, naming=naming)
    if seen is None:
        return
    if seen.null and not field.nullable:
        yield _null(field, seen, naming=naming)
    yield from _types(field, seen)
    if field.kind == "json":
        return
    yield from _not_finite(field, seen)
    if field.kind == "timestamp":
        return
    if field.choices is not None:
        yield from unseen(field.name, list(field.choices), seen, personal=field.words.sensitivity == "personal", limits=field.limits)
    else:
        yield from ranges(field, seen)
        yield from lengths(field, seen)


def _whole(statistics: Statistics) -> Iterator[Anomaly]:
    if statistics.unreadable:
        total = statistics.rows + statistics.unreadable
        yield Anomaly(
            "", "unreadable", "lines or messages that hold no JSON object", "one object each", statistics.unreadable,
            statistics.unreadable / total, True, "mend what writes them; `scoring schema validate` names each", "no schema allows them",
        )  # fmt: skip
    if not statistics.rows:
        yield Anomaly("", "empty", "no rows", "at least one", 0, None, True, "see why nothing came", "no schema says how much comes")


def _missing(field: Field, missing: int, rows: int, *, naming: bool) -> Anomaly:
    how = "take it out of required" if missing < rows else "take it out of required, or take the property out"
    if naming:
        how = "no schema helps: no event is without its entity, id and time; with --no-metadata a table may be"
    return Anomaly(
        field.name, "missing", "rows without the field", "the field in every row", missing, missing / rows, True,
        f"send {field.name} in every row", how, None if naming else Change(required=False),
    )  # fmt: skip


def _null(field: Field, seen: FieldStatistics, *, naming: bool) -> Anomaly:
    named = field.limits.get("type", field.kind)
    types = [named] if isinstance(named, str) else list(named)
    put: dict[str, Any] = {"type": [*(kind for kind in types if kind != "null"), "null"]}
    if {"enum", "const"} & field.limits.keys():
        choices = field.choices if field.choices is not None else field.limits.get("enum", [field.limits.get("const")])
        put |= {"enum": [*choices, None]} | ({"const": None} if "const" in field.limits else {})
    nullable = {keyword: value for keyword, value in {**field.limits, **put}.items() if keyword == "enum" or value is not None}
    fits = not naming and compiled(nullable).is_valid(None)
    mended = f"fill {field.name} in" + ("" if field.required else ", or leave the field out of these rows")
    return Anomaly(
        field.name, "null", "rows with null", "/".join(types), seen.null, seen.null / seen.rows, True, mended,
        'add "null" to its type' + (" and to its choices" if "enum" in put else "") if fits else _NO_NULL[naming],
        Change(put=put) if fits else None,
    )  # fmt: skip


def _types(field: Field, seen: FieldStatistics) -> Iterator[Anomaly]:
    allowed = _allowed(field)
    wrong = {kind: count for kind, count in seen.kinds.items() if allowed and kind not in allowed}
    if not wrong:
        return
    widened = Change(put={"type": _with_null("number", field)}) if set(wrong) == {"number"} and field.kind == "integer" else None
    expected = "RFC 3339 times with a zone" if field.kind == "timestamp" else "/".join(allowed)
    yield Anomaly(
        field.name, "type", ", ".join(f"{kind} {count:,}×" for kind, count in wrong.items()), expected,
        sum(wrong.values()), sum(wrong.values()) / seen.rows, True, f"send {field.name} as {expected}",
        "make its type number" if widened else f"make it a new field of type {'/'.join(wrong)}; the type of a published field stays",
        widened,
    )  # fmt: skip


def _allowed(field: Field) -> list[str]:
    """Kinds of values that the field may have; empty where it may have every kind."""
    if field.kind == "timestamp":
        return ["timestamp"]
    named = field.limits.get("type", [])
    types = [named] if isinstance(named, str) else [kind for kind in named if kind != "null"]
    return ["integer", *types] if "number" in types and "integer" not in types else types


def _with_null(kind: str, field: Field) -> Any:
    return [kind, "null"] if field.nullable else kind


def _not_finite(field: Field, seen: FieldStatistics) -> Iterator[Anomaly]:
    bad = seen.numbers.nan + seen.numbers.infinite if seen.numbers else 0
    if bad:
        yield Anomaly(
            field.name, "not_finite", "NaN or infinity", "finite numbers: JSON has no others", bad, bad / seen.rows, True,
            f"write null where {field.name} is not known", "no schema allows them",
        )  # fmt: skip


def _unknown(name: str, seen: FieldStatistics, event: str) -> Anomaly:
    put = property_for(seen)
    fits = name.isprintable() and not {'"', "\\"} & set(name) and len(name) <= SHOWN_NAME
    return Anomaly(
        name, "unknown_field", f"a field of type {'/'.join(seen.kinds) or 'null'}", f"the fields of {event}", seen.present,
        seen.present / seen.rows if seen.rows else None, True, f"stop sending {shown_name(name)}",
        f"add the property: {printable(clip(json.dumps(put, ensure_ascii=False), 200))}" if fits else "no column may have such a name",
        Change(put=put, add=True) if fits else None,
    )  # fmt: skip


def _beyond(field: Field) -> list[str]:
    """Keywords of a field of which statistics do not tell whether they hold."""
    if field.kind in ("json", "timestamp"):  # of values of any shape only the type is known, of times that they are some
        return sorted(field.limits.keys() - {"type"} - ({"format"} if field.kind == "timestamp" else set()))
    if field.choices is not None:
        return []  # the choices were held to all other keywords when the schema was read
    return sorted(field.limits.keys() - KNOWN | ({"enum", "const"} & field.limits.keys()))


def _ties(resolved: Mapping[str, Any]) -> list[str]:
    apart = {
        "$schema",
        "$id",
        "$comment",
        "title",
        "description",
        "examples",
        "$defs",
        "type",
        "properties",
        "required",
        "additionalProperties",
    }
    return sorted(keyword for keyword in resolved if keyword not in apart and not keyword.startswith("x-"))
