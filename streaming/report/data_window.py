"""Messages of the event topic as the stream reads them: whatever their format and schema version, by the very steps of the stream."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import Message

from streaming.contracts import Contract
from streaming.contracts.registry_client import RegistryResolver
from streaming.contracts.wire import Resolver
from streaming.models.plan import Plan
from streaming.pipeline import contract_steps
from streaming.records import RAW, event_column, rfc3339
from streaming.replay.trial import trial_plan
from streaming.settings import Settings

MOST_UNKNOWN = 1000
_AT_ONCE = 500


class Window(msgspec.Struct):
    """What messages hold.

    rows: events as JSON values of one schema version: those of this version as they were sent, valid or not, those of others
    lifted if the stream accepts them; unreadable: messages without an event in them; refused: reason → messages that the
    stream rejects, the unreadable ones among them.
    """

    messages: int = 0
    rows: list[dict[str, Any]] = []
    unreadable: int = 0
    refused: dict[str, int] = {}


def stream_window(settings: Settings, contracts: Mapping[int, Contract], version: int, messages: Iterable[Message]) -> Window:
    """Messages of the event topic of the settings, read as a micro-batch of now would read them.

    contracts: of the event, by version; version: what the deployment reads, and what the rows are brought to. Raises
    Unavailable if a schema registry is configured and gives no answer.
    """
    resolver = RegistryResolver(settings.schema_registry) if settings.schema_registry.url else None
    plan = trial_plan(settings.stream, contracts[version].event, version, settings.topics.of("replay"))
    source = iter(messages)
    batches = iter(lambda: list(islice(source, _AT_ONCE)), [])
    return window_of(map(raw_messages, batches), contracts, plan, resolver)


def window_of(batches: Iterable[pa.RecordBatch], contracts: Mapping[int, Contract], plan: Plan, resolver: Resolver | None = None) -> Window:
    """Batches of the type RAW as rows of the plan's schema version. Raises Unavailable if the resolver does."""
    steps, found, refused = contract_steps(contracts, resolver), Window(), Counter[str]()
    contract = contracts[plan.schema_version]
    for batch in batches:
        decoded = steps["decode"](batch, plan)
        validated = steps["validate"](decoded.rows, plan)
        found.messages += batch.num_rows
        for rejected in (decoded.rejected, validated.rejected):
            refused.update(rejected.column("reason").to_pylist())
        events = [_event(text) for text in decoded.rows.column("payload").to_pylist()]
        of_version = pc.equal(decoded.rows.column("schema_version"), plan.schema_version).to_pylist()
        found.rows += [event for event, same in zip(events, of_version, strict=True) if same and event is not None]
        found.rows += lifted_rows(
            validated.rows.filter(pc.not_equal(validated.rows.column("schema_version"), plan.schema_version)), contract
        )
        found.unreadable += decoded.rejected.num_rows + events.count(None)
    found.refused = dict(refused)
    return found


def raw_messages(messages: list[Message]) -> pa.RecordBatch:
    """Messages of a consumer as a batch of the type RAW."""
    rows = [
        {
            "key": message.key(),
            "value": message.value(),
            "headers": _headers(message),
            "source_topic": message.topic(),
            "source_partition": message.partition(),
            "source_offset": message.offset(),
            "received_at": message.timestamp()[1] * 1000,
        }
        for message in messages
    ]
    return pa.RecordBatch.from_pylist(rows, schema=RAW)


def lifted_rows(rows: pa.RecordBatch, contract: Contract) -> Iterator[dict[str, Any]]:
    """Validated rows as JSON values; a null of an optional field counts as absent, for columns cannot tell the two apart."""
    columns = [rows.column(event_column(field.name)).to_pylist() for field in contract.fields]
    for values in zip(*columns, strict=True):
        cells = zip(contract.fields, values, strict=True)
        yield {field.name: _json(value, field.kind) for field, value in cells if value is not None or field.required}


def describable(rows: Iterable[dict[str, Any]], contract: Contract, most: int = MOST_UNKNOWN) -> list[dict[str, Any]]:
    """Rows with all fields of the contract, and the first `most` names that it does not know.

    Statistics take a limited number of fields; one event with thousands of invented names must not end a job that describes.
    """
    names, left = {field.name for field in contract.fields}, most
    kept = []
    for row in rows:
        strange = list(islice((name for name in row if name not in names), left))
        names.update(strange)
        left -= len(strange)
        kept.append({name: value for name, value in row.items() if name in names})
    return kept


def _json(value: Any, kind: str) -> Any:
    if value is None or kind not in ("timestamp", "json"):
        return value
    return rfc3339(value) if kind == "timestamp" else json.loads(value)


def _event(text: bytes) -> dict[str, Any] | None:
    try:
        event = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _headers(message: Message) -> list[dict[str, Any]]:
    pairs: list[tuple[str, bytes | None]] = list(message.headers() or [])  # type: ignore[arg-type]  # stubs: what produce() takes
    return [{"key": name, "value": value} for name, value in pairs]
