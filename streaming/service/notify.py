"""Telling people: each alert is a line in the log, and goes to the webhook unless somebody has silenced it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from streaming.drift.alert_book import AlertBook, tell
from streaming.kafka.topic_span import read, span_of
from streaming.metrics.records import Alert, Record, decode
from streaming.records import rfc3339
from streaming.service.webhook import Webhook
from streaming.settings import Settings

_log = structlog.get_logger("streaming.alerts")


def read_book(settings: Settings) -> AlertBook:
    """All that the alerts topic says now. Raises Unavailable, TopicError."""
    topic, book = settings.topics.of("alerts"), AlertBook()
    for message in read(settings.kafka, topic, span_of(settings.kafka, topic)):
        tell(book, decode(message.value() or b""))
    return book


class Notifier:
    """Tells of published alerts.

    book: reads what is silenced now; alerts are few, so that it is asked only when there is one. The records on the topic are not
    touched by a silence: it is about being told, not about what happened.
    """

    def __init__(self, book: Callable[[], AlertBook], webhook: Webhook | None) -> None:
        self._book, self._webhook = book, webhook

    def __call__(self, records: Sequence[Record]) -> None:
        """Tell of the alerts among records. Raises what reading the silences raises; a webhook that fails is logged."""
        alerts = [record for record in records if isinstance(record, Alert)]
        if not alerts:
            return
        book, now = self._book(), rfc3339(datetime.now(UTC))
        for alert in alerts:
            silence = book.silence_of(alert, now)
            by = silence.by if silence else ""
            log = _log.warning if alert.state == "raised" and not silence else _log.info
            log("alert", state=alert.state, severity=alert.severity, alert=alert.id, message=alert.message, silenced_by=by)
            if self._webhook is not None and silence is None:
                self._webhook.post(alert)


def notifier_of(settings: Settings) -> Notifier:
    """The notifier of a configuration. Raises ConfigError if drift.webhook is no URL."""
    url = settings.drift.webhook.get_secret_value()
    drift = settings.drift
    webhook = Webhook(url, timeout_s=drift.webhook_timeout_s, tries=drift.webhook_tries) if url else None
    return Notifier(lambda: read_book(settings), webhook)
