"""Labels into PostgreSQL, with the place of the topic up to which they were read: one transaction, so that each counts once.

Delivery: at least once from the topic, exactly-once effect: what is read again after a crash begins where the store says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from streaming.errors import StoreError
from streaming.truth.declared import Truth
from streaming.truth.label import Checked
from streaming.truth.match import Match, match
from streaming.truth.verdict import REPLACES
from streaming.truth.windows import touch

_COLUMNS = ("deployment", "label_id", "prediction_id", "entity_id", "outcome_at", "observed_at", "number", "name", "weight", "acted",
            "partial", "source")  # fmt: skip
_TYPES = ("text", "text", "uuid", "text", "timestamptz", "timestamptz", "float8", "text", "float8", "boolean", "boolean", "text")
_INSERT = f"""
    INSERT INTO label ({", ".join(_COLUMNS)})
    SELECT * FROM unnest({", ".join(f"%s::{kind}[]" for kind in _TYPES)})
    ON CONFLICT (deployment, label_id) DO NOTHING RETURNING label_id"""  # noqa: S608 (columns are constants of ours)
_WAIT = "INSERT INTO label_waiting (deployment, label_id) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING"
# A label that has waited long is looked for less often: each pause is a tenth of its age, and never so short that all time goes into it.
_DUE = """
    UPDATE label_waiting SET next_look = now() + greatest((now() - since) / 10, interval '5 seconds')
    WHERE (deployment, label_id) IN (
        SELECT deployment, label_id FROM label_waiting WHERE deployment = %s AND NOT unmatched AND next_look <= now()
        ORDER BY next_look LIMIT %s FOR UPDATE SKIP LOCKED)
    RETURNING label_id, since"""
_FOUND = "DELETE FROM label_waiting WHERE deployment = %s AND label_id = ANY(%s)"
_GIVE_UP = "UPDATE label_waiting SET unmatched = true WHERE deployment = %s AND NOT unmatched AND since < now() - %s::interval"
_COUNT = """
    INSERT INTO label_count AS c (deployment, day, verdict, labels) VALUES (%s, (now() AT TIME ZONE 'UTC')::date, %s, %s)
    ON CONFLICT (deployment, day, verdict) DO UPDATE SET labels = c.labels + EXCLUDED.labels"""
_REFUSE = """
    INSERT INTO label_refused (topic, partition, place, deployment, reason, value) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"""
_STAND = "SELECT partition, next FROM label_offset WHERE topic = %s AND deployment = %s"
# Only whoever read from there may go on from there: of two jobs the second finds another place, and nothing of it stands.
_BEGIN = "INSERT INTO label_offset (topic, partition, deployment, next) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
_ADVANCE = "UPDATE label_offset SET next = %s WHERE topic = %s AND partition = %s AND deployment = %s AND next = %s"
CHUNK = 5000


class Refused(NamedTuple):
    """A message that is no label."""

    topic: str
    partition: int
    offset: int
    reason: str
    value: bytes


class Step(NamedTuple):
    """A span of one partition: from the first offset read, to the one after the last."""

    first: int
    next: int


class AnotherJob(StoreError):
    """Another job reads the same topic of labels for the same deployment: end one of the two."""


def read_up_to(connection: psycopg.Connection, topic: str, deployment: str) -> dict[int, int]:
    """Partition → the offset from which to read on; left out where nothing was read yet. Raises psycopg.Error."""
    return dict(connection.execute(_STAND, (topic, deployment)).fetchall())


def take(connection: psycopg.Connection, deployment: str, truth: Truth, labels: Sequence[Checked]) -> Counter[str]:
    """Store labels, in their order, and match those that are new. Returns how many came to what.

    duplicated: the id was there; early: no prediction yet, it waits; late: the figures of its window were made before; and the
    verdicts of `judge`. Call it in a transaction. Raises psycopg.Error.
    """
    counted: Counter[str] = Counter()
    if not labels:
        return counted
    rows = [[getattr(label, name) for label in labels] for name in _COLUMNS]
    fresh = {label_id for (label_id,) in connection.execute(_INSERT.encode(), rows)}
    counted["duplicated"] = len(labels) - len(fresh)
    counted["partial"] = sum(label.partial for label in labels if label.label_id in fresh)
    ids = list(dict.fromkeys(label.label_id for label in labels if label.label_id in fresh))
    matches = match(connection, deployment, ids, truth.horizon)
    counted += _settle(connection, deployment, truth, matches)
    if early := sorted(fresh - {one.label_id for one in matches}):
        connection.execute(_WAIT, (deployment, early))
        counted["early"] = len(early)
    count(connection, deployment, counted)
    return counted


def look_again(connection: psycopg.Connection, deployment: str, truth: Truth, *, most: int = CHUNK) -> Counter[str]:
    """Match labels that wait and are due, at most so many; those beyond the grace are given up, and counted as unmatched.

    Call it in a transaction, again while it returns as many as `most` under "looked". Raises psycopg.Error.
    """
    due = connection.execute(_DUE, (deployment, most)).fetchall()
    ids = [label_id for label_id, _ in sorted(due, key=_by_age)]
    matches = match(connection, deployment, ids, truth.horizon) if ids else []
    counted = _settle(connection, deployment, truth, matches)
    if matches:
        connection.execute(_FOUND, (deployment, [one.label_id for one in matches]))
    counted["unmatched"] = connection.execute(_GIVE_UP, (deployment, truth.grace)).rowcount
    count(connection, deployment, counted)
    counted["looked"] = len(due)
    return counted


def refuse(connection: psycopg.Connection, deployment: str, refused: Iterable[Refused]) -> int:
    """Keep messages that are no labels, with what is wrong; returns how many. Raises psycopg.Error."""
    rows = [(one.topic, one.partition, one.offset, deployment, one.reason, one.value) for one in refused]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_REFUSE, rows)
        count(connection, deployment, Counter(refused=len(rows)))
    return len(rows)


def advance(connection: psycopg.Connection, topic: str, deployment: str, steps: Mapping[int, Step], stood: Mapping[int, int]) -> None:
    """Note how far the topic is read now, in the transaction of the labels.

    stood: what `read_up_to` said. Raises AnotherJob if the store stands elsewhere by now: nothing of the transaction may stand.
    """
    for partition, step in steps.items():
        if partition in stood:
            done = connection.execute(_ADVANCE, (step.next, topic, partition, deployment, stood[partition]))
        else:
            done = connection.execute(_BEGIN, (topic, partition, deployment, step.next))
        if done.rowcount != 1:
            raise AnotherJob(f"topic {topic}, partition {partition}: another job has read on for {deployment}; end one of the two")


def count(connection: psycopg.Connection, deployment: str, counted: Mapping[str, int]) -> None:
    """Add to the day's counts."""
    for verdict, labels in sorted(counted.items()):
        if labels:
            connection.execute(_COUNT, (deployment, verdict, labels))


def _settle(connection: psycopg.Connection, deployment: str, truth: Truth, matches: Sequence[Match]) -> Counter[str]:
    counted: Counter[str] = Counter(one.verdict for one in matches)
    changed = [one.event_time for one in matches if one.verdict in REPLACES or one.verdict == "contradictory"]
    counted["late"] = touch(connection, deployment, truth.window, changed)
    return counted


def _by_age(row: tuple[Any, ...]) -> tuple[datetime, str]:
    return row[1], row[0]
