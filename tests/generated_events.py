"""A schema that uses every kind of keyword, and streams of events near it, many from each draw of hypothesis."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

from streaming.contracts.schema import DIALECT

SCHEMA: dict[str, Any] = {
    "$schema": DIALECT,
    "x-entity": "who",
    "x-event-time": "at",
    "type": "object",
    "additionalProperties": False,
    "required": ["at", "who", "kind"],
    "$defs": {"amount": {"type": "number", "minimum": 0, "maximum": 9000, "multipleOf": 0.25}},
    "properties": {
        "at": {"type": "string", "format": "date-time"},
        "who": {"type": "string", "minLength": 1, "maxLength": 5},
        "kind": {"type": "string", "enum": ["a", 'b"', "é", "gone"], "minLength": 1, "maxLength": 2},
        "n": {"type": "integer", "minimum": -9, "exclusiveMaximum": 12, "multipleOf": 3},
        "amount": {"$ref": "#/$defs/amount"},
        "share": {"type": ["number", "null"], "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "flag": {"type": "boolean"},
        "yes": {"type": ["boolean", "null"], "const": True},
        "half": {"type": "number", "enum": [0.5, 1, 1.5]},
        "id": {"type": ["string", "null"], "format": "uuid"},
        "code": {"type": "string", "pattern": "^[0-9]{2}"},
        "batch": {"type": "string", "pattern": "^[A-F\\d]{2}\\s?\\w$"},
        "day": {"type": "string", "format": "date"},
        "clock": {"type": ["string", "null"], "format": "time"},
        "host": {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
        "place": {
            "type": "object",
            "x-role": "metadata",
            "required": ["town"],
            "additionalProperties": False,
            "properties": {"town": {"type": "string", "minLength": 1}, "zip": {"type": ["string", "null"], "maxLength": 5}},
        },
        "tags": {"type": ["array", "null"], "x-role": "metadata", "items": {"type": "string"}, "maxItems": 3, "uniqueItems": True},
    },
    "maxProperties": 12,
    "if": {"properties": {"kind": {"const": "a"}}},
    "then": {"required": ["n"], "properties": {"n": {"minimum": 0}}},
    "else": {"properties": {"amount": {"maximum": 100}}},
    "dependentRequired": {"share": ["flag"], "tags": ["place"]},
    "allOf": [{"anyOf": [{"required": ["code"]}, {"properties": {"flag": {"const": True}}}]}, {"not": {"required": ["day", "clock"]}}],
}
NEAR: dict[str, list[Any]] = {
    "at": ["2026-02-30T00:00:00Z", "2024-02-29T12:00:00.1+05:30", "2026-01-01t00:00:00.1234567z", "", "2026-01-01 00:00:00Z"],
    "who": ["", "abcdef", "\0", "\\u0000", "\ud800", '"', "w"],
    "kind": ["gone", "c", "A", "a"],
    "n": [-10, -9, 3.0, 4, 12, 9.5, "3"],
    "amount": [-0.25, 0.125, 0.3, 9000.25, 100, 101, 2**53 + 2, 1e300],
    "share": [0, 1, 0.5, 1e-320],
    "flag": [0, 1, "true"],
    "yes": [False, True, None],
    "half": [0.5, 1, 1.0, 2],
    "id": ["12345678-1234-1234-1234-123456789ABC", "12345678123412341234123456789abc", ""],
    "code": ["1", "12", "123", "x12"],
    "batch": ["A1 x", "A1x\n", "A١x", "A1é", "A1\ufeffx", "A1\x85x", "a1x", "A1\u2003_"],
    "day": ["2026-02-29", "2024-02-29", "2024-2-29", "2024-02-29T00:00:00Z"],
    "clock": ["24:00:00Z", "12:00:00", "12:00:00.5+01:00", "12:00Z"],
    "host": ["127.0.0.1", "256.0.0.1", "::1", "1::2::3", "localhost"],
    "place": [{}, {"town": "", "zip": "123456"}, {"town": "x", "more": 1}, [], {"town": "a\0"}],
    "tags": [["a", "a"], ["a", 1], ["a", "b", "c", "d"], {}],
}
# The reference counts multiples of fractions and of large floats in binary, jsonschema-rs in the decimals as written.
_FLOATS = st.floats(-1e15, 1e15) | st.sampled_from([5e-324, float("nan"), float("inf")])
_ANYTHING = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | _FLOATS | st.text(st.characters(), max_size=5)
OFTEN = {"at": 0.99, "who": 0.99, "kind": 0.99, "n": 0.8, "flag": 0.9, "code": 0.9, "place": 0.8, "day": 0.2, "clock": 0.2}
# from_schema cannot draw objects with the hypothesis of today.
_NESTED: dict[str, st.SearchStrategy[Any]] = {
    "place": st.fixed_dictionaries({"town": st.text(min_size=1)}, optional={"zip": st.none() | st.text(max_size=5)}),
    "tags": st.none() | st.lists(st.text(), max_size=3, unique=True),
}
_SCALARS = {name: spec for name, spec in SCHEMA["properties"].items() if name not in _NESTED} | {"amount": SCHEMA["$defs"]["amount"]}
_POOLS = st.fixed_dictionaries(
    {
        name: st.lists(strategy, min_size=4, max_size=4)
        for name, strategy in [*((n, from_schema(s)) for n, s in _SCALARS.items()), *_NESTED.items()]
    }
)


class Stream:
    """Pools of values for each field, and a seed: as many events as wanted."""

    def __init__(self, pools: dict[str, list[Any]], odd: list[Any], seed: int) -> None:
        self._pools, self._odd, self._seed = pools, odd, seed

    def events(self, count: int) -> list[bytes]:
        """JSON texts: fields from a pool, near misses, anything; some missing, doubled, unknown; some bytes changed."""
        random = Random(self._seed)
        return [_event(random, self._pools, self._odd) for _ in range(count)]


STREAMS = st.builds(Stream, _POOLS, st.lists(_ANYTHING, min_size=3, max_size=3), st.integers(0, 2**32))


def _event(random: Random, pools: dict[str, list[Any]], odd: list[Any]) -> bytes:
    pairs = []
    wrong = random.choice([0, 0, 0.05, 0.3])
    for name, pool in pools.items():
        if random.random() < OFTEN.get(name, 0.4):
            chance = random.random()
            pairs.append((name, random.choice(odd if chance < wrong / 10 else NEAR[name] if chance < wrong else pool)))
    if random.random() < wrong:
        pairs.append((random.choice(["other", "who", "kind"]), random.choice(odd)))
    random.shuffle(pairs)
    plain = random.random() < 0.5
    text = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(item, ensure_ascii=plain)}" for name, item in pairs) + "}"
    value = bytearray(text.encode("utf-8", "surrogatepass"))
    if random.random() < 0.05:
        place = random.randrange(len(value))
        value[place : place + random.randrange(3)] = random.choice([b'"', b",", b"0", b"\\u0000", b"e400", b"\xff", b"{", b""])
    return bytes(value)
