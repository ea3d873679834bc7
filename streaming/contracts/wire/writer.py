"""The producer's side: an event's JSON text as a message of any format, by the libraries that other producers use."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import httpx2
import pyarrow as pa
from confluent_kafka.schema_registry import (
    SchemaRegistryError,
    header_schema_id_serializer,
    prefix_schema_id_serializer,
    record_subject_name_strategy,
    topic_record_subject_name_strategy,
    topic_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from streaming.contracts.reasons import message_of
from streaming.contracts.registry_client import registry_client, registry_name
from streaming.contracts.schema import Contract
from streaming.contracts.wire.cloud_events import CONTENT_TYPE, STRUCTURED
from streaming.contracts.wire.names import VERSION_HEADER, registered_avro, registered_json
from streaming.errors import ConfigError, ContractError, InvalidEvent, Unavailable
from streaming.records import event_column
from streaming.settings import SchemaRegistry

Wire = Literal["json", "confluent-json", "confluent-avro", "cloudevents", "cloudevents-binary"]
WIRES: tuple[Wire, ...] = get_args(Wire)
_SUBJECTS = {
    "topic": topic_subject_name_strategy,
    "record": record_subject_name_strategy,
    "topic_record": topic_record_subject_name_strategy,
}
_IDS = {"prefix": prefix_schema_id_serializer, "header": header_schema_id_serializer}


class Written(NamedTuple):
    """A message's value (None for a null value) and the headers that belong to its format."""

    value: bytes | None
    headers: list[tuple[str, str | bytes | None]]


Writer = Callable[[bytes], Written]
"""From the JSON text of a valid event to a message. Raises Unavailable or ContractError where a registry is in between."""


def writer(wire: Wire, topic: str, contract: Contract | None, registry: SchemaRegistry, source: str) -> Writer:
    """The writer of a format for the events of one contract.

    Every message names the contract's version, so that the deployment's does not apply: CloudEvents by dataschema, the other
    formats by the header `schema-version`; bare JSON without a contract names none.
    registry: asked for the id of the contract's schema, by the Confluent formats; source: CloudEvents' source, a URI.
    Raises ConfigError if the format needs a contract or a registry that is not there.
    """
    if wire == "json":
        named = _named(contract)
        return lambda event: Written(event, [*named])
    if contract is None:
        raise ConfigError(f"wire format {wire}: names the schema of every event; give the producer a contract")
    if wire == "cloudevents":
        return lambda event: Written(_structured(event, contract, source), [(CONTENT_TYPE, STRUCTURED.encode())])
    if wire == "cloudevents-binary":
        return lambda event: Written(event, _binary(event, contract, source))
    if not registry.url:
        raise ConfigError(f"wire format {wire}: needs a schema registry; set url in [schema_registry]")
    return _Confluent(wire, topic, contract, registry)


def _named(contract: Contract | None) -> list[tuple[str, str | bytes | None]]:
    return [(VERSION_HEADER, str(contract.version).encode())] if contract else []


def schema_uri(contract: Contract) -> str:
    """How CloudEvents name the schema: its `$id`, or our name for the version."""
    return str(contract.document.get("$id", f"urn:streaming-scoring:{contract.event}:{contract.version}"))


def _context(event: bytes, contract: Contract, source: str) -> dict[str, str]:
    fields = json.loads(event)
    identity = fields[contract.event_id] if contract.event_id else f"{fields[contract.entity]}/{fields[contract.event_time]}"
    return {
        "specversion": "1.0",
        "id": str(identity),
        "source": source,
        "type": contract.event,
        "time": str(fields[contract.event_time]),
        "dataschema": schema_uri(contract),
    }


def _structured(event: bytes, contract: Contract, source: str) -> bytes:
    head = json.dumps({**_context(event, contract, source), "datacontenttype": "application/json"})
    return head[:-1].encode() + b', "data": ' + event + b"}"  # the event's own text, so that its numbers stay as written


def _binary(event: bytes, contract: Contract, source: str) -> list[tuple[str, str | bytes | None]]:
    context: list[tuple[str, str | bytes | None]] = [
        (f"ce_{name}", text.encode()) for name, text in _context(event, contract, source).items()
    ]
    return [*context, (CONTENT_TYPE, b"application/json")]


class _Confluent:
    """Events behind the id of their schema, which must be registered already: a producer of ours registers nothing."""

    def __init__(self, wire: Wire, topic: str, contract: Contract, registry: SchemaRegistry) -> None:
        self._topic, self._contract, self._registry, self._avro = topic, contract, registry, wire == "confluent-avro"
        conf = {
            "auto.register.schemas": False,
            "subject.name.strategy": _SUBJECTS[registry.subject],
            "schema.id.serializer": _IDS[registry.schema_id],
        }
        client = registry_client(registry)
        self._serialize: Callable[..., bytes | None] = (
            AvroSerializer(client, registered_avro(contract), conf=conf)
            if self._avro
            else JSONSerializer(registered_json(contract), client, conf=conf)
        )

    def __call__(self, event: bytes) -> Written:
        """One message. Raises Unavailable if the registry gives no answer, ContractError if it does not know the schema."""
        fields = avro_record(event, self._contract) if self._avro else json.loads(event)
        headers = _named(self._contract)
        name, of = registry_name(self._registry), f"{self._contract.event} v{self._contract.version}"
        try:
            value = self._serialize(fields, SerializationContext(self._topic, MessageField.VALUE, headers=headers))
        except SchemaRegistryError as error:
            why = f"{error.http_status_code}, {error.error_message}"
            if error.http_status_code in (401, 403, 408, 429) or error.http_status_code >= 500:
                raise Unavailable(f"schema registry {name}: {why}; see [schema_registry], send again") from None
            raise ContractError(f"schema registry {name}: {of} of topic {self._topic}: {why}; register the schema first") from None
        except httpx2.HTTPError as error:
            raise Unavailable(f"schema registry {name}: {type(error).__name__}: {error}; see that it is up, send again") from None
        except (SerializationError, ValueError) as error:
            raise InvalidEvent(f"{of}: cannot be written: {' '.join(str(error).split())[:300]}; mend the event") from None
        return Written(value, headers)


def avro_record(event: bytes, contract: Contract) -> dict[str, Any]:
    """The JSON text of an event as the values that an Avro writer takes: times as datetime. Raises InvalidEvent."""
    decoded = contract.decode(pa.array([event], pa.binary()))
    if decoded.rejected:
        raise InvalidEvent(f"{contract.event} v{contract.version}: {message_of(decoded.rejected[0])}; mend the event before it is sent")
    (row,) = decoded.rows.to_pylist()
    return {field.name: row[event_column(field.name)] for field in contract.fields}
