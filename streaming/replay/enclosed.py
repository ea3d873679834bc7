"""Where the JSON text of an event lies in a message: behind a frame, in an envelope, or all of the value."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from streaming.contracts.reasons import Reason
from streaming.contracts.wire import cloud_events, confluent
from streaming.replay.mapping import Mapping as Rules

_DATA, _BASE64 = "data", "data_base64"


class Mapped(NamedTuple):
    """A message's value after a mapping. readable: whether there was a JSON object that the mapping could be applied to."""

    value: bytes | None
    readable: bool


def mapped(value: bytes | None, headers: Mapping[str, bytes], rules: Rules) -> Mapped:
    """Apply a mapping to the event in a message, and leave what stands around it as it is.

    headers: the event's own, by name. A value without a JSON object in it, as Avro is, stays as it is and is not readable.
    """
    if rules.changes_nothing:
        return Mapped(value, readable=True)
    if not value:
        return Mapped(value, readable=False)
    content_type = headers.get(cloud_events.CONTENT_TYPE, b"")[:200].decode("utf-8", "replace")
    if cloud_events.is_structured(content_type):
        found = _in_envelope(value, content_type, rules)
    else:
        found = _behind_frame(value, headers.get(confluent.ID_HEADER), rules)
    return Mapped(value, readable=False) if found is None else Mapped(found, readable=True)


def _behind_frame(value: bytes, header: bytes | None, rules: Rules) -> bytes | None:
    framed = confluent.split_message(value, header)
    if isinstance(framed, Reason):
        return None
    text = value if framed is None else framed[1]
    found = rules.apply(text)
    return None if found is None else value[: len(value) - len(text)] + found


def _in_envelope(value: bytes, content_type: str, rules: Rules) -> bytes | None:
    opened = cloud_events.open_structured(value, content_type)
    text = None if isinstance(opened, Reason) else opened[0]
    found = None if text is None else rules.apply(text)
    if found is None or found == text:
        return None if found is None else value
    fields = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    name, write = (_DATA, bytes) if _DATA in fields else (_BASE64, _base64)
    return msgspec.json.encode(fields | {name: msgspec.Raw(write(found))})


def _base64(text: bytes) -> bytes:
    return b'"' + b64encode(text) + b'"'
