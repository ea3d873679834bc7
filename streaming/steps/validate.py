"""Validate: hold each event to the contract of its schema version, and read its fields into columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streaming.contracts import Contract, Reason
from streaming.errors import ContractError
from streaming.models.plan import Plan
from streaming.records import ENVELOPE, INSTANT, event_column, rfc3339
from streaming.steps import Outcome
from streaming.steps.decode import DECODED
from streaming.steps.reject import rejected_rows

STAGE = "validate"
Reasons = dict[int, list[Reason]]


class Validate:
    """Step: DECODED rows in; out come ENVELOPE rows with the columns `event.<field>` of every contract, in order.

    Rejected: what the contract of the row's schema version does not allow (all reasons are found, the first is named),
    unknown_schema_version where there is no such contract, and future_time where the event's time is further after the
    plan's `now` than its allowed skew.
    """

    def __init__(self, contracts: Mapping[int, Contract]) -> None:
        """contracts: by schema version. Raises ContractError if two versions hold a field as different types."""
        self._contracts = dict(contracts)
        try:
            union = pa.unify_schemas([contract.arrow_schema for contract in self._contracts.values()])
        except pa.ArrowTypeError as error:
            raise ContractError(f"schema versions {sorted(contracts)} differ in a field's type: {error}; keep its type") from None
        self._schema = pa.schema([*ENVELOPE, *union])

    def __call__(self, batch: pa.RecordBatch, plan: Plan) -> Outcome:
        """Validate a batch. Raises nothing for what an event holds."""
        versions = batch.column("schema_version").to_numpy(zero_copy_only=False)
        reasons: Reasons = {}
        parts, places = [], []
        for version in np.unique(versions).tolist():
            rows = np.flatnonzero(versions == version)
            contract = self._contracts.get(version)
            if contract is None:
                reasons |= {row: [self._unknown(version)] for row in rows.tolist()}
                continue
            part, kept, refused = self._decoded(contract, _rows(batch, rows), rows, plan)
            parts.append(part)
            places.append(kept)
            reasons |= refused
        return Outcome(self._ordered(parts, places), rejected_rows(batch, reasons, STAGE, versions))

    def _unknown(self, version: int) -> Reason:
        return Reason("", "unknown_schema_version", str(version), f"one of {sorted(self._contracts)}")

    def _decoded(
        self, contract: Contract, batch: pa.RecordBatch, rows: NDArray[np.int64], plan: Plan
    ) -> tuple[pa.RecordBatch, NDArray[np.int64], Reasons]:
        """The valid rows of one version, their places in the whole batch, and the reasons of the others by place."""
        decoded = contract.decode(batch.column("value"))
        reasons = {int(rows[place]): list(found) for place, found in decoded.rejected.items()}
        places, fields = rows[decoded.places], decoded.rows
        envelope = _rows(batch, decoded.places)
        times = fields.column(event_column(contract.event_time))
        late = _future(times, plan)
        if late.any():
            found = times.filter(pa.array(late)).to_pylist()
            for place, time in zip(places[late].tolist(), found, strict=True):
                reasons[place] = [Reason(f"/{contract.event_time}", "future_time", rfc3339(time), f"by {_limit(plan)}")]
            envelope, fields, places = envelope.filter(pa.array(~late)), fields.filter(pa.array(~late)), places[~late]
        return self._joined(contract, envelope, fields), places, reasons

    def _joined(self, contract: Contract, envelope: pa.RecordBatch, fields: pa.RecordBatch) -> pa.RecordBatch:
        columns = dict(zip(DECODED.names, envelope.columns, strict=True)) | dict(zip(fields.schema.names, fields.columns, strict=True))
        if contract.event_id is not None:  # null otherwise: the event's identity is its address
            columns["event_id"] = fields.column(event_column(contract.event_id)).cast(pa.string())
        columns["entity_id"] = fields.column(event_column(contract.entity)).cast(pa.string())
        columns["event_time"] = fields.column(event_column(contract.event_time))
        arrays = [columns[f.name] if f.name in columns else pa.nulls(fields.num_rows, f.type) for f in self._schema]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _ordered(self, parts: list[pa.RecordBatch], places: list[NDArray[np.int64]]) -> pa.RecordBatch:
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return pa.RecordBatch.from_pylist([], schema=self._schema)
        return pa.concat_batches(parts).take(pa.array(np.argsort(np.concatenate(places))))


def _rows(batch: pa.RecordBatch, rows: NDArray[np.int64]) -> pa.RecordBatch:
    return batch if len(rows) == batch.num_rows else batch.take(pa.array(rows, pa.int64()))


def _future(times: pa.Array, plan: Plan) -> NDArray[np.bool_]:
    limit = pa.scalar(plan.now.astimezone(UTC) + timedelta(seconds=plan.allowed_skew_s), INSTANT)
    late: NDArray[np.bool_] = pc.greater(times, limit).to_numpy(zero_copy_only=False)
    return late


def _limit(plan: Plan) -> str:
    return rfc3339(plan.now + timedelta(seconds=plan.allowed_skew_s))
