"""Connections for those who come now and then, or several at a time: the driver's records, readers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from streaming.sinks.connection import judged, parameters, set_session, time_limits

T = TypeVar("T")
WAIT_S = 5.0  # for a connection; a server that is away is Unavailable after it


class Pool:
    """A pool that connects when first asked and lends each connection for one transaction, checked before it is lent.

    A connection that broke is replaced, one that nobody needed for minutes is closed. Belongs to the process that made it.
    size: most connections at a time. statement_timeout_s: longest a statement or a wait for a lock may take at the server.
    Raises StoreError if dsn is no connection string.
    """

    def __init__(self, dsn: str, *, size: int = 2, statement_timeout_s: float = 60) -> None:
        limits = time_limits(statement_timeout_s)
        self._pool = ConnectionPool(
            kwargs=parameters(dsn),
            min_size=0,
            max_size=size,
            timeout=WAIT_S,
            configure=lambda connection: set_session(connection, limits),
            check=ConnectionPool.check_connection,
            open=False,
        )

    def run(self, work: Callable[[psycopg.Connection], T], *, what: str = "a statement") -> T:
        """Do `work` in one transaction and return its result. what: names it in an error.

        Raises Unavailable (nothing of it stands, or its commit's reply was lost: do it again), StoreError (do not).
        """
        try:
            self._pool.open()
            with self._pool.connection() as connection:
                return work(connection)
        except psycopg.Error as error:
            raise judged(error, what) from None

    def close(self) -> None:
        """Close every connection; it cannot be opened again."""
        self._pool.close()
