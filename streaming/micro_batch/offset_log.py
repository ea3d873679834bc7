"""The query's own offset log in the checkpoint: how far it came, and, after a gap, where it goes on.

It goes through Spark's writer of checkpoint files, which replaces a file whole or not at all.
"""

from __future__ import annotations

import json
from typing import Any

from py4j.protocol import Py4JJavaError

from streaming.errors import CheckpointError, Unavailable

Ends = dict[str, dict[str, int]]
"""topic → partition → offset after the last"""
_TOPICS = "topics"
_REBUILD = "put it back from a copy of the checkpoint, or see docs/reliability.md"


class OffsetLog:
    """`offsets`, `commits` and `sources` of a checkpoint, between two runs of its query; and `topics`, a file of ours, the topics' ids.

    checkpoint: Hadoop path. What the file system refuses is raised as Unavailable, what cannot be read as CheckpointError.
    """

    def __init__(self, jvm: Any, hadoop_conf: Any, checkpoint: str) -> None:
        self.place = checkpoint.rstrip("/")
        self._jvm, self._conf = jvm, hadoop_conf
        self._system = self._path("").getFileSystem(hadoop_conf)

    def query_id(self) -> str:
        """The query's id; empty for a checkpoint that no query has begun yet. Raises CheckpointError if only its name is missing."""
        if self._exists("metadata"):
            return str(self._json("metadata", self._text("metadata"))["id"])
        if self._batches("offsets"):
            raise CheckpointError(
                f"{self.place}: the file metadata, with the query's id, is missing; put it back from a copy or a log line"
            )
        return ""

    def committed(self) -> int:
        """The last batch that was committed, -1 if none was. Raises CheckpointError if its offsets are not there."""
        done, begun = self._batches("commits"), self._batches("offsets")
        last = max(done, default=-1)
        if last >= 0 and last not in begun:
            raise CheckpointError(f"{self.place}: batch {last} was committed, but offsets/{last} is missing; {_REBUILD}")
        if last >= 0:
            self._whole_commit(last)
        return last

    def begun(self) -> int | None:
        """The batch that began and was not committed, if there is one: it is the first to be done."""
        last = max(self._batches("offsets"), default=-1)
        return last if last > self.committed() else None

    def ends(self, batch_id: int) -> Ends:
        """Where each partition ends after a batch; for -1 where the query began to read, nothing if that is not written."""
        name = _name(batch_id)
        if not self._exists(name):
            return {}
        lines = self._lines(name)
        delivered = batch_id < 0 or self._exists(f"plans/{batch_id}")
        remedy = _REBUILD if delivered else "remove it and its .crc: nothing was done with it yet"
        found = self._json(name, lines[-1] if len(lines) > (1 if batch_id < 0 else 2) else "", remedy)
        return {topic: dict(partitions) for topic, partitions in found.items()}

    def replace(self, batch_id: int, ends: Ends) -> None:
        """Let a batch end elsewhere. Only for a query that does not run."""
        lines = [*self._lines(_name(batch_id))[:-1], json.dumps(ends, separators=(",", ":"))]
        self._write(_name(batch_id), "\n".join(lines))

    def topic_ids(self) -> dict[str, str]:
        """The ids of the topics that were read when `remember` was called last."""
        return dict(self._json(_TOPICS, self._text(_TOPICS))) if self._exists(_TOPICS) else {}

    def remember(self, topic_ids: dict[str, str]) -> None:
        """Keep the ids of the topics."""
        if topic_ids != self.topic_ids():
            self._write(_TOPICS, json.dumps(topic_ids))

    def _whole_commit(self, batch_id: int) -> None:
        if len(self._lines(f"commits/{batch_id}")) < 2:
            raise CheckpointError(
                f"{self.place}: commits/{batch_id} is torn; remove it and its .crc: the batch is done again, to the same effect"
            )

    def _batches(self, folder: str) -> list[int]:
        if not self._exists(folder):
            return []
        names = [status.getPath().getName() for status in self._system.listStatus(self._path(folder))]
        return [int(name) for name in names if name.isdigit()]

    def _json(self, name: str, text: str, remedy: str = _REBUILD) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise CheckpointError(f"{self.place}: {name} is torn: it ends with {text[-40:]!r}; {remedy}")
        return found

    def _lines(self, name: str) -> list[str]:
        return self._text(name).split("\n")

    def _text(self, name: str) -> str:
        try:
            stream = self._system.open(self._path(name))
            try:
                return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
            finally:
                stream.close()
        except Py4JJavaError as error:
            raise CheckpointError(f"{self.place}: {name} cannot be read ({_first(error)}); {_REBUILD}") from None

    def _write(self, name: str, text: str) -> None:
        path = self._path(name)
        try:
            files = self._jvm.org.apache.spark.sql.execution.streaming.CheckpointFileManager.create(path.getParent(), self._conf)
            files.mkdirs(path.getParent())
            stream = files.createAtomic(path, True)
            stream.write(bytearray(text.encode()))
            stream.close()
        except Py4JJavaError as error:
            raise Unavailable(f"{self.place}: {name} cannot be written ({_first(error)}); see its file system") from None

    def _exists(self, name: str) -> bool:
        return bool(self._system.exists(self._path(name)))

    def _path(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"{self.place}/{name}" if name else self.place)


def _name(batch_id: int) -> str:
    return f"offsets/{batch_id}" if batch_id >= 0 else "sources/0/0"


def _first(error: Py4JJavaError) -> str:
    return str(error.java_exception.getMessage()).splitlines()[0][:200]
