"""What a schema id stands for: the one thing that reading a framed event needs from outside."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import msgspec

SchemaKey = int | UUID
"""How a frame names its schema: by the registry's number, or by the schema's GUID."""


class WriterSchema(msgspec.Struct, frozen=True):
    """A registered schema. kind: JSON, AVRO or PROTOBUF; text: as registered; references: texts it builds on, first what others need."""

    kind: str
    text: str
    references: tuple[str, ...] = ()


class Resolver(Protocol):
    """Finds registered schemas; every worker has one."""

    def schema(self, key: SchemaKey) -> WriterSchema | None:
        """The schema of an id, None if the registry answers that there is none. Raises Unavailable if it gives no answer: wait."""
