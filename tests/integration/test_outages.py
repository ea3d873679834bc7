"""PostgreSQL or the broker goes away in the middle of a batch, comes back, goes away again, and the job is told to end meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from events import bad, good
from service import Address, Job, Starter, metrics, prepare, produce, reasons, scored, wait_until

from streaming.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]
AWAY_S = 20
STOP_WAIT_S = 5
# Those that are bad whenever they come; the large ones would only take time.
BAD = [{"value": value} for kind, (value, _) in bad().items() if kind != "10 MB"]


@pytest.fixture
def settings(settings_file: Path, registry_table: str) -> Settings:
    """Arrow batches so small that a backlog of some thousand events is a batch in whose middle something can happen."""
    small = f"[stream]\nstop_wait_s = {STOP_WAIT_S}\narrow_batch_rows = 50"
    settings_file.write_text(settings_file.read_text().replace("[stream]", small))
    return prepare(settings_file, registry_table)


@contextmanager
def away(stop: Callable[[], None], start: Callable[[], None]) -> Iterator[None]:
    """Something is stopped while the block runs, and started again however the block ends: other tests need it."""
    stop()
    try:
        yield
    finally:
        start()


def mixed(count: int) -> list[dict[str, Any]]:
    """Good messages with a bad one in ten."""
    return [BAD[n % len(BAD)] if n % 10 == 9 else one for n, one in enumerate(good(count))]


def assert_one_outcome_each(settings: Settings, messages: list[dict[str, Any]], sent: list[Address]) -> None:
    """Good events are predicted, bad ones rejected, none is both or missing, and the metrics count each once."""
    wrong = [message["value"] for message in BAD]
    good_ones = {address for address, message in zip(sent, messages, strict=True) if message["value"] not in wrong}
    wait_until("every good event is predicted", lambda: len(scored(settings)) >= len(good_ones))
    wait_until("every bad event is rejected", lambda: len(reasons(settings)) >= len(sent) - len(good_ones))
    assert set(scored(settings)) == good_ones
    assert set(reasons(settings)) == set(sent) - good_ones
    wait_until("the last batch is recorded", lambda: sum(record.events for record in metrics(settings)) >= len(sent))
    counts = [(record.events, record.scored, record.repeated, record.rejected) for record in metrics(settings)]
    assert [sum(column) for column in zip(*counts, strict=True)] == [len(sent), len(good_ones), 0, len(sent) - len(good_ones)]


def in_the_middle(settings: Settings, before: int) -> Callable[[], bool]:
    """Whether more is stored than before."""
    return lambda: len(scored(settings)) > before


def waits_for_store(job: Job, times: int = 0) -> Callable[[], bool]:
    """Whether the log tells, more often than so many times, that a task waits for the store."""
    return lambda: told_away(job) > times


def told_away(job: Job) -> int:
    return job.log.read_text().count("sink_away")


def test_the_store_goes_away_within_a_batch_and_a_stop_meanwhile(settings: Settings, start: Starter, services: Any) -> None:
    messages = mixed(6000)
    sent = produce(settings, messages)
    job = start()
    wait_until("it is in the middle of the batch", in_the_middle(settings, 0))
    with away(services.stop_postgres, services.start_postgres):
        wait_until("a task in the middle of the batch waits", waits_for_store(job))
        more = mixed(100)
        messages, sent = messages + more, sent + produce(settings, more)
        time.sleep(AWAY_S)
        assert job.process.poll() is None
    assert_one_outcome_each(settings, messages, sent)
    assert job.process.poll() is None

    with away(services.stop_postgres, services.start_postgres):
        before = told_away(job)
        more = mixed(100)
        messages, sent = messages + more, sent + produce(settings, more)
        wait_until("it waits again", waits_for_store(job, before))
        assert job.terminate() == 0, job.log.read_text()[-3000:]
    job = start()
    assert_one_outcome_each(settings, messages, sent)
    assert job.terminate() == 0


def test_the_broker_goes_away_while_rejecting_and_one_job_is_stopped_meanwhile(settings: Settings, start: Starter, services: Any) -> None:
    messages = mixed(6000)
    sent = produce(settings, messages)
    drift = start(name="detect_drift").wait_ready()
    job = start()
    wait_until("it is in the middle of the batch", in_the_middle(settings, 0))
    with away(services.stop_kafka, services.start_kafka):
        assert len(scored(settings)) < 5400, "the broker was away before the batch was done"
        for each in (job, drift):
            wait_until(f"{each.name} tells that it waits", lambda each=each: each.get("/readyz")[0] == 503)
            assert each.get("/livez")[0] == 200
        assert drift.terminate() == 0, drift.log.read_text()[-3000:]
    assert_one_outcome_each(settings, messages, sent)
    assert job.wait_ready().terminate() == 0
