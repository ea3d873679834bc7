from __future__ import annotations

import json
import random
import tracemalloc
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID

import fastavro
import pytest
from wire_events import CONTRACT, GOOD

from streaming.contracts.reasons import Reason
from streaming.contracts.schema import Contract, parse_contract
from streaming.contracts.wire import WriterSchema
from streaming.contracts.wire.avro_record import AvroRecords, json_of
from streaming.contracts.wire.names import registered_avro
from streaming.contracts.wire.writer import avro_record
from streaming.errors import ContractError

AVRO = registered_avro(CONTRACT)
RECORDS = AvroRecords(WriterSchema("AVRO", AVRO))


def _schema(*types: Any) -> dict[str, Any]:
    return {"type": "record", "name": "r", "fields": [{"name": f"f{n}", "type": kind} for n, kind in enumerate(types)]}


def _records(*types: Any) -> AvroRecords:
    return AvroRecords(WriterSchema("AVRO", json.dumps(_schema(*types))))


def _written(schema: dict[str, Any], record: dict[str, Any]) -> bytes:
    to = BytesIO()
    fastavro.schemaless_writer(to, fastavro.parse_schema(schema), record)
    return to.getvalue()


def test_values_of_every_type_become_what_json_has_for_them() -> None:
    types = [
        {"type": "long", "logicalType": "timestamp-micros"}, {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "int", "logicalType": "date"}, {"type": "long", "logicalType": "time-micros"},
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, {"type": "string", "logicalType": "uuid"},
        {"type": "array", "items": "long"}, {"type": "map", "values": "string"}, "double", "long", ["null", "boolean"],
    ]  # fmt: skip
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    values = [moment, moment, date(2026, 1, 2), time(3, 4, 5), Decimal("19.90"), UUID(int=1), [1, 2], {"k": "é\n"}, 0.1, 2**53 + 1, None]
    record = {f"f{n}": value for n, value in enumerate(values)}
    read = _records(*types).read(_written(_schema(*types), record))
    assert not isinstance(read, Reason)
    text = json_of(read, None)
    assert isinstance(text, bytes)
    assert list(json.loads(text).values()) == [
        "2026-01-02T03:04:05.678000Z", "2026-01-02T03:04:05.678000Z", "2026-01-02", "03:04:05Z", 19.9, str(UUID(int=1)),
        [1, 2], {"k": "é\n"}, 0.1, 2**53 + 1, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bytes", b"\0\1"),
        ({"type": "fixed", "name": "x", "size": 2}, b"ab"),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, 5),
    ],
)
def test_what_json_cannot_hold_is_told_with_its_place(kind: Any, value: Any) -> None:
    schema = _schema(kind)
    read = AvroRecords(WriterSchema("AVRO", json.dumps(schema))).read(_written(schema, {"f0": value}))
    assert not isinstance(read, Reason)
    told = json_of(read, None)
    assert isinstance(told, Reason)
    assert (told.rule, told.path) == ("wire_format", "/f0")


def test_numbers_that_are_none_are_the_contracts_to_refuse() -> None:
    record = avro_record(GOOD, CONTRACT) | {"monthly_charges": float("nan"), "total_charges": float("inf")}
    text = json_of(record, CONTRACT)
    assert isinstance(text, bytes)
    assert {reason.rule for reason in CONTRACT.check(text)} == {"number_range"}


def test_every_cut_and_ten_thousand_changes_of_a_record_are_a_reason_or_an_event_and_never_an_error() -> None:
    good = _written(json.loads(AVRO), avro_record(GOOD, CONTRACT))
    assert all(isinstance(RECORDS.read(good[:length]), Reason) for length in range(len(good)))
    rng, outcomes = random.Random(4), set()
    for _ in range(10_000):
        bad = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        read = RECORDS.read(bytes(bad))
        text = read if isinstance(read, Reason) else json_of(read, CONTRACT)
        outcomes.add("refused" if isinstance(text, Reason) else "rejected" if CONTRACT.check(text) else "valid")
    assert outcomes == {"refused", "rejected", "valid"}


@pytest.mark.parametrize("kind", ["string", "bytes", {"type": "array", "items": "string"}, {"type": "map", "values": "long"}])
def test_a_length_of_2_to_the_62_costs_no_memory(kind: Any) -> None:
    records = _records(kind)
    tracemalloc.start()
    assert isinstance(records.read(b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f" + b"\2" * 1000), Reason)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def _wide(depth: int) -> dict[str, Any]:
    inner: Any = "null"
    for n in range(depth):
        inner = {
            "type": "record",
            "name": f"n{n}",
            "fields": [{"name": "a", "type": inner}, {"name": "b", "type": f"n{n - 1}" if n else "null"}],
        }
    return inner


def _flag(name: str) -> dict[str, Any]:
    return {"type": "record", "name": "flag", "fields": [{"name": name, "type": "boolean"}]}


def _mostly_null(values: int) -> dict[str, Any]:
    """A record of a flag and so many nulls."""
    return {**_flag("b"), "fields": [*_flag("b")["fields"], *({"name": f"n{n}", "type": "null"} for n in range(values))]}


def _decimal(**words: Any) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2, **words}


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (_schema({"type": "array", "items": "null"}), "items that take 0 bytes"),
        (_schema({"type": "array", "items": {"type": "record", "name": "e", "fields": []}}), "items that take 0 bytes"),
        (_schema({"type": "array", "items": {"type": "fixed", "name": "e", "size": 0}}), "items that take 0 bytes"),
        (_schema(["null", "r"]), "r contains itself"),
        (_schema({"type": "array", "items": "r"}), "r contains itself"),
        (_wide(40), "more than 10000 values"),
        (_schema("strnig"), "not an Avro schema"),
        ("string", "not the Avro schema of a record"),
        (["null", _schema("long")], "not the Avro schema of a record"),
        ({"type": "record"}, "not an Avro schema"),
        (5, "not an Avro schema"),
        (_schema({"type": "array", "items": _mostly_null(4)}), "at least a byte for every 4 values"),
        (_schema({"type": "array", "items": _flag("b" * 257)}), "257 characters of names"),
        (_schema({"type": "map", "values": {"type": "enum", "name": "e", "symbols": ["b" * 600]}}), "600 characters of names"),
        (_schema({"type": "enum", "name": "e", "symbols": ["b" * 999_999]}), "1000000 characters of names"),
        (_schema({"type": "fixed", "name": "x", "size": "abc"}), "size of the type x: abc"),
        (_schema({"type": "fixed", "name": "x", "size": None}), "size of the type x: None"),
        (_schema({"type": "fixed", "name": "x", "size": -1}), "size of the type x: -1"),
        (_schema({"type": "fixed", "name": "x", "size": True}), "size of the type x: True"),
        (_schema(_decimal(precision=1001)), "precision of a decimal: 1001"),
        (_schema(_decimal(precision=None)), "precision of a decimal: None"),
        (_schema(_decimal(precision=10**9, logicalType="bounded-decimal")), "precision of a decimal"),
        (_schema(_decimal(scale=10)), "scale of a decimal: 10"),
        (_schema(_decimal(scale="1")), "scale of a decimal: 1"),
        ({"type": "record", "name": "r", "fields": [{"name": {}, "type": "long"}]}, "a name that is no text"),
        ({"type": "record", "name": "r", "fields": 5}, "a number, text or list where Avro has another"),
        ({"__fastavro_parsed": True, "__named_schemas": {}, **_schema("nothing")}, "UnknownType"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_schemas_whose_messages_would_have_no_bound_are_refused(schema: Any, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        AvroRecords(WriterSchema("AVRO", json.dumps(schema)))


def test_a_schema_nested_beyond_all_reason_is_refused() -> None:
    deep = '{"type": "array", "items": ' * 5000 + '"long"' + "}" * 5000
    with pytest.raises(ContractError, match="RecursionError"):
        AvroRecords(WriterSchema("AVRO", json.dumps(_schema("long")).replace('"long"', deep)))


def test_a_schema_that_repeats_a_named_type_is_no_circle() -> None:
    kind = {"type": "enum", "name": "e", "symbols": ["A", "B"]}
    nested = {"type": "record", "name": "inner", "fields": [{"name": "x", "type": "long"}]}
    assert _records(kind, "e", nested, "inner").read(b"\0\2\2\4") == {"f0": "A", "f1": "B", "f2": {"x": 1}, "f3": {"x": 2}}


def test_references_stand_before_what_refers_to_them() -> None:
    level = '{"type": "enum", "name": "Level", "symbols": ["LOW", "HIGH"]}'
    assert AvroRecords(WriterSchema("AVRO", json.dumps(_schema("Level")), (level,))).read(b"\2") == {"f0": "HIGH"}


def test_an_error_is_read_as_the_record_that_it_is() -> None:
    kind = {"type": "error", "name": "oops", "fields": [{"name": "x", "type": "long"}]}
    assert _records(kind, "oops").read(b"\2\4") == {"f0": {"x": 1}, "f1": {"x": 2}}


def _decimal_message(raw: bytes) -> bytes:
    return _written(_schema("bytes"), {"f0": raw})


@pytest.mark.parametrize("number", [0, 1, -1, 9999, -9999, 128, -128, 255, 256])
@pytest.mark.parametrize("kind", ["bytes", "fixed"])
def test_decimals_of_every_length_are_read_exactly(kind: str, number: int) -> None:
    raw = number.to_bytes(40, "big", signed=True)
    records = _records({"type": kind, "name": "d", "size": 40, "logicalType": "decimal", "precision": 4, "scale": 2})
    assert records.read(_decimal_message(raw) if kind == "bytes" else raw) == {"f0": Decimal(number) / 100}


@pytest.mark.parametrize("raw", [(10_000).to_bytes(2, "big"), (-10_000).to_bytes(2, "big", signed=True), (1_234_567).to_bytes(3, "big")])
def test_a_decimal_of_more_digits_than_its_precision_is_refused_and_never_rounded(raw: bytes) -> None:
    told = _records(_decimal(precision=4)).read(_decimal_message(raw))
    assert isinstance(told, Reason)
    assert (told.rule, told.value) == ("wire_format", '"a decimal of more than 4 digits"')


def test_a_decimal_of_100_kilobytes_is_refused_before_its_digits_are_counted() -> None:
    """As text it would have 240,000 digits: Python refuses to write so many, and without that the time grows with their square."""
    assert isinstance(_records(_decimal(precision=1000)).read(_decimal_message(b"\1" * 100_000)), Reason)
    union = _records(["null", _decimal()])
    assert union.read(b"\2" + _decimal_message(b"\5")) == {"f0": Decimal("0.05")}


def test_decimals_of_fastavro_elsewhere_in_the_process_stay_its_own() -> None:
    schema = _schema(_decimal())
    assert fastavro.schemaless_reader(BytesIO(_decimal_message(b"\5")), fastavro.parse_schema(schema), None) == {"f0": Decimal("0.05")}
    assert fastavro.read.LOGICAL_READERS["bytes-decimal"].__module__.startswith("fastavro")


def _shapeless() -> Contract:
    document = {
        "type": "object", "additionalProperties": False, "x-entity": "id", "x-event-time": "at", "required": ["id", "at"],
        "properties": {
            "id": {"type": "string", "maxLength": 9},
            "at": {"type": "string", "format": "date-time"},
            "n": {"type": "integer", "minimum": 0, "maximum": 9},
            "m": {"type": ["integer", "null"], "minimum": 0, "maximum": 9},
            "any": {"x-role": "metadata"},
        },
    }  # fmt: skip
    return parse_contract(document, "e", 1, "e v1")


def test_null_is_absent_only_where_the_contract_allows_no_null() -> None:
    contract = _shapeless()
    record = {"id": "a", "at": datetime(2026, 1, 1, tzinfo=UTC), "n": None, "m": None, "any": '{"deep": [1.0, null]}'}
    text = json_of(record, contract)
    assert text == b'{"id":"a","at":"2026-01-01T00:00:00.000000Z","m":null,"any":{"deep": [1.0, null]}}'
    assert contract.check(text) == []
    assert json_of({"id": None}, contract) == b'{"id":null}'


@pytest.mark.parametrize(
    ("text", "rule"), [('1,"n":5', "json"), ("", "json"), ('{"a":1,"a":2}', "duplicate_key"), ("NaN", "number_range"), ("[" * 100, "json")]
)
def test_text_of_any_shape_cannot_add_fields_to_the_event(text: str, rule: str) -> None:
    told = json_of({"any": text}, _shapeless())
    assert isinstance(told, Reason)
    assert (told.rule, told.path[:4]) == (rule, "/any")
