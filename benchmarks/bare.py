"""The yardstick: a plain confluent-kafka loop over the same steps, model and store, one process, no Spark.

It has none of the service's plans, metrics, scoring log or rejected topic: the ratio says what those and Spark cost.
As a program it scores the event topic of a configuration until SIGTERM and prints a line of JSON for each batch.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from confluent_kafka import Consumer, KafkaException, Message

from streaming.config import load_settings
from streaming.contracts.schema import load_contracts
from streaming.errors import InvalidEvent
from streaming.micro_batch.planner import ModelWatch, new_plan
from streaming.models.deployment import load_deployment
from streaming.models.formats import skops
from streaming.models.registry import Registry
from streaming.pipeline import predictions, scoring_steps
from streaming.records import RAW
from streaming.settings import Settings
from streaming.sinks.postgres import PostgresSink
from streaming.steps import run_steps


class BareLoop:
    """One consumer, the scoring steps, one connection."""

    def __init__(self, settings: Settings) -> None:
        """Raises ScoringError for whatever is set up wrongly."""
        self._settings, self._deployment = settings, load_deployment(settings.deployment)
        contracts = load_contracts(settings.schemas, self._deployment.event)
        watch = ModelWatch(Registry(settings.registry), self._deployment, contracts[self._deployment.schema_version], refresh_s=1)
        self._ready = watch.current
        self._steps = scoring_steps(contracts, skops.load(self._ready.artifact, self._ready.planned.sha256))
        self._sink = PostgresSink(settings.store.dsn.get_secret_value())
        self._consumer = _consumer(settings)
        self._number = 0

    def turn(self, wait_s: float) -> dict[str, object] | None:
        """Take up to an Arrow batch's rows within wait_s, score, store, commit. Returns what to tell; None if nothing came."""
        marks = [time.perf_counter()]
        messages = self._consumer.consume(self._settings.stream.arrow_batch_rows, wait_s)
        if not messages:
            return None
        marks.append(time.perf_counter())
        batch = raw_batch(messages)
        marks.append(time.perf_counter())
        parts = self._score_and_store(batch)
        parts |= {"consume": (marks[1] - marks[0]) * 1000, "to_arrow": (marks[2] - marks[1]) * 1000}
        began = time.perf_counter()
        self._consumer.commit(asynchronous=False)
        parts["commit"] = (time.perf_counter() - began) * 1000
        duration_ms = (time.perf_counter() - marks[0]) * 1000
        return {"events": len(messages), "at": datetime.now(UTC).isoformat(), "duration_ms": duration_ms, "parts_ms": parts}

    def close(self) -> None:
        """Leave the group and the store."""
        self._consumer.close()
        self._sink.close()

    def _score_and_store(self, batch: pa.RecordBatch) -> dict[str, float]:
        plan = new_plan(
            query_id="bare",
            batch_id=self._number,
            deployment=self._deployment,
            stream=self._settings.stream,
            ready=self._ready,
            offsets={},
            cores=1,
        )
        self._number += 1
        passage = run_steps(self._steps, batch, plan)
        if passage.rejected:
            raise InvalidEvent(f"the load has {sum(part.num_rows for part in passage.rejected)} invalid events; expected none")
        began = time.perf_counter()
        self._sink.write(predictions(passage.rows))
        return {**passage.parts_ms, "store": (time.perf_counter() - began) * 1000}


def raw_batch(messages: Sequence[Message]) -> pa.RecordBatch:
    """Messages as a batch of the type RAW. Raises KafkaException where the consumer has an error in a message's place."""
    for message in messages:
        if (error := message.error()) is not None:
            raise KafkaException(error)
    columns = [
        [message.key() for message in messages],
        [message.value() for message in messages],
        [None] * len(messages),
        [message.topic() for message in messages],
        [message.partition() for message in messages],
        [message.offset() for message in messages],
        [message.timestamp()[1] * 1000 for message in messages],
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, RAW, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=RAW)


def _consumer(settings: Settings) -> Consumer:
    client = {"bootstrap.servers": settings.kafka.bootstrap_servers, **settings.kafka.client}
    ours = {"group.id": "scoring.bare", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    consumer = Consumer({**client, **ours})
    consumer.subscribe([settings.topics.event])
    return consumer


def main() -> None:
    """Run until SIGTERM; the first line, of 0 events, says that the loop is ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--wait", type=float, default=0.01, help="seconds that a batch waits for more events")
    arguments = parser.parse_args()
    running = True

    def stop(*_: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    loop = BareLoop(load_settings(arguments.config))
    print(json.dumps({"events": 0, "at": datetime.now(UTC).isoformat(), "duration_ms": 0.0, "parts_ms": {}}), flush=True)
    while running:
        told = loop.turn(arguments.wait)
        if told is not None:
            print(json.dumps(told), flush=True)
    loop.close()


if __name__ == "__main__":
    main()
