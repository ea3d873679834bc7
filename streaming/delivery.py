"""Where a task delivers to: the settings that travel to the workers, and the sinks that a worker opens from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec

from streaming.contracts.registry_client import RegistryResolver
from streaming.contracts.schema import parse_contract
from streaming.contracts.wire import Resolver
from streaming.logs import set_up_logs
from streaming.settings import NO_REGISTRY, Log, SchemaRegistry
from streaming.settings import Store as StoreSettings
from streaming.sinks import Rejects, Sink, Store
from streaming.sinks.files import PredictionFiles
from streaming.sinks.rejected import RejectedTopic
from streaming.sinks.stores import open_store
from streaming.sinks.topic import PredictionTopic


class Destination(msgspec.Struct, frozen=True):
    """Where tasks deliver to: constant while a job runs. Travels inside the task's closure, never on a command line."""

    job: str
    store: StoreSettings
    bootstrap_servers: str
    client: tuple[tuple[str, str], ...]
    rejected_topic: str
    rejected_max_bytes: int
    scoring_log: str
    event: str
    contracts: tuple[tuple[int, str], ...]
    """version and text of each of the event's schemas"""
    worker_limit_s: float = 0
    predictions_topic: str = ""
    predictions_files: str = ""
    log: Log = Log()
    schema_registry: SchemaRegistry = NO_REGISTRY

    def __repr__(self) -> str:
        """Without `client`, which holds a login; Spark and tracebacks show what a task is made of."""
        return f"Destination(job={self.job!r}, event={self.event!r})"


class Delivery:
    """A worker's open sinks, and the contracts it checks against.

    store: says which predictions stand; others: by name, get those that stand.
    """

    def __init__(
        self,
        to: Destination,
        store: Store,
        rejected: Rejects,
        resolver: Resolver | None = None,
        others: Mapping[str, Sink] = MappingProxyType({}),
    ) -> None:
        self.to, self.store, self.rejected, self.resolver, self.others = to, store, rejected, resolver, others
        self.contracts = {version: parse_contract(json.loads(text), to.event, version, f"v{version}") for version, text in to.contracts}


@lru_cache(maxsize=1)
def open_delivery(to: Destination) -> Delivery:
    """The delivery of this process, opened once: where it can connect is found out when it first writes."""
    set_up_logs(to.log)  # a worker is a process of its own
    limit = to.rejected_max_bytes
    rejected = RejectedTopic(to.bootstrap_servers, to.rejected_topic, client=dict(to.client), max_message_bytes=limit, job=to.job)
    resolver = RegistryResolver(to.schema_registry) if to.schema_registry.url else None
    return Delivery(to, open_store(to.store, to.store.kind), rejected, resolver, other_sinks(to))


def other_sinks(to: Destination) -> dict[str, Sink]:
    """The sinks beside the judging store, by the name that they have in logs and figures."""
    sinks: dict[str, Sink] = {kind: open_store(to.store, kind) for kind in to.store.kinds[1:]}
    if to.predictions_topic:
        sinks["topic"] = PredictionTopic(to.bootstrap_servers, to.predictions_topic, client=dict(to.client))
    if to.predictions_files:
        sinks["files"] = PredictionFiles(to.predictions_files)
    return sinks
