"""A running scoring service for tests: real broker, real PostgreSQL, jobs through spark-submit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition

from streaming.config import load_settings
from streaming.kafka.topics import create_topics
from streaming.metrics.records import Metrics, decode
from streaming.settings import Settings
from streaming.sinks.migrate import migrate

REPOSITORY = Path(__file__).resolve().parents[2]


def wait_until(what: str, condition: Callable[[], bool], *, at_most_s: float = 300) -> None:
    """Wait for a condition; fail with its name when it does not come true.

    A question that takes long (a whole topic read) is asked less often: what is waited for needs the machine too.
    """
    end = time.monotonic() + at_most_s
    while time.monotonic() < end:
        asked = time.monotonic()
        if condition():
            return
        time.sleep(max(0.2, 3 * (time.monotonic() - asked)))
    raise AssertionError(f"waited {at_most_s:.0f} s in vain until {what}")


class Job:
    """A job started by `scoring run`, in its own process group."""

    def __init__(self, name: str, config: Path, folder: Path) -> None:
        self.name, self.port_file, self.log = name, folder / f"{name}.port", folder / f"{name}.log"
        self.port_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "streaming.cli", "run", name.replace("_", "-"), "--config", str(config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log, start_new_session=True)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a GET on the job's own server."""
        request = f"http://127.0.0.1:{self.port_file.read_text().strip()}{path}"
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except urllib.error.URLError as error:
            return 0, str(error)

    def wait_ready(self) -> Job:
        """Wait until /readyz says so."""

        def ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            return self.port_file.exists() and self.get("/readyz")[0] == 200

        wait_until(f"{self.name} is ready", ready)
        return self

    def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=90)

    def kill(self) -> None:
        """kill -9 of the job and everything it started."""
        if self.process.poll() is not None:
            return
        for pid in [self.process.pid, *_descendants(self.process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(timeout=30)


Starter = Callable[..., Job]


def _descendants(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)] if psutil.pid_exists(pid) else []


def produce(settings: Settings, messages: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Send raw messages (value, key, headers, …). Returns the address (partition, offset) of each, in order."""
    ours = {"bootstrap.servers": settings.kafka.bootstrap_servers, "acks": "all", "message.max.bytes": 15_000_000}
    producer = Producer({**settings.kafka.client, **ours})
    addresses: dict[int, tuple[int, int]] = {}

    def delivered(number: int) -> Callable[[Any, Any], None]:
        def note(error: Any, message: Any) -> None:
            assert error is None, error
            addresses[number] = (message.partition(), message.offset())

        return note

    for number, message in enumerate(messages):
        producer.produce(settings.topics.event, on_delivery=delivered(number), **message)
        producer.poll(0)
    assert producer.flush(60) == 0
    return [addresses[number] for number in range(len(messages))]


def send(settings: Settings, values: Sequence[bytes | None], *, from_ms: int | None = None) -> None:
    """Values to the event topic, in order of time over all four partitions, a millisecond apart."""
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers, "acks": "all"})
    start = from_ms if from_ms is not None else int(time.time() * 1000) - len(values)
    for place, value in enumerate(values):
        producer.produce(settings.topics.event, value, partition=place % 4, timestamp=start + place)
    assert producer.flush(30) == 0


def read_topic(settings: Settings, topic: str) -> list[Any]:
    """Every message of a topic, from its beginning to its end now."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka.bootstrap_servers,
            **settings.kafka.client,
            "group.id": "test-reader",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 20_000_000,
        }
    )
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in partitions}
    consumer.assign([TopicPartition(topic, p, low) for p, (low, high) in ends.items() if high > low])
    left = sum(high - low for low, high in ends.values())
    messages = []
    while left > 0:
        message = consumer.poll(10)
        assert message is not None, f"{topic}: {left} messages did not come"
        assert message.error() is None, message.error()
        messages.append(message)
        left -= 1
    consumer.close()
    return messages


def select(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    with psycopg.connect(settings.store.dsn.get_secret_value()) as connection:
        return connection.execute(query.encode()).fetchall()


def prepare(settings_file: Path, registry_table: str) -> Settings:
    """Make topics and tables, and put the champion that all tests share into the configuration."""
    text = settings_file.read_text()
    own = text[text.index("tracking_uri") : text.index("[stream]")]
    settings_file.write_text(text.replace(own, registry_table))
    settings = load_settings(settings_file)
    create_topics(settings)
    migrate(settings.store.dsn.get_secret_value())
    return settings


Address = tuple[int, int]


def scored(settings: Settings) -> dict[Address, str]:
    """Event id of every stored prediction by the event's partition and offset."""
    found = select(settings, "SELECT source_partition, source_offset, event_id FROM prediction")
    assert len({row[:2] for row in found}) == len(found), "an event has two predictions"
    return {(partition, offset): event_id for partition, offset, event_id in found}


def reasons(settings: Settings) -> dict[Address, str]:
    """Reason of every rejection by the event's partition and offset."""
    found: dict[Address, str] = {}
    for record in read_topic(settings, settings.topics.of("rejected")):
        headers = {name: value.decode() for name, value in record.headers()}
        address = int(headers["__connect.errors.partition"]), int(headers["__connect.errors.offset"])
        assert found.setdefault(address, headers["scoring.reason"]) == headers["scoring.reason"]
    return found


def metrics(settings: Settings) -> list[Metrics]:
    """The batches' metrics records, known ids dropped."""
    records = [decode(message.value()) for message in read_topic(settings, settings.topics.of("metrics"))]
    return list({record.id: record for record in records if isinstance(record, Metrics)}.values())
