"""What errors of HBase and its Thrift servers mean to whoever writes: wait, ease off, or mend something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from thriftpy2.thrift import TException

from streaming.errors import ScoringError, StoreError, Unavailable

RETRY_AFTER_S = 1.0
# Java's words for a server that is there and asks for less, or for a moment: regions that move, that flush, queues that are full.
_BUSY = ("RegionTooBusyException", "CallQueueTooBigException", "NotServingRegionException", "RpcThrottlingException", "PleaseHoldException")
# What no waiting mends, with what does.
_FINAL = {
    "TableNotFoundException": "make the tables with `scoring store migrate`",
    "NamespaceNotFoundException": "make the tables with `scoring store migrate`",
    "NoSuchColumnFamilyException": "bring the tables to this release with `scoring store migrate`",
    "AccessDeniedException": "let the user of the Thrift server read and write the tables",
    "TableNotEnabledException": "enable the table",
}


class HBaseBusy(Unavailable):
    """HBase is there and cannot take the rows now; a sink returns it as Busy."""


@contextmanager
def judged_errors(address: str) -> Iterator[None]:
    """Turn what a Thrift client raises within the block into Unavailable, HBaseBusy or StoreError. address: for the message."""
    try:
        yield
    except (TException, OSError) as error:
        raise judged(address, error) from None


def judged(address: str, error: Exception) -> ScoringError:
    """What an error of a Thrift client is to us.

    >>> judged("h:9090", ConnectionRefusedError(111, "refused"))
    Unavailable('HBase at h:9090: [Errno 111] refused')
    >>> from thriftpy2.thrift import TApplicationException
    >>> judged("h:9090", TApplicationException(6, "org.apache.hadoop.hbase.RegionTooBusyException: Over memstore limit"))
    HBaseBusy('HBase at h:9090: RegionTooBusyException: Over memstore limit')
    """
    said = _text(error)
    for name, remedy in _FINAL.items():
        if name in said:
            return StoreError(f"HBase at {address} refused: {_line(said, name)}; {remedy}")
    for name in _BUSY:
        if name in said:
            return HBaseBusy(f"HBase at {address}: {_line(said, name)}")
    return Unavailable(f"HBase at {address}: {_line(said, '')}")


def _text(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)


def _line(said: str, name: str) -> str:
    """The line of Java's stack trace that names the error, without packages, cut to what a log line takes."""
    lines = [line.strip() for line in said.splitlines() if name in line and line.strip()]
    return re.sub(r"\b(?:[a-z][\w]*\.)+(?=[A-Z])", "", (lines or [said.strip()])[0])[:300]
