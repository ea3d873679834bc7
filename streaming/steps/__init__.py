"""The steps of the scoring path: plain callables over Arrow record batches, without Spark, Kafka or a clock of their own.

    raw ─► decode ─► validate ─► score ─► observe ─► predictions
              └─────────┴──────────┴─────► rejected, with reasons
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from streaming.models.plan import Plan
from streaming.records import REJECTED

__all__ = ["Outcome", "Step", "run_steps"]


@dataclass(frozen=True)
class Outcome:
    """What a step makes of a batch.

    rows: the rows that go on; rejected: rows of the type REJECTED; observed: what was measured, by name, JSON-like.
    """

    rows: pa.RecordBatch
    rejected: pa.RecordBatch = field(default_factory=lambda: pa.RecordBatch.from_pylist([], schema=REJECTED))
    observed: Mapping[str, object] = field(default_factory=dict)


Step = Callable[[pa.RecordBatch, Plan], Outcome]


def run_steps(
    steps: Sequence[Step], batch: pa.RecordBatch, plan: Plan
) -> tuple[pa.RecordBatch, list[pa.RecordBatch], dict[str, object]]:
    """Run the steps in order.

    Returns the rows that went all the way, the non-empty rejected batches, and everything observed.
    """
    rejected: list[pa.RecordBatch] = []
    observed: dict[str, object] = {}
    for step in steps:
        outcome = step(batch, plan)
        batch = outcome.rows
        observed.update(outcome.observed)
        if outcome.rejected.num_rows:
            rejected.append(outcome.rejected)
    return batch, rejected, observed
