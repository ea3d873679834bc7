"""Spark's own `from_json` on one core. It holds types, not constraints; a text that does not parse becomes a row of nulls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that Spark's documentation gives it
from pyspark.sql import types as T  # noqa: N812

from streaming.contracts.schema import Contract

_TYPES: dict[str, T.DataType] = {
    "string": T.StringType(),
    "timestamp": T.TimestampType(),
    "integer": T.LongType(),
    "number": T.DoubleType(),
    "boolean": T.BooleanType(),
}
_CORRUPT = "_corrupt_record"
_REPEATED = 20  # how often the events are given, so that starting a Spark job does not count


class SparkJudge:
    """`from_json` in a running session."""

    def __init__(self, session: SparkSession) -> None:
        """session: with one core, in a JVM of its own."""
        self._session = session
        gateway = session.sparkContext._gateway
        assert gateway is not None  # a running session has one
        self._jvm = psutil.Process(gateway.proc.pid)

    def seconds(self, contract: Contract, values: Sequence[bytes]) -> float:
        """Seconds of the JVM's CPU that as many events as `values` take, of a run over many times as many; a run before warms it up."""
        repeated = self._frame(values).crossJoin(self._session.range(_REPEATED)).select("value").repartition(1).cache()
        repeated.count()
        run = _parsed(contract, repeated).write.format("noop").mode("overwrite").save
        run()
        before = self._cpu_s()
        run()
        took = (self._cpu_s() - before) / _REPEATED
        repeated.unpersist()
        return took

    def _cpu_s(self) -> float:
        times = self._jvm.cpu_times()
        return float(times.user + times.system)

    def accepted(self, contract: Contract, values: Sequence[bytes]) -> list[bool]:
        """Which events became a row."""
        rows = _parsed(contract, self._frame(values)).select(F.col(f"event.{_CORRUPT}").isNull()).collect()
        return [bool(row[0]) for row in rows]

    def _frame(self, values: Sequence[bytes]) -> DataFrame:
        return self._session.createDataFrame([(bytearray(value),) for value in values], "value binary").coalesce(1)


@contextmanager
def spark_judge() -> Iterator[SparkJudge]:
    """A session with one core, stopped at the end. Needs Java."""
    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master("local[1]").appName("validation")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield SparkJudge(session)
    finally:
        session.stop()


def _parsed(contract: Contract, frame: DataFrame) -> DataFrame:
    fields = [T.StructField(field.name, _TYPES[field.kind], not field.required or field.nullable) for field in contract.fields]
    schema = T.StructType([*fields, T.StructField(_CORRUPT, T.StringType())])
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _CORRUPT}
    return frame.select(F.from_json(F.col("value").cast("string"), schema, options).alias("event"))
