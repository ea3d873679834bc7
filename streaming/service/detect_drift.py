"""The drift job: everything checked before the first record, then one streaming query until a signal ends it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import structlog

from streaming.config import load_settings
from streaming.kafka.acls import grants
from streaming.kafka.clients import spark_kafka_options
from streaming.kafka.topics import check_topics
from streaming.logs import set_up_logs
from streaming.metrics.records import Record
from streaming.micro_batch.checkpoint import check_checkpoint
from streaming.service.drift_figures import DriftFigures
from streaming.service.drift_pipeline import start_detect_drift
from streaming.service.health import Health, served
from streaming.service.notify import notifier_of
from streaming.service.spark import session
from streaming.service.supervise import StopGate, catch_signals, supervise
from streaming.settings import DRIFT_WITHOUT

JOB = "detect_drift"
_log = structlog.get_logger("streaming.detect_drift")


def detect_drift(config: Path) -> None:
    """Run the drift job until SIGTERM. Raises ScoringError, before the first record, for whatever is set up wrongly."""
    settings = load_settings(config, without=DRIFT_WITHOUT)
    set_up_logs(settings.log)
    spark_kafka_options(settings.kafka)
    check_checkpoint("drift.checkpoint", settings.drift.checkpoint)
    check_topics(settings, ("metrics", "alerts"), grants(settings, "", "detect-drift"))
    health, gate = Health(JOB), StopGate(settings.stream.stop_wait_s)
    with served(health, settings.http, settings.http.detect_drift_port) as port:
        spark = session(JOB, settings)
        catch_signals(spark, gate)
        _log.info("started", port=port)
        figures, notify = DriftFigures(health.registry), notifier_of(settings)

        def began() -> None:
            gate.check()
            health.batch_began()

        def published(batch_id: int, records: list[Record]) -> None:
            health.batch_ended()
            figures.add(batch_id, records)
            notify(records)

        start = partial(start_detect_drift, spark, settings, on_batch=began, on_published=published)
        supervise(start, gate, health, pause_s=settings.stream.restart_pause_s, pause_max_s=settings.stream.restart_max_s)
        spark.stop()
