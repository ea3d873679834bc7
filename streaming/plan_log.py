"""The plan log: plans in the checkpoint's file system, created only if absent, found again by a replayed batch.

It goes through Hadoop's FileSystem, so that any checkpoint location works. The rename of a complete file is what makes a
plan exist: a crash leaves either the whole plan or none.
"""

from __future__ import annotations

import json
from typing import Any

from streaming.models.plan import Plan, decode, encode

KEPT = 200  # plans; Spark itself keeps 100 batches in its logs (spark.sql.streaming.minBatchesToRetain)


class PlanLog:
    """Plans by batch id, in `<checkpoint>/plans`."""

    def __init__(self, jvm: Any, hadoop_conf: Any, checkpoint: str) -> None:
        self._jvm = jvm
        self._checkpoint = checkpoint.rstrip("/")
        self._folder = jvm.org.apache.hadoop.fs.Path(f"{self._checkpoint}/plans")
        self._system = self._folder.getFileSystem(hadoop_conf)
        self._system.mkdirs(self._folder)

    def read(self, batch_id: int) -> Plan | None:
        """The plan of a batch, None if it has none yet. Raises SkewedPlan."""
        text = self._text(self._path(batch_id))
        return None if text is None else decode(text)

    def create(self, plan: Plan) -> Plan:
        """Write a plan unless its batch has one. Returns the plan that stands."""
        temporary = self._jvm.org.apache.hadoop.fs.Path(self._folder, f".{plan.batch_id}.{plan.plan_id.replace('/', '-')}.tmp")
        stream = self._system.create(temporary, True)
        stream.write(bytearray(encode(plan).encode()))
        stream.close()
        if not self._system.rename(temporary, self._path(plan.batch_id)):
            self._system.delete(temporary, False)
        self._system.delete(self._path(plan.batch_id - KEPT), False)
        standing = self.read(plan.batch_id)
        return plan if standing is None else standing

    def query_id(self) -> str:
        """The query's id: the same over restarts from this checkpoint."""
        text = self._text(self._jvm.org.apache.hadoop.fs.Path(f"{self._checkpoint}/metadata"))
        return str(json.loads(text or "{}")["id"])

    def offsets(self, batch_id: int) -> dict[str, dict[str, list[int]]]:
        """The offset range of a batch from Spark's own offset log: topic → partition → [first, after the last].

        The first batch starts where the query starts: its range begins at -1 where the log does not tell.
        """
        until = self._spark_offsets(batch_id) or {}
        since = self._spark_offsets(batch_id - 1) or {}
        return {
            topic: {p: [since.get(topic, {}).get(p, -1), end] for p, end in partitions.items()} for topic, partitions in until.items()
        }

    def _spark_offsets(self, batch_id: int) -> dict[str, dict[str, int]] | None:
        text = self._text(self._jvm.org.apache.hadoop.fs.Path(f"{self._checkpoint}/offsets/{batch_id}"))
        if text is None:
            return None
        # The log's lines: version, metadata, then one JSON for each source.
        sources = [json.loads(line) for line in text.splitlines()[2:] if line.startswith("{")]
        return {topic: partitions for source in sources for topic, partitions in source.items()}

    def _path(self, batch_id: int) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._folder, str(batch_id))

    def _text(self, path: Any) -> str | None:
        if not self._system.exists(path):
            return None
        stream = self._system.open(path)
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()
