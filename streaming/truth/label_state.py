"""Where labels stand: how many came to what, how many wait, how much of the predictions is labelled."""

from __future__ import annotations

import msgspec
import psycopg

_COUNTS = "SELECT verdict, sum(labels)::bigint FROM label_count WHERE deployment = %s GROUP BY verdict ORDER BY verdict"
_WAITING = """
    SELECT count(*) FILTER (WHERE NOT unmatched), count(*) FILTER (WHERE unmatched), min(since)::text
    FROM label_waiting WHERE deployment = %s"""
_STORED = "SELECT count(*), max(observed_at)::text, max(received_at)::text FROM label WHERE deployment = %s"
_HELD = "SELECT count(*), count(*) FILTER (WHERE partial), count(*) FILTER (WHERE contradicted) FROM prediction_label WHERE deployment = %s"
_STALE = "SELECT count(*) FILTER (WHERE touched > computed), count(*) FROM quality_window WHERE deployment = %s"


class LabelState(msgspec.Struct, frozen=True):
    """What the store knows of a deployment's labels."""

    deployment: str
    labels: int
    newest_observed: str | None
    newest_received: str | None
    labelled_predictions: int
    partial: int
    contradicted: int
    waiting: int
    unmatched: int
    waiting_since: str | None
    windows: int
    windows_to_compute: int
    counts: dict[str, int]
    """by what labels came to, since the first one"""


def label_state(connection: psycopg.Connection, deployment: str) -> LabelState:
    """Ask the store. Raises psycopg.Error."""

    def one(query: str) -> tuple[object, ...]:
        return connection.execute(query.encode(), (deployment,)).fetchone() or ()

    labels, observed, received = one(_STORED)
    held, partial, contradicted = one(_HELD)
    waiting, unmatched, since = one(_WAITING)
    stale, windows = one(_STALE)
    counts: dict[str, int] = dict(connection.execute(_COUNTS, (deployment,)).fetchall())
    told = {"labels": labels, "newest_observed": observed, "newest_received": received, "labelled_predictions": held, "partial": partial}
    told |= {"contradicted": contradicted, "waiting": waiting, "unmatched": unmatched, "waiting_since": since, "windows": windows}
    return msgspec.convert(told | {"deployment": deployment, "windows_to_compute": stale, "counts": counts}, LabelState)
