"""The Avro schema of a contract: what a producer that writes Avro registers, as a plain mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import UNSET

from streaming.contracts.fields import Field, Kind
from streaming.contracts.nested import canonical
from streaming.contracts.schema import Contract
from streaming.contracts.validator import instant
from streaming.errors import ContractError

NAMESPACE = "streaming_scoring"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES: Mapping[Kind, Any] = {
    "string": "string",
    "integer": "long",
    "number": "double",
    "boolean": "boolean",
    "timestamp": {"type": "long", "logicalType": "timestamp-micros"},
    "json": "string",
}


def avro_schema(contract: Contract) -> dict[str, Any]:
    """The record schema of an event, as JSON values.

    Times are `timestamp-micros`, UUIDs strings of the logical type `uuid`, closed lists of names enums (others strings),
    metadata of any shape its JSON text. A field that may be absent or null is a union with null; x-default is the default,
    otherwise null where null may stand. x-renamed-from is an alias. Limits and rules have no place in Avro: the contract
    holds events to them after they are decoded.
    Raises ContractError if the event or a field has a name that Avro does not allow: rename it.
    """
    document = contract.document
    described = {"doc": str(document["description"])} if "description" in document else {}
    return {
        "type": "record",
        "name": _named(contract.event, contract.event),
        "namespace": NAMESPACE,
        **described,
        "fields": [_field(field, contract) for field in contract.fields],
    }


def _field(field: Field, contract: Contract) -> dict[str, Any]:
    spec = contract.resolved["properties"][field.name]
    kind = _type(field, contract.event)
    found: dict[str, Any] = {"name": _named(field.name, contract.event), "type": kind}
    optional, default = field.nullable or not field.required, field.words.default
    if default is not UNSET and default is not None:
        # Avro wants the type of the default first in a union.
        found |= {"type": [kind, "null"] if optional else kind, "default": _default(field, default)}
    elif optional:
        found |= {"type": ["null", kind], "default": None}
    found |= {"doc": str(spec["description"])} if "description" in spec else {}
    return found | ({"aliases": [_named(field.words.renamed_from, contract.event)]} if field.words.renamed_from else {})


def _type(field: Field, event: str) -> Any:
    choices = field.choices or ()
    if field.kind == "string" and choices and all(_NAME.fullmatch(str(choice)) for choice in choices):
        return {"type": "enum", "name": f"{event}_{field.name}", "symbols": list(choices)}
    if field.limits.get("format") == "uuid":
        return {"type": "string", "logicalType": "uuid"}
    return _TYPES[field.kind]


def _default(field: Field, value: Any) -> Any:
    if field.kind == "timestamp":
        moment = instant(value)
        assert moment is not None  # a default is valid for its field: checked when the contract is read
        return (moment - _EPOCH) // timedelta(microseconds=1)
    if field.kind == "json":
        return canonical(value)
    return float(value) if field.kind == "number" else int(value) if field.kind == "integer" else value


def _named(name: str, event: str) -> str:
    if not _NAME.fullmatch(name):
        raise ContractError(f"{event}: {name!r} is no name in Avro; expected letters, digits and _ only: rename it in a new version")
    return name
