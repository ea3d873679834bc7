"""What counts as a gap, where a query goes on behind it, and what is told; then on a real broker and a real checkpoint."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions  # type: ignore[attr-defined]  # not in its types' __all__
from prometheus_client import CollectorRegistry, generate_latest
from pyspark.sql import SparkSession
from service import read_topic, wait_until

from streaming.config import load_settings
from streaming.errors import CheckpointError, DataGap, TopicError, Unavailable
from streaming.kafka.topic_state import TopicState, topic_states
from streaming.kafka.topics import create_topics
from streaming.local.java import java_home
from streaming.local.processes import free_port
from streaming.metrics.records import Gap, decode
from streaming.micro_batch.gaps import GapWatch, Missing, find_missing, mended
from streaming.micro_batch.offset_log import OffsetLog
from streaming.settings import Settings


def state(topic_id: str = "a", **ranges: tuple[int, int]) -> dict[str, TopicState]:
    return {"t": TopicState(topic_id, {name.removeprefix("p"): span for name, span in ranges.items()})}


def test_a_checkpoint_within_what_is_held_has_no_gap() -> None:
    assert find_missing({"t": {"0": 50, "1": 0}}, state(p0=(50, 90), p1=(0, 0), p2=(0, 7)), {"t": "a"}) == []


def test_what_was_deleted_before_it_was_read_is_told_to_the_offset() -> None:
    found = find_missing({"t": {"0": 50, "1": 5}}, state(p0=(70, 90), p1=(5, 5), p2=(3, 9)), {"t": "a"})
    assert found == [Missing("t", "0", "deleted", 50, 70, 70), Missing("t", "2", "deleted", 0, 3, 3)]
    assert str(found[0]) == "t-0: offsets 50 to 69 (20)"


def test_a_log_that_was_cut_is_gone_on_with_at_its_end() -> None:
    assert find_missing({"t": {"0": 50}}, state(p0=(0, 40)), {"t": "a"}) == [Missing("t", "0", "truncated", 40, 50, 40)]


@pytest.mark.parametrize("high", [10, 500])
def test_a_topic_made_again_is_told_even_where_it_has_grown_past_the_old_one(high: int) -> None:
    found = find_missing({"t": {"0": 50, "1": 60}}, state("b", p0=(0, high)), {"t": "a"})
    assert found == [Missing("t", "0", "recreated", 50, None, 0), Missing("t", "1", "recreated", 60, None, None)]


def test_fewer_partitions_tell_of_a_topic_made_again_where_no_id_is_known() -> None:
    assert {one.cause for one in find_missing({"t": {"0": 5, "1": 6}}, state(p0=(0, 9)), {})} == {"recreated"}


def test_a_batch_begun_keeps_what_it_had_beyond_the_gap() -> None:
    gone = [Missing("t", "0", "deleted", 50, 70, 70), Missing("t", "1", "deleted", 5, 30, 30), Missing("t", "3", "deleted", 0, 4, 4)]
    begins, ends = {"t": {"0": 50, "1": 5, "2": 1}}, {"t": {"0": 99, "1": 20, "2": 2}}
    assert mended(begins, gone, begins=True) == {"t": {"0": 70, "1": 30, "2": 1, "3": 4}}
    assert mended(ends, gone, begins=False) == {"t": {"0": 99, "1": 30, "2": 2, "3": 4}}
    assert begins == {"t": {"0": 50, "1": 5, "2": 1}}, "what was given stays"


def test_of_a_topic_made_again_a_batch_begun_has_nothing_left() -> None:
    gone = [Missing("t", "0", "recreated", 50, None, 0), Missing("t", "1", "recreated", 60, None, None)]
    for begins in (True, False):
        assert mended({"t": {"0": 99, "1": 99}, "r": {"0": 3}}, gone, begins=begins) == {"t": {"0": 0}, "r": {"0": 3}}


# ---- a real broker, a real Hadoop file system


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(java_home()))
        builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
        session = builder.getOrCreate()
        yield session
        session.stop()


class Reading:
    """A topic with events, and a checkpoint of a query that read some of them."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        context = spark.sparkContext
        self.settings, self.folder = settings, Path(settings.stream.checkpoint)
        self.log = OffsetLog(context._jvm, context._jsc.hadoopConfiguration(), str(self.folder))
        self.admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
        self.registry = CollectorRegistry()
        self.replay = {settings.topics.of("replay"): {"0": 0}}
        create_topics(settings)

    def check(self, policy: str = "continue") -> None:
        stream = self.settings.stream.model_copy(update={"on_gap": policy})
        self.registry = CollectorRegistry()
        GapWatch(self.settings.model_copy(update={"stream": stream}), "churn_risk", self.registry).check(self.log)

    def send(self, count: int) -> None:
        """So many events to each partition."""
        producer = Producer({"bootstrap.servers": self.settings.kafka.bootstrap_servers, "acks": "all"})
        for number in range(count * self.settings.topics.partitions):
            producer.produce(self.settings.topics.event, b"{}", partition=number % self.settings.topics.partitions)
        assert producer.flush(30) == 0

    def ends(self, *offsets: int) -> dict[str, dict[str, int]]:
        return {self.settings.topics.event: {str(n): end for n, end in enumerate(offsets)}, **self.replay}

    def read_until(self, batch_id: int, *offsets: int, committed: bool = True) -> None:
        """What Spark writes of a batch."""
        lines = ["v1", '{"batchWatermarkMs":0,"conf":{}}', json.dumps(self.ends(*offsets))]
        for name, text in (("metadata", '{"id":"7b6f"}'), (f"offsets/{batch_id}", "\n".join(lines))):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        if committed:
            (self.folder / "commits").mkdir(exist_ok=True)
            (self.folder / "commits" / str(batch_id)).write_text('v1\n{"nextBatchWatermarkMs":0}')

    def delete_before(self, offset: int, *partitions: int) -> None:
        """As retention does."""
        places = [TopicPartition(self.settings.topics.event, number, offset) for number in partitions]
        for done in self.admin.delete_records(places).values():
            done.result()

    def make_again(self) -> None:
        topic = self.settings.topics.event
        self.admin.delete_topics([topic])[topic].result()
        wait_until("the topic is gone", lambda: topic not in self.admin.list_topics(timeout=10).topics)
        create_topics(self.settings)

    def gaps(self) -> list[Gap]:
        records = [decode(message.value()) for message in read_topic(self.settings, self.settings.topics.of("metrics"))]
        return [record for record in records if isinstance(record, Gap)]


@pytest.fixture
def reading(spark: SparkSession, settings_file: Path) -> Reading:
    return Reading(spark, load_settings(settings_file))


@pytest.mark.integration
def test_a_query_that_never_ran_has_no_gap_and_one_that_kept_up_none_either(reading: Reading) -> None:
    reading.check("fail")
    reading.send(10)
    reading.read_until(0, 10, 10, 10, 10)
    reading.delete_before(10, 0, 1)
    reading.admin.create_partitions([NewPartitions(reading.settings.topics.event, 6)])[reading.settings.topics.event].result()
    reading.check("fail")
    assert reading.log.ends(0) == reading.ends(10, 10, 10, 10)


@pytest.mark.integration
def test_retention_that_overran_the_job_ends_it_or_is_recorded_and_gone_on_behind(reading: Reading) -> None:
    reading.send(40)
    reading.read_until(0, 5, 5, 5, 5)
    reading.read_until(1, 10, 11, 12, 13)
    reading.read_until(2, 20, 20, 20, 20, committed=False)
    reading.delete_before(15, 0, 1)
    reading.delete_before(30, 3)
    topic = reading.settings.topics.event
    told = f"{topic}-0: offsets 10 to 14 .5., {topic}-1: offsets 11 to 14 .4., {topic}-3: offsets 13 to 29 .17., deleted before .*on_gap"
    for _ in range(2):
        with pytest.raises(DataGap, match=told):
            reading.check("fail")
    assert (reading.log.ends(1), reading.gaps()) == (reading.ends(10, 11, 12, 13), []), "nothing was changed"

    reading.check("continue")
    assert reading.log.ends(1) == reading.ends(15, 15, 12, 30)
    assert reading.log.ends(2) == reading.ends(20, 20, 20, 30)
    assert reading.log.ends(0) == reading.ends(5, 5, 5, 5)
    (gap,) = reading.gaps()
    assert (gap.topic, gap.cause, gap.events, gap.query_id, gap.batch_id) == (topic, "deleted", 26, "7b6f", 2)
    assert (gap.lost, gap.resumed) == ({"0": [10, 15], "1": [11, 15], "3": [13, 30]}, {"0": 15, "1": 15, "3": 30})
    assert b"scoring_gap_offsets_total 26.0" in generate_latest(reading.registry)
    reading.check("fail")
    assert len(reading.gaps()) == 1


@pytest.mark.integration
def test_what_was_interrupted_between_the_two_files_is_found_again(reading: Reading) -> None:
    reading.send(40)
    reading.read_until(0, 10, 10, 10, 10)
    reading.read_until(1, 30, 30, 30, 20, committed=False)  # the second file was written already
    reading.delete_before(20, 3)
    reading.check("continue")
    assert (reading.log.ends(0), reading.log.ends(1)) == (reading.ends(10, 10, 10, 20), reading.ends(30, 30, 30, 20))


@pytest.mark.integration
def test_a_topic_made_again_is_loud_and_then_read_from_its_beginning(reading: Reading) -> None:
    reading.send(10)
    reading.read_until(0, 10, 10, 10, 10)
    reading.check("fail")
    reading.make_again()
    reading.send(25)  # past where the old one was read to: only its id tells
    with pytest.raises(DataGap, match="-0: offsets from 10 on, .*deleted and made again"):
        reading.check("fail")
    reading.check("continue")
    assert reading.log.ends(0) == reading.ends(0, 0, 0, 0)
    (gap,) = reading.gaps()
    assert (gap.cause, gap.events, gap.lost["3"], gap.resumed) == ("recreated", None, [10, None], dict.fromkeys("0123", 0))
    reading.check("fail")


@pytest.mark.integration
def test_a_topic_that_is_gone_and_brokers_that_are_away_are_told_apart(reading: Reading) -> None:
    topic, kafka = reading.settings.topics.event, reading.settings.kafka
    with pytest.raises(TopicError, match="no topic nowhere_.*if it was deleted"):
        topic_states(kafka, [topic, f"nowhere_{uuid.uuid4().hex[:8]}"])
    away: dict[str, Any] = {"bootstrap_servers": f"127.0.0.1:{free_port()}", "wait_s": 0.5}
    with pytest.raises(Unavailable, match="see that the brokers are up"):
        topic_states(kafka.model_copy(update=away), [topic])


@pytest.mark.integration
def test_ids_of_topics_differ_each_time_one_is_made(reading: Reading) -> None:
    event, replay = reading.settings.topics.event, reading.settings.topics.of("replay")
    first = topic_states(reading.settings.kafka, [event, replay])
    reading.make_again()
    second = topic_states(reading.settings.kafka, [event, replay])
    assert first[replay] == second[replay]
    assert first[event].topic_id != second[event].topic_id


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("metadata", None, "metadata, with the query's id, is missing"),
        ("offsets/1", None, "batch 1 was committed, but offsets/1 is missing"),
        ("offsets/1", 'v1\n{"batchWatermarkMs":0,"conf":{}}\n{"t', "offsets/1 is torn"),
        ("offsets/1", "v1\n", "offsets/1 is torn"),
        ("offsets/2", "v1\n{", "offsets/2 is torn: .* remove it and its .crc: nothing was done with it yet"),
        ("commits/1", "", "commits/1 is torn; remove it"),
        ("offsets/1", 'v1\n{}\n{"metrics":{"0":3}}', "a query that reads metrics, this one reads"),
    ],
)
def test_a_checkpoint_that_cannot_be_gone_on_with_is_refused(reading: Reading, name: str, text: str | None, told: str) -> None:
    reading.send(10)
    for batch_id in range(2):
        reading.read_until(batch_id, 10, 10, 10, 10)
    (reading.folder / name).unlink(missing_ok=True)
    if text is not None:
        (reading.folder / name).write_text(text)
    with pytest.raises(CheckpointError, match=told):
        reading.check()
