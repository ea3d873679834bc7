"""What only HBase has to prove: claims under contention, what a crash leaves half done, tables, and errors. The laws are in contracts/."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import happybase
import numpy as np
import pytest
from kept import HBase, RunningHBase
from prediction_rows import row, rows
from thriftpy2.thrift import TApplicationException

from streaming.errors import StoreError, Unavailable
from streaming.local.processes import free_port
from streaming.patience import patiently
from streaming.settings import HBaseSettings
from streaming.sinks import REPEAT, STANDS, addresses
from streaming.sinks.hbase.claims import ABANDONED_S
from streaming.sinks.hbase.errors import HBaseBusy, judged
from streaming.sinks.hbase.keys import claim_key, id_bytes
from streaming.sinks.hbase.reader import stored
from streaming.sinks.hbase.sink import HBaseSink
from streaming.sinks.hbase.tables import check_hbase, migrate_hbase

integration = pytest.mark.integration


@contextlib.contextmanager
def table(settings: HBaseSettings, name: str) -> Any:
    """A table as someone else sees it."""
    host, _, port = settings.address.rpartition(":")
    with contextlib.closing(happybase.Connection(host, int(port))) as connection:
        yield connection.table(f"{settings.namespace}:{name}")


def empty(settings: HBaseSettings, name: str) -> None:
    """Take the rows away, as if a crash had come before they were written."""
    with table(settings, name) as found:
        for key, _ in found.scan():
            found.delete(key)


@integration
def test_of_tasks_that_bring_an_event_at_once_exactly_one_stands(hbase: RunningHBase) -> None:
    store = HBase(hbase.settings)
    events = [f"e{n}" for n in range(10)]

    def bring(offset: int) -> list[int]:
        sink = store.another()
        batch = rows(*(row(event, entity=event, offset=offset * 1000 + n) for n, event in enumerate(events)))
        verdicts, _ = patiently(lambda: sink.write(batch), part="store", pause_max_s=0.2)
        sink.close()
        return list(verdicts.tolist())

    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(bring, range(2)))
    for n in range(len(events)):
        assert Counter(found[n] for found in verdicts) == {STANDS: 1, REPEAT: 1}
    standing = {(event, found.index(STANDS)) for event, found in zip(events, zip(*verdicts, strict=True), strict=True)}
    assert {(record["event_id"], record["source_offset"] // 1000) for record in store.rows()} == standing
    assert {(entry[2], entry[5] // 1000) for entry in store.current()} == standing


@integration
def test_what_a_crash_left_half_done_is_completed_by_the_replay(hbase: RunningHBase) -> None:
    store = HBase(hbase.settings)
    batch = rows(row("a"), row("b", entity="c2", offset=1))
    for lost in (("prediction",), ("prediction", "prediction_address"), ("prediction_address",)):
        assert store.sink.write(batch).tolist() == [STANDS] * 2  # type: ignore[union-attr]
        for name in lost:
            empty(hbase.settings, name)
        assert store.sink.held(addresses(batch)) == {}
    assert store.sink.write(batch).tolist() == [STANDS] * 2  # type: ignore[union-attr]
    assert len(store.rows()) == 2
    assert len(store.sink.held(addresses(batch))) == 2


def left_by_a_crash(hbase: RunningHBase, *entries: dict[str, Any], at: float) -> None:
    """Claims of rows and nothing else, claimed `at`, seconds since 1970: written elsewhere, and brought here as they are."""
    elsewhere = hbase.settings.model_copy(update={"namespace": f"{hbase.settings.namespace}_2"})
    HBase(elsewhere).sink.write(rows(*entries))
    keys = {claim_key(id_bytes(entry["prediction_id"]), int(entry["event_time"].timestamp() * 10**6)) for entry in entries}
    with table(elsewhere, "prediction_key") as there, table(hbase.settings, "prediction_key") as here:
        for key, cells in there.rows(list(keys)):
            here.put(key, cells, timestamp=int(at * 1000))


@integration
def test_what_a_task_claimed_and_never_wrote(hbase: RunningHBase) -> None:
    """It is left to that task until it is old; of two that claimed, the one that wrote stands."""
    store = HBase(hbase.settings)
    left_by_a_crash(hbase, row("young"), at=time.time())
    assert store.sink.write(rows(row("young", offset=9))).tolist() == [REPEAT]  # type: ignore[union-attr]
    assert store.rows() == []

    left_by_a_crash(hbase, row("old"), at=time.time() - ABANDONED_S - 60)
    for _ in range(2):
        assert store.sink.write(rows(row("old", offset=9))).tolist() == [STANDS]  # type: ignore[union-attr]
    assert store.sink.write(rows(row("old"))).tolist() == [REPEAT]  # type: ignore[union-attr]
    assert [record["source_offset"] for record in store.rows()] == [9]

    store.sink.write(rows(row("two", offset=5)))
    left_by_a_crash(hbase, row("two", offset=6), at=1)
    assert store.sink.write(rows(row("two", offset=6))).tolist() == [REPEAT]  # type: ignore[union-attr]
    assert store.sink.write(rows(row("two", offset=5))).tolist() == [STANDS]  # type: ignore[union-attr]
    assert sorted(record["source_offset"] for record in store.rows()) == [5, 9]


@integration
def test_without_thrift_2_and_in_small_requests_all_is_the_same(hbase: RunningHBase) -> None:
    migrate_hbase(hbase.settings)
    plain = hbase.settings.model_copy(update={"thrift2_address": "", "batch_rows": 2, "batch_bytes": 1024, "connections": 2})
    store = HBase(plain)
    batch = rows(*(row(f"e{n}", entity=f"c{n % 5}", offset=n, seconds=-n) for n in range(12)))
    for _ in range(2):
        assert store.sink.write(batch).tolist() == [STANDS] * 12  # type: ignore[union-attr]
    assert [entry[2] for entry in store.current()] == [f"e{n}" for n in range(5)]
    assert len(store.rows()) == 12
    assert [found.record["event_id"] for found in stored(plain, "current_prediction", most=2)] <= [f"e{n}" for n in range(5)]


@integration
def test_tables_are_made_once_as_they_are_asked_for(hbase: RunningHBase) -> None:
    settings = hbase.settings.model_copy(update={"regions": 3, "history_ttl_days": 2})
    with pytest.raises(StoreError, match=rf"no table {settings.namespace}:prediction_key, .*; make it with `scoring store migrate`"):
        check_hbase(settings)
    with pytest.raises(StoreError, match="in `hbase shell`: create_namespace '"):
        migrate_hbase(settings.model_copy(update={"thrift2_address": ""}))
    with pytest.raises(StoreError, match="make it with `scoring store migrate`"):
        HBaseSink(settings).write(rows(row("a")))
    assert len(migrate_hbase(settings)) == 4
    assert migrate_hbase(settings) == []
    check_hbase(settings)
    kept_s = {"prediction_key": 3 * 86_400, "prediction": 2 * 86_400, "current_prediction": 2**31 - 1, "prediction_address": 3 * 86_400}
    for name, expected in kept_s.items():
        with table(settings, name) as found:
            assert [family["time_to_live"] for family in found.families().values()] == [expected]
            assert [region["start_key"] for region in found.regions()] == [b"", b"U", b"\xaa"]


def test_where_nobody_listens_the_store_is_away() -> None:
    settings = HBaseSettings(address=f"127.0.0.1:{free_port()}", thrift2_address=f"127.0.0.1:{free_port()}")
    sink = HBaseSink(settings)
    for call in (lambda: sink.write(rows(row("a"))), lambda: sink.held(addresses(rows(row("a")))), lambda: check_hbase(settings)):
        with pytest.raises(Unavailable, match=f"HBase at {settings.address}"):
            call()


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("org.apache.hadoop.hbase.RegionTooBusyException: Over memstore limit=1", HBaseBusy, "RegionTooBusyException: Over memstore"),
        ("java.io.IOException: x\n\tat a.B\nCaused by: org.apache.hadoop.hbase.CallQueueTooBigException: full\n", HBaseBusy, "full"),
        ("org.apache.hadoop.hbase.NotServingRegionException: t", HBaseBusy, "NotServingRegionException"),
        ("org.apache.hadoop.hbase.TableNotFoundException: a:b", StoreError, "scoring store migrate"),
        ("org.apache.hadoop.hbase.security.AccessDeniedException: no", StoreError, "let the user of the Thrift server"),
        ("java.net.ConnectException: Call to address=h failed", Unavailable, "ConnectException: Call to"),
        ("", Unavailable, "TApplicationException"),
    ],
)
def test_errors_are_sorted_by_what_mends_them(said: str, kind: type[Exception], told: str) -> None:
    found = judged("h:1", TApplicationException(6, said))
    assert type(found) is kind
    assert told in str(found)
    assert "\n" not in str(found)


def test_nothing_is_asked_for_an_empty_batch() -> None:
    sink = HBaseSink(HBaseSettings(address=f"127.0.0.1:{free_port()}"))
    assert np.array_equal(sink.write(rows()), np.zeros(0, np.uint8))  # type: ignore[arg-type]
    assert sink.held([]) == {}
