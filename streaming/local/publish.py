"""Sends traffic to the brokers at a steady rate and keeps the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from streaming.local.ledger import Ledger
from streaming.local.traffic import Traffic
from streaming.producer import EventProducer
from streaming.settings import Settings


@dataclass(frozen=True)
class Published:
    """What was sent. `shift_at`: when the first message of the shifted population was made; None if there was no shift."""

    acknowledged: int
    began: datetime
    ended: datetime
    shift_at: datetime | None


def publish(
    settings: Settings,
    traffic: Traffic,
    ledger: Path,
    *,
    rate: float,
    sent: Callable[[int], None] = lambda _: None,
    after_first: Callable[[], None] = lambda: None,
) -> Published:
    """Send every message of the traffic, `rate` a second, and wait for all acknowledgements.

    sent: called with the number of messages handed to the producer so far. after_first: called once the first message is
    acknowledged; the steady rate begins when it returns. Raises DeliveryError if one is not acknowledged.
    """
    began, start = _now(), time.monotonic()
    shift_at = None
    with Ledger(ledger) as book:
        kafka = settings.kafka
        producer = EventProducer(kafka.bootstrap_servers, settings.topics.event, client=kafka.client, on_delivery=book.delivered)
        with producer:
            for sending in traffic:
                shift_at = _now() if sending.index == traffic.shift_index else shift_at
                book.expect(sending)
                producer.send(sending.value, key=sending.customer.encode())
                sent(sending.index + 1)
                if sending.index == 0:
                    producer.flush()
                    after_first()
                    start = time.monotonic()
                time.sleep(max(0.0, start + (sending.index + 1) / rate - time.monotonic()))
        return Published(book.acknowledged, began, _now(), shift_at)


def _now() -> datetime:
    return datetime.now(UTC)
