"""Events with one fault, told at little more than the cost of a good event: without parsing them strictly and as a whole.

msgspec names the first field that breaks its type. Read again with that field as it is written, an event that is right
otherwise takes part in the checks of whole columns, and the one value is judged alone. Values that come again are judged
once. Everything else (JSON that is none, several faults) is for the exact path, whose reasons these are, word for word.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple, replace

from streaming.contracts.fields import Field
from streaming.contracts.reasons import SHOWN_REASONS, Reason, pointer
from streaming.contracts.strict_json import parse
from streaming.contracts.validator import compiled

KNOWN = 20_000  # values whose reasons are remembered; then all are forgotten
LONGEST_VALUE = 120  # bytes of a value that is judged alone
LONGEST_NAME = 100
UNKNOWN_NAMES = 64  # unknown fields whose events are read here, at least: each has a decoder of its own
LONGEST_EVENT = 4000  # bytes; one with more values than are all told is longer
MOST_FIELDS = 1000
_CONSTANTS = (b"NaN", b"Infinity")
_AT = " - at `$."
_MISSING, _UNKNOWN = "Object missing required field `", "Object contains unknown field `"
Struct = Callable[[Sequence[Field]], type[msgspec.Struct]]
Violations = Callable[[Any, dict[str, Any]], list[Reason]]


class Fault(NamedTuple):
    """An event with one fault.

    row: its fields, with anything of the right type where the fault is; quotes: how many more quotation marks the event has than `row`.
    """

    name: str
    row: tuple[Any, ...]
    quotes: int
    reasons: Sequence[Reason]


class _Loose(NamedTuple):
    """Reads events with one field as it is written. filler: what then takes its place, with how many quotation marks it counts."""

    decode: Callable[[bytes], Any]
    member: str
    filler: Any
    counted: int
    missing: tuple[Reason, ...]


class Alone:
    """Tells what is wrong with one value of one field."""

    def __init__(self, document: Mapping[str, Any], violations: Violations) -> None:
        """document: the resolved JSON Schema; violations: of an event under a validator, as reasons."""
        kept = {keyword: document[keyword] for keyword in ("type", "properties", "additionalProperties") if keyword in document}
        self._validator, self._violations = compiled(kept), violations
        self._known: dict[tuple[str, bytes], Sequence[Reason]] = {}

    @property
    def remembered(self) -> int:
        """How many values' reasons are remembered, at most KNOWN."""
        return len(self._known)

    def reasons(self, name: str, text: bytes) -> Sequence[Reason]:
        """All reasons why a JSON text is no value of a field; none where it is one, or where only the whole event tells."""
        found = self._known.get((name, text))
        if found is None:
            if len(text) > LONGEST_VALUE:
                return ()
            if len(self._known) >= KNOWN:
                self._known.clear()
            found = self._known[name, text] = self._judged(name, text)
        return found

    def _judged(self, name: str, text: bytes) -> Sequence[Reason]:
        event, reasons = parse(b"{" + json.dumps(name).encode() + b":" + text + b"}")
        found = reasons or self._violations(self._validator, event)
        return tuple(found) if len(found) < SHOWN_REASONS and all(reason.path for reason in found) else ()


class OneFault:
    """Reads again what the types of a schema refuse."""

    def __init__(self, fields: Sequence[Field], struct: Struct, alone: Alone, *, wide: bool) -> None:
        """struct: the type of events of some fields; alone: of the schema that `fields` are of; wide: numbers may be out of range."""
        self._fields, self._struct, self._alone = fields, struct, alone
        self._by_name = {field.name: field for field in fields}
        self._quoted = [(f'"{field.name}"'.encode(), field.name) for field in fields]
        self._has_nested, self._is_wide = any(field.kind == "json" for field in fields), wide
        self._loose: dict[str, _Loose] = {}

    def read(self, value: bytes, error: Exception) -> Fault | None:
        """What is wrong with an event that was refused with this error, if it is one value; else None."""
        if len(self._fields) > MOST_FIELDS or (self._has_nested and len(value) > LONGEST_EVENT):
            return None  # of an event with so many values the exact path tells only the first reason
        try:
            if isinstance(error, msgspec.ValidationError):
                return self._of_type(value, str(error))
            return self._of_constant(value) if isinstance(error, msgspec.DecodeError) else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def doubled(self, value: bytes) -> Sequence[Reason]:
        """The reasons of an event that msgspec took and whose texts are more than its fields need, if a doubled key is surely the one."""
        if self._has_nested or self._is_wide or b"\\" in value:
            return ()  # other faults of the JSON would be told with it
        twice = [name for text, name in self._quoted if value.count(text) > 1]
        return (Reason(pointer(twice[0]), "duplicate_key"),) if len(twice) == 1 else ()

    def _of_type(self, value: bytes, message: str) -> Fault | None:
        _, at, name = message.rpartition(_AT)
        if at and not message.startswith(_UNKNOWN):
            return self._loosened(value, name[:-1], None)
        if message.startswith(_MISSING):
            return self._loosened(value, message[len(_MISSING) : -1], None)
        if message.startswith(_UNKNOWN):
            return self._loosened(value, message[len(_UNKNOWN) : -1], None)
        return None

    def _of_constant(self, value: bytes) -> Fault | None:
        """An event with NaN or Infinity, which is read with 0 in its place."""
        for constant in _CONSTANTS:
            start = value.find(constant)
            if start >= 0:
                begin = start - (value[start - 1 : start] == b"-")
                name = value[:begin].rpartition(b'"')[0].rpartition(b'"')[2]
                end = start + len(constant)
                return self._loosened(value[:begin] + b"0" + value[end:], name.decode(), value[begin:end])
        return None

    def _loosened(self, value: bytes, name: str, written: bytes | None) -> Fault | None:
        """Read an event with one field as it is written. written: what stood there, if it was replaced by a 0."""
        loose = self._loose.get(name) or self._loosen(name)
        if loose is None:
            return None
        event = loose.decode(value)
        raw = getattr(event, loose.member)
        setattr(event, loose.member, loose.filler)
        row = astuple(event)[: len(self._fields)]
        if raw is UNSET:
            return Fault(name, row, -loose.counted, loose.missing) if loose.missing and written is None else None
        text = bytes(raw)
        if written is not None and text != b"0":
            return None
        reasons = self._alone.reasons(name, text if written is None else written)
        return Fault(name, row, 2 + text.count(b'"') - loose.counted, reasons) if reasons else None

    def _loosen(self, name: str) -> _Loose | None:
        """The reader of events in which one field, known or not, may be missing or hold anything."""
        spec: dict[str, Any] = {"kind": "json", "required": False, "nullable": True, "choices": None, "limits": {}}
        field = self._by_name.get(name)
        if field is not None and field.kind != "json":
            fields = [replace(each, **spec) if each is field else each for each in self._fields]
            filler, place = _filler(field), self._fields.index(field)
            missing = (Reason(pointer(name), "required"),) if field.required else ()
            found = _Loose(self._decoder(fields), f"f{place}", filler, 4 if filler == "" else 2, missing)
        elif field is None and len(self._loose) < len(self._fields) + UNKNOWN_NAMES and _can_be_read(name):
            fields = [*self._fields, replace(self._fields[0], name=name, **spec)]
            found = _Loose(self._decoder(fields), f"f{len(self._fields)}", UNSET, 0, ())
        else:
            return None
        self._loose[name] = found
        return found

    def _decoder(self, fields: Sequence[Field]) -> Callable[[bytes], Any]:
        return msgspec.json.Decoder(self._struct(fields)).decode


def _filler(field: Field) -> Any:
    """What a column of the field can hold and no check refuses."""
    if field.kind == "string":
        return None if "format" in field.limits else ""
    return {"timestamp": None, "integer": 0, "number": 0.0, "boolean": False}[field.kind]


def _can_be_read(name: str) -> bool:
    """Whether msgspec can name a field so."""
    return len(name) <= LONGEST_NAME and name.isprintable() and '"' not in name and "\\" not in name
