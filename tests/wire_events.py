"""Parts that the tests of wire formats share: the corpus, its registered schemas, and messages as batches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa

from streaming.contracts import load_contract
from streaming.contracts.published import PublishedSchemas
from streaming.contracts.wire import SchemaKey, WriterSchema
from streaming.testing import raw_batch

SCHEMAS = Path("schemas")
CONTRACT = load_contract(SCHEMAS / "customer_activity/v1.json")
GOOD = json.loads(Path("tests/corpus/customer_activity.jsonl").read_text().splitlines()[0])["value"].encode()
CASES = [json.loads(line) for line in Path("tests/corpus/wire.jsonl").read_text().splitlines()]
IDS: dict[str, int] = {schema.kind: schema.id for schema in PublishedSchemas(SCHEMAS, topics={}).by_id.values()}
"""The ids of customer_activity, the only event, in the registry of this repository's schemas, by kind."""
Headers = Sequence[tuple[str, bytes]]


class Registered:
    """A resolver of schemas that are given, which counts what it is asked."""

    def __init__(self, schemas: Mapping[SchemaKey, WriterSchema]) -> None:
        self.schemas, self.asked = dict(schemas), list[SchemaKey]()

    def schema(self, key: SchemaKey) -> WriterSchema | None:
        self.asked.append(key)
        return self.schemas.get(key)


def registered() -> Registered:
    """The schemas that the corpus names."""
    texts: dict[str, Any] = json.loads(Path("tests/corpus/wire_schemas.json").read_text())
    return Registered({int(key) if key.isdigit() else UUID(key): WriterSchema(**schema) for key, schema in texts.items()})


def message_of_case(case: Mapping[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Value and headers of a case of the corpus."""
    return case["value"].encode("latin-1"), [(name, value.encode("latin-1")) for name, value in case["headers"]]


def batch_of(messages: Sequence[tuple[bytes, Headers]]) -> pa.RecordBatch:
    """Messages as Kafka hands them over, offsets from 0."""
    batches = [raw_batch([value], headers=headers, first_offset=n) for n, (value, headers) in enumerate(messages)]
    return pa.concat_batches(batches)
