"""Columns hold the values that they are made from, and one bad event does not keep others from being read."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from contract_versions import version
from msgspec import UNSET

from streaming.contracts.structs import column_of, read_each, struct_of

SPECS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "a byte of choices": ({"type": "integer", "enum": [0, 1, 255]}, [0, 255, 1]),
    "a byte by bounds": ({"type": "integer", "minimum": 0, "maximum": 255}, [0, 255, 7]),
    "a choice beyond a byte": ({"type": "integer", "enum": [0, 256]}, [256, 0]),
    "bounds beyond a byte": ({"type": "integer", "minimum": -1, "maximum": 255}, [-1, 255]),
    "a bound on one side, by choices": ({"type": "integer", "exclusiveMinimum": -9, "exclusiveMaximum": 300}, [-8, 299]),
    "an integer or null": ({"type": ["integer", "null"], "minimum": 0, "maximum": 9}, [None, 9]),
    "a boolean": ({"type": "boolean"}, [True, False, True]),
    "a boolean or null": ({"type": ["boolean", "null"]}, [None, False]),
    "a number": ({"type": "number"}, [1.5, -0.0, 1e300]),
    "a text": ({"type": "string"}, ["", "é"]),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_column_has_the_values_it_is_made_from(name: str) -> None:
    spec, values = SPECS[name]
    field = next(field for field in version(1, {"v": spec}).fields if field.name == "v")
    column, there = column_of(field)(values)
    assert (column.to_pylist(), column.type, there) == (values, field.arrow, True)


@pytest.mark.parametrize("name", SPECS)
def test_an_optional_column_knows_where_it_is(name: str) -> None:
    spec, values = SPECS[name]
    field = next(field for field in version(1, {"v": spec}, ("v",)).fields if field.name == "v")
    column, there = column_of(field)([UNSET, *values])
    assert (column.to_pylist(), column.type) == ([None, *values], field.arrow)
    assert not isinstance(there, bool)
    assert there.tolist() == [False] + [True] * len(values)
    assert column_of(field)(values)[0].equals(pa.array(values, field.arrow))


def test_what_cannot_be_read_does_not_stop_the_others() -> None:
    fields = version(1, {"v": {"type": "integer", "minimum": 0, "maximum": 9}}).fields
    good = json.dumps({"at": "2026-01-01T00:00:00Z", "who": "w", "v": 1}).encode()
    read = msgspec.json.Decoder(struct_of(fields)).decode
    found, refused = read_each(map(read, [b"{", good, b"\xff", good, good, b"[]"]))
    assert len(found) == 3
    assert list(refused) == [0, 2, 5]
    assert isinstance(refused[5], msgspec.ValidationError)


def test_errors_do_not_hold_what_was_read() -> None:
    class Read:
        """Something that is read."""

    def read(value: bytes) -> Read:
        msgspec.json.decode(value)
        return Read()

    def reading() -> weakref.ref[Read]:
        found, refused = read_each(map(read, [b"{}", b"{"]))
        assert list(refused) == [1]
        return weakref.ref(found[0])

    gc.disable()
    try:
        assert reading()() is None
    finally:
        gc.enable()
