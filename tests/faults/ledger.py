"""The producer with its own ledger: a process of its own that knows nothing of the product.

It sends churn events made from the telco table, keyed by the customer, at a steady rate: some broken, some repeated with the
same bytes, some the same event with other bytes, some late, some of one event time. Each acknowledgement is one JSON line:

    {"kind": "good", "reason": "", "event_id", "entity", "event_time", "topic", "partition", "offset", "sent_ms", "sha256"}

kind: good, repeat, conflict, broken; reason: why it must be rejected; sha256: hex, of the value, null for a null value;
sent_ms: the message's own time at the broker. Run as a program: `python tests/faults/ledger.py --help`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

TABLE = Path(__file__).resolve().parents[2] / "examples" / "churn" / "telco_churn.csv"
ENTITIES = 400
BROKEN, REPEATED, CONFLICTING, LATE, TIED = 0.02, 0.01, 0.005, 0.2, 0.1
_RECENT = 300
_TEXTS = {
    *("multiple_lines", "internet_service", "online_security", "online_backup", "device_protection", "tech_support"),
    *("streaming_tv", "streaming_movies", "contract", "payment_method"),
}
_MONEY = {"monthly_charges", "total_charges"}
Fields = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """One message to send, and what must become of it."""

    kind: str
    reason: str
    event_id: str
    entity: str
    event_time: str
    value: bytes | None


def customers(table: Path = TABLE, *, most: int = ENTITIES) -> list[Fields]:
    """The features of the first customers of the table, as an event has them."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(most), strict=False)]
    return [
        {"customer_id": f"C{place:07d}"} | {name: _scalar(name, text) for name, text in row.items() if name != "churn"}
        for place, row in enumerate(rows)
    ]


def _scalar(name: str, text: str) -> str | int | float | None:
    if name in _TEXTS:
        return text
    if name in _MONEY:
        return float(text) if text else None
    return int(text)


def _json(fields: Fields) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


BREAKAGES: dict[str, Callable[[Fields], bytes | None]] = {
    "minimum": lambda event: _json(event | {"tenure": -1}),
    "enum": lambda event: _json(event | {"contract": "Lifetime"}),
    "required": lambda event: _json({name: value for name, value in event.items() if name != "payment_method"}),
    "additionalProperties": lambda event: _json(event | {"loyalty_tier": "gold"}),
    "json": lambda event: _json(event)[:-30],
    "future_time": lambda event: _json(event | {"event_time": "2999-01-01T00:00:00Z"}),
    "empty_value": lambda _: b"",
    "null_value": lambda _: None,
}
"""By the reason that the rejection must name: what breaks the event."""


def messages(seed: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[Message]:
    """Messages without end. The same seed gives the same choices; times are those of `now` as each is taken."""
    dice = random.Random(seed)
    known = customers()
    recent: deque[tuple[Fields, bytes]] = deque(maxlen=_RECENT)
    breakages = list(BREAKAGES)
    while True:
        die = dice.random()
        if die < REPEATED + CONFLICTING and recent:
            yield _again(dice, recent, conflicting=die >= REPEATED)
            continue
        event = _event(dice, dice.choice(known), now())
        if die > 1 - BROKEN:
            reason = dice.choice(breakages)
            yield _message("broken", reason, event, BREAKAGES[reason](event))
        else:
            recent.append((event, _json(event)))
            yield _message("good", "", event, recent[-1][1])


def _event(dice: random.Random, customer: Fields, now: datetime) -> Fields:
    """An event of now; one in five is late by up to ten minutes, one in ten is of a whole minute, so that times are shared."""
    die = dice.random()
    at = now - timedelta(seconds=dice.uniform(1, 600)) if die < LATE else now
    if die > 1 - TIED:
        at = at.replace(second=0, microsecond=0)
    event_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    return {"event_id": event_id, "event_time": at.isoformat(timespec="microseconds").replace("+00:00", "Z")} | customer


def _again(dice: random.Random, recent: deque[tuple[Fields, bytes]], *, conflicting: bool) -> Message:
    event, value = dice.choice(recent)
    if not conflicting:
        return _message("repeat", "", event, value)
    return _message(
        "conflict",
        "event_conflict",
        event,
        _json(event | {"paperless_billing": 1 - event["paperless_billing"], "tenure": dice.randint(0, 72)}),
    )


def _message(kind: str, reason: str, event: Fields, value: bytes | None) -> Message:
    return Message(kind, reason, event["event_id"], event["customer_id"], event["event_time"], value)


class Ledger:
    """Sends messages and writes down each acknowledgement, and what failed. A producer that ends by an error is made anew."""

    def __init__(self, bootstrap: str, topic: str, file: IO[str]) -> None:
        self._topic, self._file = topic, file
        # Without a limit of time: through an outage of the brokers it keeps trying, and sends nothing twice.
        self._settings: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "message.timeout.ms": 0,
            "linger.ms": 5,
            "reconnect.backoff.max.ms": 1000,
            "topic.metadata.refresh.interval.ms": 2000,
            "log_level": 0,
        }
        self._producer = self._made()

    def send(self, message: Message) -> None:
        """Queue a message; its acknowledgement is written when it comes."""
        from confluent_kafka import KafkaException

        while True:
            try:
                self._producer.produce(
                    self._topic, message.value, message.entity, on_delivery=lambda error, told: self._told(message, error, told)
                )
                break
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException:  # the producer has ended: what it still held is told as failed, and was never acknowledged
                self._producer.flush(1)
                self._producer = self._made()
        self._producer.poll(0)

    def close(self) -> None:
        """Wait until every message is acknowledged, however long that takes."""
        while self._producer.flush(5):
            pass

    def _made(self) -> Any:
        from confluent_kafka import Producer

        return Producer(self._settings)

    def _told(self, message: Message, error: Any, told: Any) -> None:
        if error is not None:
            line: Fields = {"failed": error.str(), "event_id": message.event_id}
        else:
            digest = None if message.value is None else hashlib.sha256(message.value).hexdigest()
            line = {"kind": message.kind, "reason": message.reason, "event_id": message.event_id, "entity": message.entity}
            line |= {"event_time": message.event_time, "topic": told.topic(), "partition": told.partition(), "offset": told.offset()}
            line |= {"sent_ms": told.timestamp()[1], "sha256": digest}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def main() -> None:
    """Send so many events at so many a second, then wait for the last acknowledgement."""
    flags = argparse.ArgumentParser(description=__doc__)
    for name, kind in (("bootstrap", str), ("topic", str), ("events", int), ("rate", float), ("seed", int), ("out", Path)):
        flags.add_argument(f"--{name}", type=kind, required=True)
    asked = flags.parse_args()
    with asked.out.open("a", encoding="utf-8") as file:
        ledger = Ledger(asked.bootstrap, asked.topic, file)
        began = time.monotonic()
        for number, message in zip(range(asked.events), messages(asked.seed), strict=False):
            ledger.send(message)
            time.sleep(max(0.0, began + number / asked.rate - time.monotonic()))
        ledger.close()


if __name__ == "__main__":
    main()
