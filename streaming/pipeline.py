"""The scoring path: the only file that knows the order of the steps, and what one Spark task does with its rows.

    raw ─► decode ─► validate ─► score ─► store ─► what stands ─► other sinks ─► observe ─► scoring log
              └─────────┴──────────┴────────┴────► rejected topic
A task delivers everything before it returns its one small row, a Tally: no rows go to the driver, nothing is read twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streaming.contracts.schema import Contract
from streaming.contracts.wire import DecidedResolver, Resolver, WireReader
from streaming.delivery import Delivery, Destination, open_delivery
from streaming.metrics import rejections
from streaming.metrics.records import SliceCounts
from streaming.metrics.sketches import Histogram, latency_sketch
from streaming.metrics.tally import Tally, add_counts, bounded, merge_tallies
from streaming.models.artifact import Artifact
from streaming.models.formats import skops
from streaming.models.model import Model, verify
from streaming.models.plan import Plan
from streaming.models.plan import decode as decode_plan
from streaming.patience import patiently
from streaming.records import PREDICTION, RAW, REJECTED
from streaming.service.heartbeat import Beating, board
from streaming.sinks import CONFLICT, REPEAT, STANDS, Address, Busy, Held
from streaming.sinks.replays import Replays
from streaming.sinks.scoring_log import log_rows, write_slice
from streaming.steps import Step, run_steps
from streaming.steps.decode import Decode
from streaming.steps.observe import Observe
from streaming.steps.replayed import attempts
from streaming.steps.score import Score
from streaming.steps.validate import Validate

if TYPE_CHECKING:
    from pyspark import Broadcast

T = TypeVar("T")
MOST_NAMES = 1000  # producers, and schema versions, that one task tells apart
TALLY_COLUMN = pa.schema([("tally", pa.binary())])


def scoring_steps(contracts: Mapping[int, Contract], model: Model, resolver: Resolver | None = None) -> dict[str, Step]:
    """The steps from a raw event to its score, in order: the same for stream, batch and single events. See contract_steps."""
    return {**contract_steps(contracts, resolver), "score": Score(model)}


def contract_steps(contracts: Mapping[int, Contract], resolver: Resolver | None = None) -> dict[str, Step]:
    """The steps that hold a raw event to its contract, in order.

    resolver: of the schema registry; without one no frame is looked for. With one the steps may raise Unavailable.
    """
    return {"decode": Decode(WireReader(contracts, resolver)), "validate": Validate(contracts)}


_models: dict[str, Model] = {}


def _model(sha256: str, artifact: Broadcast[Artifact]) -> Model:
    """The model of this checksum, loaded once per worker; the next and the one before are kept, older ones are dropped."""
    if sha256 not in _models:
        _models[sha256] = skops.load(artifact.value, sha256)
        for old in list(_models)[:-3]:
            del _models[old]
    return _models[sha256]


def score_task(
    to: Destination, plan_text: str, artifact: Broadcast[Artifact], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """One Spark task (`mapInArrow`): RAW batches in; one row out, the task's Tally as JSON."""
    from pyspark import TaskContext

    context = TaskContext.get()
    assert context is not None
    plan = decode_plan(plan_text)
    board.beat(to.worker_limit_s)
    try:
        run = TaskRun(open_delivery(to), plan, Beating(_model(plan.champion.sha256, artifact), to.worker_limit_s))
        tally = run.take_all(batches, context.partitionId())
    finally:
        board.beat(0)
    yield pa.RecordBatch.from_arrays([pa.array([msgspec.json.encode(tally)], pa.binary())], schema=TALLY_COLUMN)


def warm_task(to: Destination, sha256: str, artifact: Broadcast[Artifact], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Make a worker ready before the first event: sinks made, contracts compiled, model loaded and tried. No rows out."""
    delivery, model = open_delivery(to), _model(sha256, artifact)
    for contract in delivery.contracts.values():
        contract.decode(pa.array([b"{}"], pa.binary()))
    verify(model)
    for _ in batches:
        time.sleep(0.2)  # long enough that each core takes one of these tasks, and so each has a worker
    return iter(())


class TaskRun:
    """One task's work under one plan."""

    def __init__(self, delivery: Delivery, plan: Plan, model: Model) -> None:
        self._delivery, self._plan = delivery, plan
        self._registry = DecidedResolver(delivery.resolver, plan.unknown_ids) if delivery.resolver else None
        self._steps = scoring_steps(_planned(delivery.contracts, plan), model, self._registry)
        self._observe = {"observe": Observe(model.manifest)}
        self._replays = Replays(plan.plan_id)
        self._model_name = f"{plan.champion.name}/{plan.champion.version}"

    def take_all(self, batches: Iterator[pa.RecordBatch], task: int) -> Tally:
        """Score and deliver every batch, then the task's slice of the scoring log. Returns what was counted."""
        tallies, standing = [], []
        for batch in batches:
            board.beat(self._delivery.to.worker_limit_s)
            tally, rows = self.take(batch)
            tallies.append(tally)
            standing.append(log_rows(rows))
        if undecided := self._undecided():
            return merge_tallies([*tallies, Tally(undecided=undecided)])
        log = Tally()
        self._deliver(log, "scoring_log", lambda: write_slice(self._delivery.to.scoring_log, self._plan, task, standing))
        total = merge_tallies([*tallies, log])
        total.rejected_by_producer = bounded(total.rejected_by_producer, MOST_NAMES)
        total.rejected_by_schema_version = bounded(total.rejected_by_schema_version, MOST_NAMES)
        return total

    def take(self, batch: pa.RecordBatch) -> tuple[Tally, pa.RecordBatch]:
        """Score and deliver one batch of type RAW. Returns what was counted, and the rows that stand."""
        raw = batch.cast(RAW) if batch.schema != RAW else batch
        # The steps are pure: where the schema registry is away, they are simply run again.
        run = partial(run_steps, self._steps, raw, self._plan)
        passage, waited_s = self._patiently(run, "schema_registry")
        tally = Tally(events=batch.num_rows, parts_ms=passage.parts_ms, waited_s=waited_s)
        if self._undecided():
            return tally, passage.rows.slice(0, 0)
        rows = passage.rows
        verdicts, replayed = self._store(tally, rows)
        readable_at = datetime.now(UTC)
        rejected = [*passage.rejected, *_conflicts(rows, verdicts)]
        self._reject(tally, rejected)
        standing = rows.filter(pa.array(verdicts == STANDS))
        self._pass_on(tally, predictions(standing))
        tally.repeated = int(np.count_nonzero(verdicts == REPEAT))
        _count_replayed(tally, scored=verdicts[replayed] == STANDS, repeated=verdicts[replayed] == REPEAT)
        self._count(tally, standing, readable_at)
        return tally, standing

    def _undecided(self) -> list[str]:
        return sorted(self._registry.undecided) if self._registry else []

    def _store(self, tally: Tally, rows: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
        """Store the predictions. Returns the verdicts, and which rows were replayed."""
        found, replayed = predictions(rows), attempts(rows) > 1
        store = self._delivery.store

        def ask(asked: list[Address]) -> Held:
            return self._deliver(tally, "store", lambda: store.held(asked))

        def write(fresh: pa.RecordBatch) -> np.ndarray:
            return self._deliver(tally, "store", lambda: store.write(fresh))

        return self._replays.store(found, replayed, ask, write), replayed

    def _pass_on(self, tally: Tally, standing: pa.RecordBatch) -> None:
        """Hand what stands to every other sink: one that is away holds the batch, it is never skipped."""
        for name, sink in self._delivery.others.items():
            if standing.num_rows:
                self._deliver(tally, name, partial(sink.write, standing))

    def _reject(self, tally: Tally, rejected: list[pa.RecordBatch]) -> None:
        for part in rejected:
            self._deliver(tally, "rejects", partial(self._delivery.rejected.write, part, model=self._model_name))
            tally.rejected_by_reason = add_counts([tally.rejected_by_reason, rejections.by_reason(part)])
            tally.rejected_by_producer = add_counts([tally.rejected_by_producer, rejections.by_producer(part)])
            tally.rejected_by_schema_version = add_counts([tally.rejected_by_schema_version, rejections.by_schema_version(part)])
            _count_replayed(tally, rejected=attempts(part) > 1)

    def _count(self, tally: Tally, standing: pa.RecordBatch, readable_at: datetime) -> None:
        """Observe the rows that stand: repeats and conflicts must not weigh on distributions twice."""
        passage = run_steps(self._observe, standing, self._plan)
        tally.parts_ms.update(passage.parts_ms)
        tally.scored = standing.num_rows
        tally.features = _histograms(passage.observed["features"])
        tally.quantiles = msgspec.convert(passage.observed["quantiles"], dict[str, bytes])
        tally.score = msgspec.convert(passage.observed["score"], Histogram)
        tally.score_quantiles = msgspec.convert(passage.observed["score_quantiles"], bytes)
        tally.slices = msgspec.convert(passage.observed["slices"], dict[str, SliceCounts])
        tally.score_sum = float(passage.observed["score_sum"])  # type: ignore[arg-type]
        tally.score_sum_squares = float(passage.observed["score_sum_squares"])  # type: ignore[arg-type]
        waits_us = pc.subtract(pa.scalar(readable_at, standing.schema.field("received_at").type), standing.column("received_at"))
        direct = attempts(standing) == 1  # a replayed event's wait was for the mend, not for this service
        tally.latency_ms = latency_sketch(waits_us.cast(pa.int64()).to_numpy(zero_copy_only=False)[direct] / 1000)

    def _deliver(self, tally: Tally, part: str, deliver: Callable[[], T | Busy]) -> T:
        """Deliver, however long the sink is away; what it took, and what was waited, go into the tally."""
        began = time.perf_counter()
        result, waited_s = self._patiently(deliver, part)
        tally.waited_s += waited_s
        tally.parts_ms[part] = tally.parts_ms.get(part, 0.0) + (time.perf_counter() - began - waited_s) * 1000
        return result

    def _patiently(self, deliver: Callable[[], T | Busy], part: str) -> tuple[T, float]:
        """Wait for what is away, with a sign of life before each pause: who waits does not hang."""
        to = self._delivery.to
        board.beat(to.worker_limit_s)
        return patiently(deliver, part=part, pause_max_s=to.store.retry_max_s, before_pause=lambda: board.beat(to.worker_limit_s))


def _planned(contracts: Mapping[int, Contract], plan: Plan) -> dict[int, Contract]:
    """The contracts that the plan names; the driver has seen that they are the same."""
    return {version: contract for version, contract in contracts.items() if not plan.contracts or str(version) in plan.contracts}


def predictions(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Scored rows as rows of the type PREDICTION."""
    absent = pa.nulls(rows.num_rows, pa.string())
    names = set(rows.schema.names)
    return pa.RecordBatch.from_arrays([rows.column(n) if n in names else absent for n in PREDICTION.names], schema=PREDICTION)


def _conflicts(rows: pa.RecordBatch, verdicts: np.ndarray) -> list[pa.RecordBatch]:
    """Rejections of the rows whose key, or replayed address, is taken by an event with other bytes."""
    taken = rows.filter(pa.array(verdicts == CONFLICT))
    if not taken.num_rows:
        return []
    keys = zip(taken.column("event_id").to_pylist(), taken.column("event_time").to_pylist(), strict=True)
    remedy = "was scored before with other bytes; give a changed event a new id"
    messages = [f"event {key} at {time}, or a replay of it, {remedy}" for key, time in keys]
    constant = {"stage": "store", "reason": "event_conflict", "path": "", "value_found": ""}
    columns: dict[str, Any] = {name: pa.array([text] * len(messages), pa.string()) for name, text in constant.items()}
    columns |= {name: taken.column(name) for name in [*RAW.names, "schema_version"]} | {"message": pa.array(messages, pa.string())}
    return [pa.RecordBatch.from_arrays([columns[name] for name in REJECTED.names], schema=REJECTED)]


def _count_replayed(tally: Tally, **outcomes: np.ndarray) -> None:
    found = {name: count for name, of in outcomes.items() if (count := int(np.count_nonzero(of)))}
    tally.replayed = add_counts([tally.replayed, found])


def _histograms(observed: object) -> dict[str, Histogram]:
    return msgspec.convert(observed, dict[str, Histogram])
