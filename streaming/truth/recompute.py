"""Windows that labels touched get their figures anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pandas as pd
import psycopg

from streaming.metrics.quality_record import Quality
from streaming.truth import outbox
from streaming.truth.declared import Truth
from streaming.truth.fairness_alert import alerts_of
from streaming.truth.quality import quality_records
from streaming.truth.rows import window_rows
from streaming.truth.windows import Stale, computed

Fields = Callable[[datetime, datetime], pd.DataFrame | None]
"""Fields of the events that were scored between two times, by prediction id; None where there are none to be had"""


def recompute(
    connection: psycopg.Connection, deployment: str, truth: Truth, of: Stale, *, now: datetime, fields: Fields | None = None
) -> list[Quality]:
    """Make a window's figures, with the next revision, and store them with what they are of; nothing for a window without predictions.

    Call it in a transaction of its own. Raises psycopg.Error, and what `fields` raises.
    """
    frame = window_rows(connection, deployment, of.window)
    records: list[Quality] = []
    if len(frame):
        known = fields(frame["scored_at"].min(), frame["scored_at"].max()) if fields is not None and wanted(truth) else None
        records = quality_records(deployment, of.window, frame, truth, revision=of.revision + 1, now=now, fields=known)
    if not computed(connection, deployment, of):
        return []  # another did it meanwhile
    outbox.store(connection, records)
    for record in records:
        outbox.store_alerts(connection, alerts_of(record, lambda about: outbox.last_alert(connection, deployment, about)), record.revision)
    return records


def wanted(truth: Truth) -> list[str]:
    """Fields of the event that figures are cut by."""
    return list(dict.fromkeys((*truth.slices, *truth.fairness.columns)))
