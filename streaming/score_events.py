"""The scoring job: everything checked before the first event, then one streaming query until a signal ends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name its users know)
from pyspark.sql.streaming.listener import StreamingQueryListener
from pyspark.sql.streaming.query import StreamingQuery

from streaming.config import Settings, load_settings
from streaming.contracts.schema import Contract, load_contracts
from streaming.errors import ConfigError
from streaming.health import Health, serve
from streaming.local.topics import check_topics
from streaming.logs import set_up_logs
from streaming.micro_batch import MicroBatches
from streaming.models.deployment import Deployment, load_deployment
from streaming.models.registry import Registry
from streaming.pipeline import Destination
from streaming.planner import ModelWatch
from streaming.sinks.migrate import check_tables
from streaming.spark import session
from streaming.supervise import StopGate, catch_signals, supervise

JOB = "score_events"
_log = structlog.get_logger("streaming.score_events")


def score_events(config: Path) -> None:
    """Run the scoring job until SIGTERM. Raises ScoringError, before the first event, for whatever is set up wrongly."""
    settings = load_settings(config)
    set_up_logs(settings.log)
    deployment = load_deployment(settings.deployment)
    contracts = read_contracts(settings, deployment)
    watch = check_everything(settings, deployment, contracts)
    health, gate = Health(JOB), StopGate()
    port = serve(health, settings.http, settings.http.score_events_port)
    spark = session(f"{JOB}:{deployment.name}", settings)
    catch_signals(spark, gate)
    watch.start()
    group = settings.stream.consumer_group or f"scoring.{deployment.name}"
    spark.streams.addListener(LagForTools(settings, group))
    batches = MicroBatches(spark, settings, deployment, watch, destination(settings, deployment, contracts), health, gate)
    batches.warm_up()
    _log.info("started", deployment=deployment.name, model_version=watch.current.planned.version, port=port)
    supervise(
        lambda: start_query(spark, settings, batches),
        gate,
        health,
        pause_s=settings.stream.restart_pause_s,
        pause_max_s=settings.stream.restart_max_s,
    )
    spark.stop()


def read_contracts(settings: Settings, deployment: Deployment) -> dict[int, Contract]:
    """The event's schema versions. Raises ContractError, and ConfigError if the deployment's version is not among them."""
    contracts = load_contracts(settings.schemas, deployment.event)
    if deployment.schema_version not in contracts:
        raise ConfigError(
            f"{settings.deployment}: schema_version {deployment.schema_version} of {deployment.event} is not in {settings.schemas}, "
            f"which has {', '.join(map(str, contracts))}; put its file there or mend the deployment"
        )
    return contracts


def check_everything(settings: Settings, deployment: Deployment, contracts: dict[int, Contract]) -> ModelWatch:
    """Brokers, topics, tables and model: told before the first event. Returns the model, loaded and verified."""
    check_topics(settings)
    check_tables(settings.store.dsn.get_secret_value())
    contract = contracts[deployment.schema_version]
    return ModelWatch(Registry(settings.registry), deployment, contract, refresh_s=settings.registry.refresh_s)


def destination(settings: Settings, deployment: Deployment, contracts: dict[int, Contract]) -> Destination:
    """Where the tasks deliver to."""
    topics, stream = settings.topics, settings.stream
    return Destination(
        job=JOB,
        log=settings.log,
        dsn=settings.store.dsn.get_secret_value(),
        statement_timeout_s=settings.store.statement_timeout_s,
        retry_max_s=settings.store.retry_max_s,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        client=tuple(sorted(settings.kafka.client.items())),
        rejected_topic=topics.of("rejected"),
        rejected_max_bytes=topics.max_message_bytes * 4 // 3,
        scoring_log=stream.scoring_log or f"{stream.checkpoint.rstrip('/')}_log",
        event=deployment.event,
        contracts=tuple((version, json.dumps(dict(contract.document))) for version, contract in contracts.items()),
    )


def start_query(spark: SparkSession, settings: Settings, batches: MicroBatches) -> StreamingQuery:
    """Start the streaming query: the event topic, in micro-batches, from the checkpoint."""
    column = F.col
    raw = _source(spark, settings).select(
        "key",
        "value",
        "headers",
        column("topic").alias("source_topic"),
        column("partition").alias("source_partition"),
        column("offset").alias("source_offset"),
        column("timestamp").alias("received_at"),
    )
    writer = raw.writeStream.queryName(JOB).foreachBatch(batches)
    return writer.option("checkpointLocation", settings.stream.checkpoint).start()


def _source(spark: SparkSession, settings: Settings) -> DataFrame:
    options = {
        "kafka.bootstrap.servers": settings.kafka.bootstrap_servers,
        "subscribe": settings.topics.event,
        "startingOffsets": settings.stream.starting_offsets,
        "maxOffsetsPerTrigger": str(settings.stream.max_offsets_per_trigger),
        "includeHeaders": "true",
        "failOnDataLoss": "true",
        "kafka.max.poll.records": "5000",
        "kafka.max.partition.fetch.bytes": str(8 * 1024 * 1024),
    }
    passed_on = {f"kafka.{name}": value for name, value in settings.kafka.client.items()}
    return spark.readStream.format("kafka").options(**options, **passed_on).load()


class LagForTools(StreamingQueryListener):
    """Commits the end offsets of completed batches to a consumer group, so that ordinary tools see the lag.

    Correctness never reads them: the checkpoint is what a restart goes by.
    """

    def __init__(self, settings: Settings, group: str) -> None:
        super().__init__()
        self._consumer = Consumer(
            {"bootstrap.servers": settings.kafka.bootstrap_servers, **settings.kafka.client, "group.id": group, "enable.auto.commit": False}
        )

    def onQueryStarted(self, event: Any) -> None:  # noqa: N802
        """Nothing to do."""

    def onQueryProgress(self, event: Any) -> None:  # noqa: N802
        """Commit what the batch covered."""
        for source in event.progress.sources:
            ends = json.loads(source.endOffset or "{}")
            offsets = [TopicPartition(topic, int(p), end) for topic, parts in ends.items() for p, end in parts.items()]
            try:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as error:
                _log.warning("lag_not_committed", error=str(error.args[0]))

    def onQueryIdle(self, event: Any) -> None:  # noqa: N802
        """Nothing to do."""

    def onQueryTerminated(self, event: Any) -> None:  # noqa: N802
        """Nothing to do."""
