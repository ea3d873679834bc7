"""Connection strings of PostgreSQL: read, and explained without repeating anything of one, for any part may hold a password."""

from __future__ import annotations

import os

import psycopg
from psycopg.conninfo import conninfo_to_dict

from streaming.errors import StoreError
from streaming.tls_probe import POSTGRES_REQUEST, certificate_fault

_PORT = "5432"


def words(dsn: str) -> dict[str, str]:
    """The words of a connection string, as libpq calls them.

    Raises StoreError if it is not one, and if a password with unencoded characters has spilled into host, port or database:
    libpq would repeat that part in its error. libpq's own words are left out for the same reason.

    >>> words("postgresql://ann:p%40ss@db:5432/scoring")["host"]
    'db'
    """
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    except psycopg.ProgrammingError:
        raise _unreadable() from None
    hosts = found.get("host", "").split(",")
    spilled = any("@" in host[1:] for host in hosts) or "@" in found.get("dbname", "")  # @name is a socket without a file
    if spilled or not all(port.isdigit() for port in found.get("port", _PORT).split(",")):
        raise _unreadable()
    return found


def certificate_words(dsn: str, said: str) -> str:
    """What to add to libpq's word that a certificate is wrong: what is wrong with it; empty for any other error.

    said: libpq's error.
    """
    if "certificate verify failed" not in said:
        return ""
    found = words(dsn)
    ca_file = found.get("sslrootcert", os.environ.get("PGSSLROOTCERT"))
    host, port = found.get("host", "").split(",")[0], found.get("port", _PORT).split(",")[0]
    fault = certificate_fault(host, int(port), ca_file=None if ca_file == "system" else ca_file, check_host=False, ask=POSTGRES_REQUEST)
    return f" ({fault}); see the server's certificate and sslrootcert of store.dsn" if fault else "; see sslrootcert of store.dsn"


def _unreadable() -> StoreError:
    return StoreError(
        "store.dsn is not a connection string; expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=… with special "
        "characters percent-encoded (@ is %40), or libpq's words (host=… user=…)"
    )
