from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest
from contract_versions import document, version

from streaming.contracts import load_contract
from streaming.contracts.avro import avro_schema
from streaming.contracts.schema import parse_contract
from streaming.errors import ContractError

INT = {"type": "integer", "minimum": 0, "maximum": 9}


def test_the_real_schema_is_one_for_avro() -> None:
    schema = avro_schema(load_contract(Path("schemas/customer_activity/v1.json")))
    fastavro.parse_schema(schema)
    fields = {field["name"]: field for field in schema["fields"]}
    assert fields["event_time"]["type"] == {"type": "long", "logicalType": "timestamp-micros"}
    assert fields["event_id"]["type"] == {"type": "string", "logicalType": "uuid"}
    assert fields["contract"]["type"] == "string"  # "Month-to-month" is no name in Avro
    assert fields["total_charges"]["default"] is None


def test_every_kind_with_default_and_alias() -> None:
    contract = version(
        2,
        {
            "kind": {"type": "string", "enum": ["a", "b"], "x-default": "b", "description": "which"},
            "n": {**INT, "x-renamed-from": "m", "x-default": 1},
            "maybe": {**INT, "type": ["integer", "null"], "x-default": 2},
            "free": {"type": "number"},
            "since": {"type": "string", "format": "date-time", "x-default": "1970-01-01T00:00:01+00:00"},
            "any": {"type": "object", "x-role": "metadata", "x-default": {"b": 1, "a": 2}},
            "none": {"type": ["boolean", "null"], "x-default": None},
        },
        optional=("free",),
    )
    schema = avro_schema(contract)
    fields: dict[str, Any] = {field.pop("name"): field for field in json.loads(json.dumps(schema))["fields"]}
    assert fields["kind"] == {"type": {"type": "enum", "name": "thing_kind", "symbols": ["a", "b"]}, "default": "b", "doc": "which"}
    assert fields["n"] == {"type": "long", "default": 1, "aliases": ["m"]}
    assert fields["maybe"] == {"type": ["long", "null"], "default": 2}
    assert fields["free"] == {"type": ["null", "double"], "default": None}
    assert fields["since"]["default"] == 1_000_000
    assert fields["any"]["default"] == '{"a":2,"b":1}'
    assert fields["none"] == {"type": ["null", "boolean"], "default": None}
    fastavro.parse_schema(schema)


def test_avro_reads_an_older_event_with_the_defaults_of_the_newer() -> None:
    older = fastavro.parse_schema(avro_schema(version(1, {"m": INT})))
    newer = fastavro.parse_schema(
        avro_schema(version(2, {"n": {**INT, "x-renamed-from": "m"}, "plan": {"type": "string", "x-default": "x"}}))
    )
    file = io.BytesIO()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    fastavro.schemaless_writer(file, older, {"at": at, "who": "w", "m": 3})
    file.seek(0)
    assert fastavro.schemaless_reader(file, older, newer) == {"at": at, "who": "w", "n": 3, "plan": "x"}


def test_a_name_that_avro_does_not_know_is_told() -> None:
    contract = parse_contract(document({"monthly charges": {"type": "number"}}), "thing", 1, "v1")
    with pytest.raises(ContractError, match="'monthly charges' is no name in Avro"):
        avro_schema(contract)
