"""From a message as it came to the JSON text of its event, and the schema version that applies to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streaming.contracts.reasons import Reason, printable, shorten
from streaming.contracts.schema import Contract
from streaming.contracts.wire import cloud_events, confluent
from streaming.contracts.wire.avro_record import AvroRecords, json_of
from streaming.contracts.wire.names import HOW_NAMED, VersionNames
from streaming.contracts.wire.resolver import Resolver, SchemaKey, WriterSchema
from streaming.errors import ContractError

WIRE_HEADERS = frozenset(
    {cloud_events.CONTENT_TYPE, cloud_events.SPEC_VERSION, cloud_events.DATA_SCHEMA, *cloud_events.NAMING, confluent.ID_HEADER}
)
"""Headers that say something about how the value is to be read."""
_MOST_READERS = 1000


class Unwrapped(NamedTuple):
    """payload: the JSON text of the event; version: of the contract that it is held to."""

    payload: bytes
    version: int


class WireReader:
    """Reads messages of every format. Which version applies: the header, CloudEvents' dataschema, the schema id, the default.

    Without a resolver no frame is looked for: the bytes of a message, or the data in its envelope, are its JSON text.
    """

    def __init__(self, contracts: Mapping[int, Contract], resolver: Resolver | None = None) -> None:
        """contracts: by version; resolver: the schema registry."""
        self._contracts, self._resolver = contracts, resolver
        self._names = VersionNames(contracts)
        self._records: dict[SchemaKey, AvroRecords | Reason] = {}

    @property
    def framed(self) -> bool:
        """Whether frames are looked for."""
        return self._resolver is not None

    def read(self, value: bytes, headers: Mapping[str, bytes], *, header: int | None, default: int) -> Unwrapped | Reason:
        """One message. value: not empty; headers: by name; header: the version that the header `schema-version` names.

        Raises Unavailable if the registry must be asked and gives no answer: try the batch again. Raises nothing else.
        """
        content_type = headers.get(cloud_events.CONTENT_TYPE, b"")[:200].decode("utf-8", "replace")
        if cloud_events.is_structured(content_type):
            opened = cloud_events.open_structured(value, content_type)
            return opened if isinstance(opened, Reason) else self._named(opened[0], opened[1], header, default)
        framed = confluent.split_message(value, headers.get(confluent.ID_HEADER)) if self.framed else None
        if isinstance(framed, Reason):
            return framed
        refused = cloud_events.check_binary(headers, framed=framed is not None) if cloud_events.SPEC_VERSION in headers else None
        if refused is not None:
            return refused
        uri = headers.get(cloud_events.DATA_SCHEMA)
        named = None if uri is None else uri[:2000].decode("utf-8", "replace")
        if framed is None:
            return self._named(value, named, header, default)
        return self._framed(*framed, named, header)

    def _named(self, payload: bytes, uri: str | None, header: int | None, default: int) -> Unwrapped | Reason:
        """A JSON text whose version a header or a URI names."""
        if header is not None or uri is None:
            return Unwrapped(payload, default if header is None else header)
        version = self._names.of_uri(uri)
        return _unknown_uri(uri) if version is None else Unwrapped(payload, version)

    def _framed(self, key: SchemaKey, payload: bytes, uri: str | None, header: int | None) -> Unwrapped | Reason:
        assert self._resolver is not None
        schema = self._resolver.schema(key)
        if schema is None:
            return Reason("", "unknown_schema_id", str(key), "an id of the schema registry")
        version = header if header is not None else self._names.of_schema(schema) if uri is None else self._names.of_uri(uri)
        if version is None:
            return _unnamed(key) if uri is None else _unknown_uri(uri)
        if schema.kind == "JSON":
            return Unwrapped(payload, version)
        reader = self._reader(key, schema)
        record = reader if isinstance(reader, Reason) else reader.read(payload)
        text = record if isinstance(record, Reason) else json_of(record, self._contracts.get(version))
        return text if isinstance(text, Reason) else Unwrapped(text, version)

    def _reader(self, key: SchemaKey, schema: WriterSchema) -> AvroRecords | Reason:
        if key not in self._records:
            while len(self._records) >= _MOST_READERS:
                del self._records[next(iter(self._records))]
            self._records[key] = _compiled(key, schema)
        return self._records[key]


def _compiled(key: SchemaKey, schema: WriterSchema) -> AvroRecords | Reason:
    if schema.kind != "AVRO":
        return Reason("", "unknown_schema_id", f"{key}: {schema.kind}", "a schema of type JSON or AVRO")
    try:
        return AvroRecords(schema)
    except ContractError as error:
        return Reason("", "unknown_schema_id", f"{key}: {shorten(printable(str(error)[:100]), 100)}", "a schema that can be read")


def _unnamed(key: SchemaKey) -> Reason:
    return Reason("", "unknown_schema_version", f"schema id {key}", HOW_NAMED)


def _unknown_uri(uri: str) -> Reason:
    return Reason("", "unknown_schema_version", shorten(printable(uri[:80])), "the URI of a version of the event")
