"""CloudEvents 1.0 over Kafka: the event's context in headers (binary), or around it in the value (structured).

Source: the CloudEvents specification, its JSON event format and its Kafka protocol binding.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from streaming.contracts.reasons import Reason, printable, shorten
from streaming.contracts.strict_json import parse

CONTENT_TYPE = "content-type"
SPEC_VERSION, DATA_SCHEMA = "ce_specversion", "ce_dataschema"
NAMING = ("ce_id", "ce_source", "ce_type")
"""Headers that every binary CloudEvent has beside its version, none of them empty."""
STRUCTURED_PREFIX = "application/cloudevents"
STRUCTURED = "application/cloudevents+json"
_SPEC = "1.0"
_JSON = re.compile(r"(application|text)/json|[^/ ]+/[^/ ]+\+json")


class Envelope(msgspec.Struct):
    """A structured CloudEvent. data: the JSON text of the event as it was written."""

    specversion: str
    id: str
    source: str
    type: str
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: msgspec.Raw | msgspec.UnsetType = UNSET
    data_base64: str | None = None


def media_type(text: str) -> str:
    """A content type without its parameters.

    >>> media_type("Application/JSON; charset=utf-8")
    'application/json'
    """
    return text.partition(";")[0].strip().lower()


def is_json(content_type: str | None) -> bool:
    """Whether data of this content type is JSON; without one it is."""
    return not content_type or _JSON.fullmatch(media_type(content_type)) is not None


def is_structured(content_type: str) -> bool:
    """Whether a message of this content type holds an envelope."""
    return media_type(content_type).startswith(STRUCTURED_PREFIX)


def open_structured(value: bytes, content_type: str) -> tuple[bytes, str | None] | Reason:
    """The JSON text of the event in an envelope, and the URI of its schema, if there is one."""
    if media_type(content_type) != STRUCTURED:
        return Reason("", "wire_format", shorten(printable(content_type[:80])), STRUCTURED)
    faults = parse(value)[1]  # a key that stands twice, say: which one counts would be a guess
    if faults:
        return _placed(faults[0])
    try:
        envelope = msgspec.json.decode(value, type=Envelope)
    except (msgspec.MsgspecError, RecursionError) as error:
        return Reason("", "wire_format", shorten(printable(str(error)[:80])), "a CloudEvent")
    return _opened(envelope)


def _placed(fault: Reason) -> Reason:
    """A fault in the data with its place in the event, which is the same in every format."""
    inside = fault.path.startswith("/data/") or (fault.path == "/data" and fault.rule != "duplicate_key")
    return msgspec.structs.replace(fault, path=fault.path.removeprefix("/data")) if inside else fault


def _opened(envelope: Envelope) -> tuple[bytes, str | None] | Reason:
    refused = _refused(envelope.specversion, {name: getattr(envelope, name) for name in ("id", "source", "type")})
    refused = refused or _refused_content(envelope.datacontenttype)
    if refused is not None:
        return refused
    if (envelope.data is UNSET) == (envelope.data_base64 is None):
        return Reason("", "wire_format", "both or none", "one of data and data_base64")
    if envelope.data_base64 is None:
        return bytes(envelope.data), envelope.dataschema  # type: ignore[arg-type]  # it is set
    try:
        data = base64.b64decode(envelope.data_base64, validate=True)
    except (binascii.Error, ValueError):
        return Reason("/data_base64", "wire_format", shorten(printable(envelope.data_base64[:80])), "Base64")
    return (data, envelope.dataschema) if data else Reason("/data_base64", "wire_format", "no bytes", "an event")


def check_binary(headers: Mapping[str, bytes], *, framed: bool) -> Reason | None:
    """What is wrong with the headers of a binary CloudEvent; None for a good one. framed: its content type is its schema's matter."""
    refused = _refused(_text(headers.get(SPEC_VERSION, b"")), {name: _text(headers.get(name, b"")) for name in NAMING})
    found = headers.get(CONTENT_TYPE)
    return refused if refused is not None or framed or found is None else _refused_content(_text(found))


def _refused(spec: str, naming: Mapping[str, str]) -> Reason | None:
    if spec != _SPEC:
        return Reason("", "wire_format", shorten(printable(spec[:80])), f"CloudEvents {_SPEC}")
    missing = next((name for name, text in naming.items() if not text), None)
    return None if missing is None else Reason("", "wire_format", "none, or an empty one", f"a CloudEvent with {missing}")


def _refused_content(content_type: str | None) -> Reason | None:
    if is_json(content_type):
        return None
    return Reason("", "wire_format", shorten(printable(str(content_type)[:80])), "content type JSON")


def _text(value: bytes) -> str:
    return value[:200].decode("utf-8", "replace")
