"""A dry run: what would become of events under the present contracts, judged by the very steps that the scoring job runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice

import msgspec
import pyarrow as pa

from streaming.models.plan import Plan, PlannedModel
from streaming.records import RAW
from streaming.replay.outgoing import Replayed
from streaming.settings import Stream
from streaming.steps import Step, run_steps

_AT_ONCE = 500


class Trial(msgspec.Struct):
    """What a replay would do. rejected: reason → events that would be rejected again."""

    events: int = 0
    passing: int = 0
    mapped: int = 0
    """events that the mapping changes"""
    unreadable: int = 0
    """events that it leaves as they are, because it finds no JSON object in them: Avro, say"""
    rejected: dict[str, int] = {}


def trial_plan(stream: Stream, event: str, schema_version: int, replay_topic: str) -> Plan:
    """A plan of now, as the next micro-batch would have it, without a model: no step that it is used for asks one."""
    nothing = PlannedModel("", "", "", "", "")
    return Plan(
        plan_id="trial/0", query_id="trial", batch_id=0, stream=event, deployment="", schema_version=schema_version, champion=nothing,
        now=datetime.now(UTC), allowed_skew_s=stream.allowed_skew_s, max_event_bytes=stream.max_event_bytes, tasks=1, offsets={},
        release="", replay_topic=replay_topic,
    )  # fmt: skip


def try_out(events: Iterable[Replayed], steps: Mapping[str, Step], plan: Plan) -> Trial:
    """Take events, as they would be sent, through the steps of `pipeline.contract_steps`.

    What the store would say of them (event_conflict) is not asked. Raises Unavailable if a step needs what is away.
    """
    found = Trial()
    pending = iter(events)
    while batch := list(islice(pending, _AT_ONCE)):
        passage = run_steps(steps, _raw(batch, plan.replay_topic), plan)
        found.events += len(batch)
        found.passing += passage.rows.num_rows
        found.mapped += sum(event.mapped for event in batch)
        found.unreadable += sum(not event.readable for event in batch)
        for part in passage.rejected:
            for reason in part.column("reason").to_pylist():
                found.rejected[reason] = found.rejected.get(reason, 0) + 1
    return found


def _raw(events: list[Replayed], topic: str) -> pa.RecordBatch:
    rows = [
        {
            "key": event.message.key,
            "value": event.message.value,
            "headers": [
                {"key": name, "value": value.encode() if isinstance(value, str) else value} for name, value in event.message.headers
            ],
            "source_topic": topic,
            "source_partition": 0,
            "source_offset": number,
            "received_at": 0,
        }
        for number, event in enumerate(events)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=RAW)
