"""The plan log: plans in the checkpoint's file system, created only if absent, found again by a replayed batch.

A crash leaves either the whole plan or none.
"""

from __future__ import annotations

import json

from streaming.errors import CheckpointError, SkewedPlan, Unavailable
from streaming.micro_batch.checkpoint_files import CheckpointFiles
from streaming.models.plan import Offsets, Plan, decode, encode

KEPT = 200  # plans; Spark itself keeps 100 batches in its logs (spark.sql.streaming.minBatchesToRetain)


class PlanLog:
    """Plans by batch id, in `plans` below the checkpoint. Each method raises Unavailable if its file system refuses."""

    def __init__(self, files: CheckpointFiles) -> None:
        self._files = files
        self._ends: tuple[int, dict[str, dict[str, int]]] = (-2, {})  # batch read last, none yet

    def query_id(self) -> str:
        """The query's id: the same over restarts from this checkpoint. Raises CheckpointError if the checkpoint has none."""
        text = self._files.read("metadata")
        if text is None:
            raise CheckpointError("the checkpoint's file metadata, with the query's id, is missing; put it back from a copy or a log line")
        return str(json.loads(text)["id"])

    def read(self, batch_id: int) -> Plan | None:
        """The plan of a batch in its last revision, None if it has none yet. Raises SkewedPlan, CheckpointError."""
        plan, revision = None, 0
        while (text := self._files.read(place := _place(batch_id, revision))) is not None:
            plan, revision = _decoded(text, place), revision + 1
        return plan

    def create(self, plan: Plan) -> Plan:
        """Write a plan unless its batch has one of that revision. Returns the one that stands."""
        created = self._files.create(_place(plan.batch_id, plan.revision), encode(plan))
        self._drop(plan.batch_id - KEPT)
        standing = plan if created else self.read(plan.batch_id)
        if standing is None:
            raise Unavailable(f"the plan log did not take the plan of batch {plan.batch_id}")
        return standing

    def _drop(self, batch_id: int) -> None:
        revision = 0
        while self._files.remove(_place(batch_id, revision)):
            revision += 1

    def offsets(self, batch_id: int) -> Offsets:
        """The offset range of a batch from Spark's own offset log, and of the first batch from the source's own.

        A partition that came up with this batch has no beginning there: it is -1.
        """
        before = self._ends[1] if self._ends[0] == batch_id - 1 else self._spark_offsets(batch_id - 1)
        until = self._spark_offsets(batch_id)
        self._ends = (batch_id, until)
        return {
            topic: {part: [before.get(topic, {}).get(part, -1), end] for part, end in partitions.items()}
            for topic, partitions in until.items()
        }

    def _spark_offsets(self, batch_id: int) -> dict[str, dict[str, int]]:
        """Where each partition ends after a batch; before the first batch, where the query began to read."""
        text = self._files.read(f"offsets/{batch_id}" if batch_id >= 0 else "sources/0/0")
        # The offset log's lines: version, metadata, then one JSON for each source; the source's own log has no metadata.
        lines = (text or "").splitlines()[2 if batch_id >= 0 else 1 :]
        sources = [json.loads(line) for line in lines if line.startswith("{")]
        return {topic: partitions for source in sources for topic, partitions in source.items()}


def _decoded(text: str, place: str) -> Plan:
    try:
        return decode(text)
    except SkewedPlan as error:
        if text.endswith("}"):
            raise
        raise CheckpointError(f"the checkpoint's {place} is torn: it ends with {text[-40:]!r}; put it back from a copy") from error


def _place(batch_id: int, revision: int) -> str:
    return f"plans/{batch_id}" + (f".r{revision}" if revision else "")
