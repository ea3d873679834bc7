"""The scoring job: everything checked before the first event, then one streaming query until a signal ends it."""

from __future__ import annotations

import json
from pathlib import Path

import structlog
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name its users know)
from pyspark.sql.streaming.query import StreamingQuery

from streaming.config import load_settings
from streaming.contracts.registry_client import registry_client
from streaming.contracts.schema import Contract, load_contracts
from streaming.delivery import Destination
from streaming.errors import ConfigError
from streaming.kafka.acls import grants
from streaming.kafka.clients import spark_kafka_options
from streaming.kafka.topics import check_topics
from streaming.logs import set_up_logs
from streaming.micro_batch.checkpoint import check_checkpoint
from streaming.micro_batch.gaps import GapWatch
from streaming.micro_batch.lag import LagForTools
from streaming.micro_batch.offset_log import OffsetLog
from streaming.micro_batch.planner import ModelWatch
from streaming.micro_batch.protocol import MicroBatches
from streaming.models.deployment import Deployment, load_deployment
from streaming.models.registry import Registry
from streaming.service.health import Health, served
from streaming.service.spark import session
from streaming.service.supervise import StopGate, catch_signals, supervise
from streaming.settings import Kind, Settings
from streaming.sinks.files import PredictionFiles
from streaming.sinks.scoring_log import check_scoring_log
from streaming.sinks.stores import check_stores, keep_stores

JOB = "score_events"
_log = structlog.get_logger("streaming.score_events")


def score_events(config: Path) -> None:
    """Run the scoring job until SIGTERM. Raises ScoringError, before the first event, for whatever is set up wrongly."""
    settings = load_settings(config)
    set_up_logs(settings.log)
    deployment = load_deployment(settings.deployment)
    contracts = read_contracts(settings, deployment)
    watch = check_everything(settings, deployment, contracts)
    health, gate = Health(JOB), StopGate(settings.stream.stop_wait_s)
    with served(health, settings.http, settings.http.score_events_port) as port:
        spark = session(f"{JOB}:{deployment.name}", settings)
        catch_signals(spark, gate)
        group = settings.stream.consumer_group or f"scoring.{deployment.name}"
        spark.streams.addListener(LagForTools(settings.kafka, group, health.registry))
        batches = MicroBatches(spark, settings, deployment, watch, destination(settings, deployment, contracts), health, gate)
        batches.warm_up(watch.current)
        watch.announce = batches.warm_up
        watch.start()
        health.follows(watch.alive)
        gaps = GapWatch(settings, deployment.name, health.registry)
        keep_stores(settings.store, gate.stopping)
        _log.info("started", deployment=deployment.name, model_version=watch.current.planned.version, port=port)
        pause_s, pause_max_s = settings.stream.restart_pause_s, settings.stream.restart_max_s
        supervise(lambda: start_query(spark, settings, batches, gaps), gate, health, pause_s=pause_s, pause_max_s=pause_max_s)
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
    spark_kafka_options(settings.kafka)
    if settings.schema_registry.url:
        registry_client(settings.schema_registry)
    check_checkpoint("stream.checkpoint", settings.stream.checkpoint)
    check_scoring_log(scoring_log(settings))
    kinds: tuple[Kind, ...] = ("event", "rejected", "replay", "metrics", *(("predictions",) if settings.sinks.topic else ()))
    check_topics(settings, kinds, grants(settings, deployment.name, "score-events"))
    check_stores(settings.store)
    if settings.sinks.files:
        PredictionFiles(settings.sinks.files).check()
    contract = contracts[deployment.schema_version]
    return ModelWatch(Registry(settings.registry), deployment, contract, refresh_s=settings.registry.refresh_s)


def destination(settings: Settings, deployment: Deployment, contracts: dict[int, Contract]) -> Destination:
    """Where the tasks deliver to."""
    topics = settings.topics
    return Destination(
        job=JOB,
        log=settings.log,
        schema_registry=settings.schema_registry,
        store=settings.store,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        client=tuple(sorted(settings.kafka.client.items())),
        rejected_topic=topics.of("rejected"),
        rejected_max_bytes=topics.max_message_bytes * 4 // 3,
        scoring_log=scoring_log(settings),
        worker_limit_s=settings.stream.worker_limit_s,
        predictions_topic=topics.of("predictions") if settings.sinks.topic else "",
        predictions_files=settings.sinks.files,
        event=deployment.event,
        contracts=tuple((version, json.dumps(dict(contract.document))) for version, contract in contracts.items()),
    )


def scoring_log(settings: Settings) -> str:
    """Folder of the scoring log: by default next to the checkpoint."""
    return settings.stream.log_folder()


def start_query(spark: SparkSession, settings: Settings, batches: MicroBatches, gaps: GapWatch) -> StreamingQuery:
    """Start the streaming query: the event topic and the replay topic beside it, in micro-batches, from the checkpoint.

    Raises DataGap, CheckpointError, TopicError, Unavailable where the checkpoint cannot be gone on with: see GapWatch.
    """
    context = spark.sparkContext
    gaps.check(OffsetLog(context._jvm, context._jsc.hadoopConfiguration(), settings.stream.checkpoint))
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
        # A checkpoint made before there was a replay topic takes it as new partitions of the one source.
        "subscribe": f"{settings.topics.event},{settings.topics.of('replay')}",
        "startingOffsets": settings.stream.starting_offsets,
        "maxOffsetsPerTrigger": str(settings.stream.max_offsets_per_trigger),
        "includeHeaders": "true",
        "failOnDataLoss": "true",
        "kafka.isolation.level": "read_committed",  # what a producer aborted is no event
        "kafka.max.poll.records": "5000",
        "kafka.max.partition.fetch.bytes": str(8 * 1024 * 1024),
    }
    return spark.readStream.format("kafka").options(**options, **spark_kafka_options(settings.kafka)).load()
