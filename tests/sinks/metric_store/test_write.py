"""The metric store: everything once, exact over minutes, hours and days, and nothing that comes on the topic stops it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from drift_records import group, metrics

from streaming.metrics.records import Record, Tracked, encode
from streaming.metrics.series import LEVELS
from streaming.metrics.sketches import latency_quantile, latency_sketch, merge_latencies
from streaming.records import rfc3339
from streaming.settings import MetricStore as Kept
from streaming.sinks.metric_store.batch import Message
from streaming.sinks.metric_store.query import Point, Question, level_of, query
from streaming.sinks.metric_store.write import MetricStore
from streaming.sinks.migrate import migrate

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
TOPIC = "activity.metrics"


@pytest.fixture
def dsn(services: Any) -> str:
    found = str(services.create_database())
    migrate(found)
    return found


@pytest.fixture
def store(dsn: str) -> Iterator[MetricStore]:
    opened = MetricStore(dsn)
    yield opened
    opened.close()


def batch(number: int, at: datetime, **changes: Any) -> Record:
    times = {"at": rfc3339(at), "now": rfc3339(at)}
    return metrics(number, [msgspec.structs.replace(group((60, 40)), score_sum=30.0, score_sum_squares=12.0)], **times, **changes)


def messages(*records: Record | bytes | None, first: int = 0) -> list[Message]:
    values = [record if isinstance(record, bytes | None) else encode(record) for record in records]
    return [Message(TOPIC, 0, first + place, value) for place, value in enumerate(values)]


def series(dsn: str, name: str, level: Any = "day", **words: Any) -> list[Point]:
    return list(query(dsn, Question(name, NOW - timedelta(400), NOW + timedelta(1), level=level, **words), level))


def tables(dsn: str) -> dict[str, list[Any]]:
    """All that the store holds of figures."""
    names = ("metric_series", "metric_minute", "metric_hour", "metric_day", "metric_value", "metric_tracked")
    with psycopg.connect(dsn) as connection:
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY {name}::text".encode()).fetchall() for name in names}


def test_counts_and_sums_are_exact_at_every_level(dsn: str, store: MetricStore) -> None:
    times = [NOW + timedelta(minutes=20 * n) for n in range(8)]
    for place, at in enumerate(times):
        store.write(messages(batch(place, at, rejected=2, rejected_by_reason={"minimum": 2}), first=place))
    for level, spans in (("minute", 8), ("hour", 3), ("day", 1)):
        points = series(dsn, "events", level)
        assert len(points) == spans
        assert sum(point.total for point in points) == 800
        assert sum(point.n for point in points) == 8
    (day,) = series(dsn, "rejected.by_reason", label="minimum")
    assert (day.total, day.n, day.least, day.most) == (16.0, 8, 2.0, 2.0)
    (score,) = series(dsn, "score")
    assert (score.n, score.mean, score.model, score.version) == (800, 0.3, "churn", "3")
    assert score.deviation == pytest.approx((12 / 100 - 0.09) ** 0.5)


def test_latencies_roll_up_as_the_whole_would(dsn: str, store: MetricStore) -> None:
    parts = [latency_sketch([10.0 * n, 20.0, 900.0]) for n in range(1, 30)]
    store.write(messages(*(batch(n, NOW + timedelta(minutes=7 * n), latency_ms=part) for n, part in enumerate(parts))))
    store.write(messages(batch(99, NOW, latency_ms=parts[0]), first=50))
    (day,) = series(dsn, "latency_ms")
    whole = merge_latencies([*parts, parts[0]])
    assert [day.p50, day.p95, day.p99] == [latency_quantile(whole, share) for share in (0.5, 0.95, 0.99)]
    assert day.n == 90


def test_a_record_or_offset_that_comes_again_changes_nothing(dsn: str, store: MetricStore) -> None:
    said = messages(batch(1, NOW), batch(2, NOW), aggregate("k", 0.7), b"nonsense")
    first = store.write(said)
    assert (len(first.records), first.known, len(first.strange)) == (3, 0, 1)
    before = tables(dsn)
    assert store.write(said) == ([], 0, [])
    again = store.write(messages(batch(1, NOW), batch(2, NOW), aggregate("k", 0.9), batch(2, NOW), first=10))
    assert (again.records, again.known) == ([], 4)
    assert tables(dsn) == before
    assert store.offsets(TOPIC) == {0: 14}


def test_a_batch_that_fails_leaves_nothing(dsn: str, store: MetricStore) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("ALTER TABLE metric_day RENAME TO away")
        with pytest.raises(Exception, match="metric_day"):
            store.write(messages(batch(1, NOW)))
        admin.execute("ALTER TABLE away RENAME TO metric_day")
    assert store.offsets(TOPIC) == {}
    assert len(store.write(messages(batch(1, NOW))).records) == 1
    assert [series(dsn, "events", level)[0].total for level in LEVELS] == [100.0] * 3


def test_a_value_said_again_is_replaced_and_its_hour_and_day_follow(dsn: str, store: MetricStore) -> None:
    store.write(messages(aggregate("a", 0.7), aggregate("b", 0.5, hours=2), first=0))
    (day,) = series(dsn, "tracked.accuracy")
    assert (day.n, day.mean, day.least, day.most) == (2, 0.6, 0.5, 0.7)
    store.write(messages(aggregate("c", 0.9, said=1), aggregate("d", 0.1, said=-1), first=2))
    (day,) = series(dsn, "tracked.accuracy")
    assert (day.n, day.mean, day.least, day.most) == (2, pytest.approx(0.7), 0.5, 0.9)
    assert [point.total for point in series(dsn, "tracked.accuracy", "hour")] == [0.9, 0.5]
    assert [point.latest for point in series(dsn, "tracked.accuracy", "minute")] == [0.9, 0.5]


def aggregate(name: str, accuracy: float, *, hours: int = 1, said: int = 0) -> Record:
    """An accuracy of the hour before NOW + hours, said `said` seconds late."""
    end = NOW + timedelta(hours=hours)
    times = {"start": rfc3339(end - timedelta(hours=1)), "end": rfc3339(end), "at": rfc3339(end + timedelta(seconds=said))}
    return Tracked(name, call="aggregate", deployment="churn_risk", metrics={"accuracy": accuracy, "note": "x"}, **times)


STRANGE = [
    b"",
    None,
    b"\xff",
    b'{"record":"weather","id":"1"}',
    b'{"record":"metrics","version":99,"id":"1"}',
    encode(batch(7, NOW)).replace(rfc3339(NOW).encode(), b"yesterday"),
    encode(msgspec.structs.replace(batch(8, NOW), deployment="a\0b")),
    encode(msgspec.structs.replace(batch(9, NOW), latency_ms={"0": 10**30})),
    encode(Tracked("t", rfc3339(NOW), "delayed", "d", {"a": "x\0"}, prediction_id="p")),
    json.dumps({"record": "weather\0", "id": "\0"}).encode(),
]


def test_strange_messages_are_kept_raw_and_their_neighbours_stored(dsn: str, store: MetricStore) -> None:
    written = store.write(messages(batch(1, NOW), *STRANGE, batch(2, NOW)))
    assert len(written.records) == 2
    with psycopg.connect(dsn) as connection:
        kept = connection.execute("SELECT place, value FROM metric_unknown ORDER BY place").fetchall()
    assert [(place, value) for place, value in kept] == [(place, value) for place, value in enumerate(STRANGE, 1)]
    assert series(dsn, "events")[0].total == 200
    assert store.offsets(TOPIC) == {0: len(STRANGE) + 2}


def test_two_writers_of_the_same_messages_count_once(dsn: str, store: MetricStore) -> None:
    other = MetricStore(dsn)
    said = messages(*(batch(n, NOW) for n in range(5)))
    store.write(said[:3])
    assert len(other.write(said).records) == 2
    assert store.write(said).records == []
    other.close()
    assert series(dsn, "events")[0].total == 500


def test_retention_drops_by_level(dsn: str, store: MetricStore) -> None:
    old, older = NOW - timedelta(days=40), NOW - timedelta(days=500)
    store.write(messages(batch(1, NOW), batch(2, old), batch(3, older)))
    assert [len(series(dsn, "events", level)) for level in LEVELS] == [2, 2, 2], "the third is beyond the question's 400 days"
    dropped = store.upkeep(Kept(), datetime.now(UTC))
    assert [len(series(dsn, "events", level)) for level in LEVELS] == [1, 2, 2]
    assert f"metric_minute_{old:%Y_%m_%d}" in dropped
    assert f"metric_hour_{older:%Y_%m}" in dropped
    (all_days,) = [[p.total for p in query(dsn, Question("events", older - timedelta(1), NOW + timedelta(1)), "day")]]
    assert all_days == [100.0] * 3


def test_a_year_is_read_from_days_and_a_day_from_minutes() -> None:
    def chosen(days: float, ago: float = 0.0) -> str:
        end = NOW - timedelta(ago)
        return level_of(Question("events", end - timedelta(days), end), 14, NOW)

    assert [chosen(1), chosen(1, ago=30), chosen(30), chosen(365)] == ["minute", "hour", "hour", "day"]
