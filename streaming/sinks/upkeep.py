"""What a store of PostgreSQL needs once a day: partitions ahead of the rows, and old ones dropped."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import structlog

from streaming.errors import StoreError, Unavailable
from streaming.sinks.months import make_months
from streaming.sinks.retention import may_retain, retain

EVERY_S = 86_400.0
_log = structlog.get_logger("streaming.upkeep")


def keep_months(dsn: str, stop: threading.Event, *, retention_months: int = 0, every_s: float = EVERY_S) -> threading.Thread:
    """Look after the partitions now and every `every_s` (a day), until `stop` is set; from a daemon thread, which is returned.

    retention_months: as of `retain`; 0 keeps everything. See make_months and drop_old_months.
    """

    def follow() -> None:
        while not stop.is_set():
            make_months(dsn, datetime.now(UTC))
            if retention_months:
                drop_old_months(dsn, retention_months, datetime.now(UTC))
            stop.wait(every_s)

    thread = threading.Thread(target=follow, name="months", daemon=True)
    thread.start()
    return thread


def drop_old_months(dsn: str, months: int, now: datetime) -> None:
    """Drop what retention says, where this role owns the tables; else, or if it fails, a warning tells who is to do it. Raises nothing."""
    remedy = "run `scoring store retain` as the owner of the tables"
    try:
        if not may_retain(dsn):
            _log.warning("retention_left", error="this role does not own the tables", remedy=remedy)
            return
        _log.info("retention_done", **retain(dsn, months, now)._asdict())
    except (StoreError, Unavailable) as error:
        _log.warning("retention_left", error=str(error), remedy=remedy)
