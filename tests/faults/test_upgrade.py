"""This release goes on with the checkpoint of every release before it: where that one stopped, under its query's id."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from confluent_kafka import Producer
from faults.checkpoint_watch import committed_offsets
from faults.evidence import read_metrics, read_postgres, read_rejected
from faults.home import Home, quick_machines
from faults.upgrade import FIXTURES, PARTITIONS, events, topic_of
from faults.world import World

RELEASES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())


def test_there_is_a_checkpoint_of_every_release() -> None:
    assert RELEASES


@pytest.mark.parametrize("release", RELEASES)
def test_a_fixture_holds_a_batch_that_was_planned_and_not_committed(release: str) -> None:
    folder = FIXTURES / release / "checkpoint"
    plans, commits = ({int(one.name) for one in (folder / name).iterdir() if one.name.isdigit()} for name in ("plans", "commits"))
    assert max(plans) == max(commits) + 1
    assert committed_offsets(folder) == {}


@pytest.mark.integration
@pytest.mark.timeout(600)
@pytest.mark.parametrize("release", RELEASES)
def test_the_query_of_a_former_release_goes_on(release: str, home: Home, tmp_path: Path) -> None:
    quick_machines()
    fixture, topic = FIXTURES / release, topic_of(release)
    world = World(home, tmp_path / "run", 1, topic=topic)
    world.settings["topics"] = {"partitions": PARTITIONS}
    shutil.copytree(fixture / "checkpoint", world.checkpoint)
    read = _read_before(world.checkpoint, topic)
    query_id = json.loads((world.checkpoint / "metadata").read_text())["id"]
    sent = events(fixture)
    world.open()
    try:
        producer = Producer({"bootstrap.servers": home.bootstrap, "acks": "all"})
        for one in sent:
            producer.produce(topic, one["value"], one["key"], partition=one["partition"], timestamp=one["sent_ms"])
        assert producer.flush(30) == 0
        world.wait_until("every event is in a committed batch", world.is_done, at_most_s=400)
    finally:
        world.close()
    predicted, _ = read_postgres(world.dsn)
    outcomes = [one.address for one in predicted]
    rejected = {one.address for one in read_rejected(home.bootstrap, world.companion("rejected"))}
    left = {(topic, one["partition"], one["offset"]) for one in sent if one["offset"] >= read[one["partition"]]}
    records = {record["id"]: record for record in read_metrics(home.bootstrap, world.companion("metrics"))}.values()
    assert len(set(outcomes)) == len(outcomes)
    assert set(outcomes) | rejected <= left
    assert sum(record["events"] for record in records) == len(left)
    assert len(left) - len(set(outcomes) | rejected) == sum(record["repeated"] for record in records)
    assert {record["query_id"] for record in records} == {query_id}


def _read_before(checkpoint: Path, topic: str) -> dict[int, int]:
    """Partition → where the last committed batch ended."""
    last = max(int(one.name) for one in (checkpoint / "commits").iterdir() if one.name.isdigit())
    ends = json.loads((checkpoint / "offsets" / str(last)).read_text().splitlines()[-1])[topic]
    return {int(partition): end for partition, end in ends.items()}
