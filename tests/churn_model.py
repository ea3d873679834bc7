"""The real churn model, trained once for a test run, and batches of real customers for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from streaming.local.telco import POSITIVE, TARGET, event_fields, load_telco, split
from streaming.models.artifact import Artifact
from streaming.models.formats.skops import SkopsModel, load
from streaming.models.plan import Plan, PlannedModel
from streaming.models.training import Task, train
from streaming.records import ENVELOPE, event_column

DATA = Path(__file__).parents[1] / "examples" / "churn" / "telco_churn.csv"
TASK = Task("churn", TARGET, POSITIVE, "customer_activity", 1)
NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


@cache
def churn_artifact() -> Artifact:
    """The model as bytes."""
    return train(TASK, *split(load_telco(DATA)))


@cache
def churn_model() -> SkopsModel:
    """The model, loaded from its bytes."""
    return load(churn_artifact(), churn_artifact().manifest.sha256)


@cache
def customers() -> list[dict[str, str | int | float | None]]:
    """The fields of the held-out customers."""
    return event_fields(split(load_telco(DATA))[1])


def event_batch(rows: int, **changed: list[object]) -> pa.RecordBatch:
    """Validated events of held-out customers, as `validate` hands them on; `changed` replaces feature columns' values."""
    fields = [customers()[row % len(customers())] for row in range(rows)]
    columns = {field.name: pa.nulls(rows, field.type) for field in ENVELOPE}
    columns["value"] = pa.array([b"{}"] * rows, pa.binary())
    columns["source_topic"] = pa.array(["customer_activity"] * rows, pa.string())
    columns["source_partition"] = pa.array([0] * rows, pa.int32())
    columns["source_offset"] = pa.array(range(rows), pa.int64())
    columns["schema_version"] = pa.array([1] * rows, pa.int32())
    columns["event_id"] = pa.array([str(UUID(int=row)) for row in range(rows)], pa.string())
    columns["event_time"] = pa.array([NOW + timedelta(seconds=row) for row in range(rows)], ENVELOPE.field("event_time").type)
    for feature in churn_artifact().manifest.features:
        values = changed.get(feature.name) or [field[feature.name] for field in fields]
        columns[event_column(feature.name)] = pa.array(values, pa.float64() if feature.kind == "numeric" else pa.string())
    return pa.RecordBatch.from_pydict(columns)


def features(rows: int, **changed: list[object]) -> pa.RecordBatch:
    """The columns of `event_batch` that the model reads, named as the model names them."""
    batch, names = event_batch(rows, **changed), churn_model().features
    return pa.RecordBatch.from_arrays([batch.column(event_column(name)) for name in names], names=names)


def churn_plan(*, sha256: str = "", role: str = "champion") -> Plan:
    """A plan in which the churn model serves."""
    model = PlannedModel(role, role, "churn", "7", sha256 or churn_artifact().manifest.sha256)
    return Plan(
        plan_id="q/3",
        query_id="q",
        batch_id=3,
        stream="customer_activity",
        deployment="churn_risk",
        schema_version=1,
        champion=model,
        now=NOW,
        allowed_skew_s=300,
        max_event_bytes=1 << 20,
        tasks=1,
        offsets={},
        release="0",
    )
