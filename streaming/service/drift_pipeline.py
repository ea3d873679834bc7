"""The drift job's Spark side: metrics topic in, verdicts to the metrics topic and alerts to the alerts topic out.

    metrics topic ─► by series ─► shuffle ─► take (state: one JSON text a series) ─► driver ─► metrics, alerts
Delivery: at least once with idempotent effect. State and offsets lie in the checkpoint; a batch that is done again gives
records with the same ids and bytes. They reach the driver, for there are few: one for each closed window, not for each event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from streaming.drift.detect import Limits, take
from streaming.drift.intake import admit, mended
from streaming.drift.series import Key, Series, by_series
from streaming.drift.series import decode as decode_series
from streaming.drift.series import encode as encode_series
from streaming.kafka.clients import spark_kafka_options
from streaming.logs import set_up_logs
from streaming.metrics.estimate_records import Calibration, Estimate
from streaming.metrics.records import Alert, Drift, Metrics, Record, Reference, decode, encode
from streaming.settings import Drift as DriftSettings
from streaming.settings import Log, Settings
from streaming.sinks.record_topic import RecordTopic

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery
    from pyspark.sql.streaming.state import GroupState

MESSAGES_PER_TRIGGER = 2_000  # bounds a batch's memory where a topic of months is read from its beginning
TOLD = pa.schema(
    [*((name, pa.string()) for name in Key._fields), *(("partition", pa.int32()), ("offset", pa.int64()), ("value", pa.binary()))]
)
TOLD_SQL = ", ".join([*(f"{name} string" for name in Key._fields), "partition int", "offset bigint", "value binary"])


def start_detect_drift(
    spark: SparkSession,
    settings: Settings,
    *,
    on_batch: Callable[[], None] = lambda: None,
    on_published: Callable[[int, list[Record]], None] = lambda _, __: None,
) -> StreamingQuery:
    """Start the drift job's query; it runs until it is stopped or fails.

    on_batch: called as each batch begins; on_published: called with its number and what it has published, as it ends.

    The number of series' partitions is `spark.sql.shuffle.partitions`, fixed by the checkpoint from its first batch on;
    with a local master it is one, for more would cost and not pay. The query fails with Unavailable when the brokers do
    not take its records: start it again, nothing is lost.
    """
    if (spark.sparkContext.master or "").startswith("local"):
        spark.conf.set("spark.sql.shuffle.partitions", "1")
    drift = settings.drift
    writer = (
        detect(read_metrics(spark, settings), limits_of(drift), settings.log).writeStream.queryName("detect_drift").outputMode("append")
    )
    topic = RecordTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client)

    def publish(batch: DataFrame, batch_id: int) -> None:
        on_batch()
        records = [record for row in batch.collect() if (record := decode(bytes(row.value))) is not None]
        _publish(topic, settings, records)
        on_published(batch_id, records)

    writer = writer.option("checkpointLocation", settings.drift.checkpoint).trigger(processingTime=f"{settings.drift.trigger_s} seconds")
    return writer.foreachBatch(publish).start()


def limits_of(drift: DriftSettings) -> Limits:
    """The limits that a configuration's `[drift]` sets."""
    names = set(Limits.__struct_fields__)
    return Limits(**{name: value for name, value in drift if name in names})


def read_metrics(spark: SparkSession, settings: Settings) -> DataFrame:
    """The metrics topic from its beginning: columns partition, offset, value."""
    options = {
        "subscribe": settings.topics.of("metrics"),
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": str(MESSAGES_PER_TRIGGER),
    }
    return (
        spark.readStream.format("kafka")
        .options(**options, **spark_kafka_options(settings.kafka))
        .load()
        .select("partition", "offset", "value")
    )


def detect(messages: DataFrame, limits: Limits, log: Log) -> DataFrame:
    """Verdicts and alerts as encoded records (column value, binary) from messages (partition, offset, value) of the metrics topic.

    log: how the workers, processes of their own, tell of what they refuse.
    """

    def told(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        set_up_logs(log)
        return map(tell, batches)

    def advance(key: tuple[Any, ...], frames: Iterable[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
        set_up_logs(log)
        series = mended(decode_series(state.get[0])) if state.exists else Series()
        values = pd.concat(list(frames)).sort_values(["partition", "offset"])["value"]
        published = [encode(out) for value in values for out in _take(series, Key(*key), bytes(value), limits)]
        state.update((encode_series(series),))
        yield pd.DataFrame({"value": published})

    parts = messages.mapInArrow(told, TOLD_SQL)
    return parts.groupBy(*Key._fields).applyInPandasWithState(advance, "value binary", "series string", "append", "NoTimeout")


def tell(messages: pa.RecordBatch) -> pa.RecordBatch:
    """What messages (partition int32, offset int64, value binary) tell which series: rows of `TOLD`; strange ones are refused."""
    rows = [
        (*key, partition, offset, encode(part))
        for partition, offset, value in zip(*(column.to_pylist() for column in messages.columns), strict=True)
        for key, part in by_series(admit(value, partition=partition, offset=offset)).items()
    ]
    return pa.RecordBatch.from_pylist([dict(zip(TOLD.names, row, strict=True)) for row in rows], schema=TOLD)


def _take(series: Series, key: Key, value: bytes, limits: Limits) -> list[Drift | Alert | Estimate]:
    record = decode(value)
    return take(series, key, record, limits) if isinstance(record, Reference | Calibration | Metrics) else []


def _publish(topic: RecordTopic, settings: Settings, records: list[Record]) -> None:
    """Alerts first: where a verdict is on its topic, its alerts are on theirs."""
    alerts: list[Record] = [record for record in records if isinstance(record, Alert)]
    verdicts: list[Record] = [record for record in records if not isinstance(record, Alert)]
    topic.publish(settings.topics.of("alerts"), alerts)
    topic.publish(settings.topics.of("metrics"), verdicts)
