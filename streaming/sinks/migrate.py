"""Tables of the operational store: versioned SQL files, applied forward only, and a partition for each month."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources

import psycopg
import structlog
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from streaming.errors import StoreError, Unavailable

_LOCK = 0x5C0_41E6  # any constant of ours: two migrators take turns
TABLES = ("prediction", "current_prediction")
MONTHS_AHEAD = 2
MONTHS_BACK = 24  # older rows in the default partition are left there: their times are more likely wrong than late
EVERY_S = 86_400.0
# Writers wait behind whoever waits for a lock on their table, so a migrator that comes second to a long query gives up soon.
_LIMITS = {"lock_timeout": "5s"}
_DEFAULTS = {"connect_timeout": 5, "application_name": "streaming-scoring"}
_log = structlog.get_logger("streaming.migrate")


def migrate(dsn: str) -> list[str]:
    """Bring the tables to this release's version, in one transaction.

    Returns the names of the migrations applied (none the second time). Raises Unavailable, StoreError.
    """
    try:
        with connect(dsn) as connection:
            return _migrate(connection)
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL went away while the tables were made: {_first_line(error)}; migrate again") from None
    except psycopg.Error as error:
        raise StoreError(
            f"PostgreSQL refused to make the tables ({error.sqlstate}): {_first_line(error)}; migrate as their owner"
        ) from None


def _migrate(connection: psycopg.Connection) -> list[str]:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    connection.execute("CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())")
    done = {name for (name,) in connection.execute("SELECT name FROM migration").fetchall()}
    files = sorted(
        (f for f in resources.files("streaming.sinks").joinpath("migrations").iterdir() if f.name.endswith(".sql")),
        key=lambda f: f.name,
    )
    fresh = [f for f in files if f.name not in done]
    for file in fresh:
        connection.execute(file.read_text(encoding="utf-8").encode())
        connection.execute("INSERT INTO migration (name) VALUES (%s)", (file.name,))
    for month in _months_to_make(connection, datetime.now(UTC)):
        _make_month(connection, month)
    return [f.name for f in fresh]


def make_months(dsn: str, now: datetime) -> list[str]:
    """Make the partitions of `prediction` that are missing around `now` (aware): the month before, this one and two ahead.

    A month of the last two years whose rows lie in the default partition gets its partition too; the rows are moved into it,
    so that retention can drop it. Returns the names of the partitions made, none the second time. Raises nothing of the
    store's: where no partition is missing it needs only a writer's rights, and where it fails a warning is logged, for the
    default partition takes the rows meanwhile.
    """
    made: list[str] = []
    try:
        with connect(dsn, _LIMITS) as connection:
            connection.autocommit = True
            for month in _months_to_make(connection, now):
                with connection.transaction():  # one each: writers wait only while one month's rows are moved
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                    made += _make_month(connection, month)
    except (psycopg.Error, StoreError, Unavailable) as error:
        remedy = "the default partition takes the rows; as the tables' owner run `scoring store migrate`"
        _log.warning("partitions_not_made", error=str(error).strip().split("\n")[0], remedy=remedy)
    if made:
        _log.info("partitions_made", partitions=made)
    return made


def keep_months(dsn: str, stop: threading.Event, *, every_s: float = EVERY_S) -> threading.Thread:
    """Make the missing partitions now and every `every_s` (a day), until `stop` is set; from a daemon thread, which is returned.

    See make_months.
    """

    def follow() -> None:
        while not stop.is_set():
            make_months(dsn, datetime.now(UTC))
            stop.wait(every_s)

    thread = threading.Thread(target=follow, name="months", daemon=True)
    thread.start()
    return thread


def _months_to_make(connection: psycopg.Connection, now: datetime) -> list[int]:
    """Months, counted from year 0, that have no partition and should."""
    utc = now.astimezone(UTC)
    this = utc.year * 12 + utc.month - 1
    missing = [m for m in range(this - MONTHS_BACK, this + MONTHS_AHEAD + 1) if not _exists(connection, _name(m))]
    return [m for m in missing if m >= this - 1 or _has_rows(connection, m)]


def _make_month(connection: psycopg.Connection, month: int) -> list[str]:
    """Make a month's partition and move its rows out of the default one. Returns its name; nothing if another made it first."""
    name = _name(month)
    if _exists(connection, name):
        return []
    table, start, end = sql.Identifier(name), *_bounds(month)
    # In the order in which a writer takes them. Attaching, unlike CREATE … PARTITION OF, lets the other partitions be written.
    connection.execute("LOCK TABLE ONLY prediction IN SHARE UPDATE EXCLUSIVE MODE")
    connection.execute("LOCK TABLE prediction_default IN ACCESS EXCLUSIVE MODE")
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE prediction INCLUDING ALL)").format(table))
    move = sql.SQL(
        "WITH moved AS (DELETE FROM prediction_default WHERE event_time >= {} AND event_time < {} RETURNING *) "
        "INSERT INTO {} SELECT * FROM moved"
    )
    connection.execute(move.format(start, end, table))
    attach = sql.SQL("ALTER TABLE prediction ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
    connection.execute(attach.format(table, start, end))
    return [name]


def _name(month: int) -> str:
    return f"prediction_{_bounds(month)[0]:%Y_%m}"


def _bounds(month: int) -> tuple[datetime, datetime]:
    start, end = (datetime(m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in (month, month + 1))
    return start, end


def _has_rows(connection: psycopg.Connection, month: int) -> bool:
    """Asked of the whole table: a month without a partition lies in the default one, which a writer need not be allowed to read."""
    found = connection.execute("SELECT 1 FROM prediction WHERE event_time >= %s AND event_time < %s LIMIT 1", _bounds(month))
    return found.fetchone() is not None


def _exists(connection: psycopg.Connection, table: str) -> bool:
    return connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,)


def check_tables(dsn: str) -> None:
    """Raise StoreError, naming what is missing, unless every table is there; Unavailable if the server is not."""
    with connect(dsn) as connection:
        missing = [t for t in TABLES if not _exists(connection, t)]
    if missing:
        raise StoreError(f"the store has no table {', '.join(missing)}; make it with `scoring store migrate`")


def connect(dsn: str, settings: Mapping[str, str] | None = None) -> psycopg.Connection:
    """A connection with this service's name on it; what the connection string says itself, its `options` too, stands.

    settings: of the session, such as {"lock_timeout": "5s"}; set once connected, because libpq knows one `options` only.
    Raises Unavailable, without the password, if there is no server; StoreError if the string is not one.
    """
    try:
        # psycopg's types know only texts in what its own parser returns.
        connection = psycopg.connect(**(_DEFAULTS | conninfo_to_dict(dsn)))  # type: ignore[arg-type]
        if settings:
            _set(connection, settings)
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL cannot be reached: {_first_line(error)}") from None
    except psycopg.ProgrammingError as error:
        raise StoreError(f"store.dsn is not a connection string: {_first_line(error)}") from None
    return connection


def _set(connection: psycopg.Connection, settings: Mapping[str, str]) -> None:
    try:
        connection.autocommit = True  # a setting of a transaction that is rolled back would be lost
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.autocommit = False
    except psycopg.Error:
        connection.close()
        raise


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
