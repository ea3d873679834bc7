"""A schema registry over its REST API, by confluent-kafka's own client: cached, authenticated, and never guessed.

Delivery: reads only. What the registry says does not exist is None; every other silence or refusal is Unavailable, so that
no event is rejected because a registry, a password or an address is wrong.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import httpx2
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient, SchemaRegistryError

from streaming.contracts.wire.resolver import SchemaKey, WriterSchema
from streaming.errors import ConfigError, Unavailable
from streaming.settings import SchemaRegistry

T = TypeVar("T")
_NOT_FOUND = frozenset({40401, 40402, 40403})  # subject, version, schema; a wrong address answers 404 with another code
_MOST_UNKNOWN = 100_000  # more than a batch of Arrow holds; some 20 MB


def registry_client(settings: SchemaRegistry) -> SchemaRegistryClient:
    """confluent-kafka's client of the configured registry: for its serializers, and for the resolver. Raises ConfigError."""
    if settings.user and settings.token.get_secret_value():
        raise ConfigError("schema_registry: user and token are two ways to log in; keep one of them")
    conf: dict[str, Any] = {"url": settings.url, "timeout": settings.timeout_s, "max.retries": 0}
    if settings.ca_file is not None:
        conf["ssl.ca.location"] = str(settings.ca_file)
    if settings.user:
        conf["basic.auth.user.info"] = f"{settings.user}:{settings.password.get_secret_value()}"
    if settings.token.get_secret_value():
        conf |= {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": settings.token.get_secret_value()}
        conf |= {"bearer.auth.logical.cluster": settings.cluster, "bearer.auth.identity.pool.id": settings.identity_pool}
    try:
        return SchemaRegistryClient(conf)
    except (OSError, ValueError) as error:  # no such certificate file, an address that cannot be one
        raise ConfigError(f"schema_registry: {error}; mend its settings") from None


def registry_name(settings: SchemaRegistry) -> str:
    """The registry's address for a message, without a password that may stand in it."""
    return re.sub(r"//[^/@,]*@", "//", settings.url)


class RegistryResolver:
    """Resolver of a real registry. A schema, once found, is kept: ids never change. An unknown id is asked for again after a while."""

    def __init__(self, settings: SchemaRegistry, client: SchemaRegistryClient | None = None, *, most_unknown: int = _MOST_UNKNOWN) -> None:
        """most_unknown: unknown ids that are remembered, the latest."""
        self._settings, self._client = settings, client or registry_client(settings)
        self._known: dict[SchemaKey, WriterSchema] = {}
        self._unknown: OrderedDict[SchemaKey, float] = OrderedDict()
        self._most_unknown = most_unknown

    def schema(self, key: SchemaKey) -> WriterSchema | None:
        """The schema of an id. Raises Unavailable."""
        found = self._known.get(key)
        if found is not None or time.monotonic() - self._unknown.get(key, -1e9) < self._settings.unknown_s:
            return found
        schema = self._asked(lambda: self._fetch(key))
        if schema is None:
            self._remember_unknown(key)
            return None
        kind = schema.schema_type or "AVRO"
        # What a JSON Schema refers to is never read: the contract of the version that it names judges the event.
        references = self._references(schema, {}) if kind == "AVRO" else {}
        self._known[key] = WriterSchema(kind, schema.schema_str or "", tuple(references.values()))
        return self._known[key]

    def _fetch(self, key: SchemaKey) -> Schema:
        return _whole(self._client.get_schema_by_guid(str(key)) if isinstance(key, UUID) else self._client.get_schema(key))

    def _references(self, schema: Schema, found: dict[tuple[str, int], str]) -> dict[tuple[str, int], str]:
        """Texts of all that a schema refers to, by subject and version, each after what it needs itself."""
        for reference in schema.references or []:
            place = str(reference.subject), _version(reference)
            if place not in found:
                registered = self._reference(*place)
                found[place] = ""  # one that refers to itself in the end comes here again
                self._references(registered, found)
                del found[place]
                found[place] = registered.schema_str or ""
        return found

    def _reference(self, subject: str, version: int) -> Schema:
        registered = self._asked(lambda: _whole(self._client.get_version(subject, version, deleted=True).schema))
        if registered is None:
            raise Unavailable(
                f"schema registry {registry_name(self._settings)}: a schema refers to {subject} version {version}, which is not there"
            )
        return registered

    def _remember_unknown(self, key: SchemaKey) -> None:
        self._unknown[key] = time.monotonic()
        self._unknown.move_to_end(key)
        while len(self._unknown) > self._most_unknown:
            self._unknown.popitem(last=False)

    def _asked(self, ask: Callable[[], T]) -> T | None:
        """The answer, None for what does not exist. Raises Unavailable for anything else."""
        try:
            return ask()
        except SchemaRegistryError as error:
            if error.http_status_code == 404 and error.error_code in _NOT_FOUND:
                return None
            why = f"{error.http_status_code}, {error.error_message}"
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TypeError, AttributeError) as error:
            why = f"{type(error).__name__}: {error}"
        raise Unavailable(
            f"schema registry {registry_name(self._settings)}: no answer ({' '.join(why.split())[:200]}); see [schema_registry] and wait"
        )


def _whole(schema: Schema) -> Schema:
    """An answer as it is, if it holds a schema. Raises ValueError: what else a server answers is none."""
    if not isinstance(schema.schema_str, str) or not isinstance(schema.schema_type or "", str):
        raise ValueError("an answer without a schema")  # noqa: TRY004  # as for every answer that is not what it should be
    for reference in schema.references or []:
        _version(reference)
    return schema


def _version(reference: SchemaReference) -> int:
    if not isinstance(reference.subject, str) or type(reference.version) is not int:
        raise ValueError("a reference without subject and version")
    return reference.version
