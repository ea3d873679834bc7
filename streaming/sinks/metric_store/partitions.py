"""Partitions of the metric store: made as rows come that need them, dropped as retention says, by functions that run as the owner."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta

import psycopg

from streaming.metrics.points import moment
from streaming.metrics.series import begins
from streaming.settings import MetricStore
from streaming.sinks.metric_store.batch import Batch
from streaming.sinks.months import month_of, start_of

Partition = tuple[str, date]
"""Table, and the first day of the partition"""
BACK_DAYS = 750  # older rows lie in the default partition: their times are more likely wrong than late
AHEAD_DAYS = 3


def make_partitions(connection: psycopg.Connection, batch: Batch, made: AbstractSet[Partition]) -> set[Partition]:
    """Make the partitions that a batch's rows lie in, but for those known to be there. Returns them. Raises psycopg.Error."""
    today = connection.execute(b"SELECT (now() AT TIME ZONE 'UTC')::date").fetchone()
    needed = {partition for partition in _needed(batch) if partition not in made}
    for parent, day in sorted(needed):
        if today and today[0] - timedelta(BACK_DAYS) <= day <= today[0] + timedelta(AHEAD_DAYS):
            connection.execute(b"SELECT make_metric_partition(%s, %s)", (parent, day))
    return needed


def _needed(batch: Batch) -> Iterator[Partition]:
    for one in batch.records:
        for at in {begins(said.at, "minute") for said in one.points.said}:
            yield "metric_minute", at.date()
            yield from _rolled(at)
        for at in {begins(value.at, "hour") for value in one.points.values}:
            yield "metric_value", at.date().replace(day=1)
            yield from _rolled(at)
        if one.key[0] == "tracked":
            yield "metric_tracked", begins(moment(one.fields["at"]), "day").date().replace(day=1)


def _rolled(at: datetime) -> Iterator[Partition]:
    yield "metric_hour", at.date().replace(day=1)
    yield "metric_day", at.date().replace(month=1, day=1)


def retain(connection: psycopg.Connection, kept: MetricStore, now: datetime) -> list[str]:
    """Drop partitions and forget ids that are older than what is kept before `now` (aware). Returns the partitions' names."""
    months = {"metric_hour": kept.hour_months, "metric_value": kept.hour_months, "metric_tracked": kept.tracked_months}
    cuts = {parent: start_of(month_of(now) - count) for parent, count in months.items()}
    cuts["metric_minute"] = begins(now - timedelta(kept.minute_days), "day")
    cuts["metric_day"] = start_of((now.year - kept.day_years) * 12)
    dropped: list[str] = []
    for parent, before in cuts.items():
        found = connection.execute(b"SELECT drop_metric_partitions(%s, %s)", (parent, before)).fetchone()
        dropped += found[0] if found else []
    connection.execute(b"DELETE FROM metric_record WHERE stored_at < %s", (now - timedelta(kept.record_days),))
    return dropped
