from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from kept import HBase, RunningHBase
from prediction_rows import row, rows

from streaming.errors import Unavailable
from streaming.local import hbase as embedded
from streaming.local.processes import recall
from streaming.patience import patiently
from streaming.sinks import STANDS
from streaming.sinks.hbase.reader import stored


def pids(home: Path) -> dict[str, int]:
    return {part: memory.pid for part in embedded.PARTS if (memory := recall(embedded.memory_file(home, part)))}


@pytest.mark.integration
def test_what_was_acknowledged_is_there_after_kill_9_of_every_part(hbase: RunningHBase) -> None:
    """And a sink that was connected before goes on."""
    store = HBase(hbase.settings)
    batch = rows(*(row(f"e{n}", entity=f"c{n}", offset=n) for n in range(500)))
    assert store.sink.write(batch).tolist() == [STANDS] * 500  # type: ignore[union-attr]
    before = pids(hbase.home)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable):
        store.sink.write(batch)
    embedded.start(hbase.home)
    assert not set(before.values()) & set(pids(hbase.home).values())
    # The regions are given out once the log is read again: whoever comes before waits, as the job does.
    history, _ = patiently(lambda: list(stored(hbase.settings, "prediction")), part="history", pause_max_s=1)
    current, _ = patiently(lambda: list(stored(hbase.settings, "current_prediction")), part="current", pause_max_s=1)
    assert sorted(found.record["source_offset"] for found in history) == list(range(500))
    assert len(current) == 500
    verdicts, _ = patiently(lambda: store.sink.write(batch), part="store", pause_max_s=1)
    assert verdicts.tolist() == [STANDS] * 500


@pytest.mark.integration
def test_every_part_listens_on_loopback_alone_and_a_second_start_changes_nothing(hbase: RunningHBase) -> None:
    before = pids(hbase.home)
    embedded.start(hbase.home)
    assert pids(hbase.home) == before
    for pid in before.values():
        listening = [one.laddr.ip for one in psutil.Process(pid).net_connections("inet") if one.status == psutil.CONN_LISTEN]
        assert listening
        assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


def test_a_home_where_hbase_never_ran_says_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="scoring up --hbase"):
        embedded.addresses(tmp_path)
    assert embedded.halt(tmp_path) is False
