"""The published schemas of a folder as a schema registry counts them: ids, subjects, versions, in JSON Schema and in Avro.

Ids come from the lines of CHECKSUMS, each from its own: the line's number n (`registry_number`) gives the id 2n - 1 to the JSON
Schema and 2n to the Avro schema. A line that is inserted, or merged from another branch, changes the id of no other.
Drafts and records of the service's own are not served; an event whose names Avro does not allow has its JSON Schema only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from streaming.contracts.avro import NAMESPACE
from streaming.contracts.checksums import RECORD, check_folder, published_sums, registry_number
from streaming.contracts.schema import Contract, load_contract, read_schema
from streaming.contracts.wire.names import registered_avro, registered_json
from streaming.errors import ContractError

Kind = Literal["JSON", "AVRO"]


class Published(msgspec.Struct, frozen=True):
    """One schema as registered. kind: JSON or AVRO; text: what the registry hands out; guid: the same for the same text anywhere."""

    id: int
    kind: Kind
    contract: Contract
    text: str

    @property
    def guid(self) -> str:
        """A UUID made from kind and text."""
        return str(uuid5(NAMESPACE_URL, f"schema:{self.kind}:{self.text}"))


class PublishedSchemas:
    """Every published schema of a folder by id and by subject, as of the moment it was read."""

    def __init__(self, folder: Path, *, topics: Mapping[str, str], topic_kind: Kind = "JSON") -> None:
        """topics: topic → event, beside the topics that are named like their event; topic_kind: what `<topic>-value` holds.

        Raises ContractError if the folder does not hold what was published, or a topic's event is not there.
        """
        self.by_id = {schema.id: schema for schema in _published(folder)}
        self.by_guid = {schema.guid: schema for schema in self.by_id.values()}
        self._topic_kind = topic_kind
        events = sorted({schema.contract.event for schema in self.by_id.values()})
        unknown = sorted(set(topics.values()) - set(events))
        if unknown:
            raise ContractError(f"{folder}: no published schema of {unknown[0]}; it has {', '.join(events) or 'none'}")
        self._topics = {event: event for event in events} | dict(topics)

    @property
    def subjects(self) -> list[str]:
        """Names of all subjects that hold a version, sorted."""
        names = {name for schema in self.by_id.values() for name in self.subjects_of(schema)}
        return sorted(name for name in names if self.versions(name))

    def versions(self, subject: str) -> dict[int, Published]:
        """Version → schema of a subject, ascending; the version is that of the contract. Empty if there is no such subject."""
        found = [schema for schema in self.candidates(subject) if not subject.endswith("-value") or schema.kind == self._topic_kind]
        return {schema.contract.version: schema for schema in sorted(found, key=lambda schema: schema.contract.version)}

    def candidates(self, subject: str) -> Sequence[Published]:
        """Schemas that a subject knows when it is asked for one by its text: a topic's subject knows both kinds."""
        return [schema for schema in self.by_id.values() if subject in self.subjects_of(schema)]

    def subjects_of(self, schema: Published) -> list[str]:
        """The subjects that know a schema, sorted."""
        topics = [topic for topic, event in self._topics.items() if event == schema.contract.event]
        record = record_name(schema)
        return sorted([record, *(f"{topic}-value" for topic in topics), *(f"{topic}-{record}" for topic in topics)])


def record_name(schema: Published) -> str:
    """The record-name subject: the title of a JSON Schema, the full name of an Avro record."""
    event = schema.contract.event
    return f"{NAMESPACE}.{event}" if schema.kind == "AVRO" else str(schema.contract.document.get("title", event))


def same_text(found: str, text: str) -> bool:
    """Whether two schemas are the same JSON, whatever the order of their keys. A text that is no JSON is the same as none."""
    try:
        return bool(json.loads(found) == json.loads(text))
    except (ValueError, RecursionError):
        return False


def _published(folder: Path) -> list[Published]:
    check_folder(folder)
    found: list[Published] = []
    for name, digest in published_sums(folder).items():
        if RECORD in read_schema(folder / name):
            continue
        contract = load_contract(folder / name)
        number = registry_number(name, digest)
        found.append(Published(2 * number - 1, "JSON", contract, registered_json(contract)))
        avro = _avro(contract)
        if avro is not None:
            found.append(Published(2 * number, "AVRO", contract, avro))
    return found


def _avro(contract: Contract) -> str | None:
    try:
        return registered_avro(contract)
    except ContractError:  # a name that Avro does not allow: this event is served as JSON only
        return None
