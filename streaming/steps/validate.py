"""Validate: hold each event to the contract of its schema version, and read its fields into columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace
from numpy.typing import NDArray

from streaming.contracts import Contract, Reason
from streaming.contracts.lift import Lift, lift
from streaming.contracts.reasons import pointer
from streaming.models.plan import Plan
from streaming.records import ENVELOPE, INSTANT, event_column, rfc3339
from streaming.steps import Outcome
from streaming.steps.decode import DECODED
from streaming.steps.reject import rejected_rows

STAGE = "validate"
Reasons = dict[int, list[Reason]]


class Validate:
    """Step: DECODED rows in; out come ENVELOPE rows with the columns `event.<field>` of the plan's schema version, in order.

    Each row is held to the contract of its own version, which also says what names the event, its entity and its time; then
    it is lifted to the plan's version.
    Rejected: what the contract of the row's schema version does not allow (all reasons are found, the first is named),
    unknown_schema_version where there is no such contract, future_time where the event's time is further after the
    plan's `now` than its allowed skew, and schema_version where the lift leaves something missing or not allowed. A reason
    tells no value of a field that is personal in any version: it goes to logs, alerts and pages, and the event keeps its bytes.
    """

    def __init__(self, contracts: Mapping[int, Contract]) -> None:
        """contracts: by schema version; the plan's is among them."""
        self._contracts = dict(sorted(contracts.items()))
        self._lifts: dict[tuple[int, int], Lift] = {}
        fields = [field for contract in contracts.values() for field in contract.fields]
        self._personal = frozenset(pointer(field.name) for field in fields if field.words.sensitivity == "personal")

    def __call__(self, batch: pa.RecordBatch, plan: Plan) -> Outcome:
        """Validate a batch. Raises nothing for what an event holds."""
        schema = pa.schema([*ENVELOPE, *self._contracts[plan.schema_version].arrow_schema])
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
        return Outcome(_ordered(parts, places, schema), rejected_rows(batch, self._discreet(reasons), STAGE, versions))

    def _discreet(self, reasons: Reasons) -> Reasons:
        if not self._personal:
            return reasons
        return {
            row: [replace(reason, value="") if self._is_personal(reason) else reason for reason in found] for row, found in reasons.items()
        }

    def _is_personal(self, reason: Reason) -> bool:
        return "/".join(reason.path.split("/", 2)[:2]) in self._personal

    def _unknown(self, version: int) -> Reason:
        return Reason("", "unknown_schema_version", str(version), f"one of {sorted(self._contracts)}")

    def _decoded(
        self, contract: Contract, batch: pa.RecordBatch, rows: NDArray[np.int64], plan: Plan
    ) -> tuple[pa.RecordBatch, NDArray[np.int64], Reasons]:
        """The valid rows of one version, their places in the whole batch, and the reasons of the others by place."""
        decoded = contract.decode(batch.column("payload"))
        reasons = {int(rows[place]): list(found) for place, found in decoded.rejected.items()}
        places, fields = rows[decoded.places], decoded.rows
        late = _future(fields.column(event_column(contract.event_time)), plan)
        if late.any():
            found = fields.column(event_column(contract.event_time)).filter(pa.array(late)).to_pylist()
            for place, time in zip(places[late].tolist(), found, strict=True):
                reasons[place] = [Reason(f"/{contract.event_time}", "future_time", rfc3339(time), f"by {_limit(plan)}")]
            fields, places = fields.filter(pa.array(~late)), places[~late]
        envelope = _enveloped(contract, _rows(batch, np.searchsorted(rows, places)), fields)
        if contract.version != plan.schema_version:
            lifted = self._lift(contract.version, plan.schema_version)(envelope["payload"], fields)
            fields = lifted.rows
            if lifted.rejected:
                reasons |= {int(places[place]): list(found) for place, found in lifted.rejected.items()}
                places = places[lifted.places]
                envelope = {name: column.take(pa.array(lifted.places)) for name, column in envelope.items()}
        schema = pa.schema([*ENVELOPE, *fields.schema])
        return pa.RecordBatch.from_arrays([*(envelope[name] for name in ENVELOPE.names), *fields.columns], schema=schema), places, reasons

    def _lift(self, source: int, target: int) -> Lift:
        if (source, target) not in self._lifts:
            low, high = sorted((source, target))
            path = [contract for version, contract in self._contracts.items() if low <= version <= high]
            path = path if source < target else path[::-1]
            self._lifts[source, target] = lift(path[0], path[-1], path[1:-1])
        return self._lifts[source, target]


def _enveloped(contract: Contract, batch: pa.RecordBatch, fields: pa.RecordBatch) -> dict[str, pa.Array]:
    """The columns of ENVELOPE by name; what names an event is what its own version says."""
    columns = dict(zip(DECODED.names, batch.columns, strict=True))
    if contract.event_id is None:  # the event's identity is its address
        columns["event_id"] = pa.nulls(fields.num_rows, pa.string())
    else:
        columns["event_id"] = fields.column(event_column(contract.event_id)).cast(pa.string())
    columns["entity_id"] = fields.column(event_column(contract.entity)).cast(pa.string())
    columns["event_time"] = fields.column(event_column(contract.event_time))
    return columns


def _ordered(parts: list[pa.RecordBatch], places: list[NDArray[np.int64]], schema: pa.Schema) -> pa.RecordBatch:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return pa.RecordBatch.from_pylist([], schema=schema)
    return pa.concat_batches(parts).take(pa.array(np.argsort(np.concatenate(places))))


def _rows(batch: pa.RecordBatch, rows: NDArray[np.int64]) -> pa.RecordBatch:
    return batch if len(rows) == batch.num_rows else batch.take(pa.array(rows, pa.int64()))


def _future(times: pa.Array, plan: Plan) -> NDArray[np.bool_]:
    limit = pa.scalar(plan.now.astimezone(UTC) + timedelta(seconds=plan.allowed_skew_s), INSTANT)
    late: NDArray[np.bool_] = pc.greater(times, limit).to_numpy(zero_copy_only=False)
    return late


def _limit(plan: Plan) -> str:
    return rfc3339(plan.now + timedelta(seconds=plan.allowed_skew_s))
