"""The table `rejection`: how many events of each micro-batch were rejected, by reason, schema version and producer.

Delivery: at least once with idempotent effect. A record that is written again, as it was or not, changes nothing: the first stands.
"""

from __future__ import annotations

import psycopg

from streaming.metrics.records import Metrics
from streaming.sinks.pool import Pool

# All rows of a record or none: a batch done again may have other reasons, which must not mix with those that stand.
_INSERT = """
    INSERT INTO rejection (record_id, dimension, value, deployment, events, planned_at, ended_at)
    SELECT %(id)s, dimension, value, %(deployment)s, events, %(now)s::timestamptz, %(at)s::timestamptz
    FROM unnest(%(dimensions)s::text[], %(values)s::text[], %(events)s::bigint[]) AS counted (dimension, value, events)
    WHERE NOT EXISTS (SELECT 1 FROM rejection WHERE record_id = %(id)s)
    ON CONFLICT DO NOTHING"""


class RejectionSummary:
    """Writes what a metrics record says of rejected events."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def write(self, record: Metrics) -> None:
        """Store the record's counts of rejected events; nothing if there are none. Raises Unavailable, StoreError."""
        counted = counts(record)
        if not counted:
            return
        dimensions, values, events = (list(column) for column in zip(*counted, strict=True))
        words = {"id": record.id, "deployment": record.deployment, "now": record.now, "at": record.at}
        words |= {"dimensions": dimensions, "values": values, "events": events}  # type: ignore[dict-item]

        def insert(connection: psycopg.Connection) -> None:
            connection.execute(_INSERT.encode(), words)

        self._pool.run(insert, what="a summary of rejections")


def counts(record: Metrics) -> list[tuple[str, str, int]]:
    """Dimension, value and events of each count above zero in a record."""
    by = {"reason": record.rejected_by_reason, "schema_version": record.rejected_by_schema_version, "producer": record.rejected_by_producer}
    return [(dimension, value, events) for dimension, counted in by.items() for value, events in counted.items() if events]
