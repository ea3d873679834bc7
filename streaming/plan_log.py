"""The plan log: plans in the checkpoint's file system, created only if absent, found again by a replayed batch.

It goes through Hadoop's FileSystem, so that any checkpoint location works. The rename of a complete file is what makes a
plan exist: a crash leaves either the whole plan or none.
"""

from __future__ import annotations

import json
from typing import Any

from py4j.protocol import Py4JJavaError

from streaming.errors import Unavailable
from streaming.models.plan import Offsets, Plan, decode, encode

KEPT = 200  # plans; Spark itself keeps 100 batches in its logs (spark.sql.streaming.minBatchesToRetain)


class PlanLog:
    """Plans by batch id, in `<checkpoint>/plans`."""

    def __init__(self, jvm: Any, hadoop_conf: Any, checkpoint: str) -> None:
        self._jvm = jvm
        self._checkpoint = checkpoint.rstrip("/")
        self._folder = jvm.org.apache.hadoop.fs.Path(f"{self._checkpoint}/plans")
        self._system = self._folder.getFileSystem(hadoop_conf)
        self._system.mkdirs(self._folder)
        self._ends: tuple[int, dict[str, dict[str, int]]] = (-2, {})  # batch read last, none yet

    def query_id(self) -> str:
        """The query's id: the same over restarts from this checkpoint."""
        return str(json.loads(self._text(self._at("metadata")))["id"])

    def read(self, batch_id: int) -> Plan | None:
        """The plan of a batch in its last revision, None if it has none yet. Raises SkewedPlan."""
        plan, revision = None, 0
        while self._system.exists(path := self._at(_place(batch_id, revision))):
            plan, revision = decode(self._text(path)), revision + 1
        return plan

    def create(self, plan: Plan) -> Plan:
        """Write a plan unless its batch has one of that revision. Returns the one that stands. Raises Unavailable."""
        temporary, final = self._at(f"plans/.{plan.batch_id}.tmp"), self._at(_place(plan.batch_id, plan.revision))
        try:
            stream = self._system.create(temporary, True)
            stream.write(bytearray(encode(plan).encode()))
            stream.close()
            # Local files would be overwritten by the rename, hence the look before; other systems refuse by themselves.
            created = not self._system.exists(final) and self._system.rename(temporary, final)
            self._drop(plan.batch_id - KEPT)
        except Py4JJavaError as error:
            raise Unavailable(f"the plan log {self._folder} cannot be written: {error.java_exception.getMessage()}") from None
        standing = plan if created else self.read(plan.batch_id)
        if standing is None:
            raise Unavailable(f"the plan log {self._folder} did not take the plan of batch {plan.batch_id}")
        return standing

    def _drop(self, batch_id: int) -> None:
        revision = 0
        while self._system.delete(self._at(_place(batch_id, revision)), False):
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
        path = self._at(f"offsets/{batch_id}" if batch_id >= 0 else "sources/0/0")
        if not self._system.exists(path):
            return {}
        # The offset log's lines: version, metadata, then one JSON for each source; the source's own log has no metadata.
        lines = self._text(path).splitlines()[2 if batch_id >= 0 else 1 :]
        sources = [json.loads(line) for line in lines if line.startswith("{")]
        return {topic: partitions for source in sources for topic, partitions in source.items()}

    def _at(self, place: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"{self._checkpoint}/{place}")

    def _text(self, path: Any) -> str:
        stream = self._system.open(path)
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()


def _place(batch_id: int, revision: int) -> str:
    return f"plans/{batch_id}" + (f".r{revision}" if revision else "")
