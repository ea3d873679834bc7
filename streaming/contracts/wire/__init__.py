"""Wire formats: from a message's bytes and headers to the JSON text of an event and its schema version, and back.

message ─► WireReader ─┬─ cloud_events   envelope, in the value or in headers
                       ├─ confluent      magic byte and schema id, in the value or in a header ─► Resolver: id → schema
                       └─ avro_record    Avro bytes ─► JSON text
Whatever the format, one JSON text comes out, so that one set of checks holds for all. The reader has no network of its own.
"""

from streaming.contracts.wire.decided import DecidedResolver
from streaming.contracts.wire.reader import Unwrapped, WireReader
from streaming.contracts.wire.resolver import Resolver, SchemaKey, WriterSchema

__all__ = ["DecidedResolver", "Resolver", "SchemaKey", "Unwrapped", "WireReader", "WriterSchema"]
