"""The demo: every part of the service on embedded servers, real traffic through it, and the proof that nothing was lost."""

from __future__ import annotations

import importlib
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from streaming.config import load_settings
from streaming.kafka.topics import create_topics
from streaming.local import home as homes
from streaming.local import services
from streaming.local.alerts import DriftVerdict, judge, read_verdicts
from streaming.local.jobs import Job, JobName, check_running, ended, interrupts_held, start_job, stop_jobs, wait_until_ready
from streaming.local.ledger import read_ledger
from streaming.local.outcomes import Speed, rejected, served, speed
from streaming.local.publish import Published, publish
from streaming.local.reconcile import Reconciliation, reconcile
from streaming.local.telco import event_fields, load_telco, split
from streaming.local.traffic import Traffic
from streaming.report.html import write
from streaming.report.reader import open_reader
from streaming.settings import Settings, StoreKind
from streaming.sinks.stores import migrate_stores

PHASES = {
    "services": "Kafka and the store start",
    "training": "a churn model is trained and registered; topics and tables are made",
    "jobs": "the scoring and the drift job start",
    "publishing": "events are sent",
    "rest": "the last events are scored",
    "drift": "the drift job closes its windows",
    "report": "the report is written",
    "shutdown": "everything stops",
}
SCORED_WAIT_S = 120.0
DRIFT_WAIT_S = 60.0

Found = TypeVar("Found")


@dataclass(frozen=True)
class DemoPlan:
    """What the demo does. rate: messages a second."""

    config: Path
    data: Path
    home: Path
    events: int
    rate: float
    seed: int
    store: StoreKind = "postgres"

    @property
    def ledger(self) -> Path:
        """Where the producer's ledger is kept."""
        return self.home / "demo" / "ledger.jsonl"

    @property
    def report(self) -> Path:
        """Where the report is written."""
        return self.home / "report.html"


@dataclass
class Watch:
    """Told of the demo's progress; a screen overrides what it shows. `seconds`: duration of each phase so far."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase."""
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 1)

    def running(self, settings: Settings) -> None:
        """Called once the jobs are ready."""

    def sent(self, n: int) -> None:
        """Called with the number of messages sent so far."""

    def stopping(self) -> None:
        """Called before jobs and services are stopped, also when the demo was interrupted."""


@dataclass(frozen=True)
class Result:
    """What the demo found; `holds` is the verdict. ended: what is to be said of jobs that ended by themselves, else empty."""

    reconciliation: Reconciliation
    drift: DriftVerdict
    speed: Speed
    report: Path
    ended: str

    @property
    def holds(self) -> bool:
        """Law 1 holds, the drift job told the truth, the report is there, and no job ended by itself."""
        return self.reconciliation.holds and self.drift.holds and self.report.is_file() and not self.ended


def run(plan: DemoPlan, watch: Watch) -> Result:
    """Run the demo on a clean slate and stop all that it started, also when it is interrupted.

    A job that ends by itself once the events are sent does not end the demo: what it left undone is part of the result.
    Raises ScoringError where a part does not start, and ConfigError where the home is not the demo's to clear.
    """
    jobs: list[Job] = []
    homes.claim(plan.home)
    with ExitStack() as stack:
        stack.callback(_stop, jobs, plan.home, watch)
        services.down(plan.home)
        homes.clear(plan.home)
        settings = _prepare(plan, watch, jobs)
        published = _send(plan, settings, watch, jobs)
        reconciliation = _await_outcomes(plan, settings, watch, jobs)
        drift = _await_drift(settings, published, watch, jobs)
        with watch.phase("report"):
            found = speed(settings)
            _write_report(settings, plan.report)
        complaint = ended(jobs)
    return Result(reconciliation, drift, found, plan.report, complaint)


def _prepare(plan: DemoPlan, watch: Watch, jobs: list[Job]) -> Settings:
    """Services, model, topics, tables and jobs; fills `jobs`."""
    with watch.phase("services"), ThreadPoolExecutor(1) as side:
        up = side.submit(services.up, plan.home, say=lambda _: None, stores=(plan.store,))
        # MLflow and scikit-learn take seconds to import: done while the servers start.
        training = importlib.import_module("streaming.local.table")
        up.result()
    config = homes.configuration(plan.config, plan.home)
    settings = load_settings(config)
    with watch.phase("training"):
        create_topics(settings)
        migrate_stores(settings.store)
        _start("detect-drift", config, plan.home, jobs)
        training.train_table(settings, plan.data, check=False)
    with watch.phase("jobs"):
        _start("score-events", config, plan.home, jobs)
        for job in jobs:
            wait_until_ready(job)
    watch.running(settings)
    return settings


def _start(name: JobName, config: Path, home: Path, jobs: list[Job]) -> None:
    with interrupts_held():
        jobs.append(start_job(name, config, home))


def _send(plan: DemoPlan, settings: Settings, watch: Watch, jobs: list[Job]) -> Published:
    """Publish at a steady rate, once the first event is scored: Spark's workers start with it, which takes seconds."""

    def first_scored() -> None:
        _settle(lambda: [*served(settings), *rejected(settings)], bool, SCORED_WAIT_S, jobs)
        check_running(jobs)

    _, held_out = split(load_telco(plan.data))
    traffic = Traffic(event_fields(held_out), plan.events, lambda: datetime.now(UTC), seed=plan.seed)
    with watch.phase("publishing"):
        return publish(settings, traffic, plan.ledger, rate=plan.rate, sent=watch.sent, after_first=first_scored)


def _await_outcomes(plan: DemoPlan, settings: Settings, watch: Watch, jobs: list[Job]) -> Reconciliation:
    """Reconcile until nothing is lost, the time is over, or the scoring job has ended."""
    ledger = read_ledger(plan.ledger)
    scoring = [job for job in jobs if job.name == "score-events"]

    def outcomes() -> Reconciliation:
        return reconcile(ledger, served(settings), rejected(settings))

    with watch.phase("rest"):
        return _settle(outcomes, lambda found: not found.lost, SCORED_WAIT_S, scoring)


def _await_drift(settings: Settings, published: Published, watch: Watch, jobs: list[Job]) -> DriftVerdict:
    """Wait for the alerts that must come; then for as long as the drift job may need, for those that must not."""
    shift_at = published.shift_at or published.ended

    def verdict() -> DriftVerdict:
        return judge(read_verdicts(settings), shift_at)

    with watch.phase("drift"):
        _settle(verdict, lambda found: found.holds, DRIFT_WAIT_S, jobs)
        time.sleep(2 * settings.drift.trigger_s)
        return verdict()


def _settle(look: Callable[[], Found], settled: Callable[[Found], bool], limit_s: float, jobs: list[Job]) -> Found:
    """Look until it has settled, the time is over, or one of the jobs it needs has ended: then once more."""
    until = time.monotonic() + limit_s
    while not settled(found := look()) and time.monotonic() < until:
        if ended(jobs):
            return look()
        time.sleep(0.5)
    return found


def _write_report(settings: Settings, path: Path) -> None:
    with open_reader(settings) as reader:
        write(reader.catch_up(), path)


def _stop(jobs: list[Job], home: Path, watch: Watch) -> None:
    """End what was started; a second Ctrl-C does not leave half of it running."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    watch.stopping()
    with watch.phase("shutdown"):
        stop_jobs(jobs)
        services.down(home)
    for number, handler in before.items():
        signal.signal(number, handler)
