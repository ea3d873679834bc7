"""Which rejected events are meant: by reason, path, schema version, producer and time."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import msgspec

from streaming.errors import ConfigError, Unavailable
from streaming.replay.rejection import Address, Rejection
from streaming.settings import Store
from streaming.sinks import Busy
from streaming.sinks.stores import open_store

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


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


def with_prediction(store: Store, deployment: str, addresses: Collection[Address]) -> set[Address]:
    """Those of the addresses that have a prediction served by this deployment by now, by the store that is the judge.

    Raises Unavailable, StoreError.
    """
    opened = open_store(store, store.kind)
    try:
        held = opened.held([(deployment, *address) for address in addresses])
    finally:
        opened.close()
    if isinstance(held, Busy):
        raise Unavailable(f"{held.reason}; try again in {held.retry_after_s:g} s")
    return {(topic, partition, offset) for _, topic, partition, offset in held}
