"""The job that keeps the metric store: the metrics topic in, PostgreSQL out, until a signal ends it.

Plain Python, not Spark: one topic of a few records a second, written in one transaction with its offsets. Two at once do no harm.
"""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from streaming.config import load_settings
from streaming.errors import ConfigError, Unavailable
from streaming.kafka.acls import METRIC_STORE_GROUP, grants
from streaming.kafka.topics import check_topics
from streaming.logs import KafkaClientLog, set_up_logs
from streaming.service.health import Health, served
from streaming.service.metric_figures import MetricFigures
from streaming.settings import METRICS_WITHOUT, Settings
from streaming.sinks.metric_store.batch import Message
from streaming.sinks.metric_store.write import MetricStore
from streaming.sinks.migrate import check_tables

JOB = "write_metrics"
UPKEEP_S = 3_600.0
_ASK_S = 10
_log = structlog.get_logger("streaming.write_metrics")


def write_metrics(config: Path) -> None:
    """Run the job until SIGTERM. Raises ScoringError, before the first record, for whatever is set up wrongly."""
    settings = load_settings(config, without=[name for name in METRICS_WITHOUT if name != "stream"])
    set_up_logs(settings.log)
    if not (dsn := settings.store.dsn.get_secret_value()):
        raise ConfigError("store.dsn is required and missing: the metric store is in PostgreSQL; write it as env:NAME or file:PATH")
    check_topics(settings, ("metrics",), grants(settings, "", "write-metrics"))
    check_tables(dsn)
    health, stop = Health(JOB), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with served(health, settings.http, settings.http.write_metrics_port) as port:
        _log.info("started", port=port)
        store = MetricStore(dsn, statement_timeout_s=settings.store.statement_timeout_s)
        _supervise(Keeping(settings, store, MetricFigures(health.registry), health), settings, stop, health)
        store.close()
    _log.info("stopped")


def _supervise(keeping: Keeping, settings: Settings, stop: threading.Event, health: Health) -> None:
    """Keep on until `stop`; after an outage start again from the store's offsets, with back-off."""
    pause_s = settings.stream.restart_pause_s
    while not stop.is_set():
        try:
            keeping.run(stop)
        except Unavailable as error:
            health.batch_ended()
            health.away(str(error))
            _log.warning("restart", reason=str(error), again_in_s=pause_s)
            stop.wait(pause_s)
            pause_s = min(pause_s * 2, settings.stream.restart_max_s)
        else:
            return


class Keeping:
    """One pass from the store's offsets on: a consumer that is assigned the topic, batches, upkeep."""

    def __init__(self, settings: Settings, store: MetricStore, figures: MetricFigures, health: Health) -> None:
        self._settings, self._store, self._figures, self._health = settings, store, figures, health
        self._topic = settings.topics.of("metrics")
        self._upkept = -UPKEEP_S

    def run(self, stop: threading.Event) -> None:
        """Write batches until `stop`. Raises Unavailable: call again; StoreError."""
        consumer = Consumer(consumer_settings(self._settings), logger=KafkaClientLog())
        try:
            partitions = self._assign(consumer)
            self._health.ready()
            while not stop.is_set():
                self._batch(consumer)
                self._figures.lag(sum(lag(consumer, partition) for partition in partitions))
                self._upkeep()
        except KafkaException as error:
            raise Unavailable(f"topic {self._topic}: {error.args[0].str()}") from None
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> list[TopicPartition]:
        """Read each partition from where the store stands: offsets in the store, none at the brokers."""
        found = consumer.list_topics(self._topic, timeout=_ASK_S).topics[self._topic]
        if found.error is not None:
            raise Unavailable(f"topic {self._topic}: {found.error.str()}")
        stored = self._store.offsets(self._topic)
        partitions = [TopicPartition(self._topic, number, stored.get(number, 0)) for number in found.partitions]
        consumer.assign(partitions)
        return partitions

    def _batch(self, consumer: Consumer) -> None:
        """Gather messages until there are enough or the linger is over, then write them."""
        asked = self._settings.metric_store
        messages = []
        for message in consumer.consume(asked.batch_records, timeout=asked.linger_s):
            if (fault := message.error()) is not None:
                raise Unavailable(f"topic {self._topic}: {fault.str()}")
            place = (message.topic() or self._topic, message.partition() or 0, message.offset() or 0)
            messages.append(Message(*place, message.value()))
        if not messages:
            return
        began = time.monotonic()
        self._health.batch_began()
        written = self._store.write(messages)
        self._health.batch_ended()
        self._figures.add(written, time.monotonic() - began)

    def _upkeep(self) -> None:
        if time.monotonic() - self._upkept < UPKEEP_S:
            return
        self._upkept = time.monotonic()
        if dropped := self._store.upkeep(self._settings.metric_store, datetime.now(UTC)):
            _log.info("retention_done", partitions=dropped)


def consumer_settings(settings: Settings) -> dict[str, str | bool | int]:
    """Settings of the consumer: it commits nothing and begins where it is told; the group is librdkafka's formality."""
    return {
        **settings.kafka.client,
        "bootstrap.servers": settings.kafka.bootstrap_servers,
        "group.id": METRIC_STORE_GROUP,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": False,
    }


def lag(consumer: Consumer, partition: TopicPartition) -> int:
    """Messages of a partition that were not read yet, as far as the client knows; 0 before it has heard of any."""
    _, high = consumer.get_watermark_offsets(partition, cached=True)
    (place,) = consumer.position([partition])
    read = place.offset if place.offset >= 0 else partition.offset  # nothing was read yet
    return max(0, high - read) if high >= 0 else 0
