"""The laws of the two paths, on generated events: together they decide as jsonschema-rs on strictly parsed JSON does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schema_reference import Refused, strict

from streaming.contracts.schema import DIALECT, parse_contract

SCHEMA: dict[str, Any] = {
    "$schema": DIALECT,
    "x-entity": "who",
    "x-event-time": "at",
    "type": "object",
    "additionalProperties": False,
    "required": ["at", "who", "n", "x", "kind", "flag"],
    "properties": {
        "at": {"type": "string", "format": "date-time"},
        "who": {"type": "string", "minLength": 1, "maxLength": 5},
        "n": {"type": "integer", "minimum": -3, "exclusiveMaximum": 12},
        "x": {"type": "number", "exclusiveMinimum": -0.5, "maximum": 9.75},
        "kind": {"type": "string", "enum": ["a", 'b"', "é"]},
        "flag": {"type": "boolean"},
        "id": {"type": ["string", "null"], "format": "uuid"},
        "code": {"type": "string", "pattern": "^\\d{2}$"},
        "bit": {"enum": [0, 1, None], "type": ["integer", "null"]},
        "wide": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        "free": {"type": ["number", "null"]},
        "one": {"const": "1", "type": "string"},
        "later": {"type": ["string", "null"], "format": "date-time"},
    },
}
CONTRACT = parse_contract(SCHEMA, "generated", 1, "generated")
REFERENCE = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)

TIMES = st.sampled_from(
    [
        "2026-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2024-02-29T12:00:00.1+05:30",
        "2026-01-01t00:00:00.1234567z",
        "2016-12-31T23:59:60Z",
        "0001-01-01T00:00:00+00:01",
        "0001-01-01T00:00:00-00:01",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-00:01",
        "",
        "2026-01-01",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+0000",
        "2026-01-01T24:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T00:00:00+24:00",
    ]
)
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "at": TIMES,
    "who": st.text(st.characters(), min_size=1, max_size=6) | st.sampled_from(["\0", "a\0b", "\\u0000", "\ud800", "w"]),
    "n": st.integers(-4, 13),
    "x": st.floats(-1, 10) | st.integers(-1, 10),
    "kind": st.sampled_from(["a", 'b"', "é", "c"]),
    "flag": st.booleans(),
    "id": st.uuids().map(str) | st.none() | st.uuids().map(lambda found: found.hex),
    "code": st.sampled_from(["12", "1", "12\n", "١٢"]),
    "bit": st.sampled_from([0, 1, None, 2, True, 1.0]),
    "wide": st.integers(-(2**64), 2**65) | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2.0**63, 1e3]),
    "free": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**40), 10**40) | st.none(),
    "one": st.sampled_from(["1", "2"]),
    "later": TIMES | st.none(),
}
ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5) | st.lists(st.integers(), max_size=2)
)
GOOD = {"at": "2026-01-01T00:00:00Z", "who": "w", "n": 0, "x": 0.5, "kind": "a", "flag": True}


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """JSON texts near the schema: fields fitting or not, missing, doubled, unknown; sometimes bytes changed at random."""
    changes = draw(st.lists(st.sampled_from([*FITTING, "other"]), max_size=4))
    pairs: list[tuple[str, Any]] = [(name, item) for name, item in GOOD.items() if draw(st.integers(0, 19))]
    for name in changes:
        item = draw(FITTING[name] if name in FITTING and draw(st.integers(0, 4)) else ANYTHING)
        if draw(st.integers(0, 9)):
            pairs = [pair for pair in pairs if pair[0] != name]
        pairs.append((name, item))
    plain = draw(st.booleans())
    text = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(item, ensure_ascii=plain)}" for name, item in pairs) + "}"
    value = bytearray(text.encode("utf-8", "surrogatepass"))
    if draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(value) - 1))
        value[place : place + draw(st.integers(0, 2))] = draw(
            st.binary(max_size=2) | st.sampled_from([b'"', b",", b"0", b"\\u0000", b"e400"])
        )
    return bytes(value)


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text.upper()[:19] + (text[-6:] if text[-1] not in "zZ" else "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def _allowed(value: bytes) -> bool:
    try:
        document = strict(value)
    except Refused:
        return False
    if not REFERENCE.is_valid(document):
        return False
    return all(_is_time(document[name]) for name in ("at", "later") if document.get(name) is not None)


@pytest.mark.slow
@settings(max_examples=800, deadline=None)
@given(st.lists(events(), min_size=1, max_size=6))
def test_both_paths_decide_as_the_reference_does(values: list[bytes]) -> None:
    expected = [place for place, value in enumerate(values) if _allowed(value)]
    decoded = CONTRACT.decode(pa.array(values, pa.binary()))
    assert decoded.places.tolist() == expected
    refused = [place for place in range(len(values)) if place not in expected]
    assert decoded.rejected == {place: CONTRACT.exact.decode_whole(values[place])[1] for place in refused}
    assert [place for place, value in enumerate(values) if not CONTRACT.check(value)] == expected


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(events(), min_size=1, max_size=6))
def test_fast_path_reads_the_same_values_as_the_exact_path(values: list[bytes]) -> None:
    columns, places, _ = CONTRACT.fast.decode(pa.array(values, pa.binary()))
    exact = [CONTRACT.exact.decode(values[place]) for place in places.tolist()]
    assert not any(reasons for _, reasons in exact)
    expected = [pa.array([row[i] for row, _ in exact], field.arrow) for i, field in enumerate(CONTRACT.fields)]
    assert [column.equals(other) for column, other in zip(columns, expected, strict=True)] == [True] * len(columns)
