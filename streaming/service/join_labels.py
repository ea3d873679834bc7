"""The label join: everything checked before the first label, then turn after turn until a signal ends it.

A plain process and no Spark job: labels are few beside events, and finding their predictions is a join in the store.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from time import monotonic

import structlog

from streaming.config import load_settings
from streaming.errors import ConfigError, Unavailable
from streaming.kafka.acls import grants
from streaming.kafka.topics import check_topics
from streaming.logs import set_up_logs
from streaming.models.deployment import Deployment, load_deployment
from streaming.service.health import Health, served
from streaming.service.label_figures import LabelFigures
from streaming.service.label_join import LabelJoin
from streaming.settings import Settings
from streaming.sinks.migrate import check_tables

JOB = "join_labels"
WITHOUT = ("sinks", "registry", "schema_registry", "drift")
"""tables of the configuration that nothing here uses"""
_log = structlog.get_logger("streaming.join_labels")


def join_labels(config: Path) -> None:
    """Run the label join until SIGTERM. Raises ScoringError, before the first label, for whatever is set up wrongly."""
    settings = load_settings(config, without=WITHOUT)
    set_up_logs(settings.log)
    deployment = load_deployment(settings.deployment)
    _check(settings, deployment, config)
    stop, health = threading.Event(), Health(JOB)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with served(health, settings.http, settings.http.join_labels_port) as port:
        _log.info("started", deployment=deployment.name, port=port)
        follow(LabelJoin(settings, deployment), settings, deployment.name, health, stop)
        _log.info("stopped")


def follow(join: LabelJoin, settings: Settings, deployment: str, health: Health, stop: threading.Event) -> None:
    """Take labels and tend to windows until `stop` is set; what is away is waited for, with back-off.

    Raises StoreError, TopicError for what waiting does not mend.
    """
    figures = LabelFigures(health.registry)
    pause, tended = settings.stream.restart_pause_s, -settings.labels.every_s
    try:
        while not stop.is_set():
            try:
                tended = _turn(join, settings, deployment, health, figures, tended)
                pause = settings.stream.restart_pause_s
            except Unavailable as error:
                health.away(str(error))
                _log.warning("away", error=str(error), again_in_s=pause)
                join.drop()
                stop.wait(pause)
                pause = min(pause * 2, settings.stream.restart_max_s)
            finally:
                health.batch_ended()
    finally:
        join.close()


def _turn(join: LabelJoin, settings: Settings, deployment: str, health: Health, figures: LabelFigures, tended: float) -> float:
    """One look at the topic and, when it is time, at the windows. Returns when these were last tended to."""
    counted = join.take()
    health.ready()
    figures.took(deployment, counted)
    if monotonic() - tended < settings.labels.every_s:
        return tended
    health.batch_began()
    figures.made(join.tend())
    return monotonic()


def _check(settings: Settings, deployment: Deployment, config: Path) -> None:
    if "postgres" not in settings.store.kinds:
        raise ConfigError(f"{config}: store.kind is {settings.store.kind}; labels are joined in PostgreSQL: add it to store.also")
    check_topics(settings, ("labels", "metrics", "alerts"), grants(settings, deployment.name, "join-labels"))
    check_tables(settings.store.dsn.get_secret_value())
