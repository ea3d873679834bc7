"""The steps of the scoring path: plain callables over Arrow record batches, without Spark, Kafka or a clock of their own.

raw ─► decode ─► validate ─► score ─► (the store judges) ─► observe
└─────────┴──────────┴─────► rejected, with reasons
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter

import pyarrow as pa

from streaming.models.plan import Plan
from streaming.records import REJECTED

__all__ = ["Outcome", "Passage", "Step", "run_steps"]


@dataclass(frozen=True)
class Outcome:
    """What a step makes of a batch.

    rows: the rows that go on; rejected: rows of the type REJECTED; observed: what was measured, by name, JSON-like.
    """

    rows: pa.RecordBatch
    rejected: pa.RecordBatch = field(default_factory=lambda: pa.RecordBatch.from_pylist([], schema=REJECTED))
    observed: Mapping[str, object] = field(default_factory=dict)


Step = Callable[[pa.RecordBatch, Plan], Outcome]


@dataclass(frozen=True)
class Passage:
    """What a batch became on its way through the steps.

    rows: what went all the way; rejected: non-empty batches of the type REJECTED; observed: everything the steps observed;
    parts_ms: time spent in each step.
    """

    rows: pa.RecordBatch
    rejected: list[pa.RecordBatch]
    observed: dict[str, object]
    parts_ms: dict[str, float]


def run_steps(steps: Mapping[str, Step], batch: pa.RecordBatch, plan: Plan) -> Passage:
    """Run named steps in their order."""
    rejected: list[pa.RecordBatch] = []
    observed: dict[str, object] = {}
    parts_ms: dict[str, float] = {}
    for name, step in steps.items():
        began = perf_counter()
        outcome = step(batch, plan)
        parts_ms[name] = (perf_counter() - began) * 1000
        batch = outcome.rows
        observed.update(outcome.observed)
        if outcome.rejected.num_rows:
            rejected.append(outcome.rejected)
    return Passage(batch, rejected, observed, parts_ms)
