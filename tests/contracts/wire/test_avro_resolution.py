from __future__ import annotations

import json
import random
from io import BytesIO
from typing import Any

import fastavro
import pytest
from fastavro.read import SchemaResolutionError

from streaming.contracts.wire import WriterSchema
from streaming.contracts.wire.avro_resolution import unreadable
from streaming.errors import ContractError


def _record(*types: Any, **words: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": [{"name": f"f{n}", "type": kind} for n, kind in enumerate(types)], **words}


def _told(writer: Any, reader: Any) -> list[str]:
    return unreadable(WriterSchema("AVRO", json.dumps(writer)), WriterSchema("AVRO", json.dumps(reader)))


def _enum(*symbols: str, **words: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "e", "symbols": symbols, **words}


def _fixed(size: int, name: str = "x") -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size}


MICROS, MILLIS = ({"type": "long", "logicalType": f"timestamp-{unit}"} for unit in ("micros", "millis"))
A, B = {"name": "a", "type": "long"}, {"name": "b", "type": "long"}


@pytest.mark.parametrize(
    ("writer", "reader"),
    [
        ("int", "long"), ("long", "double"), ("float", "double"), ("string", "bytes"), ("bytes", "string"),
        ("long", ["null", "long"]), (["null", "long"], ["null", "double"]), (["long"], "long"), ("int", ["null", "long"]),
        ({"type": "array", "items": "int"}, {"type": "array", "items": "long"}), (MICROS, MICROS), ("long", MICROS), (MICROS, "long"),
        (_enum("A"), _enum("A", "B")), (_enum("A", "B"), _enum("A", default="A")), (_fixed(2), _fixed(2)),
        (_fixed(2), {**_fixed(2, "y"), "aliases": ["x"]}), ({"type": "string"}, "string"),
    ],
)  # fmt: skip
def test_what_can_be_read(writer: Any, reader: Any) -> None:
    assert _told(_record(writer), _record(reader)) == []


@pytest.mark.parametrize(
    ("writer", "reader", "told"),
    [
        ("long", "int", "/f0: long cannot be read as int"),
        ("double", "long", "/f0: double cannot be read as long"),
        ("string", "long", "/f0: string cannot be read as long"),
        (["null", "long"], "long", "/f0: null cannot be read as long"),
        (["null", "string"], ["null", "long"], "/f0: string is none of null, long"),
        ({"type": "array", "items": "long"}, {"type": "array", "items": "int"}, "/f0/items: long cannot be read as int"),
        ({"type": "map", "values": "long"}, {"type": "array", "items": "long"}, "/f0: map cannot be read as array"),
        (MICROS, MILLIS, "/f0: long timestamp-micros cannot be read as long timestamp-millis"),
        (_enum("A", "B"), _enum("A"), "/f0: the symbol B is none any more"),
        (_fixed(2), _fixed(3), "/f0: fixed x cannot be read as fixed x"),
        (_fixed(2), _fixed(2, "y"), "/f0: fixed x cannot be read as fixed y"),
        (_record("long", name="s"), _record("int", name="s"), "/f0/f0: long cannot be read as int"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(writer: Any, reader: Any, told: str) -> None:
    assert _told(_record(writer), _record(reader)) == [told]


def test_fields_are_left_out_filled_by_defaults_and_found_by_aliases() -> None:
    both, one = _record(fields=[A, B]), _record(fields=[A])
    assert _told(both, one) == []
    assert _told(one, both) == ["/b: is not written and has no default"]
    assert _told(one, _record(fields=[A, {**B, "default": 0}])) == []
    assert _told(one, _record(fields=[{**B, "aliases": ["a"]}])) == []
    assert _told(one, {**one, "name": "other"}) == ["/: record r cannot be read as record other"]
    assert _told(one, {**one, "name": "other", "aliases": ["n.r"]}) == []


def test_few_types_along_very_many_ways_end() -> None:
    inner: Any = "long"
    for n in range(12):
        fields = [{"name": "a", "type": ["null", inner]}, {"name": "b", "type": ["null", f"n{n - 1}" if n else "long"]}]
        inner = {"type": "record", "name": f"n{n}", "fields": fields}
    assert _told(_record(inner), _record(inner)) == []
    assert len(_told(_record(*["long"] * 100), _record(*["int"] * 100))) == 20


@pytest.mark.parametrize("text", ["{", "5", '"long"', json.dumps(_record(["null", "r"]))])
def test_what_is_no_schema_of_events_is_told(text: str) -> None:
    with pytest.raises(ContractError):
        unreadable(WriterSchema("AVRO", json.dumps(_record("long"))), WriterSchema("AVRO", text))


@pytest.mark.parametrize("aliases", [5, [5], [["a"]], None])
def test_aliases_that_are_none_are_no_error(aliases: Any) -> None:
    assert _told(_record("long"), _record("long", aliases=aliases)) == []


_VALUES = {"int": 1, "long": 2**40, "float": 0.5, "double": 0.1, "string": "A", "bytes": b"A", "boolean": True, "null": None}


def _drawn(rng: random.Random) -> Any:
    kind = rng.choice([*_VALUES, "array", "enum", "fixed"])
    if kind == "array":
        return {"type": "array", "items": rng.choice(list(_VALUES)[:7])}
    if kind in ("enum", "fixed"):
        return _enum(*rng.choice([("A",), ("A", "B"), ("B",)])) if kind == "enum" else _fixed(rng.choice([1, 2]))
    return kind if rng.random() < 0.7 else sorted({kind, "null"})


def _value(kind: Any) -> Any:
    kind = kind[-1] if isinstance(kind, list) and kind[-1] != "null" else kind[0] if isinstance(kind, list) else kind
    if isinstance(kind, str):
        return _VALUES[kind]
    if kind["type"] == "array":
        return [_VALUES[kind["items"]]]
    return kind["symbols"][-1] if kind["type"] == "enum" else b"A" * kind["size"]


def test_what_is_called_readable_is_read_by_the_library_too() -> None:
    rng, readable = random.Random(8), 0
    for _ in range(3000):
        writer, reader = _record(_drawn(rng)), _record(_drawn(rng))
        to = BytesIO()
        fastavro.schemaless_writer(to, fastavro.parse_schema(writer), {"f0": _value(writer["fields"][0]["type"])})
        to.seek(0)
        try:
            fastavro.schemaless_reader(to, fastavro.parse_schema(writer), fastavro.parse_schema(reader))
        except SchemaResolutionError:
            assert _told(writer, reader) != []
        readable += not _told(writer, reader)
    assert readable > 200
