"""Faults of the topics: one that takes nothing, one that was emptied or made again, more partitions, aborted transactions."""

from __future__ import annotations

import json
import random
import time
import uuid
from functools import partial
from typing import Any

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import NewPartitions, NewTopic  # type: ignore[attr-defined]  # not in its types' __all__
from faults.evidence import read_topic
from faults.ledger import messages
from faults.operating import admin_of, configure, ends_of_last_commit, stopped, wait_for_word
from faults.registry import fault
from faults.world import World, ends_of

GENTLE = {"stream": {"stop_wait_s": 60}}  # that no batch is given up on a busy machine
GONE = "events are gone that no batch has read"


def _unavailable(kind: str, world: World, rng: random.Random) -> None:
    """The companion topic asks for more in-sync replicas than there are: it takes nothing, while all else goes on."""
    for after, before in ((0.1, 0.4), (0.5, 0.8)):
        world.moment(rng, after=after, before=before)
        configure(world, world.companion(kind), "min.insync.replicas", "2")
        time.sleep(rng.uniform(4, 10))
        configure(world, world.companion(kind), "min.insync.replicas", "1")
        world.over()


for _kind in ("rejected", "metrics"):
    fault(f"{_kind}-topic-unavailable")(partial(_unavailable, _kind))


def _overrun(world: World, rng: random.Random) -> dict[int, tuple[int, int]]:
    """While the job is down, take events from two partitions that it has not read. Returns partition → [first, end) of what is gone."""
    world.wait_for_batches(2)
    with stopped(world):
        done = ends_of_last_commit(world)
        world.wait_until(
            "there is more to read", lambda: all(end > done.get(n, 0) + 40 for n, end in ends_of(world.bootstrap, world.topic).items())
        )
        gone = {n: (done.get(n, 0), done.get(n, 0) + rng.randint(1, 40)) for n in rng.sample(sorted(done), 2)}
        places = [TopicPartition(world.topic, partition, end) for partition, (_, end) in gone.items()]
        for future in admin_of(world).delete_records(places).values():
            future.result(20)
    world.gaps += [(partition, first, end) for partition, (first, end) in gone.items()]
    said = wait_for_word(world, rf"score_events: {GONE}.*")
    missing = [n for n, (first, end) in gone.items() if f"{world.topic}-{n}: offsets {first} to {end - 1} ({end - first})" not in said]
    if missing:
        raise RuntimeError(f"the job did not tell the gap of partitions {missing}, {gone}: {said}")
    return gone


@fault(
    "retention-overran", refusal=GONE, goes_on=False, settings=GENTLE, expects="refused, with the exact offsets; nothing beyond them lost"
)
def overrun_the_job(world: World, rng: random.Random) -> None:
    """Retention takes what was not read yet: by default the job says which offsets, and does not go on."""
    world.moment(rng, before=0.5)
    _overrun(world, rng)


@fault(
    "retention-overran-continue",
    settings=GENTLE,
    refusal=GONE,
    expects="refused; on order recorded with the exact offsets, and nothing beyond them lost",
)
def overrun_the_job_and_go_on(world: World, rng: random.Random) -> None:
    """The same, and the operator lets it go on: the gap stands on the metrics topic, and everything else has its outcome."""
    world.moment(rng, before=0.5)
    gone = _overrun(world, rng)
    world.settings["stream"]["on_gap"] = "continue"
    world.write_config()
    world.wait_for_batches(1)
    world.over()
    told = [json.loads(one.value()) for one in read_topic(world.bootstrap, world.companion("metrics"))]
    lost = [record["lost"] for record in told if record["record"] == "gap"]
    if lost != [{str(partition): [first, end] for partition, (first, end) in gone.items()}]:
        raise RuntimeError(f"recorded are {lost}, gone are {gone}")


@fault(
    "topic-recreated",
    settings=GENTLE,
    refusal="deleted and made again",
    goes_on=False,
    expects="refused: it is not the topic that was read",
)
def make_the_topic_again(world: World, _: random.Random) -> None:
    """The event topic is deleted and made again while the job is down."""
    world.wait_until("every event is sent", lambda: world.acknowledged() >= world.events)
    partitions = len(ends_of(world.bootstrap, world.topic))
    admin = admin_of(world)
    with stopped(world):
        admin.delete_topics([world.topic])[world.topic].result(20)
        world.wait_until("the topic is gone", lambda: world.topic not in admin.list_topics(timeout=10).topics)
        limit = {"message.timestamp.before.max.ms": "315360000000000", "max.message.bytes": "12582912"}
        admin.create_topics([NewTopic(world.topic, partitions, 1, config=limit)])[world.topic].result(20)
    wait_for_word(world, rf"score_events: {GONE}.*deleted and made again")


@fault("partitions-added")
def add_partitions(world: World, rng: random.Random) -> None:
    """The event topic gets more partitions while the job runs: they are read from their beginning."""
    world.moment(rng, before=0.5)
    admin_of(world).create_partitions([NewPartitions(world.topic, 7)])[world.topic].result(20)
    world.wait_until("events come to the new ones", lambda: all(ends_of(world.bootstrap, world.topic).get(n) for n in (4, 5, 6)))
    world.over()


@fault("aborted-transactions")
def abort_transactions(world: World, rng: random.Random) -> None:
    """Another producer sends good events in transactions that it aborts: they lie between the others and must never be scored."""
    producer = Producer({"bootstrap.servers": world.bootstrap, "transactional.id": f"t-{uuid.uuid4().hex[:8]}", "log_level": 0})
    producer.init_transactions(30)
    sent: set[str] = set()
    for number in range(5):
        world.moment(rng, after=0.1 + number * 0.12, before=0.2 + number * 0.12)
        producer.begin_transaction()
        for message, _ in zip(_good(rng), range(30), strict=False):
            producer.produce(world.topic, message.value, message.entity)
            sent.add(message.event_id)
        producer.flush(20)
        time.sleep(rng.uniform(0, 2))
        producer.abort_transaction(20)
        world.over()
    world.wait_until("every event is sent", lambda: world.acknowledged() >= world.events)
    world.wait_until("every event is in a committed batch", world.is_done)
    scored = sent & {row[0] for row in world.select("SELECT event_id FROM prediction")}
    if scored:
        raise RuntimeError(f"{len(scored)} events of aborted transactions were scored")


def _good(rng: random.Random) -> Any:
    return (message for message in messages(rng.randrange(2**32)) if message.kind == "good")
