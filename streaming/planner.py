"""Which exact version scores the next batch: aliases are looked up beside the stream, never inside it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import structlog

from streaming.config import Stream
from streaming.contracts.schema import Contract
from streaming.errors import ModelError, RegistryError, Unavailable
from streaming.models.artifact import Artifact
from streaming.models.deployment import Deployment
from streaming.models.formats import skops
from streaming.models.model import fits, verify
from streaming.models.plan import Offsets, Plan, PlannedModel
from streaming.models.registry import ExactVersion, Registry

_log = structlog.get_logger("streaming.planner")


@dataclass(frozen=True)
class Ready:
    """A version that was loaded and scored its reference rows."""

    planned: PlannedModel
    artifact: Artifact


class ModelWatch:
    """Keeps the deployment's champion at hand; a version that does not pass its checks does not take over."""

    def __init__(self, registry: Registry, deployment: Deployment, contract: Contract, *, refresh_s: float) -> None:
        self._registry, self._deployment, self._contract, self._refresh_s = registry, deployment, contract, refresh_s
        self._refused: set[ExactVersion] = set()
        self.current = self._prepare(registry.resolve(deployment.champion.model, deployment.champion.alias))

    def start(self) -> None:
        """Follow the alias from a daemon thread."""
        threading.Thread(target=self._follow, name="model-watch", daemon=True).start()

    def ready_for(self, planned: PlannedModel) -> Ready:
        """The version that an earlier plan names. Raises RegistryError, ModelError, Unavailable."""
        if planned == self.current.planned:
            return self.current
        return self._prepare(_exact(planned))

    def _follow(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._refresh_s)
            self.refresh()

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
            self.current = self._prepare(exact)
        except (RegistryError, Unavailable) as error:
            # Nothing is known against this version: it is tried again.
            _log.warning("version_away", model=exact.name, version=exact.version, error=str(error))
        except ModelError as error:
            self._refused.add(exact)
            _log.error("version_refused", model=exact.name, version=exact.version, error=str(error))
        else:
            _log.info("version_ready", model=exact.name, version=exact.version)

    def _prepare(self, exact: ExactVersion) -> Ready:
        artifact = self._registry.fetch(exact)
        model = skops.load(artifact, exact.sha256)
        fits(model.manifest, self._contract.arrow_schema)
        verify(model)
        planned = PlannedModel(variant="champion", role="champion", name=exact.name, version=exact.version, sha256=exact.sha256)
        return Ready(planned, artifact)


def _exact(planned: PlannedModel) -> ExactVersion:
    return ExactVersion(planned.name, planned.version, planned.sha256)


def new_plan(
    *,
    query_id: str,
    batch_id: int,
    revision: int = 0,
    deployment: Deployment,
    stream: Stream,
    ready: Ready,
    offsets: Offsets,
    cores: int,
    replay_topic: str = "",
) -> Plan:
    """The plan of a batch that has none yet, or a revision (from 1) of one that cannot be carried out."""
    known = [(first, end) for partitions in offsets.values() for first, end in partitions.values() if first >= 0]
    events = sum(end - first for first, end in known) if known else stream.events_per_task * cores
    return Plan(
        plan_id=f"{query_id}/{batch_id}" + (f"/r{revision}" if revision else ""),
        query_id=query_id,
        batch_id=batch_id,
        revision=revision,
        stream=deployment.event,
        deployment=deployment.name,
        schema_version=deployment.schema_version,
        champion=ready.planned,
        now=datetime.now(UTC),
        allowed_skew_s=stream.allowed_skew_s,
        max_event_bytes=stream.max_event_bytes,
        tasks=max(1, min(cores, -(-events // stream.events_per_task))),
        offsets=offsets,
        release=version("streaming-scoring"),
        replay_topic=replay_topic,
    )
