"""The driver's side of a micro-batch: plan, run, record; Spark commits after it returns.

Anything may die between any two lines: what was done is done again, under the plan that was written first, to the same effect.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import msgspec
import structlog
from py4j.protocol import Py4JError
from pyspark import Broadcast
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from streaming.delivery import Destination
from streaming.errors import ContractError, ModelError, RegistryError, Unavailable
from streaming.metrics.records import Metrics, Record
from streaming.metrics.tally import Tally, merge_tallies
from streaming.micro_batch.bookkeeping import Bookkeeping
from streaming.micro_batch.checkpoint_files import checkpoint_files
from streaming.micro_batch.gather import calibration_record, metrics_record, reference_record
from streaming.micro_batch.plan_log import PlanLog
from streaming.micro_batch.planner import ModelWatch, Ready, check_contracts, new_plan, revised_plan
from streaming.micro_batch.unknown_ids import UnknownIds
from streaming.models.artifact import Artifact, checksum
from streaming.models.deployment import Deployment
from streaming.models.plan import Plan, PlannedModel, encode
from streaming.patience import patiently
from streaming.pipeline import score_task, warm_task
from streaming.service.health import Health
from streaming.service.scoring_figures import ScoringFigures
from streaming.service.supervise import StopGate
from streaming.settings import Settings
from streaming.sinks.record_topic import RecordTopic

_log = structlog.get_logger("streaming.batch")
SHIPPED = 3  # versions at the workers: the next, the present, and the one before for a replay
REFERENCE_EVERY_S = 3600.0  # the reference is repeated, so that it outlives the metrics topic's retention


class MicroBatches:
    """The function that foreachBatch calls, with what it needs at hand."""

    def __init__(
        self,
        spark: SparkSession,
        settings: Settings,
        deployment: Deployment,
        watch: ModelWatch,
        to: Destination,
        health: Health,
        gate: StopGate,
    ) -> None:
        self._spark, self._settings, self._deployment = spark, settings, deployment
        self._watch, self._to, self._health, self._gate = watch, to, health, gate
        self._cores = spark.sparkContext.defaultParallelism
        self._records = RecordTopic(settings.kafka.bootstrap_servers, client=settings.kafka.client)
        self._books = Bookkeeping(settings.store)
        self._plans: PlanLog | None = None
        self._shipped: dict[str, Broadcast[Artifact]] = {}
        self._shipping = threading.Lock()
        self._figures = ScoringFigures(health.registry)
        self._contracts = {str(number): checksum(text.encode()) for number, text in to.contracts}
        self._unknown = UnknownIds(settings.schema_registry.unknown_s)
        self._told: tuple[PlannedModel | None, float] = (None, 0.0)

    def warm_up(self, ready: Ready) -> None:
        """Start the Python workers and load a version in them, so that no event waits for it.

        Called before the query starts, and from the watch's thread before a new version comes into a plan.
        Raises Unavailable if the workers cannot be reached: the first batch of the version loads it then.
        """
        task = partial(warm_task, self._to, ready.planned.sha256, self._ship(ready))
        try:
            self._spark.range(self._cores, numPartitions=self._cores).mapInArrow(task, "tally binary").collect()
        except (Py4JError, PySparkException) as error:
            raise Unavailable(f"the workers did not load {ready.planned.name} version {ready.planned.version}: {error}") from error

    def __call__(self, batch: DataFrame, batch_id: int) -> None:
        """Score one micro-batch."""
        self._gate.check()
        self._health.batch_began()
        try:
            record = self._carry_out(batch, batch_id)
        finally:
            self._health.batch_ended()
        self._figures.add(record)

    def _carry_out(self, batch: DataFrame, batch_id: int) -> Metrics:
        began = time.perf_counter()
        plan, artifact = self._feasible_plan(batch_id)
        self._patiently(partial(self._books.begin, plan), part="deployment_log")
        planned = time.perf_counter()
        tally = self._run(batch, plan, artifact)
        while tally.undecided:
            plan = self._decided(plan, tally.undecided)
            tally = self._run(batch, plan, artifact)
        ended = time.perf_counter()
        tally.parts_ms |= {"plan": (planned - began) * 1000, "job": (ended - planned) * 1000}
        record = metrics_record(plan, tally, duration_ms=(ended - began) * 1000)
        self._publish(plan, record, artifact)
        return record

    def _feasible_plan(self, batch_id: int) -> tuple[Plan, Broadcast[Artifact]]:
        """The batch's plan and its model on the way to the workers.

        A replayed batch finds its plan. If the version that it names is gone, or one of its schemas, a revision with what is
        there now is recorded and used from then on; what was delivered under the first plan stays.
        """
        log = self._plan_log()
        plan = log.read(batch_id) or log.create(self._new_plan(log, batch_id))
        try:
            check_contracts(plan, self._contracts)
            return plan, self._artifact(plan.champion)
        except (ContractError, RegistryError, ModelError) as error:
            revised = log.create(revised_plan(plan, champion=self._watch.current.planned, contracts=self._contracts))
            _log.error("plan_revised", plan=plan.plan_id, by=revised.plan_id, reason=str(error))
            return revised, self._artifact(revised.champion)

    def _decided(self, plan: Plan, ids: list[str]) -> Plan:
        """A plan that names the ids that the registry did not know; the batch is done again under it, and so whenever it is replayed."""
        self._unknown.add(ids)
        revised = self._plan_log().create(revised_plan(plan, unknown_ids=ids))
        _log.warning("unknown_schema_ids", plan=plan.plan_id, by=revised.plan_id, ids=ids[:10], count=len(ids))
        return revised

    def _plan_log(self) -> PlanLog:
        if self._plans is None:
            context = self._spark.sparkContext
            checkpoint = self._settings.stream.checkpoint
            self._plans = PlanLog(checkpoint_files(context._jvm, context._jsc.hadoopConfiguration(), checkpoint))
        return self._plans

    def _new_plan(self, log: PlanLog, batch_id: int) -> Plan:
        return new_plan(
            query_id=log.query_id(),
            batch_id=batch_id,
            deployment=self._deployment,
            stream=self._settings.stream,
            ready=self._watch.current,
            offsets=log.offsets(batch_id),
            cores=self._cores,
            replay_topic=self._settings.topics.of("replay"),
            contracts=self._contracts,
            unknown_ids=self._unknown.now(),
        )

    def _artifact(self, planned: PlannedModel) -> Broadcast[Artifact]:
        return self._shipped.get(planned.sha256) or self._ship(self._watch.ready_for(planned))

    def _ship(self, ready: Ready) -> Broadcast[Artifact]:
        """A model on its way to the workers: sent once for each version. The one before stays for a replay."""
        sha256 = ready.planned.sha256
        with self._shipping:
            if sha256 not in self._shipped:
                self._shipped[sha256] = self._spark.sparkContext.broadcast(ready.artifact)
                for old in list(self._shipped)[:-SHIPPED]:
                    self._shipped.pop(old).unpersist()
            return self._shipped[sha256]

    def _run(self, batch: DataFrame, plan: Plan, artifact: Broadcast[Artifact]) -> Tally:
        task = partial(score_task, self._to, encode(plan), artifact)
        rows = batch.coalesce(plan.tasks).mapInArrow(task, "tally binary").collect()
        return merge_tallies(msgspec.json.decode(bytes(row[0]), type=Tally) for row in rows)

    def _publish(self, plan: Plan, record: Metrics, artifact: Broadcast[Artifact]) -> None:
        records: list[Record] = [record]
        told, at = self._told
        if told != plan.champion or time.monotonic() - at > REFERENCE_EVERY_S:
            manifest = artifact.value.manifest
            calibration = calibration_record(plan, manifest)
            records[:0] = [reference_record(plan, manifest, self._watch.contract), *([calibration] if calibration else [])]
        topic = self._settings.topics.of("metrics")
        self._patiently(partial(self._records.publish, topic, records), part="metrics")
        self._patiently(partial(self._books.end, record), part="rejection")
        if len(records) > 1:
            self._told = (plan.champion, time.monotonic())

    def _patiently(self, deliver: Callable[[], None], *, part: str) -> None:
        patiently(deliver, part=part, pause_max_s=self._settings.store.retry_max_s, before_pause=self._gate.check)
