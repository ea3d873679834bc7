"""How a schema elsewhere names the version of a contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from streaming.contracts.avro import avro_schema
from streaming.contracts.schema import Contract
from streaming.contracts.wire.resolver import WriterSchema

AVRO_VERSION = "version"
JSON_VERSION = "x-version"
VERSION_HEADER = "schema-version"
"""Kafka header with the version of an event's contract, a number in decimal; it goes before all other names."""
HOW_NAMED = (
    f"a schema that names a version of the event (JSON: $id, or title and {JSON_VERSION}; Avro: name and {AVRO_VERSION}), "
    f"or the header {VERSION_HEADER}"
)
"""What a schema that somebody else registered lacks, in a rejection."""


class VersionNames:
    """The names by which the versions of one event are known on the wire.

    A URI names a version if it is the `$id` of its schema, or `urn:streaming-scoring:<event>:<version>`. A registered JSON
    Schema names it by its `$id`, or by `x-version` beside the event as `title`; an Avro record by its name (the event,
    in any namespace) and the property `version`.
    """

    def __init__(self, contracts: Mapping[int, Contract]) -> None:
        self._versions = {(contract.event, version) for version, contract in contracts.items()}
        self._uris = {f"urn:streaming-scoring:{event}:{version}": version for event, version in self._versions}
        self._uris |= {str(contract.document["$id"]): version for version, contract in contracts.items() if "$id" in contract.document}

    def of_uri(self, uri: str) -> int | None:
        """The version that a URI names, or None."""
        return self._uris.get(uri.removesuffix("#"))

    def of_schema(self, schema: WriterSchema) -> int | None:
        """The version that a registered schema names, or None. Raises nothing for what the schema holds."""
        try:
            document = json.loads(schema.text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(document, dict):
            return None
        return self._of_avro(document) if schema.kind == "AVRO" else self._of_json(document)

    def _of_json(self, document: dict[str, Any]) -> int | None:
        named = self.of_uri(str(document.get("$id", "")))
        return named if named is not None else self._known(document.get("title"), document.get(JSON_VERSION))

    def _of_avro(self, document: dict[str, Any]) -> int | None:
        return self._known(str(document.get("name", "")).rpartition(".")[2], document.get(AVRO_VERSION))

    def _known(self, event: object, version: object) -> int | None:
        if not isinstance(event, str) or type(version) is not int:
            return None
        return version if (event, version) in self._versions else None


def registered_json(contract: Contract) -> str:
    """The text of a contract's JSON Schema in a registry: as published, without spaces."""
    return json.dumps(contract.document, separators=(",", ":"), ensure_ascii=False)


def registered_avro(contract: Contract) -> str:
    """The text of a contract's Avro schema in a registry, with its version. Raises ContractError as avro_schema does."""
    return json.dumps({**avro_schema(contract), AVRO_VERSION: contract.version}, separators=(",", ":"), ensure_ascii=False)
