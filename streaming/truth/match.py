"""Labels find their predictions: by prediction id, or by entity and time within the horizon."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from streaming.truth.verdict import REPLACES, Standing, Verdict, judge

# An entity's newest prediction at or before the outcome, and no more than the horizon before it. A shadow's id leads to its event.
_FIND = """
    SELECT l.label_id, l.prediction_id IS NOT NULL, p.prediction_id::text, p.event_time,
           p.source_topic, p.source_partition, p.source_offset, l.observed_at, l.partial, l.number, l.name, l.weight, l.acted
    FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS asked (label_id, place)
    JOIN label l ON l.deployment = %(deployment)s AND l.label_id = asked.label_id
    JOIN LATERAL (
        (SELECT q.* FROM prediction q WHERE q.prediction_id = l.prediction_id AND q.deployment = l.deployment LIMIT 1)
        UNION ALL
        (SELECT q.* FROM prediction q
         WHERE l.prediction_id IS NULL AND q.entity_id = l.entity_id AND q.deployment = l.deployment AND q.role <> 'shadow'
           AND q.event_time BETWEEN l.outcome_at - %(horizon)s::interval AND l.outcome_at
         ORDER BY q.event_time DESC, q.received_at DESC LIMIT 1)
    ) AS p ON true
    ORDER BY asked.place"""
_HELD = """
    SELECT h.event_time, h.source_topic, h.source_partition, h.source_offset, h.observed_at, h.partial, h.number, h.name
    FROM unnest(%s::timestamptz[], %s::text[], %s::int[], %s::bigint[]) AS asked (event_time, topic, partition, place)
    JOIN prediction_label h ON h.deployment = %s AND h.event_time = asked.event_time AND h.source_partition = asked.partition
     AND h.source_offset = asked.place AND h.source_topic = asked.topic
    FOR UPDATE OF h"""
_KEEP = """
    INSERT INTO prediction_label AS h (deployment, prediction_id, event_time, source_topic, source_partition, source_offset,
                                       label_id, observed_at, number, name, weight, acted, partial, corrected)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (deployment, event_time, source_partition, source_offset, source_topic) DO UPDATE
    SET label_id = EXCLUDED.label_id, observed_at = EXCLUDED.observed_at, number = EXCLUDED.number, name = EXCLUDED.name,
        weight = EXCLUDED.weight, acted = coalesce(EXCLUDED.acted, h.acted), partial = EXCLUDED.partial,
        contradicted = false, corrected = h.corrected + EXCLUDED.corrected, matched_at = now()"""
_CONTRADICT = """
    UPDATE prediction_label SET contradicted = true
    WHERE deployment = %s AND event_time = %s AND source_topic = %s AND source_partition = %s AND source_offset = %s"""

Place = tuple[datetime, str, int, int]
"""event time, topic, partition and offset of a prediction's event"""


class Match(NamedTuple):
    """A label that found its prediction, and what it was to the label that the prediction had."""

    label_id: str
    place: Place
    verdict: Verdict

    @property
    def event_time(self) -> datetime:
        """Of the prediction."""
        return self.place[0]


class _Found(NamedTuple):
    label_id: str
    by_id: bool
    prediction_id: str
    event_time: datetime
    topic: str
    partition: int
    offset: int
    observed_at: datetime
    partial: bool
    number: float | None
    name: str | None
    weight: float
    acted: bool | None

    @property
    def place(self) -> Place:
        return self.event_time, self.topic, self.partition, self.offset

    @property
    def standing(self) -> Standing:
        return Standing(self.observed_at, self.partial, _value(self.number, self.name))


def match(connection: psycopg.Connection, deployment: str, label_ids: Iterable[str], horizon: timedelta) -> list[Match]:
    """Find the predictions of stored labels, in the order given, and keep for each prediction the label that counts.

    A label whose prediction is not to be seen is left out of what is returned. Raises psycopg.Error.
    """
    words = {"ids": list(label_ids), "deployment": deployment, "horizon": horizon}
    found = [_Found(*row) for row in connection.execute(_FIND.encode(), words)]
    held = _held(connection, deployment, {one.place for one in found})
    matches: list[Match] = []
    kept: dict[Place, tuple[_Found, int]] = {}
    for one in found:
        verdict = judge(held.get(one.place), one.standing)
        matches.append(Match(one.label_id, one.place, verdict))
        if verdict in REPLACES:
            held[one.place] = one.standing
            kept[one.place] = one, kept.get(one.place, (one, 0))[1] + (verdict == "corrected")
        elif verdict == "contradictory":
            _write(connection, deployment, [kept.pop(one.place)] if one.place in kept else [])
            connection.execute(_CONTRADICT, (deployment, *one.place))
    _write(connection, deployment, kept.values())
    return matches


def _write(connection: psycopg.Connection, deployment: str, kept: Iterable[tuple[_Found, int]]) -> None:
    rows = [
        (deployment, one.prediction_id, *one.place, one.label_id, one.observed_at, one.number, one.name, one.weight, one.acted, one.partial,
         corrected) for one, corrected in kept
    ]  # fmt: skip
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_KEEP, rows)


def _held(connection: psycopg.Connection, deployment: str, places: set[Place]) -> dict[Place, Standing]:
    if not places:
        return {}
    columns: list[Any] = [list(column) for column in zip(*sorted(places), strict=True)]
    return {
        (at, topic, partition, offset): Standing(observed_at, partial, _value(number, name))
        for at, topic, partition, offset, observed_at, partial, number, name in connection.execute(_HELD, (*columns, deployment))
    }


def _value(number: float | None, name: str | None) -> float | str:
    return name or "" if number is None else number
