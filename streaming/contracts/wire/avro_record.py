"""An event written in Avro: its bytes become the JSON text that the contract checks."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID

from fastavro import parse_schema, schemaless_reader
from fastavro.schema import SchemaParseException, UnknownType

from streaming.contracts.reasons import Reason, pointer, printable, shorten
from streaming.contracts.schema import Contract
from streaming.contracts.strict_json import parse
from streaming.contracts.wire.avro_decimal import bounded_decimals
from streaming.contracts.wire.avro_shape import shape_of
from streaming.contracts.wire.resolver import WriterSchema
from streaming.errors import ContractError
from streaming.records import rfc3339

# What the reader raises for bytes that are not what the schema says.
_MALFORMED = (EOFError, ValueError, LookupError, ArithmeticError, TypeError, struct.error)
# What any JSON document may raise when it is taken for a schema: a registry's texts were written by anybody.
_NO_SCHEMA = (SchemaParseException, UnknownType, ValueError, LookupError, ArithmeticError, RecursionError)
_OTHER_TYPE = (TypeError, AttributeError)


class AvroRecords:
    """Reads the records of one writer's schema."""

    def __init__(self, schema: WriterSchema) -> None:
        """Raises ContractError if it is no Avro schema of a record, or one whose records cannot be read in bounded memory."""
        self._schema = load_avro(schema)[0]

    def read(self, data: bytes) -> dict[str, Any] | Reason:
        """The record of these bytes, all of them, as fastavro reads it; Reason if they are not such a record."""
        source = BytesIO(data)
        try:
            record = schemaless_reader(source, self._schema, None)
        except _MALFORMED as error:
            return Reason("", "wire_format", shorten(printable(str(error)[:60])), "a record of the writer's Avro schema")
        left = len(data) - source.tell()
        if left:
            return Reason("", "wire_format", f"{left} bytes more", "the end of the Avro record")
        return record  # type: ignore[return-value]  # the schema is a record's


def load_avro(schema: WriterSchema) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record's schema as fastavro parses it, and its named types by full name. Raises ContractError as AvroRecords does."""
    named: dict[str, Any] = {}
    try:
        for text in schema.references:
            parse_schema(_loaded(text), named_schemas=named)
        parsed = parse_schema(_loaded(schema.text), named_schemas=named)
        if not isinstance(parsed, dict) or parsed.get("type") != "record":
            raise ContractError("not the Avro schema of a record; an event is a record")
        shape_of(parsed, named)
    except _OTHER_TYPE:
        raise ContractError("not an Avro schema (a part of it is a number, text or list where Avro has another); mend it") from None
    except _NO_SCHEMA as error:
        raise ContractError(f"not an Avro schema ({type(error).__name__}: {error}); register one that can be read") from None
    return parsed, named


def _loaded(text: str) -> Any:
    return json.loads(text, object_hook=_safe)


def _safe(node: dict[str, Any]) -> dict[str, Any]:
    """A part of a schema as it may be given to fastavro, which would believe its own mark that it has checked it before."""
    return bounded_decimals({key: value for key, value in node.items() if not key.startswith("__")})


def json_of(record: Mapping[str, Any], contract: Contract | None) -> bytes | Reason:
    """A record as the JSON text of an event.

    Times become RFC 3339, dates and UUIDs text, decimals numbers. A null where the contract allows none, but allows that the
    field is absent, is absent; the text of a field of any shape is its JSON.
    """
    absent = {f.name for f in contract.fields if not f.required and not f.nullable} if contract else set()
    shapeless = {f.name for f in contract.fields if f.kind == "json"} if contract else set()
    parts = []
    for name, value in record.items():
        if value is None and name in absent:
            continue
        text = _nested(name, value) if name in shapeless and isinstance(value, str) else _text(name, value)
        if isinstance(text, Reason):
            return text
        parts.append(f"{json.dumps(name)}:{text}")
    return f"{{{','.join(parts)}}}".encode()


def _nested(name: str, text: str) -> str | Reason:
    # Held to be one JSON value before it stands among others: else a text could add fields to the event.
    faults = parse(text.encode())[1]
    return Reason(pointer(name) + faults[0].path, *_rest(faults[0])) if faults else text


def _rest(reason: Reason) -> tuple[str, str, str]:
    return reason.rule, reason.value, reason.expected


def _text(name: str, value: Any) -> str | Reason:
    try:
        return json.dumps(value, default=_plain, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        return Reason(pointer(name), "wire_format", shorten(printable(str(error)[:60])), "a value that JSON can hold")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("a local time without a zone")
        return rfc3339(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, time):
        return f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")
