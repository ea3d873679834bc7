"""How many rows a second the sinks of PostgreSQL and HBase write, beside a bare loop in the same run.

    python benchmarks/store_writes.py --summary store_writes.json

The bare loop writes the same rows into tables of its own at the same servers, as fast as its client can: COPY and upsert for
PostgreSQL, batch puts of the same cells over one connection for HBase. It asks nothing back: it tells no repeat from a conflict, and
cannot be replayed. Both take turns, batch by batch, and the medians count. Servers are embedded ones on this machine, in a folder
that is removed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv
from happybase.batch import BatchMutation, Mutation
from rich.console import Console
from rich.table import Table

from streaming.local import hbase, postgres
from streaming.records import PREDICTION
from streaming.settings import HBaseSettings
from streaming.sinks import STANDS, Sink
from streaming.sinks.hbase.rows import Entry, entries
from streaming.sinks.hbase.sink import HBaseSink
from streaming.sinks.hbase.tables import migrate_hbase
from streaming.sinks.hbase.thrift import thrift2, thrift2_client
from streaming.sinks.hbase.tls import connection
from streaming.sinks.migrate import migrate
from streaming.sinks.postgres import PostgresSink

Write = Callable[[pa.RecordBatch], object]
WARM_UP = 3
_COLUMNS = ", ".join(PREDICTION.names)
_COPY = f"COPY incoming ({_COLUMNS}) FROM STDIN (FORMAT csv)"
_HISTORY = f"INSERT INTO prediction ({_COLUMNS}) SELECT {_COLUMNS} FROM incoming ON CONFLICT DO NOTHING"
_NAMES = (
    "deployment, entity_id, prediction_id, event_id, role, variant, model_name, model_version, score, predicted_class, "
    "event_time, received_at, scored_at, source_topic, source_partition, source_offset"
)
_CURRENT = f"""
    INSERT INTO current_prediction AS c ({_NAMES})
    SELECT DISTINCT ON (deployment, entity_id) {_NAMES} FROM incoming ORDER BY deployment, entity_id, event_time DESC
    ON CONFLICT (deployment, entity_id) DO UPDATE SET {", ".join(f"{n} = EXCLUDED.{n}" for n in _NAMES.split(", ")[2:])}
    WHERE EXCLUDED.event_time > c.event_time"""


def batches(count: int, rows: int, entities: int) -> Iterator[pa.RecordBatch]:
    """Batches of predictions of new events, a tenth of them late."""
    dice = np.random.default_rng(7)
    now = datetime.now(UTC)
    for number in range(count):
        offsets = range(number * rows, (number + 1) * rows)
        yield pa.RecordBatch.from_pylist([_row(offset, int(dice.integers(entities)), now) for offset in offsets], schema=PREDICTION)


def _row(offset: int, entity: int, now: datetime) -> dict[str, Any]:
    digest = sha256(str(offset).encode())
    event_time = now + timedelta(milliseconds=offset - 5000 * (offset % 10 == 0))
    return {
        "prediction_id": str(UUID(bytes=digest.digest()[:16])),
        "event_id": digest.hexdigest()[:32],
        "entity_id": f"C{entity:07d}",
        "deployment": "churn_risk",
        "role": "champion",
        "variant": "champion",
        "model_name": "churn",
        "model_version": "1",
        "schema_version": 1,
        "score": (offset % 1000) / 1000,
        "predicted_class": "No",
        "event_time": event_time,
        "received_at": event_time + timedelta(milliseconds=offset % 300),
        "scored_at": event_time + timedelta(milliseconds=400),
        "source_topic": "customer_activity",
        "source_partition": offset % 4,
        "source_offset": offset,
        "payload_digest": digest.hexdigest(),
        "plan_id": "0/0",
    }


def bare_postgres(dsn: str) -> Write:
    """COPY into a temporary table, then two upserts, in one transaction."""
    server = psycopg.connect(dsn, autocommit=True)
    server.execute("CREATE TEMPORARY TABLE incoming (LIKE prediction) ON COMMIT DELETE ROWS")

    def write(batch: pa.RecordBatch) -> None:
        digests = pa.array(["\\x" + digest for digest in batch.column("payload_digest").to_pylist()])
        csv = pa.BufferOutputStream()
        position = batch.schema.get_field_index("payload_digest")
        options = pyarrow.csv.WriteOptions(include_header=False)
        pyarrow.csv.write_csv(batch.set_column(position, "payload_digest", digests), csv, options)
        with server.transaction(), server.cursor() as cursor:
            with cursor.copy(_COPY) as copy:
                copy.write(csv.getvalue().to_pybytes())
            cursor.execute(_HISTORY)
            cursor.execute(_CURRENT)

    return write


def bare_hbase(settings: HBaseSettings) -> Write:
    """Batch puts of the four cells of each row, one table after the other."""
    one, two = connection(settings), thrift2_client(settings)
    one.open()

    def put(table: str, rows: Sequence[Entry], cell: Callable[[Entry], tuple[bytes, bytes, bytes]]) -> None:
        for start in range(0, len(rows), settings.batch_rows):
            cells = [cell(row) for row in rows[start : start + settings.batch_rows]]
            puts = [BatchMutation(row=key, mutations=[Mutation(column=column, value=value)]) for key, column, value in cells]
            one.client.mutateRows(f"{settings.namespace}:{table}".encode(), puts, {})

    def write(batch: pa.RecordBatch) -> None:
        rows = entries(batch)
        put("prediction_key", rows, lambda row: (row.claim, b"k:" + row.place, row.digest + row.history))
        put("prediction", rows, lambda row: (row.history, b"p:r", row.record))
        put("prediction_address", rows, lambda row: (row.address, b"a:" + row.claim, row.digest + row.history))
        current = list({row.entity: row for row in sorted(rows, key=lambda row: row.order)}.values())
        for start in range(0, len(current), settings.batch_rows):
            two.putMultiple(
                f"{settings.namespace}:current_prediction".encode(), [_timed(row) for row in current[start:][: settings.batch_rows]]
            )

    return write


def _timed(row: Entry) -> object:
    idl = thrift2()
    return idl.TPut(row=row.entity, columnValues=[idl.TColumnValue(family=b"p", qualifier=b"r", value=row.record, timestamp=row.time)])


def _stands(sink: Sink) -> Write:
    def write(batch: pa.RecordBatch) -> None:
        verdicts = sink.write(batch)
        if not (isinstance(verdicts, np.ndarray) and (verdicts == STANDS).all()):
            raise SystemExit(f"{type(sink).__name__} did not take a batch of new events: {verdicts}")

    return write


def measure(ours: Write, bare: Write, offered: Iterator[pa.RecordBatch]) -> dict[str, float]:
    """Rows a second of both, medians over batches that take turns, and ours by bare: the median of the ratios of neighbours."""
    rates: list[tuple[float, float]] = []
    for number, batch in enumerate(offered):
        found = {}
        for name, write in [("ours", ours), ("bare", bare)][:: 1 if number % 2 else -1]:
            began = time.perf_counter()
            write(batch)
            found[name] = batch.num_rows / (time.perf_counter() - began)
        if number >= WARM_UP:
            rates.append((found["ours"], found["bare"]))
    mine, other = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(one / two for one, two in rates)
    return {"rows_per_s": round(mine), "bare_rows_per_s": round(other), "ours_by_bare": round(ratio, 2)}


def postgres_pair(home: Path) -> tuple[Write, Write]:
    """The sink and the bare loop, each on a database of its own."""
    memory = postgres.start(home)
    addresses = [postgres.dsn(home, memory, name) for name in ("ours", "bare")]
    for name, dsn in zip(("ours", "bare"), addresses, strict=True):
        with psycopg.connect(postgres.dsn(home, memory), autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}".encode())
        migrate(dsn)
    return _stands(PostgresSink(addresses[0])), bare_postgres(addresses[1])


def hbase_pair(home: Path) -> tuple[Write, Write]:
    """The sink and the bare loop, each on a namespace of its own."""
    hbase.start(home)
    thrift, thrift2_address = hbase.addresses(home)
    ours, bare = (HBaseSettings(address=thrift, thrift2_address=thrift2_address, regions=2, namespace=name) for name in ("ours", "bare"))
    for settings in (ours, bare):
        migrate_hbase(settings)
    return _stands(HBaseSink(ours)), bare_hbase(bare)


PAIRS = {"postgres": (postgres_pair, postgres.halt), "hbase": (hbase_pair, hbase.halt)}


def main() -> None:
    """Measure what is asked for; print a table, and write the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--stores", nargs="+", choices=PAIRS, default=list(PAIRS))
    parser.add_argument("--batches", type=int, default=20, help="batches that count; three go before")
    parser.add_argument("--rows", type=int, default=2000, help="rows in a batch")
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--summary", type=Path)
    options = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for name in options.stores:
        pair, halt = PAIRS[name]
        with tempfile.TemporaryDirectory(prefix="store-writes-") as folder:
            try:
                found[name] = measure(*pair(Path(folder)), batches(WARM_UP + options.batches, options.rows, options.entities))
            finally:
                halt(Path(folder))
    table = Table("store", "rows/s", "bare rows/s", "ours ÷ bare")
    for name, figures in found.items():
        table.add_row(name, *(f"{value:,}" for value in figures.values()))
    Console().print(table)
    if options.summary:
        options.summary.write_text(json.dumps({"rows": options.rows, "stores": found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
