"""Which rejected events are meant: by reason, path, schema version, producer and time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from streaming.errors import ConfigError
from streaming.replay.rejection import Address, Rejection
from streaming.settings import Store
from streaming.sinks.connection import connect
from streaming.sinks.hbase import HBaseSink

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MENDED = """
    SELECT DISTINCT source_topic, source_partition, source_offset FROM prediction
    JOIN unnest(%s::text[], %s::int[], %s::bigint[]) AS asked (t, p, o) ON (source_topic, source_partition, source_offset) = (t, p, o)
    WHERE role <> 'shadow' AND deployment = %s"""


class Selection(msgspec.Struct, frozen=True):
    """What a rejection must be to be meant; an empty field allows all. since_ms, until_ms: bounds of the event's own time."""

    reason: str = ""
    path: str = ""
    schema_version: str = ""
    producer: str = ""
    since_ms: int | None = None
    until_ms: int | None = None

    def has(self, rejection: Rejection) -> bool:
        """Whether it is meant."""
        wanted = {"reason": self.reason, "path": self.path, "schema_version": self.schema_version, "producer": self.producer}
        if any(value and getattr(rejection, name) != value for name, value in wanted.items()):
            return False
        since, until = self.since_ms, self.until_ms
        return (since is None or rejection.received_ms >= since) and (until is None or rejection.received_ms < until)


def moment_ms(text: str, now: datetime) -> int:
    """A time in ms since 1970: RFC 3339, without a zone in UTC, or so long ago (90s, 15m, 2h, 7d). Raises ConfigError.

    >>> moment_ms("1h", datetime(1970, 1, 1, 3, tzinfo=UTC)), moment_ms("1970-01-01T00:00:01Z", datetime.now(UTC))
    (7200000, 1000)
    """
    ago = _AGO.fullmatch(text)
    if ago:
        return int((now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})).timestamp() * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no time; expected 2026-01-31T12:00:00Z, or how long ago: 90s, 15m, 2h, 7d") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def mended(dsn: str, deployment: str, addresses: Iterable[Address]) -> set[Address]:
    """Those of the addresses that have a prediction served by this deployment by now. Raises Unavailable, StoreError."""
    topics, partitions, offsets = _columns([*addresses])
    if not topics:
        return set()
    with connect(dsn) as connection:
        rows = connection.execute(_MENDED, (topics, partitions, offsets, deployment)).fetchall()
    return {(topic, partition, offset) for topic, partition, offset in rows}


def with_prediction(store: Store, deployment: str, addresses: Collection[Address]) -> set[Address]:
    """As `mended`, asked of the store that is the judge. Raises Unavailable, StoreError."""
    if store.kind == "postgres":
        return mended(store.dsn.get_secret_value(), deployment, addresses)
    sink = HBaseSink(store.hbase)
    try:
        return {(topic, partition, offset) for _, topic, partition, offset in sink.predicted((deployment, *one) for one in addresses)}
    finally:
        sink.close()


def _columns(addresses: Sequence[Address]) -> tuple[list[str], list[int], list[int]]:
    return [a[0] for a in addresses], [a[1] for a in addresses], [a[2] for a in addresses]
