"""Logs of the jobs: structured JSON lines fit for log stores, readable ones on a terminal."""

from __future__ import annotations

import logging
import sys

import structlog

from streaming.settings import Log


class KafkaClientLog:
    """What a Kafka client of ours says, as events of our log; given to the client as its `logger`.

    The client hands its lines over when it is polled or flushed, so it is of use only to one that is.
    """

    def log(self, level: int, message: str, *arguments: object) -> None:
        """Called by confluent-kafka. level: of the standard library's logging."""
        structlog.get_logger("streaming.kafka").log(level, "kafka_client", said=message % arguments)


def set_up_logs(log: Log) -> None:
    """Send structlog's events to standard error: JSON, or text on a terminal (log.format=auto)."""
    text = log.format == "text" or (log.format == "auto" and sys.stderr.isatty())
    renderer = structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, log.level.upper())),
        # A line is one write: the driver and its workers share standard error, and must not write into each other's lines.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
