"""Which exact version scores the next batch: aliases are looked up beside the stream, never inside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from types import MappingProxyType

import msgspec
import structlog

from streaming.contracts.schema import Contract
from streaming.errors import ContractError, ModelError, RegistryError, ScoringError, Unavailable
from streaming.models.artifact import Artifact
from streaming.models.deployment import Deployment
from streaming.models.formats import skops
from streaming.models.model import fits, verify
from streaming.models.plan import Offsets, Plan, PlannedModel
from streaming.models.registry import ExactVersion, Registry
from streaming.settings import Stream

DISTRIBUTION = "streaming-scoring"
# What a registry's client, or a strange model, may raise beside the errors of ours. A watch that ended by one of these would leave
# every later version unseen, so the thread tells it and looks again. What is of none of these families ends the thread:
# `alive` tells that.
_UNFORESEEN = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    ScoringError,
    TypeError,
    ValueError,
)
_log = structlog.get_logger("streaming.planner")


@dataclass(frozen=True)
class Ready:
    """A version that was loaded and scored its reference rows."""

    planned: PlannedModel
    artifact: Artifact


def _nobody(_: Ready) -> None:
    """Announces to nobody."""


class ModelWatch:
    """Keeps the deployment's champion at hand; a version that does not pass its checks does not take over.

    announce: called with a version before it becomes `current`, from the watch's thread, so that workers can load it before
    the first batch is scored with it; it may be set later. What it raises of ours is told and stops nothing.
    """

    def __init__(
        self,
        registry: Registry,
        deployment: Deployment,
        contract: Contract,
        *,
        refresh_s: float,
        announce: Callable[[Ready], None] = _nobody,
    ) -> None:
        """refresh_s: seconds between two looks at the alias. Raises RegistryError, ModelError, Unavailable if there is no champion."""
        self.announce = announce
        self._thread: threading.Thread | None = None
        self._registry, self._deployment, self.contract, self._refresh_s = registry, deployment, contract, refresh_s
        self._refused: set[ExactVersion] = set()
        self.current = self._prepare(registry.resolve(deployment.champion.model, deployment.champion.alias))

    def start(self) -> None:
        """Follow the alias from a daemon thread."""
        self._thread = threading.Thread(target=self._follow, name="model-watch", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Whether the alias is being followed: False before `start`, and after an error that the thread did not survive."""
        return self._thread is not None and self._thread.is_alive()

    def ready_for(self, planned: PlannedModel) -> Ready:
        """The version that an earlier plan names. Raises RegistryError, ModelError, Unavailable."""
        if planned == self.current.planned:
            return self.current
        return self._prepare(_exact(planned))

    def _follow(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._refresh_s)
            try:
                self.refresh()
            except _UNFORESEEN:
                _log.exception("model_watch_failed", model=self._deployment.champion.model)

    def refresh(self) -> None:
        """Look the alias up once; whatever goes wrong, the version that serves goes on serving."""
        served = self._deployment.champion
        try:
            exact = self._registry.resolve(served.model, served.alias)
        except (RegistryError, Unavailable) as error:
            _log.warning("registry_away", error=str(error))
            return
        if exact in self._refused or exact == _exact(self.current.planned):
            return
        try:
            ready = self._prepare(exact)
        except (RegistryError, Unavailable) as error:
            # Nothing is known against this version: it is tried again.
            _log.warning("version_away", model=exact.name, version=exact.version, error=str(error))
        except ModelError as error:
            self._refused.add(exact)
            _log.error("version_refused", model=exact.name, version=exact.version, error=str(error))
        else:
            self._announce(ready)
            self.current = ready
            _log.info("version_ready", model=exact.name, version=exact.version)

    def _announce(self, ready: Ready) -> None:
        try:
            self.announce(ready)
        except ScoringError as error:
            # Workers that were not told load the version when its first batch comes.
            _log.warning("version_not_announced", model=ready.planned.name, version=ready.planned.version, error=str(error))

    def _prepare(self, exact: ExactVersion) -> Ready:
        artifact = self._registry.fetch(exact)
        model = skops.load(artifact, exact.sha256)
        fits(model.manifest, self.contract.arrow_schema)
        verify(model)
        planned = PlannedModel(variant="champion", role="champion", name=exact.name, version=exact.version, sha256=exact.sha256)
        return Ready(planned, artifact)


def _exact(planned: PlannedModel) -> ExactVersion:
    return ExactVersion(planned.name, planned.version, planned.sha256)


def new_plan(
    *,
    query_id: str,
    batch_id: int,
    deployment: Deployment,
    stream: Stream,
    ready: Ready,
    offsets: Offsets,
    cores: int,
    replay_topic: str = "",
    contracts: Mapping[str, str] = MappingProxyType({}),
    unknown_ids: tuple[str, ...] = (),
) -> Plan:
    """The plan of a batch that has none yet. contracts: version → sha256 of the event's schemas."""
    known = [(first, end) for partitions in offsets.values() for first, end in partitions.values() if first >= 0]
    events = sum(end - first for first, end in known) if known else stream.events_per_task * cores
    return Plan(
        plan_id=f"{query_id}/{batch_id}",
        query_id=query_id,
        batch_id=batch_id,
        stream=deployment.event,
        deployment=deployment.name,
        schema_version=deployment.schema_version,
        champion=ready.planned,
        now=datetime.now(UTC),
        allowed_skew_s=stream.allowed_skew_s,
        max_event_bytes=stream.max_event_bytes,
        score_limit_s=stream.score_limit_s,
        tasks=max(1, min(cores, -(-events // stream.events_per_task))),
        offsets=offsets,
        release=version(DISTRIBUTION),
        replay_topic=replay_topic,
        contracts=dict(contracts),
        unknown_ids=unknown_ids,
    )


def revised_plan(
    plan: Plan,
    *,
    champion: PlannedModel | None = None,
    contracts: Mapping[str, str] | None = None,
    unknown_ids: Iterable[str] = (),
) -> Plan:
    """The revision of a plan that cannot be carried out: what is given is replaced, ids are added, all else is as it was.

    Its `now` stays too, so that the same events are too far in the future and the scoring log's files overwrite each other.
    What was delivered under the first plan stands in the store as it is.
    """
    revision = plan.revision + 1
    plan_id = f"{plan.query_id}/{plan.batch_id}/r{revision}"
    return msgspec.structs.replace(
        plan,
        plan_id=plan_id,
        revision=revision,
        release=version(DISTRIBUTION),
        champion=champion or plan.champion,
        contracts=plan.contracts if contracts is None else dict(contracts),
        unknown_ids=tuple(sorted({*plan.unknown_ids, *unknown_ids})),
    )


def check_contracts(plan: Plan, known: Mapping[str, str]) -> None:
    """Raise ContractError if a schema that the plan names is gone, or is another now. known: version → sha256."""
    for number, digest in plan.contracts.items():
        if known.get(number) != digest:
            what = "another than it was" if number in known else "gone that was there"
            raise ContractError(f"schema {plan.stream}/v{number} is {what} when plan {plan.plan_id} was made; put it back as it was")
